//! How many replicas a child has, and what that asks of its expression.

use syn::{Expr, Lit};

use crate::mistake::{Mistake, Mistakes};
use crate::parse::{Count, Expression};

/// The count, if there can be one.
pub(super) fn count(count: Count, mistakes: &mut Mistakes) -> Option<Expression> {
    let count = match count {
        Count::Known(count) => count.bare(),
        Count::Wrong => return None,
    };
    let mistake = match count.syntax() {
        Expr::Lit(literal) => wrong(&literal.lit),
        _ => None,
    };
    match mistake {
        Some(mistake) => {
            mistakes.push(mistake);
            None
        }
        None => Some(count),
    }
}

/// Replicas take the function itself; one that is called already is a plain slip.
///
/// Only for `Type::new(..)`, which by convention gives a `Type`, and so no function unless it is a `Box`;
/// about any other call the compiler knows more. (Whoever has a `new` that does return a function writes
/// it in braces.)
pub(super) fn called(expression: &Expression) -> Option<Mistake> {
    let Expr::Call(call) = expression.syntax() else {
        return None;
    };
    let Expr::Path(path) = &*call.func else {
        return None;
    };
    let mut segments = path.path.segments.iter().rev();
    let (new, ty) = (segments.next()?, segments.next()?);
    if new.ident != "new" || ty.ident == "Box" || path.qself.is_some() {
        return None;
    }
    let (ty, arguments) = (&ty.ident, if call.args.len() > 1 { "index, .." } else { "index" });
    let message = format!("replicas need a function of the index, and this `{ty}::new` is called already");
    Some(Mistake::at(expression, message).help(format!("write `{ty}::new`, or `|index| {ty}::new({arguments})`")))
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

fn wrong(literal: &Lit) -> Option<Mistake> {
    const HELP: &str = "write a whole number of replicas: `*4`";
    match literal {
        Lit::Int(number) if !matches!(number.suffix(), "" | "usize") => {
            let message = format!("a count is a `usize`, and this is a `{}`", number.suffix());
            Some(Mistake::at(number, message).help(format!("write `{}`", number.base10_digits())))
        }
        Lit::Int(number) if number.base10_digits() == "0" => Some(
            Mistake::at(number, "a child with zero replicas never runs").help("write at least 1, or remove the child"),
        ),
        Lit::Int(_) => None,
        Lit::Float(number) => Some(Mistake::at(number, "a count is a whole number").help(HELP)),
        other => Some(Mistake::at(other, "a count is a number").help(HELP)),
    }
}
