//! What must hold in every tree, whatever happens in it: each promise is one function, whose name says it.
//!
//! [`JUDGES`] look at each event before it is taken in. They know what was declared and what was told before, and nothing
//! of how a tree works.

use std::time::Duration;

use supervisor_runtime::{State, What};

use crate::ledger::{About, Ledger};

type Verdict = Result<(), String>;

/// A promise that is looked at with every event.
pub(crate) type Judge = fn(&Ledger, &About<'_>) -> Verdict;

/// All of them.
pub(crate) const JUDGES: [(&str, Judge); 15] = [
    ("a_child_has_one_incarnation_at_a_time", a_child_has_one_incarnation_at_a_time),
    ("incarnations_are_counted_one_by_one", incarnations_are_counted_one_by_one),
    ("only_what_lives_can_end", only_what_lives_can_end),
    ("an_incarnation_ends_once", an_incarnation_ends_once),
    ("restarts_in_a_window_are_never_more_than_the_limit", restarts_in_a_window_are_never_more_than_the_limit),
    ("a_supervisor_gives_up_once_and_only_past_its_limit", a_supervisor_gives_up_once_and_only_past_its_limit),
    ("a_supervisor_fails_once", a_supervisor_fails_once),
    ("a_delay_is_within_the_formula", a_delay_is_within_the_formula),
    ("only_a_long_run_ends_a_row_of_attempts", only_a_long_run_ends_a_row_of_attempts),
    ("nothing_starts_before_its_delay_is_over", nothing_starts_before_its_delay_is_over),
    ("nothing_starts_once_a_stop_has_begun", nothing_starts_once_a_stop_has_begun),
    ("what_stands_before_has_started_first", what_stands_before_has_started_first),
    ("what_stands_after_has_stopped_first", what_stands_after_has_stopped_first),
    ("a_child_has_no_longer_than_its_own_deadline", a_child_has_no_longer_than_its_own_deadline),
    ("a_stop_keeps_to_its_deadline", a_stop_keeps_to_its_deadline),
];

/// Says what is wrong, if something is.
fn holds(holds: bool, wrong: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(wrong()) }
}

fn a_child_has_one_incarnation_at_a_time(_: &Ledger, about: &About<'_>) -> Verdict {
    let (What::Starting, Some(child)) = (about.event.what(), about.child) else { return Ok(()) };
    holds(!child.state.is_live(), || format!("it starts while it is {}", child.state))
}

fn incarnations_are_counted_one_by_one(_: &Ledger, about: &About<'_>) -> Verdict {
    let (What::Starting, Some(child)) = (about.event.what(), about.child) else { return Ok(()) };
    let number = about.event.incarnation();
    holds(number == Some(child.incarnation + 1), || format!("{number:?} follows {}", child.incarnation))
}

/// One exit for each start, and none without.
fn only_what_lives_can_end(_: &Ledger, about: &About<'_>) -> Verdict {
    let Some(child) = about.child else { return Ok(()) };
    let is_end = match about.event.what() {
        What::Failed(_) | What::Done(_) | What::Dropped(_) | What::Stopped(Some(_)) => true,
        What::Started => return holds(child.state == State::Starting, || format!("it started as {}", child.state)),
        _ => false,
    };
    holds(!is_end || child.state.is_live(), || format!("it ended, and was {}", child.state))
}

/// How it ended is told once: what has failed is then only told to have stopped.
fn an_incarnation_ends_once(_: &Ledger, about: &About<'_>) -> Verdict {
    let (What::Failed(_) | What::Done(_) | What::Stopped(Some(_)), Some(child)) = (about.event.what(), about.child)
    else {
        return Ok(());
    };
    holds(!child.has_ended, || "how it ended has been told before".to_owned())
}

fn restarts_in_a_window_are_never_more_than_the_limit(_: &Ledger, about: &About<'_>) -> Verdict {
    let What::Restarting { restarts_left, .. } = about.event.what() else { return Ok(()) };
    let Some((declared, group)) = about.group else { return Err("it is in no group".to_owned()) };
    let (limit, at) = (declared.limit, about.event.at());
    let spent = group.restarts.iter().filter(|&&then| at.saturating_duration_since(then) <= limit.over).count() + 1;
    let left = (limit.max_restarts as usize).checked_sub(spent);
    holds(left == Some(*restarts_left as usize), || format!("restart {spent} of {limit}, {restarts_left} left"))
}

fn a_supervisor_gives_up_once_and_only_past_its_limit(ledger: &Ledger, about: &About<'_>) -> Verdict {
    if let (What::Restarting { .. }, Some((_, group))) = (about.event.what(), about.group) {
        return holds(!group.gave_up, || "a restart after its supervisor gave up".to_owned());
    }
    let What::GaveUp { .. } = about.event.what() else { return Ok(()) };
    let Some((declared, group)) = ledger.group(&about.path) else { return Err("it is no group".to_owned()) };
    let (limit, at) = (declared.limit, about.event.at());
    let spent = group.restarts.iter().filter(|&&then| at.saturating_duration_since(then) <= limit.over).count();
    holds(spent == limit.max_restarts as usize && !group.gave_up, || {
        format!("it gave up after {spent} restarts of {limit}, before: {}", group.gave_up)
    })
}

/// Exactly one escalation.
fn a_supervisor_fails_once(ledger: &Ledger, about: &About<'_>) -> Verdict {
    let Some((_, group)) = ledger.group(&about.path) else { return Ok(()) };
    match about.event.what() {
        What::Failed(_) => holds(group.failures == 0, || "it has failed before".to_owned()),
        // It is made anew.
        What::Initialized(_) => {
            let is_told = !group.gave_up || group.failures == 1 || group.asked_at.is_some();
            holds(is_told, || format!("it gave up, and failed {} times", group.failures))
        }
        _ => Ok(()),
    }
}

fn a_delay_is_within_the_formula(_: &Ledger, about: &About<'_>) -> Verdict {
    let What::Restarting { attempt, delay, .. } = about.event.what() else { return Ok(()) };
    let backoff = about.declared.and_then(|child| child.backoff);
    let most = match (backoff, attempt) {
        (None, _) | (_, 1) => Duration::ZERO,
        (Some(backoff), _) => backoff.initial.saturating_mul(1 << (attempt - 2).min(20)).min(backoff.max),
    };
    holds(*delay >= most / 2 && *delay <= most, || format!("attempt {attempt} with {backoff:?} waits {delay:?}"))
}

/// Never a hot loop under backoff.
fn only_a_long_run_ends_a_row_of_attempts(_: &Ledger, about: &About<'_>) -> Verdict {
    let What::Restarting { attempt, .. } = about.event.what() else { return Ok(()) };
    let (Some(declared), Some(child)) = (about.declared, about.child) else { return Ok(()) };
    let max = declared.backoff.map_or(Duration::MAX, |backoff| backoff.max);
    // What is done by hand begins anew.
    let is_first = *attempt == 1 && (child.lasted > max || child.is_steered || child.attempt == 0);
    let is_next = *attempt == child.attempt + 1 && child.ran <= max;
    holds(is_first || is_next, || {
        format!("{attempt} follows {} of {:?} after a run of {:?}", child.attempt, declared.backoff, child.ran)
    })
}

fn nothing_starts_before_its_delay_is_over(_: &Ledger, about: &About<'_>) -> Verdict {
    let (What::Starting, Some(child)) = (about.event.what(), about.child) else { return Ok(()) };
    let is_steered = child.is_steered || about.group.is_some_and(|(_, group)| group.is_steered);
    let early = child.until.map(|until| until.saturating_duration_since(about.event.at())).unwrap_or_default();
    holds(early.is_zero() || is_steered, || format!("it starts {early:?} too early"))
}

/// In the same instant it may: not everybody has heard of the stop yet.
fn nothing_starts_once_a_stop_has_begun(_: &Ledger, about: &About<'_>) -> Verdict {
    let (What::Starting, Some((_, group))) = (about.event.what(), about.group) else { return Ok(()) };
    let late = group.ending_since.map(|then| about.event.at().saturating_duration_since(then)).unwrap_or_default();
    holds(late.is_zero(), || format!("it starts {late:?} after the stop of its group began"))
}

fn what_stands_before_has_started_first(ledger: &Ledger, about: &About<'_>) -> Verdict {
    let (What::Starting, Some((group, known))) = (about.event.what(), about.group) else { return Ok(()) };
    let (Some(declared), false) = (about.declared, known.is_steered) else { return Ok(()) };
    let before = match group.strategy {
        "dependents_for_one" => declared.requires.clone(),
        "one_for_all" | "rest_for_one" => (0..declared.position).collect(),
        // Of the others, only the first start has an order.
        _ if about.child.is_some_and(|child| child.starts > 0) => return Ok(()),
        _ => (0..declared.position).collect(),
    };
    // While one is in its `stop` after a failure, nothing is decided yet: those after it that fail, too, may wait for it.
    let is_undecided = |&earlier: &usize| {
        let mut all = ledger.all_of(&group.children[earlier]);
        all.any(|(_, child)| child.state == State::Stopping)
    };
    if before.iter().any(is_undecided) {
        return Ok(());
    }
    for earlier in before {
        for (path, child) in ledger.all_of(&group.children[earlier]) {
            let waits = matches!(child.state, State::Waiting | State::Delayed | State::Starting);
            // One that has started before restarts by itself.
            let is_right = !waits || child.has_started && about.child.is_some_and(|child| child.starts == 0);
            holds(is_right, || format!("it starts before {path}, which is {}", child.state))?;
        }
    }
    Ok(())
}

fn what_stands_after_has_stopped_first(ledger: &Ledger, about: &About<'_>) -> Verdict {
    let (What::Stopping, Some((group, known))) = (about.event.what(), about.group) else { return Ok(()) };
    let (Some(declared), false) = (about.declared, known.is_steered) else { return Ok(()) };
    let is_ending = known.ending_since.is_some();
    // At a deadline, what is left is dropped in no order; and what uses what was forfeited, or waits for its own
    // provider, goes with that.
    let is_lost = |&needed: &usize| {
        let mut all = ledger.all_of(&group.children[needed]);
        all.any(|(_, child)| matches!(child.state, State::Forfeited | State::Waiting))
    };
    if ledger.may_be_late(&declared.group, about.event.at()) || declared.requires.iter().any(is_lost) {
        return Ok(());
    }
    // What is scaled away, or discarded, is stopped alone; and what a custom strategy says, it says.
    if !is_ending && (!declared.is_single || group.strategy == "custom") {
        return Ok(());
    }
    for (later, path) in group.children.iter().enumerate().skip(declared.position + 1) {
        let depends = || ledger.declared.children[path].requires.contains(&declared.position);
        if group.strategy == "dependents_for_one" && !depends() {
            continue;
        }
        // Nor is it told who is on the way out because it was scaled away.
        let may_be_leaving = !is_ending && !ledger.declared.children[path].is_single;
        for (path, child) in ledger.all_of(path) {
            if may_be_leaving && child.state == State::Stopping {
                continue;
            }
            holds(!child.state.is_live(), || {
                format!("it stops before {path}, number {later}, which is {}", child.state)
            })?;
        }
    }
    Ok(())
}

/// Whatever else is being done: since it was asked to stop.
fn a_child_has_no_longer_than_its_own_deadline(_: &Ledger, about: &About<'_>) -> Verdict {
    let (Some(declared), Some(child)) = (about.declared, about.child) else { return Ok(()) };
    let (Some(asked), Some(most)) = (child.asked_at, declared.shutdown) else { return Ok(()) };
    let took = about.event.at().saturating_duration_since(asked);
    holds(took <= most, || format!("it was asked to stop {took:?} ago, and may take {most:?}"))
}

fn a_stop_keeps_to_its_deadline(ledger: &Ledger, about: &About<'_>) -> Verdict {
    let has_lived = about.child.is_some_and(|child| child.state.is_live());
    let is_end = match about.event.what() {
        What::ShutDown { .. } => true,
        _ => has_lived && about.event.state().is_some_and(|state| !state.is_live()),
    };
    let Some((declared, group)) = ledger.group(&about.path).filter(|_| is_end) else { return Ok(()) };
    // The end of the last incarnation is none of the next one's.
    let since = group.ending_since.max(group.next_since);
    let took = since.map(|then| about.event.at().saturating_duration_since(then)).unwrap_or_default();
    let most = match ledger.was_steered_at_or_below(&about.path) {
        true => declared.shutdown_when_steered,
        false => declared.shutdown,
    };
    holds(took <= most, || format!("it took {took:?} to stop, and may take {most:?}"))
}
