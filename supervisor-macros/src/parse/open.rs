//! `Conn`: what follows the colon of an open group.

use proc_macro2::Ident;
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::{Token, Type};

use super::child::unreadable;
use super::stream::{any_ident, at_end, at_equals, expression, verbatim};
use super::written::{Expression, Stated};
use crate::mistake::{Mistake, Mistakes};

/// Reads the type; and an expression in its place or after it, which is for `check` to reject.
pub(super) fn members(
    input: ParseStream<'_>,
    name: &Ident,
    mistakes: &mut Mistakes,
) -> (Option<Stated>, Option<Expression>) {
    if at_end(input) {
        let help = format!("write the type of its members: `{name}*..: Type`");
        mistakes.push(Mistake::at(name, format!("`{name}` has no type")).help(help));
        return (None, None);
    }
    let ty = whole_type(input);
    if ty.is_some() && !at_equals(input) {
        return (ty, None);
    }
    if ty.is_some()
        && let Ok(equals) = input.parse::<Token![=]>()
        && at_end(input)
    {
        let message = "an open group takes only the type of its members";
        mistakes.push(Mistake::at(equals, message).help("remove the `=`"));
        return (ty, None);
    }
    let expression = expression(input).map_err(|error| unreadable(input, "type", name, &error, mistakes)).ok();
    (ty, expression)
}

/// A type, if nothing of an expression follows it.
fn whole_type(input: ParseStream<'_>) -> Option<Stated> {
    let fork = input.fork();
    let (syntax, tokens) = verbatim::<Type>(&fork).ok()?;
    // Another name is the next child, whose comma is missing.
    if !at_end(&fork) && !at_equals(&fork) && any_ident(&fork.fork()).is_none() {
        return None;
    }
    input.advance_to(&fork);
    Some(Stated::new(syntax, tokens))
}
