//! A child's expression as a function that gives its service.
//!
//! The expression goes in as it is written. What is put around it takes its spans from the expression's
//! first and last token: a generated expression that begins outside and ends inside of it would make the
//! compiler underline the whole macro call.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, ExprClosure};

use super::flow::Flow;
use super::params::{Params, clone, owning};
use crate::check::Evaluated;
use crate::parse::Expression;
use crate::uses::Use;

/// The function, and the clones that it captures.
pub(super) struct Factory {
    pub(super) clones: TokenStream,
    pub(super) function: TokenStream,
}

impl Factory {
    pub(super) fn of(made: &Evaluated, is_in_place: bool, krate: &TokenStream, params: &Params) -> Self {
        let expression = &made.expression;
        let uses = params.uses(expression.syntax());
        let clones = params.captured(&uses);
        let function = match (&made.count, expression.syntax()) {
            (Some(_), Expr::Closure(closure)) => by_index(closure, expression, krate, &uses),
            (Some(_), _) => indexed(expression, krate, &uses),
            (None, _) => evaluated(expression, krate, &uses, is_in_place),
        };
        Self { clones, function }
    }
}

/// A plain child: `Db::new()` becomes `|| Db::new()`.
fn evaluated(expression: &Expression, krate: &TokenStream, uses: &[Use], once: bool) -> TokenStream {
    let (first, last) = expression.spans();
    let frame = Frame::of(expression.syntax(), uses);
    let body = frame.around(expression, krate);
    let clones: TokenStream = if once { TokenStream::new() } else { uses.iter().map(clone).collect() };
    let head = if uses.is_empty() { quote_spanned!(first=> ||) } else { spanned_closure(first, &TokenStream::new()) };
    with_clones(&head, &clones, &body, last)
}

/// Replicas whose function is a closure: it stays as it is, unless it has to own parameters.
fn by_index(closure: &ExprClosure, expression: &Expression, krate: &TokenStream, uses: &[Use]) -> TokenStream {
    if uses.is_empty() {
        return quote!(#expression);
    }
    // A `?` in the body belongs to the closure, and a type that is stated is the body's, not the frame's.
    let is_free = matches!(closure.output, syn::ReturnType::Default);
    let frame = match Frame::of(&closure.body, uses) {
        Frame::Borrowing if is_free => Frame::Borrowing,
        _ => Frame::None,
    };
    let body = Expression::part(&closure.body);
    owning(closure, expression, uses, |_| frame.around(&body, krate))
}

/// Replicas whose function is given by any other expression.
fn indexed(expression: &Expression, krate: &TokenStream, uses: &[Use]) -> TokenStream {
    let flow = Flow::of(expression.syntax());
    if !flow.awaits && !flow.fails {
        return quote!(#expression);
    }
    let (first, last) = expression.spans();
    let clones: TokenStream = uses.iter().map(clone).collect();
    // Hygienic: the user's expression does not see this name.
    let index = Ident::new("index", Span::mixed_site());
    let call = Expression::new(expression.syntax().clone(), quote!((#expression)(#index)));
    let frame = if flow.fails { Frame::Fallible } else { Frame::Async };
    let body = frame.around(&call, krate);
    with_clones(&spanned_closure(first, &quote!(#index)), &clones, &body, last)
}

/// `head { clones body }`, or `head body` where nothing is cloned.
fn with_clones(head: &TokenStream, clones: &TokenStream, body: &TokenStream, last: Span) -> TokenStream {
    if clones.is_empty() {
        return quote!(#head #body);
    }
    let body = braced(last, quote!(#clones #body));
    quote!(#head #body)
}

/// What an expression needs around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    None,
    /// It contains `.await`: `async move { expression }`.
    Async,
    /// It contains `?`: `async move { Ok::<_, BoxError>(expression) }`.
    Fallible,
    /// It may give a future that borrows a parameter, which must live until that future has ended:
    /// `async move { IntoService::into_service(expression).await }`.
    Borrowing,
}

impl Frame {
    fn of(expression: &Expr, uses: &[Use]) -> Self {
        let flow = Flow::of(expression);
        if flow.fails {
            Self::Fallible
        } else if flow.awaits {
            Self::Async
        } else if uses.iter().any(|used| used.borrowed) && !flow.returns {
            Self::Borrowing
        } else {
            Self::None
        }
    }

    fn around(self, expression: &Expression, krate: &TokenStream) -> TokenStream {
        let (first, last) = expression.spans();
        let body = match self {
            Self::None => return quote!(#expression),
            Self::Async => quote!(#expression),
            Self::Fallible => {
                let ok = quote_spanned!(first=> ::core::result::Result::Ok::<_, #krate::BoxError>);
                let argument = parenthesized(last, quote!(#expression));
                quote!(#ok #argument)
            }
            Self::Borrowing => {
                let into_service = quote_spanned!(first=> #krate::IntoService::into_service);
                let argument = parenthesized(last, quote!(#expression));
                let wait = quote_spanned!(last=> .await);
                quote!(#into_service #argument #wait)
            }
        };
        let head = quote_spanned!(first=> async move);
        let body = braced(last, body);
        quote!(#head #body)
    }
}

/// `move |inputs|`
pub(super) fn spanned_closure(first: Span, inputs: &TokenStream) -> TokenStream {
    let (start, bar) = (quote_spanned!(first=> move), quote_spanned!(first=> |));
    quote!(#start #bar #inputs #bar)
}

/// `{ body }`
pub(super) fn braced(span: Span, body: TokenStream) -> TokenStream {
    delimited(Delimiter::Brace, span, body)
}

fn parenthesized(span: Span, body: TokenStream) -> TokenStream {
    delimited(Delimiter::Parenthesis, span, body)
}

fn delimited(delimiter: Delimiter, span: Span, body: TokenStream) -> TokenStream {
    let mut group = Group::new(delimiter, body);
    group.set_span(span);
    quote!(#group)
}
