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

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, ExprClosure};

use super::factory::{braced, spanned_closure};
use crate::check::{Body, Group, Node, Setting, Time, Tree, Value};
use crate::parse::Expression;
use crate::uses::{Use, uses};

/// The parameters of a tree.
pub(super) struct Params {
    names: Vec<Ident>,
    /// How many expressions use each.
    users: HashMap<String, usize>,
}

impl Params {
    pub(super) fn of(tree: &Tree, root: &Group) -> Self {
        let names = tree.header.params.iter().map(|param| param.name.clone()).collect();
        let mut params = Self { names, users: HashMap::new() };
        if !params.names.is_empty() {
            params.count_group(root);
        }
        params
    }

    /// The uses of parameters in an expression.
    pub(super) fn uses(&self, expression: &Expr) -> Vec<Use> {
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
            Expr::Closure(closure) => owning(closure, function, &uses, |body| body),
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
                    let (amount, expression) = match &child.body {
                        Body::Evaluated(made) => (&made.count, Some(&made.expression)),
                        Body::Open(members) => (&members.open.bound, None),
                    };
                    self.count_options(&child.options);
                    for used in amount.iter().chain(expression) {
                        self.count(used.syntax());
                    }
                }
            }
        }
    }

    fn count_options(&mut self, options: &[Setting]) {
        for option in options {
            match &option.value {
                Value::Expression(value) | Value::Function(value) | Value::Time(Time::Expression(value)) => {
                    self.count(value.syntax())
                }
                Value::Range(initial, max) => {
                    for side in [initial, max] {
                        if let Time::Expression(value) = side {
                            self.count(value.syntax());
                        }
                    }
                }
                Value::Flag | Value::Wrong | Value::Time(Time::Literal(_)) | Value::Word { .. } | Value::Names(_) => {}
            }
        }
    }

    fn count(&mut self, expression: &Expr) {
        for used in self.uses(expression) {
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

/// A closure of the user, made to own the parameters that it uses:
///
/// ```text
/// |index| Worker::new(index, pool)
///
/// move |index| {
///     let pool = Clone::clone(&pool);
///     Worker::new(index, pool)
/// }
/// ```
pub(super) fn owning(
    closure: &ExprClosure,
    written: &Expression,
    uses: &[Use],
    frame: impl FnOnce(TokenStream) -> TokenStream,
) -> TokenStream {
    let clones: TokenStream = uses.iter().map(clone).collect();
    let (first, last) = written.spans();
    let inputs = &closure.inputs;
    let body = &closure.body;
    let body = match (&closure.asyncness, &closure.output) {
        (None, output) => {
            let body = frame(quote!(#body));
            let head = spanned_closure(first, &quote!(#inputs));
            let body = braced(last, quote!(#clones #body));
            return quote!(#head #output #body);
        }
        (Some(_), syn::ReturnType::Default) => quote!(#body),
        (Some(_), syn::ReturnType::Type(_, ty)) => quote!(let made: #ty = #body; made),
    };
    let head = spanned_closure(first, &quote!(#inputs));
    let frame = braced(last, body);
    let body = braced(last, quote!(#clones async move #frame));
    quote!(#head #body)
}
