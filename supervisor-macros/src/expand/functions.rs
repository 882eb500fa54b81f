//! What the tree's type can do.

use proc_macro2::TokenStream;
use quote::quote;

use super::builder::Builder;
use super::outline;
use super::params::Params;
use crate::check::Tree;
use crate::parse::Param;

/// The items of the `impl`; `values` are the fields of the running tree, by the name `running`.
pub(super) fn functions(tree: &Tree, title: &str, values: &TokenStream) -> TokenStream {
    let krate = &tree.krate;
    let (visibility, generics) = (&tree.header.visibility, &tree.header.generics);
    let params = &tree.header.params;
    let names = params.iter().map(|param| &param.name);
    let arguments = quote!(#(#names),*);
    // Where none can be read, whatever is given to it is of the right type.
    let ty = |param: &Param| param.ty.clone().unwrap_or_else(|| quote!(impl ::core::marker::Sized));
    let (names, types) = (params.iter().map(|param| &param.name), params.iter().map(ty));
    let parameters = quote!(#(#names: #types),*);
    let (supervisor, outline) = match &tree.root {
        Some(root) => {
            let (params, wires) = (&Params::of(tree, root), &tree.wires);
            (Builder { krate, params, wires }.root(title, root), outline::root(krate, title, root))
        }
        None => {
            (quote!(#krate::Supervisor::one_for_one(#title)), quote!(#krate::Outline::group(#title, "one_for_one")))
        }
    };
    // What has been left out may be all that uses a parameter.
    let names = params.iter().map(|param| &param.name);
    let used = tree.is_wrong.then(|| quote!(#(let _ = &#names;)*));
    let name = &tree.header.name;

    quote! {
        /// The declaration as data.
        #visibility const OUTLINE: #krate::Outline = #outline;

        /// The tree as a service: a child for another tree, or to run later.
        #[allow(
            unused_braces,
            unused_parens,
            clippy::redundant_closure,
            clippy::redundant_async_block,
            clippy::redundant_clone,
            reason = "the expressions stand here as they are written"
        )]
        #visibility fn service #generics (#parameters) -> #krate::Supervisor {
            #used
            #supervisor
        }

        /// Starts the tree; dropping what it returns drops the tree.
        ///
        /// # Errors
        ///
        /// If a child cannot be started.
        #visibility async fn start #generics (#parameters) -> ::core::result::Result<Self, #krate::TreeError> {
            // Not in the `async fn` itself, where each `?` costs the compiler a multiple.
            fn references(running: #krate::Running) -> ::core::result::Result<#name, #krate::TreeError> {
                ::core::result::Result::Ok(#name {
                    #values
                    __running: running,
                })
            }

            references(Self::service(#arguments).start().await?)
        }

        /// Runs the tree until it ends or the process is asked to.
        ///
        /// # Errors
        ///
        /// If a child cannot be started, or the tree gives up.
        #visibility async fn run #generics (#parameters) -> ::core::result::Result<(), #krate::TreeError> {
            Self::service(#arguments).run().await
        }

        /// Stops the tree gracefully and waits for its end.
        ///
        /// # Errors
        ///
        /// If the tree had failed, or something of it had to be dropped by force.
        #visibility async fn shutdown(self) -> ::core::result::Result<(), #krate::TreeError> {
            self.__running.shutdown().await
        }
    }
}
