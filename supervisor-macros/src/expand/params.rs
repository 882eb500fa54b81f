//! The parameters of a tree, and who uses them.
//!
//! Invariants:
//!
//! 1. What is evaluated again and again (a child's expression) owns what it uses: it captures a clone,
//!    and each evaluation clones that. So an expression can move, borrow or clone a parameter, and is the
//!    only one to see what it does to it.
//! 2. What is evaluated once, while the tree is built (a count, most options), reads the parameter
//!    itself; if it could move out of it, it gets a clone.
//! 3. The only user of a parameter captures the parameter itself. Hence a parameter that only one
//!    `in_place` child uses need not be `Clone`.

use std::collections::HashMap;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, ExprClosure};

use super::factory::{braced, spanned_closure, with_clones};
use crate::check::{Body, Group, Node, Setting, Tree};
use crate::parse::Expression;
use crate::uses::{Names, Use, uses};

/// The parameters of a tree.
pub(super) struct Params {
    names: Names,
    /// How many expressions use each.
    users: HashMap<String, usize>,
}

impl Params {
    pub(super) fn of(tree: &Tree, root: &Group) -> Self {
        let names = tree.header.params.iter().map(|param| &param.name).collect();
        let mut params = Self { names, users: HashMap::new() };
        if !params.names.is_empty() {
            params.count_group(root);
        }
        params
    }

    /// The uses of parameters in an expression that sees no children.
    fn uses(&self, expression: &Expr) -> Vec<Use> {
        if self.names.is_empty() { Vec::new() } else { uses(expression, &self.names) }
    }

    /// Clones to capture: of every parameter that others use as well.
    pub(super) fn captured(&self, uses: &[Use]) -> TokenStream {
        let shared = uses.iter().filter(|used| self.users.get(&used.name.to_string()).is_none_or(|users| *users > 1));
        shared.map(clone).collect()
    }

    /// Something that is evaluated while the tree is built.
    pub(super) fn value(&self, value: &Expression) -> TokenStream {
        let moved = self.uses(value.syntax()).into_iter().filter(|used| !used.only_read).collect::<Vec<_>>();
        let clones = self.captured(&moved);
        if clones.is_empty() { value.to_token_stream() } else { quote!({ #clones #value }) }
    }

    /// A function that the tree keeps and calls: it owns what it uses, each call a clone.
    pub(super) fn function(&self, function: &Expression) -> TokenStream {
        let uses = self.uses(function.syntax());
        if uses.is_empty() {
            return function.to_token_stream();
        }
        let captured = self.captured(&uses);
        let function = match function.syntax() {
            Expr::Closure(closure) => owning(closure, function, None, &uses, |body| body),
            _ => function.to_token_stream(),
        };
        if captured.is_empty() { function } else { quote!({ #captured #function }) }
    }

    fn count_group(&mut self, group: &Group) {
        if let Some(decide) = &group.decide {
            self.count(decide.syntax());
        }
        self.count_options(&group.options);
        for node in &group.children {
            match node {
                Node::Group(group) => self.count_group(group),
                Node::Child(child) => {
                    self.count_options(&child.options);
                    match &child.body {
                        Body::Evaluated(made) => {
                            made.count.iter().for_each(|count| self.count(count.syntax()));
                            self.add(&made.params);
                        }
                        Body::Open(members) => members.open.bound.iter().for_each(|bound| self.count(bound.syntax())),
                    }
                }
            }
        }
    }

    fn count_options(&mut self, options: &[Setting]) {
        for value in options.iter().flat_map(|option| option.value.expressions()) {
            self.count(value.syntax());
        }
    }

    fn count(&mut self, expression: &Expr) {
        self.add(&self.uses(expression));
    }

    fn add(&mut self, uses: &[Use]) {
        for used in uses {
            *self.users.entry(used.name.to_string()).or_default() += 1;
        }
    }
}

/// `let config = Clone::clone(&config);`, spanned so that a type that is not `Clone` is reported where
/// the user uses it.
pub(super) fn clone(used: &Use) -> TokenStream {
    let name = &used.name;
    let source = quote_spanned!(name.span()=> ::core::clone::Clone::clone(&#name));
    quote!(let #name = #source;)
}

/// A closure of the user, made to own the parameters that it uses, and to take the handles of the children:
///
/// ```text
/// |index| Worker::new(index, pool, db)
///
/// move |index, db| {
///     let pool = Clone::clone(&pool);
///     Worker::new(index, pool, db)
/// }
/// ```
pub(super) fn owning(
    closure: &ExprClosure,
    written: &Expression,
    handles: Option<TokenStream>,
    params: &[Use],
    frame: impl FnOnce(TokenStream) -> TokenStream,
) -> TokenStream {
    let clones: TokenStream = params.iter().map(clone).collect();
    let (first, last) = written.spans();
    let inputs = closure.inputs.iter().map(ToTokens::to_token_stream).chain(handles);
    let owns = !params.is_empty() || closure.capture.is_some();
    let head = spanned_closure(first, owns, &quote!(#(#inputs),*));
    let body = &closure.body;
    match (&closure.asyncness, &closure.output) {
        (None, syn::ReturnType::Default) => with_clones(&head, &clones, &frame(quote!(#body)), last),
        (None, output) => {
            let body = frame(quote!(#body));
            let body = braced(last, quote!(#clones #body));
            quote!(#head #output #body)
        }
        (Some(_), output) => {
            let body = match output {
                syn::ReturnType::Default => quote!(#body),
                syn::ReturnType::Type(_, ty) => quote!(let made: #ty = #body; made),
            };
            let (future, frame) = (quote_spanned!(first=> async move), braced(last, body));
            with_clones(&head, &clones, &quote!(#future #frame), last)
        }
    }
}
