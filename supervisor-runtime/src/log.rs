//! What the log says, and in which words: one target, structured fields, nothing twice for one incident.
//!
//! `error` is for what does not come back by itself, `warn` for a failure that supervision answers, `info` for
//! what an operator wants to see of a normal day, `debug` for the rest.

use std::error::Error;
use std::fmt;

use tracing::{debug, error, info, warn};

use crate::decide::{Outcome, Phase, SlotId, Verdict};
use crate::declare::Kind;
use crate::shell::Group;
use crate::{Cause, Context, Exit, Panic, Restart, TreeError};

const TARGET: &str = "supervisor";

pub(crate) fn starting(cx: &Context) {
    debug!(target: TARGET, child = cx.path(), incarnation = cx.incarnation(), "starting");
}

pub(crate) fn started(cx: &Context) {
    info!(target: TARGET, child = cx.path(), incarnation = cx.incarnation(), "started");
}

/// An incarnation has failed; `stop` comes next. One that was asked to stop has not failed.
pub(crate) fn failed(cx: &Context, exit: &Exit) {
    if exit.asked || !tracing::enabled!(target: TARGET, tracing::Level::WARN) {
        return;
    }
    let (child, _) = cx.group().child_and_index(cx.slot());
    // A supervisor has said itself why it failed.
    if child.kind == Kind::Supervisor && exit.error().is_some() {
        return;
    }
    let phase = exit.phase;
    match &exit.cause {
        Cause::Error(error) => {
            warn!(target: TARGET, child = cx.path(), %phase, error = %Chain(&**error), "failed");
        }
        Cause::Panic(panic) => {
            warn!(
                target: TARGET,
                child = cx.path(),
                %phase,
                place = panic.place(),
                panic = panic.message(),
                "panicked"
            );
        }
        Cause::Done if child.options.restart == Restart::Permanent && child.kind == Kind::Worker => {
            warn!(target: TARGET, child = cx.path(), "returned Ok unasked, but is permanent");
        }
        Cause::Done => {}
        Cause::StartTimedOut(_) | Cause::Unresponsive(_) | Cause::Dropped => {
            warn!(target: TARGET, child = cx.path(), %phase, cause = %exit, "failed");
        }
    }
}

/// What the end of an incarnation means, and for the group if it fails with it. The failure itself has been told when
/// it happened, by [`failed`].
pub(crate) fn exited(group: &Group, slot: SlotId, exit: &Exit, verdict: &Verdict, phase: Option<&Phase>) {
    match verdict {
        Verdict::Restart { attempt, delay, left, others } => {
            info!(
                target: TARGET,
                child = group.path_of(slot),
                attempt,
                delay = (!delay.is_zero()).then(|| tracing::field::debug(delay)),
                restarts_left = left,
                others = (*others > 0).then_some(others),
                "restarting"
            );
        }
        Verdict::Swept if exit.is_failure() => {}
        Verdict::Swept if matches!(exit.cause, Cause::Dropped) => {
            warn!(target: TARGET, child = group.path_of(slot), phase = %exit.phase, "dropped by force");
        }
        Verdict::Swept => match &exit.cause {
            Cause::Panic(panic) => {
                warn!(
                    target: TARGET,
                    child = group.path_of(slot),
                    place = panic.place(),
                    panic = panic.message(),
                    "panicked while it was stopping"
                );
            }
            Cause::Error(error) => {
                info!(target: TARGET, child = group.path_of(slot), error = %Chain(&**error), "stopped with an error");
            }
            _ => info!(target: TARGET, child = group.path_of(slot), "stopped"),
        },
        Verdict::Done => info!(target: TARGET, child = group.path_of(slot), "done"),
        Verdict::Gone => info!(target: TARGET, child = group.path_of(slot), "not restarted: it is temporary"),
        Verdict::Forfeited => {
            error!(target: TARGET, child = group.path_of(slot), "forfeited: it will not be started again");
        }
        Verdict::GroupFails => {
            if let Some(Phase::Stopping { outcome, .. } | Phase::Ended(outcome)) = phase {
                group_fails(group, slot, *outcome);
            }
        }
    }
}

pub(crate) fn stuck(child: &str) {
    error!(target: TARGET, child, "stuck: it was told to be dropped, but blocks its thread");
}

pub(crate) fn drop_panicked(cx: &Context, panic: &Panic) {
    warn!(target: TARGET, child = cx.path(), place = panic.place(), panic = panic.message(), "panicked when it was dropped");
}

pub(crate) fn stop_panicked(cx: &Context, panic: &Panic) {
    warn!(target: TARGET, child = cx.path(), place = panic.place(), panic = panic.message(), "panicked in stop");
}

pub(crate) fn task_failed_in_stop(cx: &Context, error: &(dyn Error + 'static)) {
    warn!(target: TARGET, child = cx.path(), error = %Chain(error), "a task failed while it was stopping");
}

pub(crate) fn stop_dropped(cx: &Context) {
    warn!(target: TARGET, child = cx.path(), phase = %crate::Phase::Stop, "dropped by force");
}

pub(crate) fn custom_strategy_panicked(group: &Group, panic: &Panic) {
    error!(
        target: TARGET,
        supervisor = group.path(),
        place = panic.place(),
        panic = panic.message(),
        "the custom strategy panicked: escalating"
    );
}

pub(crate) fn raises_panicked(group: &Group, panic: &Panic) {
    error!(
        target: TARGET,
        supervisor = group.path(),
        place = panic.place(),
        panic = panic.message(),
        "`raises` panicked: failing with the report of the limit instead"
    );
}

pub(crate) fn signal(name: &str) {
    info!(target: TARGET, signal = name, "asked to stop; a second signal ends the process at once");
}

/// Said besides being returned: what is stuck can keep the runtime, and so `main`, from ending.
pub(crate) fn left_running(error: &TreeError) {
    error!(target: TARGET, "{error:?}");
}

pub(crate) fn panics_abort() {
    warn!(target: TARGET, "compiled with panic = \"abort\": a panic in a service ends the process");
}

pub(crate) fn dropped_while_running(tree: &str) {
    warn!(target: TARGET, tree, "the owner of the running tree was dropped: dropping what still runs");
}

fn group_fails(group: &Group, slot: SlotId, outcome: Outcome) {
    let supervisor = group.path();
    let child = || group.path_of(slot);
    match outcome {
        Outcome::GaveUp(_) => {
            let limit = group.spec().limit;
            error!(
                target: TARGET,
                supervisor,
                child = child(),
                max_restarts = limit.max_restarts,
                over = ?limit.over,
                "gave up: the restart limit is reached"
            );
        }
        Outcome::StartFailed(_) => {
            error!(target: TARGET, supervisor, child = child(), "did not start: stopping what had started");
        }
        Outcome::Escalated(_) => error!(target: TARGET, supervisor, child = child(), "escalating the failure"),
        Outcome::Crashed(_) => error!(target: TARGET, supervisor, child = child(), "crashing with its child"),
        Outcome::Done | Outcome::Stopped | Outcome::Forfeited | Outcome::Stuck => {}
    }
}

/// An error and what is behind it, in one line.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            write!(f, ": {error}")?;
            next = error.source();
        }
        Ok(())
    }
}
