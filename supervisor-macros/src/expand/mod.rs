//! The builder calls that a person would write.
//!
//! ```text
//! one_for_all(max_restarts = 10, over = "1s") {      Supervisor::one_for_all("Tree")
//!     db: Db::new(),                                     .max_restarts(10)
//!     worker*4: Worker::new,                             .over(Duration::from_secs(1))
//! }                                                      .child(Child::new("db", || Db::new()))
//!                                                        .child(Child::replicated("worker", 4, Worker::new))
//! ```
//!
//! Every word of the language is the name of a public item of the builder, and keeps its span: an editor
//! shows its documentation, and a value of the wrong type is reported at the value. Paths are absolute,
//! because the user's module may shadow any name. Nothing is emitted for what was left out.

mod builder;
mod factory;
mod flow;
mod functions;
mod outline;
mod params;
mod typed;

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::Attribute;
use syn::ext::IdentExt;

use self::functions::functions;
use self::typed::{Fields, Typed, structure};
use crate::check::Tree;

/// The tree's type with its functions, whether the tree is valid or not.
pub(crate) fn expand(tree: &Tree) -> TokenStream {
    let krate = &tree.krate;
    let name = &tree.header.name;
    let title = name.unraw().to_string();
    // Without its type, or under a lint that the user has silenced for it, the rest goes along.
    let shared: Vec<&Attribute> =
        tree.header.attributes.iter().filter(|attribute| is(attribute, "cfg") || is(attribute, "allow")).collect();
    let mut typed = Typed::new(krate, &tree.header, shared.clone());
    let fields = typed.fields(&tree.fields, &title, "");
    let groups = typed.into_groups();
    let ty = ty(tree, &fields);
    let functions = functions(tree, &title, &fields.values);

    quote! {
        #ty

        #(#shared)*
        #[allow(
            dead_code,
            clippy::missing_errors_doc,
            clippy::used_underscore_binding,
            reason = "a program needs only some of these, a parameter without a use is passed on, \
                      and clippy does not see the docs in a macro of the user's"
        )]
        impl #name {
            #functions
        }

        #(#shared)*
        impl ::core::ops::Deref for #name {
            type Target = #krate::Running;

            fn deref(&self) -> &Self::Target {
                &self.__running
            }
        }

        #(#shared)*
        impl ::core::ops::DerefMut for #name {
            fn deref_mut(&mut self) -> &mut Self::Target {
                &mut self.__running
            }
        }

        #(#groups)*
    }
}

/// `struct Tree { .. }`, with the attributes of the header and those that it leaves to us.
fn ty(tree: &Tree, fields: &Fields) -> TokenStream {
    let (krate, header) = (&tree.krate, &tree.header);
    let definitions = &fields.definitions;
    let item = structure(&header.visibility, &header.name, quote!(#definitions __running: #krate::Running,));
    let (docs, attributes): (Vec<_>, Vec<_>) = header.attributes.iter().partition(|attribute| is(attribute, "doc"));
    let summary = docs.is_empty().then(|| quote!(#[doc = " A supervision tree."]));
    let drawing = tree.root.iter().flat_map(outline::drawing);
    let is_must_use = attributes.iter().any(|attribute| is(attribute, "must_use"));
    let must_use = (!is_must_use).then(|| quote!(#[must_use = "dropping it drops the running tree"]));
    // `Tree::start().await.expect_err(..)` needs it.
    let is_debug = attributes.iter().any(|attribute| derives_debug(attribute));
    let debug = (!is_debug).then(|| quote!(#[derive(::core::fmt::Debug)]));
    quote! {
        #summary
        #(#docs)*
        #(#[doc = #drawing])*
        #(#attributes)*
        #[allow(dead_code, private_interfaces, reason = "each child has its field, used or not, of a private type or not")]
        #debug
        #must_use
        #item
    }
}

fn is(attribute: &Attribute, name: &str) -> bool {
    attribute.path().is_ident(name)
}

/// Whether an attribute is `derive(.., Debug)`, or becomes that.
fn derives_debug(attribute: &Attribute) -> bool {
    let mentions = |token: TokenTree| matches!(token, TokenTree::Ident(word) if word == "Debug");
    let Ok(list) = attribute.meta.require_list() else { return false };
    (is(attribute, "derive") || is(attribute, "cfg_attr"))
        && flat(list.tokens.to_token_stream()).into_iter().any(mentions)
}

/// The tokens, those in delimiters included.
fn flat(tokens: TokenStream) -> Vec<TokenTree> {
    let inner = |token: TokenTree| match token {
        TokenTree::Group(group) => flat(group.stream()),
        token => vec![token],
    };
    tokens.into_iter().flat_map(inner).collect()
}
