//! The task of one child: incarnation after incarnation, for as long as its place in the group lasts.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::{sleep_until, timeout};

use super::factory::Source;
use super::group::{Group, now};
use super::guard::{Guarded, Watch, guard};
use super::panic::catch;
use super::watch::Silence;
use crate::decide::{GRACE, Next, SlotId, Started};
use crate::declare::{ChildSpec, Kind};
use crate::error::Left;
use crate::{Cause, Context, Exit, Phase, Service, log};

/// Spawns the task of the child in `slot`.
pub(super) fn spawn<T: Source>(source: Arc<T>, group: Arc<Group>, slot: SlotId) {
    let cx = group.context(slot);
    tokio::spawn(child(source, cx));
}

async fn child<T: Source>(source: Arc<T>, mut cx: Context) {
    let mut burst = Burst::default();
    loop {
        let exit = incarnation(&*source, &cx).await;
        let at = exit.at;
        let group = Arc::clone(cx.group());
        let (mut next, woken) = group.exited(&mut cx, exit);
        if next == Next::Start && woken {
            let_it_run().await;
        }
        // A child that fails without ever waiting must not keep its thread to itself.
        if next == Next::Start && burst.is_spent(at) {
            tokio::task::yield_now().await;
        }
        loop {
            next = match next {
                Next::Start => break,
                Next::Delay(until) => delay(&mut cx, until).await,
                Next::Park => changed(&mut cx).await,
                Next::End => {
                    if !group.is_stopping() {
                        let index = cx.index();
                        if let Err(panic) = catch(|| source.forget(index)) {
                            log::drop_panicked(&cx, &panic);
                        }
                    }
                    return;
                }
            };
        }
    }
}

/// One incarnation from its factory to its end.
async fn incarnation<T: Source>(source: &T, cx: &Context) -> Exit {
    if cx.cell().read().is_asked() {
        return ended(cx, Cause::Done, Phase::Create);
    }
    log::starting(cx);
    let (child, index) = cx.group().child_and_index(cx.slot());
    // A supervisor keeps this limit itself, so that what it has started is stopped in order.
    let limit = child.options.start_timeout.filter(|_| child.kind == Kind::Worker);
    let mut watch = limit.map(Watch::start);
    if let Some(limit) = limit
        && cx.group().watch(cx, Silence::InStart, limit)
    {
        let_it_run().await;
    }

    let made = guard(cx, || source.make(index), &mut watch).await;
    let made = match made {
        Guarded::Ended(Ok(service)) => Ok(service),
        other => Err(failure(other, Cause::StartTimedOut)),
    };
    let mut service = match made {
        Ok(service) => service,
        Err(cause) => return ended(cx, cause, Phase::Create),
    };

    let started = guard(cx, || service.start(cx), &mut watch).await;
    let started = match started {
        Guarded::Ended(Ok(())) => None,
        other => Some(failure(other, Cause::StartTimedOut)),
    };
    let mut exit = match started {
        Some(cause) => ended(cx, cause, Phase::Start),
        None => {
            let exit = run(&mut service, cx, child).await;
            let was_dropped = matches!(exit.cause, Cause::Dropped | Cause::Unresponsive(_));
            if was_dropped { exit } else { stop(&mut service, cx, child, exit).await }
        }
    };
    cx.group().note_ending(cx);
    reap(cx, child, &exit).await;
    if let Err(panic) = catch(|| source.keep(index, service)) {
        log::drop_panicked(cx, &panic);
        if matches!(exit.cause, Cause::Done) && !exit.asked {
            exit.cause = Cause::Panic(panic);
        }
    }
    exit
}

/// Tells the supervisor that `start` has succeeded, and calls `run`, unless it was asked to stop meanwhile.
async fn run<S: Service>(service: &mut S, cx: &Context, child: &ChildSpec) -> Exit {
    let (started, woken) = cx.group().started(cx.slot());
    let mut watch = child.options.heartbeat.map(Watch::heartbeat);
    let mut watched = false;
    if started == Started::Run {
        log::started(cx);
        if let Some(limit) = child.options.heartbeat {
            cx.heartbeat();
            watched = cx.group().watch(cx, Silence::OfHeartbeat, limit);
        }
    }
    if woken || watched {
        let_it_run().await;
    }
    if started == Started::Stop {
        return ended(cx, Cause::Done, Phase::Start);
    }
    let cause = match guard(cx, || service.run(cx), &mut watch).await {
        Guarded::Ended(Ok(())) => Cause::Done,
        other => failure(other, Cause::Unresponsive),
    };
    ended(cx, cause, Phase::Run)
}

/// Calls `stop`, within what is left of the child's `shutdown`; a failure there holds nobody up.
async fn stop<S: Service>(service: &mut S, cx: &Context, child: &ChildSpec, exit: Exit) -> Exit {
    // Once it was asked, the supervisor keeps the time; after a failure of its own, we do.
    let limit = child.stop_limit();
    let mut watch = if exit.asked { None } else { limit.map(Watch::stop) };
    cx.group().note_ending(cx);
    let stopped = guard(cx, || service.stop(cx, &exit), &mut watch).await;
    match stopped {
        Guarded::Ended(()) => {}
        Guarded::Panicked(panic) => log::stop_panicked(cx, &panic),
        Guarded::TaskFailed(error) => log::task_failed_in_stop(cx, &*error),
        // It ended by itself before: that is what its supervisor has to know.
        Guarded::Dropped | Guarded::Late(_) if !exit.asked => {
            log::stop_dropped(cx);
            let after = now().saturating_duration_since(exit.at);
            cx.group().tree().note_dropped(|| Left { path: cx.path(), phase: Some(Phase::Stop), after });
        }
        Guarded::Dropped | Guarded::Late(_) => return Exit { cause: Cause::Dropped, phase: Phase::Stop, ..exit },
    }
    exit
}

/// Takes the tasks of the incarnation along. They cannot be dropped while they block a thread, and until they
/// are gone the incarnation is not: it is stuck with them.
async fn reap(cx: &Context, child: &ChildSpec, exit: &Exit) {
    let Some(tasks) = cx.group().tasks_of(cx) else { return };
    let mut reaping = pin!(tasks.reap());
    // Once it was asked, the supervisor keeps the time; after a failure of its own, we do.
    if let Some(limit) = child.stop_limit().filter(|_| !exit.asked) {
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

/// Why a guarded future gave no service, or did not end well; `late` is what being late means here.
fn failure<T>(end: Guarded<Result<T, crate::BoxError>>, late: fn(Duration) -> Cause) -> Cause {
    match end {
        Guarded::Ended(Ok(_)) => Cause::Done,
        Guarded::Ended(Err(error)) | Guarded::TaskFailed(error) => Cause::Error(error),
        Guarded::Panicked(panic) => Cause::Panic(panic),
        Guarded::Dropped => Cause::Dropped,
        Guarded::Late(limit) => late(limit),
    }
}

/// An end that happens now; the one time that an incarnation looks at the clock.
fn ended(cx: &Context, cause: Cause, phase: Phase) -> Exit {
    let exit = Exit { cause, phase, asked: cx.cell().read().is_asked(), at: now() };
    // Before `stop`, which may take its time: who reads the log is to know at once.
    log::failed(cx, &exit);
    exit
}

/// Waits for the end of a backoff, or until something else is decided.
async fn delay(cx: &mut Context, until: Instant) -> Next {
    let mut sleep = Box::pin(sleep_until(until.into()));
    poll_fn(|task| {
        let over = sleep.as_mut().poll(task).is_ready();
        let group = Arc::clone(cx.group());
        match group.resume(cx, over, Some(task.waker())) {
            Next::Delay(again) if again == until => Poll::Pending,
            next => Poll::Ready(next),
        }
    })
    .await
}

/// Waits until the supervisor has decided.
async fn changed(cx: &mut Context) -> Next {
    poll_fn(|task| {
        let group = Arc::clone(cx.group());
        match group.resume(cx, false, Some(task.waker())) {
            Next::Park => Poll::Pending,
            next => Poll::Ready(next),
        }
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
