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
mod outline;
mod params;
mod uses;

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;

use self::params::Params;
use crate::check::Tree;

/// The tree's type with its functions, whether the tree is valid or not.
pub(crate) fn expand(tree: &Tree) -> TokenStream {
    let krate = &tree.krate;
    let header = &tree.header;
    let (visibility, name, generics) = (&header.visibility, &header.name, &header.generics);
    let (docs, attributes): (Vec<_>, Vec<_>) =
        header.attributes.iter().partition(|attribute| attribute.path().is_ident("doc"));
    let summary = docs.is_empty().then(|| quote!(#[doc = " A supervision tree."])).into_iter();
    // Without its type, or under a lint that the user has silenced for it, the rest goes along.
    let shared =
        attributes.iter().filter(|attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("allow"));
    let title = name.unraw().to_string();
    let parameters: TokenStream = header
        .params
        .iter()
        .map(|param| {
            let (name, ty) = (&param.name, &param.ty);
            quote!(#name: #ty,)
        })
        .collect();
    let arguments: TokenStream = header
        .params
        .iter()
        .map(|param| {
            let name = &param.name;
            quote!(#name,)
        })
        .collect();
    let (supervisor, outline) = match &tree.root {
        Some(root) => (
            builder::Builder { krate, params: &Params::of(tree, root) }.root(&title, root),
            outline::root(krate, &title, root),
        ),
        None => {
            (quote!(#krate::Supervisor::one_for_one(#title)), quote!(#krate::Outline::group(#title, "one_for_one")))
        }
    };
    let drawing = tree.root.iter().flat_map(outline::drawing).map(|line| quote!(#[doc = #line]));

    quote! {
        #(#summary)*
        #(#docs)*
        #(#drawing)*
        #(#attributes)*
        #visibility struct #name;

        #(#shared)*
        #[allow(dead_code, reason = "a program needs only some of these")]
        impl #name {
            /// The declaration as data.
            #visibility const OUTLINE: #krate::Outline = #outline;

            /// The tree as a service: a child for another tree, or to run later.
            #[allow(
                unused_braces,
                unused_parens,
                clippy::redundant_closure,
                clippy::redundant_async_block,
                reason = "the expressions stand here as they are written"
            )]
            #visibility fn service #generics (#parameters) -> #krate::Supervisor {
                #supervisor
            }

            /// Starts the tree; dropping what it returns drops the tree.
            ///
            /// # Errors
            ///
            /// If a child cannot be started.
            #visibility async fn start #generics (#parameters) -> ::core::result::Result<#krate::Running, #krate::TreeError> {
                Self::service(#arguments).start().await
            }

            /// Runs the tree until it ends or the process is asked to.
            ///
            /// # Errors
            ///
            /// If a child cannot be started, or the tree gives up.
            #visibility async fn run #generics (#parameters) -> ::core::result::Result<(), #krate::TreeError> {
                Self::service(#arguments).run().await
            }
        }
    }
}
