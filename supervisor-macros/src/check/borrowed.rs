//! Parameters that are borrowed: whoever starts a tree may be gone before the children that use them.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Lifetime, ParenthesizedGenericArguments, TraitBound, Type, TypeFnPtr, TypeReference};

use super::{Body, Group, Node};
use crate::mistake::{Mistake, Mistakes};
use crate::parse::Param;

/// Whether a child uses a parameter that is borrowed for less than `'static`; counts and most options only read theirs.
pub(super) fn check(params: &mut [Param], root: &Group, mistakes: &mut Mistakes) -> bool {
    let mut is_wrong = false;
    for param in params {
        let Some(Borrowed { first: Some(part), is_named }) = param.ty.clone().and_then(borrowed) else { continue };
        if !is_used(&param.name.to_string(), root) {
            continue;
        }
        let message = format!("`{}` is borrowed, and a child that uses it may live for longer", param.name);
        let help = "take a value of its own (`String`, `Arc<Config>`), or what is borrowed for `'static`";
        mistakes.push(Mistake::at(part, message).help(help));
        // A tree has no lifetimes to name; whatever is given to it is then of the right type.
        param.ty = param.ty.take().filter(|_| !is_named);
        is_wrong = true;
    }
    is_wrong
}

fn is_used(param: &str, group: &Group) -> bool {
    group.children.iter().any(|node| match node {
        Node::Group(inner) => is_used(param, inner),
        Node::Child(child) => match &child.body {
            Body::Evaluated(made) => made.params.iter().any(|used| used.name == param),
            Body::Open(_) => false,
        },
    })
}

fn borrowed(ty: TokenStream) -> Option<Borrowed> {
    let mut parts = Borrowed::default();
    parts.visit_type(&syn::parse2::<Type>(ty).ok()?);
    Some(parts)
}

/// What of a type is borrowed.
#[derive(Default)]
struct Borrowed {
    first: Option<TokenStream>,
    is_named: bool,
}

impl<'ast> Visit<'ast> for Borrowed {
    fn visit_type_reference(&mut self, part: &'ast TypeReference) {
        if part.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static") {
            self.first.get_or_insert_with(|| part.to_token_stream());
        }
        visit::visit_type_reference(self, part);
    }

    fn visit_lifetime(&mut self, part: &'ast Lifetime) {
        if part.ident != "static" {
            self.first.get_or_insert_with(|| part.to_token_stream());
            self.is_named |= part.ident != "_";
        }
    }

    // What a function takes and gives is borrowed for its call.
    fn visit_type_fn_ptr(&mut self, _: &'ast TypeFnPtr) {}
    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast ParenthesizedGenericArguments) {}

    fn visit_trait_bound(&mut self, part: &'ast TraitBound) {
        if part.lifetimes.is_none() {
            visit::visit_trait_bound(self, part);
        }
    }
}
