//! Who may use whom: the proof, case by case. `ui-tests` shows the words and what the compiler adds.

use proc_macro2::TokenStream;

use super::{mistakes, tokens};
use crate::check::{Body, Group, Node, Stability, Tree, Wires};
use crate::mistake::Mistakes;
use crate::{check, parse};

/// What each child uses, as in `worker <- db cache`, if the tree is accepted; a `!` follows where the handle must be stable.
fn edges(source: &str) -> Vec<String> {
    let mut mistakes = Mistakes::default();
    let written = parse::parse(tokens(source), &mut mistakes);
    let tree = check::check(written, &mut mistakes);
    assert_eq!(mistakes.messages(), [""; 0], "{source}");
    let mut edges = Vec::new();
    let Tree { root: Some(root), wires, .. } = tree else { return edges };
    list(&root, &wires, &mut edges);
    edges
}

fn list(group: &Group, wires: &Wires, edges: &mut Vec<String>) {
    for node in &group.children {
        match node {
            Node::Group(inner) => list(inner, wires, edges),
            Node::Child(child) => {
                let Body::Evaluated(made) = &child.body else { continue };
                let children = made.uses.iter().map(|used| {
                    let wire = wires.get(used.provider).expect("who is used has a wire");
                    let mark = if wire.stability == Stability::Stable { "!" } else { "" };
                    format!("{}{mark}", wire.name)
                });
                let params = made.params.iter().map(|used| format!("({})", used.name));
                let used: Vec<String> = children.chain(params).collect();
                if !used.is_empty() {
                    edges.push(format!("{} <- {}", child.name, used.join(" ")));
                }
            }
        }
    }
}

/// The first line of each mistake.
fn found(source: &str) -> Vec<String> {
    mistakes(source).iter().map(|message| message.lines().next().unwrap_or_default().to_owned()).collect()
}

const SAFE: [&str; 5] = ["one_for_all", "rest_for_one", "dependents_for_one", "forfeit_one_for_all", "crashing"];
const UNSAFE: [&str; 3] = ["one_for_one", "forfeit_one_for_one", "custom(decide)"];

#[test]
fn where_a_failure_takes_the_users_along_any_handle_may_be_used() {
    for strategy in SAFE {
        for provider in ["db: Db::new()", "db(in_place): Db::new()", "db(replace = Db::again): Db::new()"] {
            let source = format!("{strategy} {{ {provider}, user: User::new(db) }}");
            assert_eq!(edges(&source), ["user <- db"], "{source}");
        }
    }
}

#[test]
fn where_a_failure_leaves_the_users_running_the_handle_has_to_be_stable() {
    for strategy in UNSAFE {
        let source = format!("{strategy} {{ db(in_place): Db::new(), user: User::new(db) }}");
        assert_eq!(edges(&source), ["user <- db!"], "{source}");
        for provider in ["db: Db::new()", "db(replace = Db::again): Db::new()"] {
            let source = format!("{strategy} {{ {provider}, user: User::new(db) }}");
            let found = found(&source);
            assert_eq!(found.len(), 1, "{source}: {found:?}");
            let word = strategy.split('(').next().unwrap_or_default();
            assert!(found[0].contains(word) && found[0].contains("`db` alone"), "{found:?}");
        }
    }
}

#[test]
fn the_group_of_the_provider_decides_not_that_of_the_user() {
    for (source, expected) in [
        ("rest_for_one { db: A, one_for_one { user: B(db) } }", ["user <- db"].as_slice()),
        ("rest_for_one { db: A, pool: custom(f) { inner: forfeit_one_for_one { user: B(db) } } }", &["user <- db"]),
        ("one_for_one { one_for_all { db: A, user: B(db) } }", &["user <- db"]),
        ("one_for_one { pool: one_for_all { db: A, one_for_one { user: B(db) } } }", &["user <- db"]),
    ] {
        assert_eq!(edges(source), expected, "{source}");
    }
    for source in [
        "one_for_one { db: A, one_for_all { user: B(db) } }",
        "one_for_one { db: A, pool: rest_for_one { inner: dependents_for_one { user: B(db) } } }",
        "rest_for_one { one_for_one { db: A, user: B(db) } }",
    ] {
        let expected = "`one_for_one` restarts `db` alone, and `user` would go on with the handle of the old one";
        assert_eq!(found(source), [expected], "{source}");
    }
}

#[test]
fn a_user_that_keeps_its_value_needs_a_stable_handle_everywhere() {
    for strategy in SAFE {
        for (option, key) in [("in_place", "in_place"), ("replace = User::again", "replace")] {
            let source = format!("{strategy} {{ db: A, user({option}): B(db) }}");
            let expected =
                format!("`user` keeps its old value by `{key}`, and with it a handle of a `db` that is gone");
            assert_eq!(found(&source), [expected], "{source}");
            let source = format!("{strategy} {{ db(in_place): A, user({option}): B(db) }}");
            assert_eq!(edges(&source), ["user <- db!"], "{source}");
        }
    }
    // Both reasons, each with its own way out.
    assert_eq!(found("one_for_one { db: A, user(in_place): B(db) }").len(), 2);
}

#[test]
fn who_needs_most_of_a_handle_decides() {
    for source in [
        "rest_for_one { db(in_place): A, first: B(db), second(in_place): C(db) }",
        "rest_for_one { db(in_place): A, first(in_place): B(db), second: C(db) }",
    ] {
        assert_eq!(edges(source), ["first <- db!", "second <- db!"], "{source}");
    }
    let one = "rest_for_one { db: A, first: B(db), second(in_place): C(db), third: D(db) }";
    assert_eq!(found(one), ["`second` keeps its old value by `in_place`, and with it a handle of a `db` that is gone"]);
}

#[test]
fn what_may_be_gone_for_good_is_used_by_nobody() {
    for strategy in ["one_for_one", "one_for_all", "rest_for_one", "dependents_for_one", "custom(decide)"] {
        for option in ["restart = temporary", "restart = temporary, in_place"] {
            let source = format!("{strategy} {{ db({option}): A, user: B(db) }}");
            let expected = "`db` is temporary: once it has ended, `user` would go on with its handle";
            assert_eq!(found(&source), [expected], "{source}");
        }
        let source = format!("{strategy} {{ db*..(restart = permanent): A, user: B(db) }}");
        assert_eq!(found(&source), ["`db` is an open group, whose members come and go, so it offers no handle"]);
        let source = format!("{strategy} {{ db(restart = transient, in_place): A, user: B(db) }}");
        assert_eq!(edges(&source).len(), 1, "{source}");
    }
    assert_eq!(
        found("dependents_for_one { db(restart = temporary): A, user(requires = [db]): B(db) }").len(),
        2,
        "each where it stands"
    );
}

#[test]
fn names_are_in_scope_as_in_rust() {
    for (source, expected) in [
        ("rest_for_one { a: A, b: B(a), c: C(b, a) }", ["b <- a", "c <- b a"].as_slice()),
        ("rest_for_one { a: A, one_for_one { b: B(a), p: one_for_one { c: C(a) } } }", &["b <- a", "c <- a"]),
        (
            "rest_for_one { a: A, p: rest_for_one { b: B(a), a: A(a), c: C(a) } d: D(a) }",
            &["b <- a", "a <- a", "c <- a2", "d <- a"],
        ),
        (
            "rest_for_one { p: rest_for_one { a: A, b: B(a) } q: rest_for_one { a: A, b: B(a) } }",
            &["b <- a", "b <- a2"],
        ),
        (
            "rest_for_one { a: A, a2: B(a), b: C(a2), p: rest_for_one { a: A, c: C(a) } }",
            &["a2 <- a", "b <- a2", "c <- a3"],
        ),
        ("struct T(a: A); rest_for_one { b: B(a), a: A(a), c: C(a) }", &["b <- (a)", "a <- (a)", "c <- a"]),
        ("struct T(a: A, b: B); rest_for_one { a: A, c*2: |b| C(a, b), d*2: |a| D(a, b) }", &["c <- a", "d <- (b)"]),
        ("rest_for_one { r#type: A, b: B(r#type) }", &["b <- r#type"]),
        ("rest_for_one { a: A, b: B(r#a) }", &["b <- a"]),
        // Items of the user's, for all that we know.
        ("rest_for_one { a: a(), b: B(c), c: C, d: D(&e, f(), g), p: one_for_one { e: E, f: F } g: G }", &[]),
        ("rest_for_one { p: one_for_one { a: B(p), b: B(q) } c: C(p), q: one_for_one { b: B } }", &[]),
        ("dependents_for_one { a: A, b(requires = [a]): B(a) }", &["b <- a"]),
        ("rest_for_one { a: A, b: a::b(c.a, C { a: 1 }), d: { let a = 1; D(a) }, e: E { a } }", &["e <- a"]),
    ] {
        assert_eq!(edges(source), expected, "{source}");
    }
}

#[test]
fn a_child_that_is_not_in_scope_is_explained_where_nothing_else_can_be_meant() {
    const LATER: &str = "`b` is declared later, and children start in the order of their declaration";
    const INSIDE: &str = "`b` stands inside another group, and what is in there is not visible here";
    const GROUP: &str = "`b` is a group, and only a child offers a handle";
    for (source, expected) in [
        ("rest_for_one { a: A(b.clone()), b: B }", LATER),
        ("rest_for_one { a: A(b.url), b: B }", LATER),
        ("rest_for_one { a: A(format!(\"{b}\")), b: B }", LATER),
        ("rest_for_one { one_for_one { a: A(&b[0]) } b: B }", LATER),
        ("rest_for_one { p: one_for_one { a: A(b.url), b: B } c: C }", LATER),
        ("rest_for_one { a: A(a.clone()) }", "`a` cannot use itself"),
        ("rest_for_one { one_for_one { b: B } a: A(b.url) }", INSIDE),
        ("rest_for_one { a: A(b.url), one_for_one { one_for_one { b: B } } }", INSIDE),
        ("rest_for_one { b: one_for_one { c: C } a: A(b.url) }", GROUP),
        ("rest_for_one { b: one_for_one { a: A(b.url) } }", GROUP),
        ("rest_for_one { b: B, a*(b.size): A }", "`b` is a child, and a count cannot use it"),
        ("rest_for_one { b: B, a*..=(b.size): A }", "`b` is a child, and a bound cannot use it"),
        ("rest_for_one { b: B, a(heartbeat = b.limit): A }", "`b` is a child, and `heartbeat` cannot use it"),
        (
            "rest_for_one { b: B, a(replace = |a, i| A(a, i, b.clone())): A }",
            "`b` is a child, and `replace` cannot use it",
        ),
        ("rest_for_one(over = b.window) { b: B }", "`b` is a child, and `over` cannot use it"),
        (
            "custom(|failure| b.decide(failure, b.clone())) { b: B }",
            "`b` is a child, and the function of a `custom` strategy cannot use it",
        ),
    ] {
        assert_eq!(found(source), [expected], "{source}");
    }
    // Names of parameters are those of parameters.
    assert_eq!(found("struct T(b: B); rest_for_one(over = b.window) { a*(b.size): a(b.url), b: B }"), [""; 0]);
}

#[test]
fn the_handles_come_on_top_of_the_index() {
    for (closure, expected) in [
        ("|| W(db)", "replicas need a function of the index, and this closure takes no argument"),
        ("|index, other| W(db, index)", "replicas need a function of the index, and this closure takes 2 arguments"),
    ] {
        assert_eq!(found(&format!("rest_for_one {{ db: A, w*2: {closure} }}")), [expected]);
    }
    assert_eq!(edges("rest_for_one { db: A, w*2: |index, db| W(db, index), v*2: || V }"), [""; 0]);
}

#[test]
fn a_mistake_of_the_provider_is_none_of_the_user() {
    for source in [
        "one_for_one { db: , user: B(db) }",
        "one_for_one { db*0: A, user: B(db.clone()) }",
        "one_for_one { db*2: Db::new(0), user: B(db) }",
        "rest_for_one { db: A, user: B(other.clone()), second: C(user), third: D(second, db), other: E }",
    ] {
        assert_eq!(found(source).len(), 1, "{source}: {:?}", found(source));
        let expansion: TokenStream = crate::pipeline(tokens(source));
        assert!(!expansion.to_string().contains("using"), "a user of what is left out is left out: {expansion}");
    }
    // Of a strategy that is unknown nothing follows.
    assert_eq!(found("one_for_al { db: A, user: B(db) }"), ["unknown strategy `one_for_al`"]);
}

#[test]
fn a_child_whose_name_is_none_is_used_by_nobody() {
    for name in ["self", "Self", "crate", "super", "_", "loop", "__db"] {
        let source = format!("rest_for_one {{ {name}: A, user: B({name}), second*2: c({name}) }}");
        let expansion = crate::pipeline(tokens(&source));
        assert!(syn::parse2::<syn::File>(expansion).is_ok(), "{source}");
        let of_names = found(&source).iter().filter(|mistake| mistake.contains("cannot be read")).count();
        assert_eq!(found(&source).len() - of_names, 1, "{source}: {:?}", found(&source));
    }
}
