//! How many replicas a child has, or members at most, and what replicas ask of their expression.

use quote::ToTokens;
use syn::{Expr, ExprPath, ExprStruct, Lit};

use crate::mistake::{Mistake, Mistakes};
use crate::parse::{Amount, Expression};
use crate::text::text;

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
    let wrong = |what: String, help: String| {
        let message = format!("replicas need a function of the index, and this {what}");
        Some(Mistake::at(expression, message).help(help))
    };
    let value = |written: String| wrong(format!("`{written}` is a value"), format!("write `|index| {written}`"));
    let call = match expression.syntax() {
        Expr::Call(call) => call,
        Expr::Struct(ExprStruct { qself: None, path, .. }) => {
            return value(format!("{} {{ .. }}", text(&path.to_token_stream())));
        }
        _ => return None,
    };
    let Expr::Path(ExprPath { qself: None, path, .. }) = &*call.func else {
        return None;
    };
    let mut segments = path.segments.iter().rev().map(|segment| &segment.ident);
    let (last, before) = (segments.next()?, segments.next());
    match before {
        Some(ty) if last == "new" && ty != "Box" => {
            let arguments = if call.args.len() > 1 { "index, .." } else { "index" };
            wrong(
                format!("`{ty}::new` is called already"),
                format!("write `{ty}::new`, or `|index| {ty}::new({arguments})`"),
            )
        }
        _ if is_camel_case(&last.to_string()) => value(format!("{}(..)", text(&path.to_token_stream()))),
        _ => None,
    }
}

/// As types are named, and constants are not.
fn is_camel_case(name: &str) -> bool {
    name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase)
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
