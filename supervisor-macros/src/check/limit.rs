//! A restart limit that is written but can never be reached.
//!
//! A child with a backoff can only restart so often. If all the children of a group together cannot
//! restart more than `max_restarts` times in `over`, the limit does not do what it was written for: the
//! group would go on failing for ever.

use std::time::Duration;

use syn::{Expr, Lit};

use super::relations::{self, PERMANENT, TEMPORARY};
use super::strategy::Strategy;
use super::{Body, Evaluated, Node, Setting, Value, count, option};
use crate::mistake::{Mistake, Mistakes};

/// What the runtime does where `over` is not written (`RestartLimit::default`; `tests/ui.rs` holds the two together). It
/// is known here because a limit is written even if its window is not.
const DEFAULT_OVER: Duration = Duration::from_secs(1);

pub(super) fn check(strategy: Strategy, options: &[Setting], children: &[Node], mistakes: &mut Mistakes) {
    if matches!(strategy, Strategy::Final | Strategy::Unknown) {
        return;
    }
    let Some(setting) = option(options, "max_restarts") else {
        return;
    };
    let (Some(max_restarts), Some(over)) = (number(setting), window(options)) else {
        return;
    };
    let group = option(options, "backoff");
    let most = children.iter().try_fold(0_u64, |sum, child| Some(sum.saturating_add(restarts(child, group, over)?)));
    match most {
        Some(0) => {
            let message = "this limit can never be reached: all the children are temporary, and never restarted";
            mistakes.push(Mistake::at(&setting.written, message).help("remove `max_restarts`"));
        }
        Some(most) if most <= max_restarts => {
            let times = if most == 1 { "once".to_owned() } else { format!("{most} times") };
            let message = format!(
                "this limit can never be reached: with their backoff, the children restart at most {times} in {over:?}"
            );
            mistakes.push(
                Mistake::at(&setting.written, message)
                    .help(format!("write `{}` or less, or lengthen `over`", most - 1)),
            );
        }
        _ => {}
    }
}

fn number(setting: &Setting) -> Option<u64> {
    match &setting.value {
        Value::Expression(expression) => match expression.syntax() {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Int(number) => number.base10_parse().ok(),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

fn window(options: &[Setting]) -> Option<Duration> {
    match option(options, "over") {
        Some(setting) => match &setting.value {
            Value::Time(time) => time.literal(),
            _ => None,
        },
        None => Some(DEFAULT_OVER),
    }
}

/// How often a node can be restarted in a window, over all its replicas; `None` if that is not known, or
/// not bounded.
fn restarts(node: &Node, group: Option<&Setting>, over: Duration) -> Option<u64> {
    let default = if node.is_open() { TEMPORARY } else { PERMANENT };
    if relations::restart(node.options(), default) == Some(TEMPORARY) {
        return Some(0);
    }
    // The `backoff` of a group is for its children; its own comes from the group around it.
    let (own, replicas) = match node {
        Node::Group(_) => (None, 1),
        Node::Child(child) => (option(&child.options, "backoff"), replicas(&child.body)?),
    };
    let Value::Range(initial, max) = &own.or(group)?.value else {
        return None;
    };
    Some(fastest(initial.literal()?, max.literal()?, over).saturating_mul(replicas))
}

/// How many there are of a child; of an open group nobody knows.
fn replicas(body: &Body) -> Option<u64> {
    match body {
        Body::Evaluated(Evaluated { count: Some(count), .. }) => count::known(count),
        Body::Evaluated(_) => Some(1),
        Body::Open(_) => None,
    }
}

/// How many restarts of one child can be decided in a window: the first at once, the next after half of
/// `initial`, each further one after twice as long, up to half of `max` (the shortest jitter, and a
/// child that fails as soon as it has started).
///
/// A child that ran for longer than `max` starts over, so there are at most as many such series in a
/// window as `max` fits into it, and one more. That is generous: a limit is only refused for certain.
fn fastest(initial: Duration, max: Duration, over: Duration) -> u64 {
    let mut restarts: u64 = 2;
    let mut delay = initial;
    let mut passed = delay / 2;
    // Beyond this it makes no difference, and delays of a nanosecond make a long walk.
    const ENOUGH: u64 = 10_000;
    while passed <= over {
        restarts += 1;
        delay = delay.saturating_mul(2).min(max);
        passed = passed.saturating_add(delay / 2);
        if restarts > ENOUGH {
            return u64::MAX;
        }
    }
    let series = over.as_nanos() / max.as_nanos() + 1;
    restarts.saturating_mul(u64::try_from(series).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_series_of_restarts_is_counted() {
        let ms = Duration::from_millis;
        for (initial, max, over, expected) in [
            // At once, at once after the first delay of none, then after 0.5 s; the next after 1.5 s.
            (ms(1_000), ms(30_000), ms(1_000), 3),
            (ms(1_000), ms(30_000), ms(499), 2),
            (ms(1_000), ms(30_000), ms(500), 3),
            (ms(1_000), ms(30_000), ms(1_500), 4),
            // The window holds two series of three.
            (ms(1_000), ms(1_000), ms(1_000), 8),
        ] {
            let found = fastest(initial, max, over);
            assert_eq!(found, expected, "{initial:?}..{max:?} over {over:?}");
        }
    }
}
