//! A supervisor as a service: its own task drives the plans that concern several children.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep_until};

use super::group::{Group, now};
use super::guard::after;
use super::panic::catch;
use super::record::CHUNK;
use crate::decide::{Outcome, Phase, SlotId};
use crate::declare::{Kind, MAX_DEPTH, Size, Supervisor, too_deep};
use crate::error::{Forfeited, LastExit, Left, SupervisorFailed, Why};
use crate::exit::bare;
use crate::line::Abridged;
use crate::{BoxError, Context, Exit, RestartLimitReached, Service, ServiceResult, TreeError, escalate, forfeit, log};

/// Said to who wraps a supervisor: what is around it could only drop it, with all that runs in it.
const NOT_AS_ITSELF: &str = "a supervisor stands in a tree as itself: give it to `child` without a `BoxService` or \
                             another service around it, so that it can be stopped in time";

/// A supervisor is a service like any other: `start` starts its children in order, `run` keeps them running,
/// and when it ends, for whatever reason, all of them have been stopped.
impl Service for Supervisor {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        let child = cx.child();
        if child.kind != Kind::Supervisor {
            return Err(NOT_AS_ITSELF.into());
        }
        // What was declared was checked; here it is one that a factory has made, perhaps of its own kind.
        if cx.group().depth() >= MAX_DEPTH {
            let path = Abridged(&cx.path(), 60).to_string();
            let problem = too_deep(MAX_DEPTH + 1, &path);
            return Err(TreeError::invalid(path, vec![problem]).into());
        }
        if self.spec.is_none() {
            let problems = self.problems();
            if !problems.is_empty() {
                return Err(TreeError::invalid(cx.path(), problems).into());
            }
        }
        let group = Group::new(self.spec(), cx);
        self.group = Some(Owned(Arc::clone(&group)));
        let limit = child.options.start_timeout;
        match drive(&group, cx, Goal::Started, limit).await {
            // If it has ended since, `run` says how.
            Reached::Started => Ok(()),
            Reached::End => end(&group),
            Reached::EndAfter(limit) => {
                end(&group)?;
                Err(SupervisorFailed::new(&group, Why::StartTimedOut(limit), None).into())
            }
        }
    }

    fn run(&mut self, cx: &Context) -> impl Future<Output = ServiceResult> + Send {
        let driven = self.group.as_ref().map(|Owned(group)| (group, drive(group, cx, Goal::Ended, None)));
        async move {
            let Some((group, driven)) = driven else { return Ok(()) };
            driven.await;
            end(group)
        }
    }

    /// Stops what still runs, should `run` have ended before its group.
    fn stop(&mut self, cx: &Context, _exit: &Exit) -> impl Future<Output = ()> + Send {
        let ended = self.group.as_ref().is_some_and(|Owned(group)| group.has_ended());
        let driven = self.group.as_ref().filter(|_| !ended);
        let driven = driven.map(|Owned(group)| (group, drive(group, cx, Goal::Ended, None)));
        async move {
            if let Some((group, driven)) = driven {
                driven.await;
                // Nobody asks how it ended, but what is stuck has to be told.
                let _ = end(group);
            }
        }
    }
}

/// A group and all that runs in it: dropping it drops those, in no order and without `stop`.
pub(crate) struct Owned(Arc<Group>);

impl Drop for Owned {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Drops what runs in a group when the future that drives it is dropped.
struct Abandon<'a>(&'a Group);

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// How far a group is driven.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    Started,
    Ended,
}

/// How far it came.
enum Reached {
    Started,
    End,
    /// The start took longer than this, and has been rolled back.
    EndAfter(Duration),
}

/// Carries out what the core says until the group has come as far as `goal`, for which it has `limit`.
///
/// What drops the future drops what runs in the group, too. (Before it was ever polled, that is up to [`Owned`].)
fn drive(
    group: &Arc<Group>,
    cx: &Context,
    goal: Goal,
    limit: Option<Duration>,
) -> impl Future<Output = Reached> + Send {
    let abandon = Abandon(group);
    async move {
        let reached = carry_out(group, cx, goal, limit).await;
        std::mem::forget(abandon);
        reached
    }
}

async fn carry_out(group: &Arc<Group>, cx: &Context, goal: Goal, limit: Option<Duration>) -> Reached {
    // Its expression, if it has one, has used up some of that.
    let begun = || cx.group().read(|core| core.since(cx.slot()));
    let mut patience = limit.map(|limit| (limit, after(begun(), limit)));
    let mut late = None;
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    let mut armed: Option<Instant> = None;
    poll_fn(|task| {
        loop {
            let asked = cx.cell().read().is_asked().then(|| group.deadline_when_asked(cx));
            if let Some((limit, sleep)) = &mut patience
                && sleep.as_mut().poll(task).is_ready()
            {
                late = Some((*limit, group.own_deadline(now())));
                patience = None;
            }
            let stop = asked.or(late.map(|(_, deadline)| deadline));
            let progress = group.step(stop, task.waker(), CHUNK);
            if progress.more {
                task.waker().wake_by_ref();
                return Poll::Pending;
            }
            if goal == Goal::Started && progress.has_started && late.is_none() {
                return Poll::Ready(Reached::Started);
            }
            if matches!(progress.phase, Phase::Ended(_)) && progress.tasks == 0 {
                return Poll::Ready(late.map_or(Reached::End, |(limit, _)| Reached::EndAfter(limit)));
            }
            // Only an earlier deadline moves the timer; one that is no longer needed fires once, for nothing.
            let Some(next) = progress.next_timer else { return Poll::Pending };
            let sleep = match &mut timer {
                Some(sleep) => {
                    if armed.is_none_or(|armed| next < armed) {
                        sleep.as_mut().reset(next.into());
                        armed = Some(next);
                    }
                    sleep
                }
                None => {
                    armed = Some(next);
                    timer.insert(Box::pin(sleep_until(next.into())))
                }
            };
            if sleep.as_mut().poll(task).is_pending() {
                return Poll::Pending;
            }
            armed = None;
        }
    })
    .await
}

/// What a group that has ended returns to its own supervisor.
fn end(group: &Group) -> ServiceResult {
    let (outcome, stuck, forfeited) = group.read(|core| {
        let Phase::Ended(outcome) = *core.phase() else { return (Outcome::Stopped, Vec::new(), Vec::new()) };
        (outcome, core.stuck().to_vec(), core.forfeited().collect::<Vec<_>>())
    });
    // The members of open groups are lost with it, also what waits to be started by hand.
    for child in group.spec().children.iter().filter(|child| child.size == Size::Open) {
        child.launch.clear_kept();
    }
    let child = |slot| LastExit::of(group, slot);
    let failed = |why, child| SupervisorFailed::new(group, why, child);
    let is_stuck = !stuck.is_empty() || group.is_stuck_below();
    for &slot in &stuck {
        let left = Left { path: group.path_of(slot), phase: None, after: group.asked_for(slot) };
        group.tree().note_stuck(left);
    }
    let result: ServiceResult = match outcome {
        Outcome::Done | Outcome::Stopped => Ok(()),
        Outcome::StartFailed(slot) => Err(failed(Why::StartFailed, child(slot)).into()),
        Outcome::Crashed(slot) => Err(failed(Why::Crashed, child(slot)).into()),
        Outcome::Escalated(slot) => Err(failed(Why::Escalated, child(slot)).into()),
        Outcome::GaveUp(_) => Err(gave_up(group)),
        Outcome::Forfeited => {
            let forfeited = forfeited.into_iter().flat_map(|slot| forfeits_of(group, slot)).collect();
            Err(forfeit(SupervisorFailed { forfeited, ..failed(Why::Forfeited, None) }))
        }
        Outcome::Stuck => Err(failed(Why::Stuck, None).into()),
    };
    if is_stuck {
        // Nothing may be started beside what is stuck, so no restart can help, at no level.
        let inner = result.err().map(bare);
        let child = match outcome {
            Outcome::Escalated(slot) => child(slot),
            _ => None,
        };
        return Err(escalate(SupervisorFailed { raised: inner, stuck: true, ..failed(Why::Stuck, child) }));
    }
    result
}

fn gave_up(group: &Group) -> BoxError {
    let last = group.last_causes().into_iter().map(|(slot, exit)| LastExit { path: group.path_of(slot), exit });
    let report =
        RestartLimitReached { supervisor: group.path().to_owned(), limit: group.spec().limit, last: last.collect() };
    let Some(raises) = &group.spec().raises else { return report.into() };
    let before = report.last.get(1..).unwrap_or_default().to_vec();
    let child = report.last.first().cloned();
    match catch(|| raises(report.clone())) {
        Ok(raised) => {
            SupervisorFailed { raised: Some(raised), before, ..SupervisorFailed::new(group, Why::GaveUp, child) }.into()
        }
        Err(panic) => {
            log::raises_panicked(group, &panic);
            report.into()
        }
    }
}

/// What was forfeited in a slot: the child itself, or, if it is a supervisor, what it lists.
fn forfeits_of(group: &Group, slot: SlotId) -> Vec<Forfeited> {
    let exit = group.last_exit(slot);
    let inner = exit.as_ref().and_then(|exit| exit.forfeits());
    inner.unwrap_or_else(|| vec![Forfeited { path: group.path_of(slot), exit }])
}

impl SupervisorFailed {
    fn new(group: &Group, why: Why, child: Option<LastExit>) -> Self {
        let supervisor = group.path().to_owned();
        Self { supervisor, why, child, forfeited: Vec::new(), raised: None, before: Vec::new(), stuck: false }
    }
}

impl LastExit {
    fn of(group: &Group, slot: SlotId) -> Option<Self> {
        group.last_exit(slot).map(|exit| Self { path: group.path_of(slot), exit })
    }
}
