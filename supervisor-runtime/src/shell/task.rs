//! The task of one child: incarnation after incarnation, for as long as its place in the group lasts.

#![allow(
    clippy::manual_async_fn,
    reason = "an `async fn` keeps its arguments twice, and every child of every tree has one"
)]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::{sleep_until, timeout};

use super::Spawned;
use super::factory::Source;
use super::group::{Group, now};
use super::guard::{Guarded, Watch, guard};
use super::panic::catch;
use super::tell::is_told;
use super::watch::Silence;
use crate::decide::{GRACE, Next, Rest, SlotId, Started};
use crate::declare::{ChildSpec, Kind, Size};
use crate::error::Left;
use crate::view::What;
use crate::{BoxError, Cause, Context, Exit, Panic, Phase, Service, ServiceResult, log};

/// Spawns the task of the child in `slot`.
pub(super) fn spawn<T: Source>(source: Arc<T>, group: Arc<Group>, slot: SlotId) {
    let cx = group.context(slot);
    // By whatever thread: members are also added from outside of the runtime.
    let runtime = cx.group().tree().runtime().clone();
    runtime.spawn(child(source, cx));
}

/// Incarnation after incarnation of one child.
fn child<T: Source>(source: Arc<T>, mut cx: Context) -> impl Future<Output = ()> + Send {
    async move {
        let mut burst = Burst::default();
        loop {
            let exit = incarnation(&*source, &cx).await;
            // A child that fails without ever waiting must not keep its thread to itself.
            let is_spent = burst.is_spent(exit.at);
            let (mut next, woken) = exited(&mut cx, exit);
            if next == Next::Start && woken {
                let_it_run().await;
            }
            if next == Next::Start && is_spent {
                tokio::task::yield_now().await;
            }
            loop {
                next = match next {
                    Next::Start => break,
                    // Boxed: most children never wait here, and all would have to be larger.
                    Next::Delay(until) => Box::pin(delay(&mut cx, until)).await,
                    Next::Park => changed(&mut cx).await,
                    Next::End => {
                        let index = cx.index();
                        let dropped = match cx.group().rest_of(&cx) {
                            // What was stopped by hand may be started again.
                            Some(Rest::Stopped) => Ok(()),
                            Some(Rest::Removed) if cx.child().size == Size::Open => catch(|| source.forget(index)),
                            _ => catch(|| source.end(index)),
                        };
                        if let Err(panic) = dropped {
                            log::drop_panicked(&cx, &panic);
                        }
                        return;
                    }
                };
            }
        }
    }
}

/// Takes back the handle of an incarnation, which is the user's.
fn withdraw<T: Source>(source: &T, cx: &Context) {
    if let Err(panic) = catch(|| source.withdraw(cx.index())) {
        log::drop_panicked(cx, &panic);
    }
}

/// Asks what the end of an incarnation means; whether the supervisor has been woken for it.
fn exited(cx: &mut Context, exit: Arc<Exit>) -> (Next, bool) {
    let (next, incarnation, woken) = cx.group().exited(cx.slot(), exit);
    cx.set_incarnation(incarnation);
    (next, woken)
}

/// Asks what to do now.
fn resume(cx: &mut Context, delay_over: bool, waker: &Waker) -> Next {
    let (next, incarnation) = cx.group().resume(cx.slot(), delay_over, waker);
    cx.set_incarnation(incarnation);
    next
}

/// One incarnation from its factory to its end.
fn incarnation<'a, T: Source>(source: &'a T, cx: &'a Context) -> impl Future<Output = Arc<Exit>> + Send + 'a {
    async move {
        if cx.cell().read().is_asked() {
            return ended(cx, Cause::Done, Phase::Create);
        }
        // A supervisor keeps this limit itself, so that what it has started is stopped in order.
        let ChildSpec { kind, options, .. } = cx.child();
        let limit = options.start_timeout.filter(|_| *kind == Kind::Worker);
        let mut watch = limit.map(Watch::start);
        if let Some(limit) = limit
            && cx.group().watch(cx, Silence::InStart, limit)
        {
            let_it_run().await;
        }

        // In blocks, and judged by functions that do not wait: what is left of a step would be kept beside the next ones.
        withdraw(source, cx);
        let mut service = {
            let end = guard(cx, || source.make(cx.index()), &mut watch).await;
            match created(cx, end) {
                Ok(service) => service,
                Err(exit) => return exit,
            }
        };
        let not_started = {
            let end = guard(cx, || service.start(cx), &mut watch).await;
            not_started(cx, end).or_else(|| not_offered(cx, catch(|| source.offer(cx.index(), &service))))
        };
        let mut exit = match not_started {
            Some(exit) => exit,
            None => {
                let exit = run(&mut service, cx).await;
                // Those that used it have been stopped: nobody is to hold its handle while it is.
                if exit.asked {
                    withdraw(source, cx);
                } else if source.is_used() && is_told(&exit, cx.child()) {
                    // Those that use it go on until they are swept; if one fails, it waits for the next handle.
                    cx.group().failed(cx.slot(), &exit);
                }
                let was_dropped = matches!(exit.cause, Cause::Dropped | Cause::Unresponsive(_));
                let exit = if was_dropped { exit } else { stop(&mut service, cx, exit).await };
                // Who has returned `Ok`, and may, is done, not dead: its handle goes on to work.
                if is_told(&exit, cx.child()) {
                    withdraw(source, cx);
                }
                exit
            }
        };
        cx.group().note_ending(cx);
        if let Some(tasks) = cx.group().tasks_of(cx) {
            // Boxed: few children have tasks, and all would have to be larger.
            Box::pin(reap(tasks, cx, &exit)).await;
        }
        if let Err(panic) = catch(|| source.keep(cx.index(), service)) {
            log::drop_panicked(cx, &panic);
            if matches!(exit.cause, Cause::Done) && !exit.asked {
                exit = Arc::new(Exit { cause: Cause::Panic(panic), ..*exit });
            }
        }
        exit
    }
}

/// Tells the supervisor that `start` has succeeded, and calls `run`, unless it was asked to stop meanwhile.
fn run<'a, S: Service>(service: &'a mut S, cx: &'a Context) -> impl Future<Output = Arc<Exit>> + Send + 'a {
    async move {
        let (started, woken) = cx.group().started(cx.slot());
        let mut watch = cx.child().options.heartbeat.map(Watch::heartbeat);
        let mut watched = false;
        if started == Started::Run
            && let Some(limit) = cx.child().options.heartbeat
        {
            cx.heartbeat();
            watched = cx.group().watch(cx, Silence::OfHeartbeat, limit);
        }
        if woken || watched {
            let_it_run().await;
        }
        if started == Started::Stop {
            return ended(cx, Cause::Done, Phase::Start);
        }
        let end = guard(cx, || service.run(cx), &mut watch).await;
        has_run(cx, end)
    }
}

/// Calls `stop`, within what is left of the child's `shutdown`; a failure there holds nobody up.
fn stop<'a, S: Service>(
    service: &'a mut S,
    cx: &'a Context,
    exit: Arc<Exit>,
) -> impl Future<Output = Arc<Exit>> + Send + 'a {
    async move {
        // Once it was asked, the supervisor keeps the time; after a failure of its own, we do.
        let limit = cx.child().stop_limit();
        let mut watch = if exit.asked { None } else { limit.map(Watch::stop) };
        cx.group().note_ending(cx);
        let stopped = {
            let mut stopping = pin!(guard(cx, || service.stop(cx, &exit), &mut watch));
            // One that takes no time needs no telling; nobody can see it.
            let mut is_known = exit.asked;
            poll_fn(|task| {
                let polled = stopping.as_mut().poll(task);
                if polled.is_pending() && !std::mem::replace(&mut is_known, true) {
                    cx.group().failed(cx.slot(), &exit);
                }
                polled
            })
            .await
        };
        match stopped {
            Guarded::Ended(()) => {}
            Guarded::Panicked(panic) => log::stop_panicked(cx, &panic),
            Guarded::TaskFailed(error) => log::task_failed_in_stop(cx, &*error),
            // It ended by itself before: that is what its supervisor has to know.
            Guarded::Dropped | Guarded::Late(_) if !exit.asked => {
                let dropped = Exit { cause: Cause::Dropped, phase: Phase::Stop, ..*exit };
                cx.group().note(cx.slot(), || What::Dropped(Arc::new(dropped)));
                let after = now().saturating_duration_since(exit.at);
                cx.group().tree().note_dropped(|| Left { path: cx.path(), phase: Some(Phase::Stop), after });
            }
            Guarded::Dropped | Guarded::Late(_) => {
                return Arc::new(Exit { cause: Cause::Dropped, phase: Phase::Stop, ..*exit });
            }
        }
        exit
    }
}

/// Takes the tasks of the incarnation along. They cannot be dropped while they block a thread, and until they
/// are gone the incarnation is not: it is stuck with them.
async fn reap(tasks: Spawned, cx: &Context, exit: &Exit) {
    let mut reaping = pin!(tasks.reap());
    // Once it was asked, the supervisor keeps the time; after a failure of its own, we do.
    if let Some(limit) = cx.child().stop_limit().filter(|_| !exit.asked) {
        if timeout(limit.saturating_add(GRACE), &mut reaping).await.is_ok() {
            return;
        }
        cx.group().give_up_on(cx.slot());
    }
    reaping.await;
}

/// Makes way for the supervisor, which was woken just now.
///
/// A thread of the multi-threaded runtime runs what it has woken last next, and lets no other thread have it: if the
/// child blocked this thread at once, the supervisor would never learn of it.
async fn let_it_run() {
    if Handle::current().runtime_flavor() != RuntimeFlavor::CurrentThread {
        tokio::task::yield_now().await;
    }
}

/// The service, or how its creation failed.
fn created<S>(cx: &Context, end: Guarded<Result<S, BoxError>>) -> Result<S, Arc<Exit>> {
    match end {
        Guarded::Ended(Ok(service)) => Ok(service),
        other => Err(ended(cx, failure(other, Cause::StartTimedOut), Phase::Create)),
    }
}

/// How `start` failed, if it did.
fn not_started(cx: &Context, end: Guarded<ServiceResult>) -> Option<Arc<Exit>> {
    match end {
        Guarded::Ended(Ok(())) => None,
        other => Some(ended(cx, failure(other, Cause::StartTimedOut), Phase::Start)),
    }
}

/// How the offer of its handle failed, if it did: that is part of its start.
fn not_offered(cx: &Context, offered: Result<(), Panic>) -> Option<Arc<Exit>> {
    offered.err().map(|panic| ended(cx, Cause::Panic(panic), Phase::Start))
}

/// How `run` ended.
fn has_run(cx: &Context, end: Guarded<ServiceResult>) -> Arc<Exit> {
    let cause = match end {
        Guarded::Ended(Ok(())) => Cause::Done,
        other => failure(other, Cause::Unresponsive),
    };
    ended(cx, cause, Phase::Run)
}

/// Why a guarded future gave no service, or did not end well; `late` is what being late means here.
fn failure<T>(end: Guarded<Result<T, BoxError>>, late: fn(Duration) -> Cause) -> Cause {
    match end {
        Guarded::Ended(Ok(_)) => Cause::Done,
        Guarded::Ended(Err(error)) | Guarded::TaskFailed(error) => Cause::Error(error),
        Guarded::Panicked(panic) => Cause::Panic(panic),
        Guarded::Dropped => Cause::Dropped,
        Guarded::Late(limit) => late(limit),
    }
}

/// An end that happens now; the one time that an incarnation looks at the clock.
fn ended(cx: &Context, cause: Cause, phase: Phase) -> Arc<Exit> {
    let exit = Arc::new(Exit { cause, phase, asked: cx.cell().read().is_asked(), at: now() });
    // Before `stop`, which may take its time: who reads the log is to know at once.
    if cx.group().is_watched() && is_told(&exit, cx.child()) {
        cx.group().failed(cx.slot(), &exit);
    }
    exit
}

/// Waits for the end of a backoff, or until something else is decided.
async fn delay(cx: &mut Context, until: Instant) -> Next {
    let mut sleep = Box::pin(sleep_until(until.into()));
    poll_fn(|task| {
        let over = sleep.as_mut().poll(task).is_ready();
        match resume(cx, over, task.waker()) {
            Next::Delay(again) if again == until => Poll::Pending,
            next => Poll::Ready(next),
        }
    })
    .await
}

/// Waits until the supervisor has decided.
async fn changed(cx: &mut Context) -> Next {
    poll_fn(|task| match resume(cx, false, task.waker()) {
        Next::Park => Poll::Pending,
        next => Poll::Ready(next),
    })
    .await
}

/// How long a child has been restarting without ever waiting.
#[derive(Default)]
struct Burst {
    last: Option<Instant>,
    spent: Duration,
}

impl Burst {
    /// Whether it is time to let others run.
    fn is_spent(&mut self, now: Instant) -> bool {
        const ENOUGH: Duration = Duration::from_micros(50);
        // A paused clock never advances, so a restart counts for something by itself.
        const AT_LEAST: Duration = Duration::from_nanos(100);
        let took = self.last.map_or(AT_LEAST, |last| now.saturating_duration_since(last));
        self.last = Some(now);
        self.spent += took.max(AT_LEAST);
        let spent = self.spent >= ENOUGH;
        if spent {
            self.spent = Duration::ZERO;
        }
        spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::Evaluated;

    struct Idle;

    impl Service for Idle {
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            cx.stopping().await;
            Ok(())
        }
    }

    #[test]
    fn the_future_of_an_idle_child_is_small() {
        fn size<T: Source, F: Future>(_: &T, _: impl Fn(Arc<T>, Context) -> F) -> usize {
            size_of::<F>()
        }
        let idle = Evaluated::by_index(|_| Idle);
        let size = size(&idle, child);
        // Every child of every tree has one: what makes it larger needs a reason.
        assert!(size <= 288, "{size} bytes");
    }
}
