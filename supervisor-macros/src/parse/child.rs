//! `worker*4(restart = transient): Worker = Worker::new`

use proc_macro2::{Ident, TokenTree};
use syn::buffer::Cursor;
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::{Token, Type};

use super::arguments::arguments;
use super::count::count;
use super::open::members;
use super::stream::{at_end, at_equals, expression, here, take_while, verbatim};
use super::written::{Argument, Child, Count, Expression, Stated};
use crate::mistake::{Mistake, Mistakes};

/// What stands between the name of a child and its colon.
pub(super) struct Head {
    pub(super) count: Option<(Token![*], Count)>,
    pub(super) arguments: Vec<Argument>,
}

/// Reads the count and the arguments.
pub(super) fn head(input: ParseStream<'_>, mistakes: &mut Mistakes) -> Head {
    let star = input.parse::<Option<Token![*]>>().ok().flatten();
    let count = star.map(|star| (star, count(input, &star, mistakes)));
    Head { count, arguments: arguments(input, mistakes) }
}

/// Reads the colon after the head; anything else in its place is reported, and read over if it means one.
pub(super) fn colon(input: ParseStream<'_>, name: &Ident, mistakes: &mut Mistakes) {
    if input.peek(Token![:]) && !input.peek(Token![::]) {
        let _ = input.parse::<Token![:]>();
        return;
    }
    if at_end(input) {
        // `rest` reports the missing expression.
        return;
    }
    let message = format!("expected `:` after `{name}`");
    mistakes.push(Mistake::at_span(here(input), message).help(format!("write `{name}: expression`")));
    let _ = if input.peek(Token![::]) {
        input.parse::<Token![::]>().is_ok()
    } else if input.peek(Token![=>]) {
        input.parse::<Token![=>]>().is_ok()
    } else {
        at_equals(input) && input.parse::<Token![=]>().is_ok()
    };
}

/// Reads what stands after the colon.
pub(super) fn rest(
    input: ParseStream<'_>,
    docs: Vec<String>,
    name: Ident,
    head: Head,
    mistakes: &mut Mistakes,
) -> Child {
    let count = head.count.map(|(_, count)| count);
    let (ty, expression) = match &count {
        Some(Count::Open(_)) => members(input, &name, mistakes),
        _ => (declared_type(input), service(input, &name, mistakes)),
    };
    Child { docs, name, count, arguments: head.arguments, ty, expression }
}

fn service(input: ParseStream<'_>, name: &Ident, mistakes: &mut Mistakes) -> Option<Expression> {
    if at_end(input) {
        let message = format!("`{name}` has no expression");
        let help = format!("write `{name}: expression`, where the expression gives a service");
        mistakes.push(Mistake::at(name, message).help(help));
        return None;
    }
    expression(input).map_err(|error| unreadable(input, "expression", name, &error, mistakes)).ok()
}

/// `Type =`
fn declared_type(input: ParseStream<'_>) -> Option<Stated> {
    if !may_be_declared(input.cursor()) {
        return None;
    }
    let fork = input.fork();
    let (syntax, tokens) = verbatim::<Type>(&fork).ok()?;
    if !at_equals(&fork) {
        return None;
    }
    fork.parse::<Token![=]>().ok()?;
    input.advance_to(&fork);
    Some(Stated::new(syntax, tokens))
}

/// Whether a `=` may follow: most children state no type, and to find that out by reading one takes long.
fn may_be_declared(mut rest: Cursor<'_>) -> bool {
    while let Some((token, next)) = rest.token_tree() {
        match token {
            // After a `<`, the next comma may be one of the type.
            TokenTree::Punct(punct) if matches!(punct.as_char(), '=' | '<') => return true,
            TokenTree::Punct(punct) if punct.as_char() == ',' => return false,
            _ => rest = next,
        }
    }
    false
}

/// Skips what is not the `what` of a child.
pub(super) fn unreadable(
    input: ParseStream<'_>,
    what: &str,
    name: &Ident,
    error: &syn::Error,
    mistakes: &mut Mistakes,
) {
    let skipped = take_while(input, |input| !at_end(input));
    mistakes.push(Mistake::at(skipped, format!("the {what} of `{name}` cannot be read")).note(error.to_string()));
}
