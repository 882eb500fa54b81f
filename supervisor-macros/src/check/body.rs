//! Where the services of a child come from: an expression, replicas of it, or whoever adds them.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::Expr;

use super::fields::Field;
use super::names::Scope;
use super::{Body, Evaluated, Members, count, options, types};
use crate::mistake::{Mistake, Mistakes};
use crate::parse::{Amount, Child, Count, Expression, Open};
use crate::text::text;

/// The body of a child, if there can be one. The running tree has a field for the child in any case.
pub(super) fn body(child: Child, scope: &mut Scope, mistakes: &mut Mistakes) -> Option<Body> {
    match child.count {
        Some(Count::Open(_)) => open(child, scope, mistakes),
        _ => evaluated(child, scope, mistakes),
    }
}

/// `db: Db::new() (restart = transient)`, which is a call to the compiler.
fn options_behind(name: &Ident, expression: &Expression) -> Option<Mistake> {
    let Expr::Call(call) = expression.syntax() else { return None };
    let is_option = |argument: &&Expr| match argument {
        Expr::Assign(assigned) => {
            matches!(&*assigned.left, Expr::Path(path) if path.path.get_ident().is_some_and(options::is_known))
        }
        _ => false,
    };
    let option = call.args.iter().find(is_option)?;
    let message = format!("the options of `{name}` stand after its name");
    Some(Mistake::at(option, message).help(format!("write `{name}({}): ..`", text(&option.to_token_stream()))))
}

fn evaluated(child: Child, scope: &mut Scope, mistakes: &mut Mistakes) -> Option<Body> {
    let dynamic = types::dynamic(&child);
    let ty = if dynamic.is_none() { types::stated(&child, mistakes) } else { None };
    scope.declare(Field::of_child(&child, ty.clone()), mistakes);
    let behind = || options_behind(&child.name, child.expression.as_ref()?);
    if let Some(mistake) = dynamic.or_else(behind) {
        mistakes.push(mistake);
        return None;
    }
    let no_function = child.expression.as_ref().filter(|_| child.count.is_some()).and_then(count::no_function);
    let is_no_function = no_function.is_some();
    mistakes.extend(no_function);
    let count = match child.count {
        None => None,
        Some(Count::Known(count)) => Some(count::amount(&count, Amount::Replicas, mistakes)),
        Some(Count::Open(_) | Count::Wrong) => Some(None),
    };
    let expression = child.expression?;
    match count {
        // The count is wrong, so nothing is known of what the expression should be.
        Some(None) => None,
        _ if is_no_function => None,
        count => Some(Body::Evaluated(Evaluated::new(count.flatten(), ty, expression))),
    }
}

fn open(child: Child, scope: &mut Scope, mistakes: &mut Mistakes) -> Option<Body> {
    let path = scope.path(&child.name);
    let types = types::members(&child, &path, mistakes);
    scope.declare(Field::of_child(&child, types.meant), mistakes);
    let Some(Count::Open(Open { place, bound })) = child.count else { return None };
    let bound = bound.and_then(|bound| count::amount(&bound, Amount::Members, mistakes));
    types.stated.map(|ty| Body::Open(Members { open: Open { place, bound }, ty }))
}
