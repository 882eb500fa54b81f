//! `worker*4(restart = transient): Worker = Worker::new`

use proc_macro2::{Ident, TokenStream};
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::{Token, Type};

use super::arguments::arguments;
use super::count::count;
use super::stream::{at_end, at_equals, expression, here, take_while, verbatim};
use super::written::{Argument, Child, Count};
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

/// Reads the type and the expression after the colon.
pub(super) fn rest(
    input: ParseStream<'_>,
    docs: Vec<String>,
    name: Ident,
    head: Head,
    mistakes: &mut Mistakes,
) -> Child {
    let ty = declared_type(input);
    let expression = if at_end(input) {
        let message = format!("`{name}` has no expression");
        let help = format!("write `{name}: expression`, where the expression gives a service");
        mistakes.push(Mistake::at(&name, message).help(help));
        None
    } else {
        expression(input).map_err(|error| unreadable(input, &name, &error, mistakes)).ok()
    };
    Child { docs, name, count: head.count.map(|(_, count)| count), arguments: head.arguments, ty, expression }
}

/// `Type =`
fn declared_type(input: ParseStream<'_>) -> Option<TokenStream> {
    let fork = input.fork();
    let (_, ty) = verbatim::<Type>(&fork).ok()?;
    if !at_equals(&fork) {
        return None;
    }
    fork.parse::<Token![=]>().ok()?;
    input.advance_to(&fork);
    Some(ty)
}

fn unreadable(input: ParseStream<'_>, name: &Ident, error: &syn::Error, mistakes: &mut Mistakes) {
    let skipped = take_while(input, |input| !at_end(input));
    mistakes.push(Mistake::at(skipped, format!("the expression of `{name}` cannot be read")).note(error.to_string()));
}
