//! What the log says, and in which words: one target, structured fields, nothing twice for one incident.
//!
//! `error` is for what does not come back by itself, `warn` for a failure that supervision answers, `info` for
//! what an operator wants to see of a normal day, `debug` for the rest.

use std::error::Error;
use std::fmt::{self, Write as _};

use tracing::{debug, error, info, warn};

use crate::declare::Kind;
use crate::shell::{Group, catch};
use crate::view::{Names, Place, Told, What};
use crate::{Cause, Context, Exit, Panic, TreeError};

const TARGET: &str = "supervisor";

/// One event, as the log tells it.
pub(crate) fn event(names: &Names, told: &Told) {
    match told.place(names) {
        Some(place) => of_child(told, place),
        None => of_supervisor(&told.what, &names.path),
    }
}

fn of_child(told: &Told, place: Place<'_>) {
    let incarnation = told.change.map(|change| change.incarnation);
    // Rendered only if somebody reads it.
    let child = || place.path();
    match &told.what {
        What::Failed(exit) => failed(place, exit),
        What::Restarting { attempt, delay, restarts_left, others } => info!(
            target: TARGET,
            child = child(),
            attempt,
            delay = (!delay.is_zero()).then(|| tracing::field::debug(delay)),
            restarts_left,
            others = (*others > 0).then_some(others),
            "restarting"
        ),
        What::Started => info!(target: TARGET, child = child(), incarnation, "started"),
        What::Ready => info!(target: TARGET, child = child(), "ready"),
        What::NotReady(reason) => info!(target: TARGET, child = child(), %reason, "not ready"),
        What::Stopped(Some(exit)) => stopped(place, exit),
        What::Dropped(exit) => warn!(target: TARGET, child = child(), phase = %exit.phase, "dropped by force"),
        What::Stuck => {
            error!(target: TARGET, child = child(), "stuck: it was told to be dropped, but blocks its thread");
        }
        What::Done(_) => info!(target: TARGET, child = child(), "done"),
        What::Gone => info!(target: TARGET, child = child(), "not restarted: it is temporary"),
        What::Forfeited => error!(target: TARGET, child = child(), "forfeited: it will not be started again"),
        What::NotStarted => warn!(target: TARGET, child = child(), "not retried: it was added or started by hand"),
        What::Added => debug!(target: TARGET, child = child(), "added"),
        What::Discarded => debug!(target: TARGET, child = child(), "discarded"),
        What::Initialized(_) => debug!(target: TARGET, supervisor = child(), "initialized"),
        What::Waiting => debug!(target: TARGET, child = child(), "waiting"),
        What::Starting => debug!(target: TARGET, child = child(), incarnation, "starting"),
        What::Steered(order) => info!(target: TARGET, child = child(), %order, "steered by hand"),
        What::Stopping => debug!(target: TARGET, child = child(), "stopping"),
        What::Dropping => debug!(target: TARGET, child = child(), "told to be dropped"),
        What::ShuttingDown => info!(target: TARGET, child = child(), "shutting down"),
        What::ShutDown { error: None } => info!(target: TARGET, child = child(), "shut down"),
        What::ShutDown { error: Some(error) } => {
            error!(target: TARGET, child = child(), error = &**error, "the tree has failed");
        }
        What::Stopped(None)
        | What::GaveUp { .. }
        | What::RollingBack { .. }
        | What::Escalating { .. }
        | What::Crashing { .. } => {}
    }
}

fn of_supervisor(what: &What, supervisor: &str) {
    match what {
        What::GaveUp { child, limit } => error!(
            target: TARGET,
            supervisor,
            child = &**child,
            max_restarts = limit.max_restarts,
            over = ?limit.over,
            "gave up: the restart limit is reached"
        ),
        What::RollingBack { child } => {
            error!(target: TARGET, supervisor, child = &**child, "did not start: stopping what had started");
        }
        What::Escalating { child } => {
            error!(target: TARGET, supervisor, child = &**child, "escalating the failure");
        }
        What::Crashing { child } => error!(target: TARGET, supervisor, child = &**child, "crashing with its child"),
        _ => {}
    }
}

fn failed(place: Place<'_>, exit: &Exit) {
    // A supervisor has said itself why it failed.
    if place.label().kind == Kind::Supervisor && exit.error().is_some() {
        return;
    }
    let (child, phase) = (|| place.path(), exit.phase);
    match &exit.cause {
        Cause::Error(error) => {
            warn!(target: TARGET, child = child(), %phase, error = %Chain(&**error), "failed");
        }
        Cause::Panic(panic) => {
            warn!(
                target: TARGET,
                child = child(),
                %phase,
                place = panic.place(),
                panic = panic.message(),
                "panicked"
            );
        }
        Cause::Done => warn!(target: TARGET, child = child(), "returned Ok unasked, but is permanent"),
        Cause::StartTimedOut(_) | Cause::Unresponsive(_) | Cause::Dropped => {
            warn!(target: TARGET, child = child(), %phase, cause = %exit, "failed");
        }
    }
}

fn stopped(place: Place<'_>, exit: &Exit) {
    let child = || place.path();
    match &exit.cause {
        Cause::Panic(panic) => {
            warn!(
                target: TARGET,
                child = child(),
                place = panic.place(),
                panic = panic.message(),
                "panicked while it was stopping"
            );
        }
        Cause::Error(error) => {
            info!(target: TARGET, child = child(), error = %Chain(&**error), "stopped with an error");
        }
        _ => info!(target: TARGET, child = child(), "stopped"),
    }
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
    match catch(|| format!("{error:?}")) {
        Ok(said) => error!(target: TARGET, "{said}"),
        Err(panic) => error!(target: TARGET, "an error that panicked when it was to be told{panic}"),
    }
}

pub(crate) fn panics_abort() {
    warn!(target: TARGET, "compiled with panic = \"abort\": a panic in a service ends the process");
}

pub(crate) fn dropped_while_running(tree: &str) {
    warn!(target: TARGET, tree, "the owner of the running tree was dropped: dropping what still runs");
}

pub(crate) fn runtime_shut_down(tree: &str) {
    warn!(target: TARGET, tree, "the runtime of the running tree was shut down: what still ran was dropped");
}

/// An error and what is behind it, in one line.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    /// What errors say is the user's code, and runs in the task that tells it: a panic there would be the end of a child.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = catch(|| {
            let mut text = self.0.to_string();
            let mut next = self.0.source();
            while let Some(error) = next {
                let _ = write!(text, ": {error}");
                next = error.source();
            }
            text
        });
        match text {
            Ok(text) => f.write_str(&text),
            Err(panic) => write!(f, "an error that panicked when it was to be told{panic}"),
        }
    }
}
