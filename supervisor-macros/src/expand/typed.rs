//! The running tree as a type: a field for each child and each named group.
//!
//! ```text
//! db: Db = Db::new(),                struct Tree {
//! pool: one_for_one {                    db: ChildRef<Db>,
//!     worker*4: Worker::new,             pool: TreePool,
//!     conn*..: Conn,                     __running: Running,
//! }                                  }
//!                                    struct TreePool {
//!                                        worker: Replicas,
//!                                        conn: Children<Conn>,
//!                                        __group: GroupRef,
//!                                    }
//! ```
//!
//! A type is named after the tree and the groups around it, so that two trees of one module can have groups of one
//! name, and a function can take `&TreePool`. The names of ours begin as no child's may.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Attribute, Visibility};

use crate::check::{Field, Reference};
use crate::parse::{Header, Krate};

/// The types of one tree.
pub(super) struct Typed<'a> {
    krate: &'a Krate,
    header: &'a Header,
    /// What stands on every item: `cfg`, and the lints that the user has silenced.
    shared: Vec<&'a Attribute>,
    /// The names of the types.
    taken: Vec<String>,
    /// The definitions of the groups.
    groups: Vec<TokenStream>,
}

/// The fields of one type.
pub(super) struct Fields {
    /// `db: ChildRef<Db>,`
    pub(super) definitions: TokenStream,
    /// `db: running.child("db")?,`
    pub(super) values: TokenStream,
}

impl<'a> Typed<'a> {
    pub(super) fn new(krate: &'a Krate, header: &'a Header, shared: Vec<&'a Attribute>) -> Self {
        Self { krate, header, shared, taken: vec![header.name.unraw().to_string()], groups: Vec::new() }
    }

    /// The types of the named groups, once all fields have been asked for.
    pub(super) fn into_groups(self) -> Vec<TokenStream> {
        self.groups
    }

    /// The fields of the type `around`; `path` leads from the tree to what they refer to.
    pub(super) fn fields(&mut self, fields: &[Field], around: &str, path: &str) -> Fields {
        let (mut definitions, mut values) = (Vec::new(), Vec::new());
        for field in fields {
            let (definition, value) = self.field(field, around, path);
            definitions.push(definition);
            values.push(value);
        }
        Fields { definitions: definitions.into_iter().collect(), values: values.into_iter().collect() }
    }

    /// `db: ChildRef<Db>,` and `db: running.child("db")?,`
    fn field(&mut self, field: &Field, around: &str, path: &str) -> (TokenStream, TokenStream) {
        let (krate, visibility) = (self.krate, &self.header.visibility);
        let (name, docs) = (&field.name, docs(field));
        let path = format!("{path}{}", name.unraw());
        let (ty, by, service) = match &field.reference {
            Reference::Child(ty) => ("ChildRef", "child", self.stated(ty)),
            Reference::Replicas(ty) => ("Replicas", "replicas", self.stated(ty)),
            Reference::Children(ty) => {
                let untyped = || quote!(<#krate::Untyped>);
                ("Children", "children", Some(self.stated(ty).unwrap_or_else(untyped)))
            }
            Reference::Group(fields) => {
                let (ty, value) = self.group(field, fields, around, &path);
                return (quote!(#(#[doc = #docs])* #visibility #name: #ty,), quote!(#name: #value,));
            }
        };
        let (ty, by) = (Ident::new(ty, Span::call_site()), Ident::new(by, Span::call_site()));
        (quote!(#(#[doc = #docs])* #visibility #name: #krate::#ty #service,), quote!(#name: running.#by(#path)?,))
    }

    /// `<Db>`; a type may name the generics of a header, which a tree cannot have.
    fn stated(&self, ty: &Option<TokenStream>) -> Option<TokenStream> {
        ty.as_ref().filter(|_| self.header.generics.is_none()).map(|ty| quote!(<#ty>))
    }

    /// The type of the field of a group, and the expression that gives it.
    fn group(&mut self, field: &Field, fields: &[Field], around: &str, path: &str) -> (Ident, TokenStream) {
        let name = self.name(around, &field.name);
        let summary = format!(" The group `{path}` of `{}`, while it runs.", self.header.name);
        let at = self.groups.len();
        let Fields { definitions, values } = self.fields(fields, &name.to_string(), &format!("{path}/"));
        let (krate, visibility, shared) = (self.krate, &self.header.visibility, &self.shared);
        let item = structure(visibility, &name, quote!(#definitions __group: #krate::GroupRef,));
        let definition = quote! {
            #[doc = #summary]
            #(#shared)*
            #[allow(dead_code, private_interfaces, reason = "each child has its field, used or not, of a private type or not")]
            #[derive(::core::clone::Clone, ::core::fmt::Debug)]
            #item

            #(#shared)*
            impl ::core::ops::Deref for #name {
                type Target = #krate::GroupRef;

                fn deref(&self) -> &Self::Target {
                    &self.__group
                }
            }
        };
        // Before those of the groups within it.
        self.groups.insert(at, definition);
        let value = quote!(#name { #values __group: running.group(#path)?, });
        (name, value)
    }

    /// `TreePool` for the group `pool` of `Tree`; with a number if another group of the tree has that name.
    fn name(&mut self, around: &str, group: &Ident) -> Ident {
        let base = format!("{around}{}", camel_case(&group.unraw().to_string()));
        let numbered = (2..).map(|number| format!("{base}{number}"));
        let free = [base.clone()].into_iter().chain(numbered).find(|name| !self.taken.contains(name));
        let name = free.unwrap_or(base);
        self.taken.push(name.clone());
        Ident::new(&name, group.span())
    }
}

/// `struct Tree { .. }`, all of it at the name: should another item have that, it is there that the compiler says so. It is
/// still the macro's, so that no lint takes it for the user's.
pub(super) fn structure(visibility: &Visibility, name: &Ident, fields: TokenStream) -> TokenStream {
    let place = Span::call_site().located_at(name.span());
    let mut fields = Group::new(Delimiter::Brace, fields);
    fields.set_span(place);
    let keyword = quote_spanned!(place=> struct);
    quote!(#visibility #keyword #name #fields)
}

/// What the user says of it, and what it is.
fn docs(field: &Field) -> Vec<String> {
    let mut docs = field.docs.clone();
    if !docs.is_empty() {
        docs.push(String::new());
    }
    // Whatever an expression may contain, it ends no code span of two backticks but by two.
    docs.push(match field.line.contains('`') {
        true => format!(" `` {} ``", field.line),
        false => format!(" `{}`", field.line),
    });
    docs
}

/// `job_queue` as a part of the name of a type: `JobQueue`.
fn camel_case(name: &str) -> String {
    let upper = |word: &str| {
        let mut chars = word.chars();
        let first = chars.next().into_iter().flat_map(char::to_uppercase);
        first.chain(chars).collect::<String>()
    };
    name.split('_').map(upper).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_part_of_the_name_of_a_type() {
        for (name, expected) in [
            ("pool", "Pool"),
            ("job_queue", "JobQueue"),
            ("_spare", "Spare"),
            ("a__b", "AB"),
            ("pool2", "Pool2"),
            ("überwacht", "Überwacht"),
        ] {
            assert_eq!(camel_case(name), expected, "{name}");
        }
    }
}
