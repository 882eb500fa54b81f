//! The task of one child: incarnation after incarnation, for as long as its place in the group lasts.

#![allow(
    clippy::manual_async_fn,
    reason = "an `async fn` keeps its arguments twice, and every child of every tree has one"
)]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{sleep_until, timeout};

use super::factory::{Owner, Source};
use super::group::now;
use super::guard::{Guarded, Limit, Watch, apart, guard};
use super::panic::{catch, catch_drop};
use super::record::Then;
use super::tell::is_told;
use super::watch::Silence;
use crate::decide::{GRACE, Rest, Started};
use crate::declare::{Begun, ChildSpec, Kind};
use crate::error::Left;
use crate::exit::Ending;
use crate::service::{has_start, has_stop};
use crate::view::What;
use crate::{BoxError, Cause, Context, Exit, Phase, Service, ServiceResult, log};

/// The task of one child: incarnation after incarnation.
///
/// One block, with what takes its time and is rare in a box: what is kept across two waits has a place of its own in the
/// task of every child of every tree.
pub(super) fn child<T: Source>(source: Arc<T>, mut cx: Context) -> impl Future<Output = ()> + Send {
    async move {
        loop {
            let exit = 'ended: {
                if begins_asked(&cx) {
                    break 'ended ended(&cx, Cause::Done, Phase::Create);
                }
                if may_block(&cx).is_some_and(|(silence, limit)| cx.group().watch(&cx, silence, limit)) {
                    make_way().await;
                }
                if source.is_used() {
                    withdraw(&*source, &cx, cx.owner(), false);
                }
                let made = guard(&cx, || source.make_for(&cx), in_create(&cx)).await;
                let mut service = match created(&cx, made) {
                    Ok(service) => service,
                    Err(exit) => break 'ended exit,
                };
                let exit = 'stopped: {
                    if cx.cell().read().is_kill() {
                        break 'stopped ended(&cx, Cause::Done, Phase::Create);
                    }
                    let started = if has_start::<T::Service>() {
                        apart(guard(&cx, || Begun::pending(service.start(&cx)), in_start(&cx))).await
                    } else {
                        Guarded::Ended(Ok(()))
                    };
                    if let Some(exit) = not_started(&*source, &cx, &service, started) {
                        break 'stopped exit;
                    }
                    let (started, yields) = poll_fn(|task| Poll::Ready(cx.group().started(&cx, task.waker()))).await;
                    if yields {
                        make_way().await;
                    }
                    let exit = match started {
                        Started::Stop if cx.child().kind == Kind::Worker => ended(&cx, Cause::Done, Phase::Start),
                        // A supervisor stops what it has started, and tells what is stuck of that.
                        Started::Stop | Started::Run => {
                            let end = guard(&cx, || Begun::pending(service.run(&cx)), in_run(&cx)).await;
                            has_run(&cx, end)
                        }
                    };
                    if !has_stop::<T::Service>() && needs_no_stop(&*source, &cx) {
                        exit
                    } else {
                        apart(finish(&*source, &mut service, &cx, exit)).await
                    }
                };
                let exit = if cx.cell().read().has_extras() { Box::pin(reap(&cx, exit)).await } else { exit };
                keep(&*source, service, &cx, exit)
            };
            let mut then = cx.group().exited(&cx, exit);
            loop {
                then = match then {
                    Then::Start(incarnation) => {
                        cx.set_incarnation(incarnation);
                        break;
                    }
                    Then::Yield(incarnation) => {
                        cx.set_incarnation(incarnation);
                        yield_now().await;
                        break;
                    }
                    Then::MakeWay(incarnation) => {
                        cx.set_incarnation(incarnation);
                        make_way().await;
                        break;
                    }
                    Then::Delay => Box::pin(delay(&cx)).await,
                    Then::Park => match decided(&cx).await {
                        Some(incarnation) => Then::Start(incarnation),
                        None => look(&cx).await,
                    },
                    Then::End(rest, stay) => return leave(&*source, &cx, rest, stay),
                };
            }
        }
    }
}

/// Whether an incarnation that begins has been asked to stop already.
#[inline]
fn begins_asked(cx: &Context) -> bool {
    let cell = cx.cell();
    cell.forget_waiting();
    cell.read().is_asked()
}

/// Lets what its group has woken run before it. As `yield_now` does, but so that another thread can go on with it: tokio keeps a
/// task that yields for the same thread until that has nothing else to run, and what was woken runs there and may block it.
fn make_way() -> impl Future<Output = ()> {
    let mut has_yielded = false;
    poll_fn(move |task| {
        if has_yielded {
            return Poll::Ready(());
        }
        has_yielded = true;
        task.waker().wake_by_ref();
        Poll::Pending
    })
}

/// The limit on the factory and `start`. (A supervisor keeps it itself, so that what it has started is stopped in order.)
#[inline]
fn start_limit(cx: &Context) -> Option<Duration> {
    let ChildSpec { kind, options, .. } = cx.child();
    options.start_timeout.filter(|_| *kind == Kind::Worker)
}

/// What the supervisor sees, too, from the beginning of an incarnation: it may block its thread there.
#[inline]
fn may_block(cx: &Context) -> Option<(Silence, Option<Duration>)> {
    if has_expression(cx) {
        return Some((Silence::InExpression, cx.child().options.start_timeout));
    }
    start_limit(cx).map(|limit| (Silence::InStart, Some(limit)))
}

/// Whether it is a supervisor that is made by the user's code.
#[inline]
fn has_expression(cx: &Context) -> bool {
    let ChildSpec { kind, inner, .. } = cx.child();
    *kind == Kind::Supervisor && inner.is_none()
}

/// The limit on the factory.
#[inline]
fn in_create(cx: &Context) -> Limit<'_> {
    if has_expression(cx) { Limit::Watch(Watch::expression(cx.child().options.start_timeout)) } else { in_start(cx) }
}

/// Since when that has been kept: the supervisor knows, too.
#[inline]
fn in_start(cx: &Context) -> Limit<'_> {
    match start_limit(cx) {
        Some(limit) => {
            cx.group().watched_since(cx).map_or(Limit::Above, |since| Limit::Watch(Watch::start(limit, since)))
        }
        None => Limit::Above,
    }
}

#[inline]
fn in_run(cx: &Context) -> Limit<'_> {
    match cx.child().options.heartbeat {
        Some(limit) => Limit::Watch(Watch::heartbeat(limit)),
        None => Limit::Above,
    }
}

/// Gives back the service of an incarnation that has ended; how it ended, if that panics.
fn keep<T: Source>(source: &T, service: T::Service, cx: &Context, exit: Ending) -> Ending {
    match catch(|| source.keep(cx.index(), || cx.owner(), service)) {
        Ok(()) => exit,
        Err(panic) => {
            log::drop_panicked(cx, &panic);
            if matches!(exit.cause, Cause::Done) && !exit.asked {
                Ending::Told(Arc::new(Exit { cause: Cause::Panic(panic), ..*exit }))
            } else {
                exit
            }
        }
    }
}

/// Takes back the handle of an incarnation, which is the user's.
#[cold]
fn withdraw<T: Source>(source: &T, cx: &Context, owner: Owner, for_good: bool) {
    if let Err(panic) = catch(|| source.withdraw(cx.index(), owner, for_good)) {
        log::drop_panicked(cx, &panic);
    }
}

/// Whether [`finish`] would do nothing for a service that has no `stop`.
#[inline]
fn needs_no_stop<T: Source>(source: &T, cx: &Context) -> bool {
    let command = cx.cell().read();
    let has_others = source.is_used() || command.has_extras();
    !has_others && !command.is_kill() && cx.child().options.heartbeat.is_none()
}

/// From the end of `run` to that of `stop`. What it does without a `stop`, [`needs_no_stop`] has to know.
fn finish<'a, T: Source>(
    source: &'a T,
    service: &'a mut T::Service,
    cx: &'a Context,
    exit: Ending,
) -> impl Future<Output = Ending> + Send + 'a {
    async move {
        let asked = exit.asked;
        if !asked && cx.group().watch_stop(cx) {
            make_way().await;
        }
        let is_used = source.is_used();
        // Those that used it have been stopped: nobody is to hold its handle while it is.
        if is_used && asked {
            withdraw(source, cx, cx.owner(), cx.group().is_leaving(cx.slot()));
        } else if is_used {
            // Those that use it go on until they are swept; if one fails, it waits for the next handle.
            cx.group().failed(cx, &exit);
        }
        let exit = match exit.cause {
            Cause::Dropped | Cause::Unresponsive(_) => exit,
            _ => {
                if cx.cell().read().has_extras() {
                    cx.group().wake_at_the_end(cx);
                }
                // Once it was asked, the supervisor keeps the time; after a failure of its own, we do.
                let limit = if asked { Limit::Above } else { Limit::Stop(&exit) };
                let end = guard(cx, || Begun::pending(service.stop(cx, &exit)), limit).await;
                has_stopped(cx, end, exit)
            }
        };
        // Who has returned `Ok`, and may, is done, not dead: its handle goes on to work.
        if is_used && is_told(&exit, cx.child()) {
            withdraw(source, cx, cx.owner(), cx.group().is_leaving(cx.slot()));
        }
        exit
    }
}

/// How the incarnation ended, now that `stop` has; a failure there holds nobody up.
fn has_stopped(cx: &Context, end: Guarded<()>, exit: Ending) -> Ending {
    match end {
        Guarded::Ended(()) => {}
        Guarded::Panicked(panic) => log::stop_panicked(cx, &panic),
        Guarded::TaskFailed(_) => unreachable!("a task's failure does not cut off a stop"),
        // It ended by itself before: that is what its supervisor has to know.
        Guarded::Dropped | Guarded::Late(_) if !exit.asked => {
            let dropped = Exit { cause: Cause::Dropped, phase: Phase::Stop, ..*exit };
            cx.group().note(cx.slot(), || What::Dropped(Arc::new(dropped)));
            let after = exit.at.map_or(Duration::ZERO, |at| now().saturating_duration_since(at));
            cx.group().tree().note_dropped(|| Left { path: cx.path(), phase: Some(Phase::Stop), after });
        }
        Guarded::Dropped | Guarded::Late(_) => {
            let dropped = Exit { cause: Cause::Dropped, phase: Phase::Stop, ..*exit };
            return Ending::Told(Arc::new(dropped));
        }
    }
    exit
}

/// The child's place is no longer its own.
#[inline(never)]
fn leave<T: Source>(source: &T, cx: &Context, rest: Option<Rest>, stay: u16) {
    let owner = cx.owner_in(stay);
    // It may have come to rest while it was waiting, or in the `stop` after it has returned `Ok`.
    if source.is_used() && matches!(rest, Some(Rest::Removed | Rest::Stopped)) {
        withdraw(source, cx, owner, rest == Some(Rest::Removed));
    }
    let dropped = match rest {
        // It was dropped with its tree, which has ended before it.
        _ if cx.cell().read().is_kill() && cx.group().tree().has_ended() => catch(|| source.clear()),
        // What was stopped by hand may be started again.
        Some(Rest::Stopped) => return,
        Some(Rest::Removed) => catch(|| source.leave(cx, owner)),
        _ => catch(|| source.end(cx.index(), owner)),
    };
    if let Err(panic) = dropped {
        log::drop_panicked(cx, &panic);
    }
}

/// Takes the tasks of the incarnation along. They cannot be dropped while they block a thread, and until they
/// are gone the incarnation is not: it is stuck with them.
async fn reap(cx: &Context, exit: Ending) -> Ending {
    cx.group().wake_at_the_end(cx);
    let Some(tasks) = cx.group().tasks_of(cx) else { return exit };
    let mut reaping = pin!(tasks.reap());
    // Once it was asked, the supervisor keeps the time; after a failure of its own, we do.
    if let Some(limit) = cx.child().stop_limit().filter(|_| !exit.asked) {
        if timeout(limit.saturating_add(GRACE), &mut reaping).await.is_ok() {
            return exit;
        }
        cx.group().give_up_on(cx.slot());
    }
    reaping.await;
    exit
}

/// The service, or how its creation failed.
fn created<S>(cx: &Context, end: Guarded<Result<S, BoxError>>) -> Result<S, Ending> {
    match end {
        Guarded::Ended(Ok(service)) => Ok(service),
        other => Err(ended(cx, failure(other, Cause::StartTimedOut), Phase::Create)),
    }
}

/// How `start`, to which the offer of its handle belongs, failed, if it did.
fn not_started<T: Source>(
    source: &T,
    cx: &Context,
    service: &T::Service,
    end: Guarded<ServiceResult>,
) -> Option<Ending> {
    let cause = match end {
        Guarded::Ended(Ok(())) if !source.is_used() => return None,
        Guarded::Ended(Ok(())) => Cause::Panic(catch(|| source.offer(cx.index(), cx.owner(), service)).err()?),
        other => failure(other, Cause::StartTimedOut),
    };
    Some(ended(cx, cause, Phase::Start))
}

/// How `run` ended.
fn has_run(cx: &Context, end: Guarded<ServiceResult>) -> Ending {
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

/// An end that happens now. An incarnation mostly looks at the clock once: here, or when nothing is left of it.
fn ended(cx: &Context, cause: Cause, phase: Phase) -> Ending {
    let cell = cx.cell();
    cell.note_run_over();
    let command = cell.read();
    let asked = command.is_asked();
    let cause = if command.is_kill() { too_late(cx, cause) } else { cause };
    if asked && matches!(cause, Cause::Done) && !cx.has_backoff() {
        return Ending::stopped(phase);
    }
    let exit = Ending::Told(Arc::new(Exit { cause, phase, asked, at: Some(now()) }));
    // Before `stop`, which may take its time: who reads the log is to know at once.
    if cx.group().is_watched() {
        cx.group().failed(cx, &exit);
    }
    exit
}

/// What an end comes to that came after its incarnation was told to be dropped: nothing more of that is called.
#[cold]
fn too_late(cx: &Context, cause: Cause) -> Cause {
    if let Err(panic) = catch_drop(cause) {
        log::drop_panicked(cx, &panic);
    }
    Cause::Dropped
}

/// Waits for the end of a backoff, or until something else is decided.
async fn delay(cx: &Context) -> Then {
    let Some(until) = cx.group().until(cx.slot()) else { return look(cx).await };
    let mut sleep = Box::pin(sleep_until(until.into()));
    poll_fn(|task| {
        let over = sleep.as_mut().poll(task).is_ready();
        match cx.group().resume(cx, over, task.waker()) {
            Then::Delay => Poll::Pending,
            then => Poll::Ready(then),
        }
    })
    .await
}

/// Waits until something has been decided for it. Mostly its cell tells which incarnation it is to start; else it has to
/// look.
fn decided(cx: &Context) -> impl Future<Output = Option<u32>> + '_ {
    poll_fn(|task| {
        let cell = cx.cell();
        cell.note_own_waker(task.waker());
        match cell.after(cx.incarnation()) {
            Some(Some(incarnation)) => Poll::Ready(Some(incarnation)),
            Some(None) if cell.is_registered() => Poll::Pending,
            _ => Poll::Ready(None),
        }
    })
}

/// The same, but looks under the lock each time.
fn look(cx: &Context) -> impl Future<Output = Then> + '_ {
    poll_fn(|task| match cx.group().resume(cx, false, task.waker()) {
        Then::Park => Poll::Pending,
        then => Poll::Ready(then),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{OnceLock, Weak};

    use super::*;
    use crate::decide::SlotId;
    use crate::declare::Declared;
    use crate::shell::{Added, Evaluated, Group, Seat};
    use crate::{Child, IntoService, Provide, Restart, Supervisor, Wire};

    struct Idle;

    impl Service for Idle {
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            cx.stopping().await;
            Ok(())
        }
    }

    /// A service that has something, and runs as [`Idle`] does.
    struct Large([u8; 512]);

    impl Service for Large {
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            self.0[0] = 1;
            cx.stopping().await;
            Ok(())
        }
    }

    #[test]
    fn the_future_of_an_idle_child_is_small() {
        fn size<T: Source, F: Future>(_: &T, _: impl Fn(Arc<T>, Context) -> F) -> usize {
            size_of::<F>()
        }
        let idle = size(&Seat::new(Evaluated::by_index(|_| Idle)), child);
        // Every child of every tree has one: what makes it larger needs a reason.
        assert!(idle <= 152, "{idle} bytes");
        let large = size(&Seat::new(Evaluated::by_index(|_| Large([0; 512]))), child);
        assert!(large <= idle + 512 + 8, "{large} bytes: the service is kept twice");
        let added = size(&Seat::new(Added::<Large>::new(false)), child);
        assert!(added <= idle + 512 + 8, "{added} bytes: an added service is kept twice");
        let waits = size(&Seat::new(Evaluated::by_index(|_| async { Large([0; 512]) })), child);
        assert!(waits <= idle + 2 * 512, "{waits} bytes: its future is kept twice");
    }

    /// What a service does first in its `run`.
    type Act = Arc<dyn Fn(&Context) -> ServiceResult + Send + Sync>;

    /// A service that has no `start` and no `stop`.
    struct Without(Act);

    impl Service for Without {
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            (self.0)(cx)?;
            Idle.run(cx).await
        }
    }

    /// The same with a `start` and a `stop` that do nothing: nobody is to notice.
    struct With(Without);

    impl Service for With {
        async fn start(&mut self, _cx: &Context) -> ServiceResult {
            Ok(())
        }

        async fn run(&mut self, cx: &Context) -> ServiceResult {
            self.0.run(cx).await
        }

        async fn stop(&mut self, _cx: &Context, _exit: &Exit) {}
    }

    impl Provide for Without {
        type Handle = ();

        fn handle(&self) {}
    }

    impl Provide for With {
        type Handle = ();

        fn handle(&self) {}
    }

    /// How the only child of a tree ended at last.
    async fn last_end<S: Service>(child: Child<S>) -> String {
        let mut running = Supervisor::one_for_one("tree").child(child).start().await.expect("it starts");
        let group = running.handle().outermost().expect("it runs");
        let _ = running.wait().await;
        group.last_exit(0).expect("it has ended").to_string()
    }

    /// It is told to be dropped in the poll in which its `run` ends.
    async fn killed_in_run<S: Service>(make: fn(Act) -> S) -> String {
        let kill: Act = Arc::new(|cx| {
            cx.group().kill(cx.slot());
            Ok(())
        });
        last_end(Child::new("a", move || make(Arc::clone(&kill))).restart(Restart::Temporary)).await
    }

    /// It is told to be dropped while it is made anew.
    async fn killed_in_its_factory<R, M: 'static>(make: fn(Act) -> R) -> String
    where
        R: IntoService<M, Way: Send, Service: Declared<R::Service>> + 'static,
    {
        let place: Arc<OnceLock<(Weak<Group>, SlotId)>> = Arc::default();
        let known = Arc::clone(&place);
        let fail: Act = Arc::new(move |cx| {
            let _ = known.set((Arc::downgrade(cx.group()), cx.slot()));
            Err("broken".into())
        });
        let child = Child::new("a", move || {
            if let Some((group, slot)) = place.get() {
                group.upgrade().expect("it runs").kill(*slot);
            }
            make(Arc::clone(&fail))
        });
        last_end(child.restart(Restart::Transient)).await
    }

    /// It is used by another, and stopped by hand: what comes of its handle.
    async fn stopped_by_hand<S: Provide<Handle = ()>>(make: fn(Act) -> S) -> String {
        let wire = Wire::new();
        let provider = Child::new("a", move || make(Arc::new(|_| Ok(())))).provides(&wire);
        let user = Child::using("b", &wire, |()| Idle);
        let tree = Supervisor::dependents_for_one("tree").child(provider).child(user);
        let running = tree.start().await.expect("it starts");
        let a = running.child::<S>("a").expect("it is declared");
        assert!(a.handle().is_ok() && a.stop().await.is_ok());
        a.handle().expect_err("it is down").to_string()
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_and_a_stop_that_do_nothing_can_be_left_out() {
        let with: fn(Act) -> With = |act| With(Without(act));
        for ends in [killed_in_run(Without).await, killed_in_run(with).await] {
            assert_eq!(ends, "was dropped by force");
        }
        for ends in [killed_in_its_factory(Without).await, killed_in_its_factory(with).await] {
            assert_eq!(ends, "was dropped by force while it was created");
        }
        let handles = [stopped_by_hand(Without).await, stopped_by_hand(with).await];
        assert_eq!(handles[0], handles[1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_factory_that_waits_for_nothing_may_be_async_or_not() {
        let at_once = killed_in_its_factory(|act| async { Without(act) }).await;
        assert_eq!(at_once, "was dropped by force while it was created");
        let yields = |act| async {
            yield_now().await;
            Without(act)
        };
        assert_eq!(killed_in_its_factory(yields).await, "was dropped by force while it was created");
    }

    #[tokio::test(start_paused = true)]
    async fn the_waker_that_came_with_the_start_is_kept_for_the_run() {
        let look: Act = Arc::new(|cx| Err(format!("registered: {}", cx.cell().is_registered()).into()));
        let (a, b) = (Arc::clone(&look), look);
        let without = Child::new("a", move || Without(Arc::clone(&a))).restart(Restart::Temporary);
        let with = Child::new("a", move || With(Without(Arc::clone(&b)))).restart(Restart::Temporary);
        for ends in [last_end(without).await, last_end(with).await] {
            assert_eq!(ends, "failed: registered: true");
        }
    }
}
