//! A child's expression as a function that gives its service.
//!
//! The expression goes in as it is written. What is put around it takes its spans from the expression's
//! first and last token: a generated expression that begins outside and ends inside of it would make the
//! compiler underline the whole macro call.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, ExprClosure};

use super::flow::Flow;
use super::params::{Params, clone, owning};
use crate::check::{Evaluated, Used, Wires};
use crate::parse::{Expression, Krate};
use crate::uses::Use;

/// The function, the clones that it captures, and the wires that it gets handles from.
pub(super) struct Factory {
    pub(super) clones: TokenStream,
    /// `&db`, or `(&db, &cache)`.
    pub(super) wires: Option<TokenStream>,
    pub(super) function: TokenStream,
}

impl Factory {
    pub(super) fn of(made: &Evaluated, is_in_place: bool, krate: &Krate, params: &Params, wires: &Wires) -> Self {
        let clones = params.captured(&made.params);
        let wire = |used: &Used| {
            let wire = wires.get(used.provider).map(|wire| &wire.name);
            quote!(&#wire)
        };
        let wires = nested(made.uses.iter().map(wire).collect(), Span::call_site());
        let function = match (&made.count, made.expression.syntax()) {
            (Some(_), Expr::Closure(closure)) => by_index(closure, made, krate),
            (Some(_), _) => indexed(made, krate),
            (None, _) => evaluated(made, krate, is_in_place),
        };
        Self { clones, wires, function }
    }
}

/// A plain child: `Db::new()` becomes `|| Db::new()`, and `Report::new(db)` becomes `|db| Report::new(db)`.
fn evaluated(made: &Evaluated, krate: &Krate, once: bool) -> TokenStream {
    let (expression, params) = (&made.expression, &made.params);
    let (first, last) = expression.spans();
    let frame = Frame::of(expression.syntax(), used(made));
    let body = frame.around(expression, krate);
    let clones: TokenStream = if once { TokenStream::new() } else { params.iter().map(clone).collect() };
    let head = match (handles(made), params.is_empty()) {
        (None, true) => quote_spanned!(first=> ||),
        (handles, only) => spanned_closure(first, !only, &handles.unwrap_or_default()),
    };
    with_clones(&head, &clones, &body, last)
}

/// Replicas whose function is a closure: it stays as it is, unless it has to own parameters or to take handles.
fn by_index(closure: &ExprClosure, made: &Evaluated, krate: &Krate) -> TokenStream {
    let expression = &made.expression;
    if made.params.is_empty() && made.uses.is_empty() {
        return quote!(#expression);
    }
    // A `?` in the body belongs to the closure, and a type that is stated is the body's, not the frame's.
    let is_free = matches!(closure.output, syn::ReturnType::Default);
    let frame = match Frame::of(&closure.body, used(made)) {
        Frame::Borrowing if is_free => Frame::Borrowing,
        _ => Frame::None,
    };
    let body = Expression::part(&closure.body);
    owning(closure, expression, handles(made), &made.params, |_| frame.around(&body, krate))
}

/// Replicas whose function is given by any other expression. One that uses a child is evaluated for each incarnation:
/// `make(db)` becomes `|index, db| make(db)(index)`.
fn indexed(made: &Evaluated, krate: &Krate) -> TokenStream {
    let expression = &made.expression;
    let flow = Flow::of(expression.syntax());
    if !flow.awaits && !flow.fails && made.uses.is_empty() {
        return quote!(#expression);
    }
    let (first, last) = expression.spans();
    let clones: TokenStream = made.params.iter().map(clone).collect();
    // Hygienic: the user's expression does not see this name.
    let index = Ident::new("index", Span::mixed_site().located_at(last));
    let (function, argument) = (parenthesized(first, quote!(#expression)), parenthesized(last, quote!(#index)));
    let call = Expression::new(expression.syntax().clone(), quote!(#function #argument));
    let body = Frame::of(expression.syntax(), used(made)).around(&call, krate);
    let inputs = [quote!(#index)].into_iter().chain(handles(made));
    let owns = made.uses.is_empty() || !made.params.is_empty();
    with_clones(&spanned_closure(first, owns, &quote!(#(#inputs),*)), &clones, &body, last)
}

/// Everything that an expression uses.
fn used(made: &Evaluated) -> impl Iterator<Item = &Use> {
    made.params.iter().chain(made.uses.iter().map(|Used { used, .. }| used))
}

/// The handles of the children that an expression uses, as a pattern.
fn handles(made: &Evaluated) -> Option<TokenStream> {
    let names = made.uses.iter().map(|Used { used, .. }| used.name.to_token_stream());
    nested(names.collect(), made.expression.spans().0)
}

/// One as it stands, several as a tuple; more than the runtime has tuples for as a tuple of tuples.
fn nested(mut parts: Vec<TokenStream>, span: Span) -> Option<TokenStream> {
    const MOST: usize = 8;
    while parts.len() > MOST {
        parts = parts.chunks(MOST).filter_map(|chunk| nested(chunk.to_vec(), span)).collect();
    }
    match parts.len() {
        0 | 1 => parts.pop(),
        _ => Some(parenthesized(span, quote!(#(#parts),*))),
    }
}

/// `head { clones body }`, or `head body` where nothing is cloned.
pub(super) fn with_clones(head: &TokenStream, clones: &TokenStream, body: &TokenStream, last: Span) -> TokenStream {
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
    fn of<'a>(expression: &Expr, mut uses: impl Iterator<Item = &'a Use>) -> Self {
        let flow = Flow::of(expression);
        if flow.fails {
            Self::Fallible
        } else if flow.awaits {
            Self::Async
        } else if uses.any(|used| used.borrowed) && !flow.returns {
            Self::Borrowing
        } else {
            Self::None
        }
    }

    fn around(self, expression: &Expression, krate: &Krate) -> TokenStream {
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

/// `move |inputs|`, or without `move` if it has nothing to own.
pub(super) fn spanned_closure(first: Span, owns: bool, inputs: &TokenStream) -> TokenStream {
    let start = owns.then(|| quote_spanned!(first=> move));
    let bar = quote_spanned!(first=> |);
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
