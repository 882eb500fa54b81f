//! The types that trees expand to: their names, attributes and documentation.

use quote::{ToTokens, quote};
use syn::{Item, ItemStruct};

use super::tokens;

/// The types of a tree, its own first.
fn types(source: &str) -> Vec<ItemStruct> {
    let file = syn::parse2::<syn::File>(crate::pipeline(tokens(source))).expect("the expansion is made of items");
    let ty = |item| if let Item::Struct(ty) = item { Some(ty) } else { None };
    file.items.into_iter().filter_map(ty).collect()
}

/// The attributes of the tree's type, without its documentation.
fn attributes(source: &str) -> Vec<String> {
    let attributes = types(source).remove(0).attrs.into_iter().map(|attribute| attribute.to_token_stream().to_string());
    attributes.filter(|attribute| !attribute.contains("doc") && !attribute.contains("allow")).collect()
}

#[test]
fn an_attribute_of_the_header_is_not_repeated() {
    const DEBUG: &str = "# [derive (:: core :: fmt :: Debug)]";
    const MUST_USE: &str = "# [must_use = \"dropping it drops the running tree\"]";
    for (header, expected) in [
        ("struct Tree;", [DEBUG, MUST_USE].as_slice()),
        ("#[derive(Debug)] struct Tree;", &["# [derive (Debug)]", MUST_USE]),
        ("#[derive(Wrapped, fmt::Debug)] struct Tree;", &["# [derive (Wrapped , fmt :: Debug)]", MUST_USE]),
        ("#[derive(DebugStub)] struct Tree;", &["# [derive (DebugStub)]", DEBUG, MUST_USE]),
        ("#[cfg_attr(x, derive(Debug))] struct Tree;", &["# [cfg_attr (x , derive (Debug))]", MUST_USE]),
        ("#[must_use] struct Tree;", &["# [must_use]", DEBUG]),
    ] {
        assert_eq!(attributes(&format!("{header} one_for_one {{ a: A }}")), expected, "{header}");
    }
}

#[test]
fn the_types_of_a_tree_have_names_of_their_own() {
    for (children, expected) in [
        ("a: A", ["Tree"].as_slice()),
        ("pool: one_for_one { a: A }", &["Tree", "TreePool"]),
        ("a_b: one_for_one { c: one_for_one { a: A } }", &["Tree", "TreeAB", "TreeABC"]),
        (
            "a_b: one_for_one { a: A } aB: one_for_one { a: A } a: one_for_one { b: one_for_one { a: A } }",
            &["Tree", "TreeAB", "TreeAB2", "TreeA", "TreeAB3"],
        ),
        ("one_for_one { r#final: one_for_one { a: A } }", &["Tree", "TreeFinal"]),
        ("p: one_for_one { a: A } p: one_for_one { b: B }", &["Tree", "TreeP"]),
    ] {
        let types = types(&format!("one_for_one {{ {children} }}"));
        let names: Vec<_> = types.iter().map(|ty| ty.ident.to_string()).collect();
        assert_eq!(names, expected, "{children}");
    }
}

#[test]
fn the_documentation_of_a_field_shows_the_child() {
    let long = format!("A::new({})", "a, ".repeat(30));
    for (child, expected) in [
        ("a: A", "`a: A`"),
        ("a: A = A :: new( b )", "`a: A = A :: new( b )`"),
        ("a*( n+1 )(restart = transient): A", "`a*(n+1): A`"),
        ("a*..=(n)(in_place): B<C>", "`a*..=n: B<C>`"),
        ("a: f(\"`\")", "`` a: f(\"`\") ``"),
        (&long.replace("A::", "a: A::"), "`a: A::new(a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, ..`"),
    ] {
        let types = types(&format!("one_for_one {{ {child} }}"));
        let field = types[0].fields.iter().next().expect("there is a field for each child");
        let docs: Vec<_> = field.attrs.iter().map(|attribute| attribute.to_token_stream().to_string()).collect();
        assert_eq!(docs, [format!("# [doc = {:?}]", format!(" {expected}"))], "{child}");
    }
}

#[test]
fn a_wrong_tree_has_the_fields_of_the_right_one() {
    let table = [
        ("one_for_one { a: A }", "a : ChildRef"),
        ("struct Tree<T>(a: T); one_for_one { a: Wrapped<T> = b }", "a : ChildRef"),
        ("root: one_for_one { a: A }", "a : ChildRef"),
        ("one_for_al(over = 0) { a(x): A = }", "a : ChildRef < A >"),
        ("one_for_one { a*: A = b }", "a : Replicas < A >"),
        ("one_for_one { a*-1: A }", "a : Replicas"),
        ("one_for_one { a*..5: A }", "a : Children < A >"),
        ("one_for_one { a*1..: A }", "a : Children < A >"),
        ("one_for_one { a*..=0: A }", "a : Children < A >"),
        ("one_for_one { a*..: A = b }", "a : Children < A >"),
        ("one_for_one { a*..: b::A::<C>::new(d)? }", "a : Children < b :: A :: < C > >"),
        ("one_for_one { a*..: |_| A { b: c } }", "a : Children < A >"),
        ("one_for_one { a*..: A(b) }", "a : Children < A >"),
        ("one_for_one { a*..: }", "a : Children < Untyped >"),
        ("one_for_one { a*..: dyn A }", "a : Children < Untyped >"),
        ("one_for_one { a: Vec<_> = b }", "a : ChildRef"),
        ("one_for_one { a: one_for_one {} }", "a : TreeA"),
        ("one_for_one { a: A, a*2: B }", "a : ChildRef"),
        ("one_for_one { a: A, loop: B, __c: C, _: D }", "a : ChildRef"),
    ];
    for (source, expected) in table {
        let types = types(source);
        let fields = types[0].fields.iter().map(|field| {
            let (name, ty) = (&field.ident, &field.ty);
            quote!(#name: #ty).to_string().replace("supervisor_runtime :: ", "")
        });
        assert_eq!(fields.collect::<Vec<_>>(), [expected, "__running : Running"], "{source}");
    }
}
