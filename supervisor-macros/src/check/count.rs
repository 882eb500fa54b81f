//! How many replicas a child has, or members at most, and what replicas ask of their expression.

use syn::{Expr, Lit};

use crate::mistake::{Mistake, Mistakes};
use crate::parse::{Amount, Expression};

/// The count or the bound, if there can be one.
pub(super) fn amount(written: &Expression, amount: Amount, mistakes: &mut Mistakes) -> Option<Expression> {
    let written = written.bare();
    let mistake = match written.syntax() {
        Expr::Lit(literal) => wrong(&literal.lit, amount),
        _ => None,
    };
    match mistake {
        Some(mistake) => {
            mistakes.push(mistake);
            None
        }
        None => Some(written),
    }
}

/// Replicas take the function itself; one that is called already, or a value, is a plain slip.
///
/// Only for what by convention gives a `Type`, and so no function: `Type::new(..)`, unless it is a `Box`, `Type(..)` and
/// `Type { .. }`; about any other call the compiler knows more. (Whoever has one that does return a function writes it in
/// braces.)
pub(super) fn no_function(expression: &Expression) -> Option<Mistake> {
    let wrong = |message: String, help: String| Some(Mistake::at(expression, message).help(help));
    let call = match expression.syntax() {
        Expr::Call(call) => call,
        Expr::Struct(value) => {
            let ty = &value.path.segments.last()?.ident;
            let message = format!("replicas need a function of the index, and this is a value, a `{ty}`");
            return wrong(message, format!("write `|index| {ty} {{ .. }}`"));
        }
        _ => return None,
    };
    let Expr::Path(path) = &*call.func else {
        return None;
    };
    let mut segments = path.path.segments.iter().rev().map(|segment| &segment.ident);
    let (last, before) = (segments.next()?, segments.next());
    if path.qself.is_some() {
        return None;
    }
    match before {
        Some(ty) if last == "new" && ty != "Box" => {
            let arguments = if call.args.len() > 1 { "index, .." } else { "index" };
            let message = format!("replicas need a function of the index, and this `{ty}::new` is called already");
            wrong(message, format!("write `{ty}::new`, or `|index| {ty}::new({arguments})`"))
        }
        _ if last.to_string().starts_with(char::is_uppercase) => {
            let message = format!("replicas need a function of the index, and this is a value, a `{last}`");
            wrong(message, format!("write `|index| {last}(..)`"))
        }
        _ => None,
    }
}

/// How many that are, where it is written as a number.
pub(super) fn known(count: &Expression) -> Option<u64> {
    match count.syntax() {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

fn wrong(literal: &Lit, amount: Amount) -> Option<Mistake> {
    let help = amount.example();
    match literal {
        Lit::Int(number) if !matches!(number.suffix(), "" | "usize") => {
            let message = format!("a {amount} is a `usize`, and this is a `{}`", number.suffix());
            Some(Mistake::at(number, message).help(format!("write `{}`", number.base10_digits())))
        }
        Lit::Int(number) if number.base10_digits() == "0" => {
            let message = match amount {
                Amount::Replicas => "a child with zero replicas never runs",
                Amount::Members => "an open group with a bound of zero takes no members",
            };
            Some(Mistake::at(number, message).help("write at least 1, or remove the child"))
        }
        Lit::Int(_) => None,
        Lit::Float(number) => Some(Mistake::at(number, format!("a {amount} is a whole number")).help(help)),
        other => Some(Mistake::at(other, format!("a {amount} is a number")).help(help)),
    }
}
