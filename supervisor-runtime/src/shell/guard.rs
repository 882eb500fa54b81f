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

/// A limit on a future, armed only if the future is ever pending.
pub(crate) enum Watch {
    /// From the first poll on.
    Within(Duration, Option<Pin<Box<Sleep>>>),
    /// Since the last heartbeat.
    Heartbeat(Duration, Option<Pin<Box<Sleep>>>),
}

impl Watch {
    pub(crate) fn within(limit: Duration) -> Self {
        Self::Within(limit, None)
    }

    pub(crate) fn heartbeat(limit: Duration) -> Self {
        Self::Heartbeat(limit, None)
    }

    /// The limit, once it is passed.
    fn poll(&mut self, cx: &Context, task: &mut Task<'_>) -> Poll<Duration> {
        match self {
            Self::Within(limit, sleep) => {
                let sleep = sleep.get_or_insert_with(|| after(now(), *limit));
                sleep.as_mut().poll(task).map(|()| *limit)
            }
            // Once it is stopping, its `shutdown` keeps the time.
            Self::Heartbeat(..) if cx.cell().read().is_asked() => Poll::Pending,
            Self::Heartbeat(limit, sleep) => {
                let sleep = sleep.get_or_insert_with(|| after(now(), *limit));
                loop {
                    if sleep.as_mut().poll(task).is_pending() {
                        return Poll::Pending;
                    }
                    let beat = Duration::from_nanos(cx.cell().beat.load(Ordering::Relaxed));
                    let until = later(later(cx.group().epoch(), beat), *limit);
                    if until <= sleep.deadline().into_std() {
                        return Poll::Ready(*limit);
                    }
                    sleep.as_mut().reset(until.into());
                }
            }
        }
    }
}

/// A timer that takes no room where it is kept.
pub(super) fn after(now: Instant, limit: Duration) -> Pin<Box<Sleep>> {
    Box::pin(sleep_until(later(now, limit).into()))
}

pin_project! {
    struct Guard<'a, F> {
        cx: &'a Context,
        #[pin]
        future: Option<F>,
        watch: &'a mut Option<Watch>,
        registered: bool,
    }
}

/// Calls `begin` and polls its future for the incarnation of `cx`, until it ends or has to be dropped.
pub(crate) async fn guard<F: Future>(
    cx: &Context,
    begin: impl FnOnce() -> F,
    watch: &mut Option<Watch>,
) -> Guarded<F::Output> {
    match catch(begin) {
        Ok(future) => Guard { cx, future: Some(future), watch, registered: false }.await,
        Err(panic) => Guarded::Panicked(panic),
    }
}

impl<F: Future> Future for Guard<'_, F> {
    type Output = Guarded<F::Output>;

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
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
                Ok(Poll::Ready(value)) => return Poll::Ready(drop_now(this.future, Guarded::Ended(value))),
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
