//! Polls a future of a service: catches its panics, drops it when told to or when it is too late.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context as Task, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until};

use super::group::now;
use super::panic::{catch, catch_drop};
use crate::decide::later;
use crate::{BoxError, Context, Panic};

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
    /// On `stop`, from its first poll on.
    Stop,
    /// On `run`, since the last heartbeat.
    Heartbeat,
}

impl Watch {
    pub(crate) fn start(limit: Duration) -> Box<Self> {
        Box::new(Self { kind: Kind::Start(now()), limit, sleep: None })
    }

    pub(crate) fn stop(limit: Duration) -> Box<Self> {
        Box::new(Self { kind: Kind::Stop, limit, sleep: None })
    }

    pub(crate) fn heartbeat(limit: Duration) -> Box<Self> {
        Box::new(Self { kind: Kind::Heartbeat, limit, sleep: None })
    }

    /// Whether what is done now was done too late.
    fn was_late(&self) -> bool {
        matches!(self.kind, Kind::Start(since) if now() > later(since, self.limit))
    }

    /// The limit, once it is passed.
    fn poll(&mut self, cx: &Context, task: &mut Task<'_>) -> Poll<Duration> {
        if matches!(self.kind, Kind::Heartbeat) && cx.cell().read().is_asked() {
            // Once it is stopping, its `shutdown` keeps the time.
            return Poll::Pending;
        }
        let since = match self.kind {
            Kind::Start(since) => since,
            Kind::Stop | Kind::Heartbeat => now(),
        };
        let sleep = self.sleep.get_or_insert_with(|| after(since, self.limit));
        loop {
            if sleep.as_mut().poll(task).is_pending() {
                return Poll::Pending;
            }
            if !matches!(self.kind, Kind::Heartbeat) {
                return Poll::Ready(self.limit);
            }
            let beat = Duration::from_nanos(cx.cell().beat.load(Ordering::Relaxed));
            let until = later(later(cx.group().epoch(), beat), self.limit);
            if until <= sleep.deadline().into_std() {
                return Poll::Ready(self.limit);
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
    pub(crate) struct Guard<'a, F> {
        cx: &'a Context,
        #[pin]
        future: Option<F>,
        // Of calling what was to give the future.
        panicked: Option<Box<Panic>>,
        watch: &'a mut Option<Box<Watch>>,
        registered: bool,
    }
}

/// Calls `begin` and polls its future for the incarnation of `cx`, until it ends or has to be dropped.
///
/// Not an `async fn`, which would keep its arguments twice, in every child of every tree.
pub(crate) fn guard<'a, F: Future>(
    cx: &'a Context,
    begin: impl FnOnce() -> F,
    watch: &'a mut Option<Box<Watch>>,
) -> Guard<'a, F> {
    let (future, panicked) = match catch(begin) {
        Ok(future) => (Some(future), None),
        Err(panic) => (None, Some(Box::new(panic))),
    };
    Guard { cx, future, panicked, watch, registered: false }
}

impl<F: Future> Future for Guard<'_, F> {
    type Output = Guarded<F::Output>;

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(panic) = this.panicked.take() {
            return Poll::Ready(Guarded::Panicked(*panic));
        }
        let cell = this.cx.cell();
        if !*this.registered {
            cell.note_own_waker(task.waker());
        }
        loop {
            let command = cell.read();
            if command.is_kill() {
                return Poll::Ready(drop_now(this.future, Guarded::Dropped));
            }
            if command.has_tasks()
                && let Poll::Ready(error) = this.cx.poll_tasks(task)
            {
                return Poll::Ready(drop_now(this.future, Guarded::TaskFailed(error)));
            }
            let polled = catch(|| {
                let future = this.future.as_mut().as_pin_mut().expect("a guard is not polled after its end");
                future.poll(task)
            });
            match polled {
                Ok(Poll::Ready(value)) => {
                    let end = drop_now(this.future, Guarded::Ended(value));
                    let late = this.watch.as_ref().filter(|watch| watch.was_late()).map(|watch| watch.limit);
                    return Poll::Ready(match late {
                        // The value is user code's.
                        Some(limit) => catch_drop(end).map_or_else(Guarded::Panicked, |()| Guarded::Late(limit)),
                        None => end,
                    });
                }
                Err(panic) => return Poll::Ready(drop_now(this.future, Guarded::Panicked(panic))),
                Ok(Poll::Pending) => {}
            }
            if let Some(watch) = this.watch
                && let Poll::Ready(limit) = watch.poll(this.cx, task)
            {
                return Poll::Ready(drop_now(this.future, Guarded::Late(limit)));
            }
            if !*this.registered {
                this.cx.group().register(this.cx.slot(), task.waker());
                *this.registered = true;
                // What was said before the waker was there would otherwise go unheard.
                if cell.read() != command {
                    continue;
                }
            }
            return Poll::Pending;
        }
    }
}

fn drop_now<F, T>(mut future: Pin<&mut Option<F>>, end: Guarded<T>) -> Guarded<T> {
    match catch(|| future.set(None)) {
        Ok(()) => end,
        Err(panic) => {
            // The value, if there is one, is user code's, too.
            let _ = catch_drop(end);
            Guarded::Panicked(panic)
        }
    }
}
