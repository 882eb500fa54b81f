//! Polls a future of a service: catches its panics, drops it when told to or when it is too late.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as Task, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until};

use super::cell::Command;
use super::group::now;
use super::panic::{catch, catch_drop};
use crate::decide::later;
use crate::declare::Begun;
use crate::exit::Ending;
use crate::{BoxError, Context, Panic, log};

/// How a guarded future ended; nothing of it is left.
pub(crate) enum Guarded<T> {
    /// With its value.
    Ended(T),
    Panicked(Panic),
    /// It was told to be dropped.
    Dropped,
    /// It was dropped by its [`Watch`].
    Late(Duration),
    /// It was dropped because a task of the incarnation failed.
    TaskFailed(BoxError),
}

/// A limit on a future; its timer is armed only if the future is ever pending.
pub(crate) struct Watch {
    kind: Kind,
    limit: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

#[derive(Clone, Copy)]
enum Kind {
    /// On the factory and `start` together, since then. Also looked at when they are done: they may have blocked.
    Start(Instant),
    /// On `stop`, since it was found to take its time.
    Stop,
    /// On `run`, since the last heartbeat.
    Heartbeat,
    /// On the expression of a supervisor, since then, and looked at in the same way. Once it is asked to stop, too: those above
    /// it only ask, because it drops by itself what it has, but it has nothing yet.
    Expression(Instant),
}

impl Watch {
    /// On a start that began at `since`.
    pub(crate) fn start(limit: Duration, since: Instant) -> Box<Self> {
        Box::new(Self { kind: Kind::Start(since), limit, sleep: None })
    }

    pub(crate) fn stop(limit: Duration) -> Box<Self> {
        Box::new(Self { kind: Kind::Stop, limit, sleep: None })
    }

    pub(crate) fn heartbeat(limit: Duration) -> Box<Self> {
        Box::new(Self { kind: Kind::Heartbeat, limit, sleep: None })
    }

    pub(crate) fn expression(limit: Option<Duration>) -> Box<Self> {
        Box::new(Self { kind: Kind::Expression(now()), limit: limit.unwrap_or(Duration::MAX), sleep: None })
    }

    /// What is done now, unless it was done too late.
    #[inline(never)]
    fn in_time<T>(&self, cx: &Context, end: Guarded<T>) -> Guarded<T> {
        let is_late =
            matches!(self.kind, Kind::Start(since) | Kind::Expression(since) if now() > later(since, self.limit));
        if is_late && !cx.cell().read().is_asked() {
            catch_drop(end).map_or_else(Guarded::Panicked, |()| Guarded::Late(self.limit))
        } else {
            end
        }
    }

    /// The limit, once it is passed; `None` if it is the one on what was asked to stop.
    fn poll(&mut self, cx: &Context, task: &mut Task<'_>) -> Poll<Option<Duration>> {
        let is_asked = cx.cell().read().is_asked();
        if matches!(self.kind, Kind::Start(_) | Kind::Heartbeat) && is_asked {
            // Once it is stopping, its `shutdown` keeps the time.
            return Poll::Pending;
        }
        let since = match self.kind {
            Kind::Start(since) | Kind::Expression(since) => since,
            Kind::Stop | Kind::Heartbeat => now(),
        };
        let sleep = self.sleep.get_or_insert_with(|| after(since, self.limit));
        if matches!(self.kind, Kind::Expression(_)) && is_asked {
            let until = cx.group().expression_ends_by(cx.slot()).into();
            if until < sleep.deadline() {
                sleep.as_mut().reset(until);
            }
            return sleep.as_mut().poll(task).map(|()| None);
        }
        loop {
            if sleep.as_mut().poll(task).is_pending() {
                return Poll::Pending;
            }
            if !matches!(self.kind, Kind::Heartbeat) {
                return Poll::Ready(Some(self.limit));
            }
            let until = later(cx.group().last_beat(cx.slot()), self.limit);
            if until <= sleep.deadline().into_std() {
                return Poll::Ready(Some(self.limit));
            }
            sleep.as_mut().reset(until.into());
        }
    }
}

/// A timer that takes no room where it is kept.
pub(super) fn after(now: Instant, limit: Duration) -> Pin<Box<Sleep>> {
    Box::pin(sleep_until(later(now, limit).into()))
}

pin_project! {
    /// The future of [`guard`].
    pub(crate) struct Guard<'a, B, F> {
        cx: &'a Context,
        #[pin]
        step: Step<B, F>,
        limit: Limit<'a>,
    }
}

/// What limits a guarded future.
pub(crate) enum Limit<'a> {
    /// Its supervisor alone.
    Above,
    Watch(Box<Watch>),
    /// It is the `stop` of an incarnation that ended by itself, like this. That one takes its time is told, and from then on
    /// it is watched; one that does not needs neither.
    Stop(&'a Ending),
}

impl Limit<'_> {
    fn watch(&mut self) -> Option<&mut Watch> {
        match self {
            Self::Watch(watch) => Some(watch),
            Self::Above | Self::Stop(_) => None,
        }
    }

    /// Whether it is passed, as [`Watch::poll`] says it; the future is pending.
    #[inline]
    fn poll(&mut self, cx: &Context, task: &mut Task<'_>) -> Poll<Option<Duration>> {
        match self {
            Self::Above => Poll::Pending,
            Self::Watch(_) | Self::Stop(_) => self.look(cx, task),
        }
    }

    /// The same of one that is kept here.
    fn look(&mut self, cx: &Context, task: &mut Task<'_>) -> Poll<Option<Duration>> {
        if let Self::Stop(exit) = self {
            // Who began to listen when `run` ended may not have been seen, and `stop` may wait for it.
            cx.group().wake_at_the_end(cx);
            cx.group().failed(cx, exit);
            *self = cx.child().stop_limit().map_or(Self::Above, |limit| Self::Watch(Watch::stop(limit)));
        }
        self.watch().map_or(Poll::Pending, |watch| watch.poll(cx, task))
    }
}

pin_project! {
    /// How far a guarded future is.
    #[project = StepProjection]
    enum Step<B, F> {
        Begins { begin: Option<B> },
        Polled { #[pin] future: F },
        Over,
    }
}

/// Calls `begin` and polls its future for the incarnation of `cx`, until it ends or has to be dropped.
///
/// Not an `async fn`, which would keep its arguments twice, in every child of every tree.
#[inline]
pub(crate) fn guard<'a, B: FnOnce() -> Begun<F>, F: Future>(
    cx: &'a Context,
    begin: B,
    limit: Limit<'a>,
) -> Guard<'a, B, F> {
    Guard { cx, step: Step::Begins { begin: Some(begin) }, limit }
}

pin_project! {
    /// The future of [`apart`].
    pub(crate) struct Apart<F> {
        #[pin]
        future: F,
    }
}

/// Polls it in a function of its own. For each panic the unwinder looks through the calls of the function that catches it, and
/// that of a child's task has many.
pub(crate) fn apart<F: Future>(future: F) -> Apart<F> {
    Apart { future }
}

impl<F: Future> Future for Apart<F> {
    type Output = F::Output;

    #[inline(never)]
    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Self::Output> {
        self.project().future.poll(task)
    }
}

impl<B: FnOnce() -> Begun<F>, F: Future> Future for Guard<'_, B, F> {
    type Output = Guarded<F::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let cell = this.cx.cell();
        cell.note_own_waker(task.waker());
        let end = loop {
            let command = cell.read();
            if command.is_kill() {
                break drop_now(this.cx, this.step, Guarded::Dropped);
            }
            if command.has_tasks()
                && let Some(error) = failed_task(this.cx, task, command)
            {
                break drop_now(this.cx, this.step, Guarded::TaskFailed(error));
            }
            let mut end = None;
            let polled = catch(|| {
                if let StepProjection::Begins { begin } = this.step.as_mut().project()
                    && let Some(begin) = begin.take()
                {
                    match begin() {
                        Begun::Pending { future } => this.step.set(Step::Polled { future }),
                        Begun::Done { outcome } => {
                            end = Some(Guarded::Ended(outcome.expect("nobody has polled it")));
                            this.step.set(Step::Over);
                            return;
                        }
                    }
                }
                let StepProjection::Polled { future } = this.step.as_mut().project() else {
                    unreachable!("a guard is not polled after its end");
                };
                if let Poll::Ready(ready) = future.poll(task) {
                    end = Some(Guarded::Ended(ready));
                    this.step.set(Step::Over);
                }
            });
            if let Err(panic) = polled {
                // The value is user code's, too.
                let _ = catch_drop(end);
                break drop_now(this.cx, this.step, Guarded::Panicked(panic));
            }
            if let Some(end) = end {
                return Poll::Ready(match this.limit {
                    Limit::Watch(watch) => watch.in_time(this.cx, end),
                    Limit::Above | Limit::Stop(_) => end,
                });
            }
            if let Poll::Ready(limit) = this.limit.poll(this.cx, task) {
                break drop_now(this.cx, this.step, limit.map_or(Guarded::Dropped, Guarded::Late));
            }
            if cell.waits_again(command) {
                return Poll::Pending;
            }
            if cell.hands_on() {
                this.cx.group().hand_on();
            }
            if cell.may_wait(command, || this.cx.group().register(this.cx.slot(), task.waker())) {
                return Poll::Pending;
            }
        };
        Poll::Ready(end)
    }
}

/// The error of a task of the incarnation that cuts off what it does.
#[cold]
fn failed_task(cx: &Context, task: &mut Task<'_>, command: Command) -> Option<BoxError> {
    while let Poll::Ready(error) = cx.poll_tasks(task) {
        if !command.is_asked() && !cx.cell().is_run_over() {
            return Some(error);
        }
        // It is about to end, and what it still has to do is not cut off for that.
        log::task_failed_in_stop(cx, &*error);
        let _ = catch_drop(error);
    }
    None
}

fn drop_now<B, F, T>(cx: &Context, mut step: Pin<&mut Step<B, F>>, end: Guarded<T>) -> Guarded<T> {
    if let Err(panic) = catch(|| step.set(Step::Over)) {
        log::drop_panicked(cx, &panic);
    }
    end
}
