//! Where the services of a child come from: an expression, replicas of it, or whoever adds them.

use super::fields::Field;
use super::names::Scope;
use super::{Body, Evaluated, Members, count, types};
use crate::mistake::Mistakes;
use crate::parse::{Amount, Child, Count, Open};

/// The body of a child, if there can be one. The running tree has a field for the child in any case.
pub(super) fn body(child: Child, scope: &mut Scope, mistakes: &mut Mistakes) -> Option<Body> {
    match child.count {
        Some(Count::Open(_)) => open(child, scope, mistakes),
        _ => evaluated(child, scope, mistakes),
    }
}

fn evaluated(child: Child, scope: &mut Scope, mistakes: &mut Mistakes) -> Option<Body> {
    let ty = types::stated(&child, mistakes);
    scope.declare(Field::of_child(&child, ty.clone()), mistakes);
    let called = child.expression.as_ref().filter(|_| child.count.is_some()).and_then(count::called);
    let is_called = called.is_some();
    mistakes.extend(called);
    let count = match child.count {
        None => None,
        Some(Count::Known(count)) => Some(count::amount(&count, Amount::Replicas, mistakes)),
        Some(Count::Open(_) | Count::Wrong) => Some(None),
    };
    let expression = child.expression?;
    match count {
        // The count is wrong, so nothing is known of what the expression should be.
        Some(None) => None,
        _ if is_called => None,
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
