//! Limits that a child keeps itself, kept by its supervisor, too: a child that blocks its thread sees no clock.

use std::cmp::Reverse;
use std::mem;
use std::time::{Duration, Instant};

use super::group::{Group, now};
use super::record::{Record, State, wake};
use super::tell::Outside;
use crate::Context;
use crate::decide::{GRACE, SlotId, State as CoreState, earlier, later};
use crate::declare::Shutdown;
use crate::sync::MutexExt;

/// How many entries are kept whether they are out of date or not.
const FEW: usize = 64;

/// A child that keeps a limit of its own, as long as it does not block its thread: then the supervisor sees it.
pub(super) struct Watched {
    incarnation: u32,
    silence: Silence,
    since: Instant,
    /// None where there is one only once it is asked to stop, or not at all.
    limit: Option<Duration>,
    /// When the supervisor looks next; there is one entry for it in [`State::watches`].
    looks_at: Option<Instant>,
    /// It was found silent once. It gets another [`GRACE`], because it may not have been its fault: another child may
    /// have blocked the thread.
    suspect: bool,
}

/// What a child must not do for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// Be in its factory or in `start`.
    InStart,
    /// Give no heartbeat.
    OfHeartbeat,
    /// Be in the expression of an embedded tree, asked to stop or not.
    InExpression,
    /// Be in `stop` after a failure, or in the end of its tasks.
    InStop,
}

impl Silence {
    /// Whether a child in this state may still be silent like that.
    fn is_in(self, state: CoreState) -> bool {
        match self {
            Self::InStart => state == CoreState::Starting,
            Self::InExpression => matches!(state, CoreState::Starting | CoreState::Stopping),
            Self::OfHeartbeat | Self::InStop => state == CoreState::Running,
        }
    }
}

impl Group {
    /// Has the supervisor keep a limit of the incarnation of `cx`, too; whether the task is to make way for it.
    pub(crate) fn watch(&self, cx: &Context, silence: Silence, limit: Option<Duration>) -> bool {
        let since = now();
        let mut state = self.state.hold();
        let watched = Watched {
            incarnation: cx.incarnation(),
            silence,
            since,
            limit,
            looks_at: state.records[cx.slot()].watched().and_then(|watched| watched.looks_at),
            suspect: false,
        };
        let looks_at = watched.looks_at;
        state.records[cx.slot()].watch(watched);
        let sooner = state.due(cx.slot(), self).filter(|due| looks_at.is_none_or(|then| *due < then));
        if let Some(due) = sooner {
            state.look_later(cx.slot(), due);
        }
        // On many threads in any case: this one may have the runtime's timers, and another takes them over only if it is woken.
        let driver = if sooner.is_some() || self.makes_way() { state.driver.clone() } else { None };
        drop(state);
        wake(driver) && self.makes_way()
    }

    /// The `run` of the incarnation of `cx` is over by itself. What follows gives no heartbeat, and has limits of its own: for
    /// `stop`, and for the end of its tasks. Whether the task is to make way for the supervisor.
    pub(crate) fn watch_stop(&self, cx: &Context) -> bool {
        let limit = || cx.child().stop_limit().map(|limit| limit.saturating_mul(2).saturating_add(GRACE));
        cx.child().options.heartbeat.is_some() && self.watch(cx, Silence::InStop, limit())
    }

    /// Since when the supervisor has kept a limit of the incarnation of `cx`.
    pub(crate) fn watched_since(&self, cx: &Context) -> Option<Instant> {
        let state = self.state.hold();
        let watched = state.records[cx.slot()].watched();
        watched.filter(|watched| watched.incarnation == cx.incarnation()).map(|watched| watched.since)
    }

    /// Until when the expression of the supervisor in `slot`, which was asked to stop, is to have given one.
    pub(crate) fn expression_ends_by(&self, slot: SlotId) -> Instant {
        self.state.hold().expression_ends_by(slot)
    }

    /// What is left of the incarnation in `slot` cannot be dropped.
    pub(crate) fn give_up_on(&self, slot: SlotId) {
        let mut outside = Outside::default();
        let mut state = self.lock();
        state.note_asked(slot);
        state.core.give_up_on(slot, now());
        state.tell(self, |_, _| true, &mut outside);
        let driver = state.driver_to_wake();
        drop(state);
        outside.run();
        wake(driver);
    }
}

impl State {
    /// When the supervisor has something to do if nothing happens before.
    pub(super) fn next_timer(&self) -> Option<Instant> {
        let watch = self.watches.peek().map(|Reverse((when, _))| *when);
        earlier(self.core.next_timer(), watch)
    }

    pub(super) fn look_later(&mut self, slot: SlotId, at: Instant) {
        if let Some(watched) = self.records[slot].watched_mut() {
            watched.looks_at = Some(at);
            self.watches.push(Reverse((at, slot)));
            // Where members come and go, what is left of those that have gone is not to pile up until its time has come.
            if self.watches.len() > 2 * self.core.slots().len() + FEW {
                let looks = |(slot, record): (SlotId, &Record)| Some(Reverse((record.watched()?.looks_at?, slot)));
                self.watches = self.records.iter().filter_map(looks).collect();
            }
        }
    }

    /// What is in `slot` was asked to stop: it has less time for its expression, if it is still there.
    pub(super) fn hurry(&mut self, slot: SlotId, group: &Group) {
        let watched = self.records[slot].watched();
        // One that was found silent has its time already, also if it is reminded.
        if watched.is_some_and(|watched| watched.silence == Silence::InExpression && !watched.suspect)
            && let Some(due) = self.due(slot, group)
        {
            self.look_later(slot, due);
        }
    }

    /// Until when the child in `slot`, which is watched, may be silent.
    fn due(&self, slot: SlotId, group: &Group) -> Option<Instant> {
        let watched = self.records[slot].watched()?;
        let since = match watched.silence {
            Silence::OfHeartbeat => group.last_beat(slot).max(watched.since),
            Silence::InStart | Silence::InExpression | Silence::InStop => watched.since,
        };
        let is_asked = self.core.slot(slot).state == CoreState::Stopping;
        let asked = (watched.silence == Silence::InExpression && is_asked).then(|| self.expression_ends_by(slot));
        earlier(watched.limit.map(|limit| later(since, limit)), asked)
    }

    /// Until when the expression of the supervisor in `slot`, which was asked to stop, is to have given one: it has no more time
    /// than that of a child that says nothing.
    fn expression_ends_by(&self, slot: SlotId) -> Instant {
        let deadline = self.records[slot].extras().and_then(|extras| extras.deadline);
        let asked_at = self.asked_at(slot).unwrap_or_else(now);
        let own = Shutdown::DEFAULT.limit().map(|limit| later(asked_at, limit));
        deadline.into_iter().chain(own).min().unwrap_or(asked_at)
    }

    /// Gives up on children that are silent for longer than they may, though their own tasks would have seen it.
    pub(super) fn look_at_the_silent(&mut self, now: Instant, group: &Group, outside: &mut Outside) {
        while let Some(&Reverse((when, slot))) = self.watches.peek()
            && when <= now
        {
            self.watches.pop();
            let record = &mut self.records[slot];
            let Some(watched) = record.watched_mut().filter(|watched| watched.looks_at == Some(when)) else {
                continue;
            };
            watched.looks_at = None;
            let (silence, incarnation) = (watched.silence, watched.incarnation);
            if incarnation != group.cell(slot).incarnation() || !silence.is_in(self.core.slot(slot).state) {
                record.forget_watch();
                continue;
            }
            let Some(due) = self.due(slot, group) else { continue };
            let record = &mut self.records[slot];
            let was_suspect =
                record.watched_mut().is_some_and(|watched| mem::replace(&mut watched.suspect, due <= now));
            if due > now {
                self.look_later(slot, due);
            } else if !was_suspect {
                self.look_later(slot, later(now, GRACE));
            } else {
                record.forget_watch();
                self.note_asked(slot);
                self.core.give_up_on(slot, now);
                self.records[slot].kill(group.cell(slot), outside);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

    use super::*;
    use crate::{Child, Exit, Service, ServiceResult, Supervisor};

    /// Tells how it is watched.
    struct Tell(UnboundedSender<Option<(Silence, Option<Duration>)>>);

    impl Tell {
        fn tell(&self, cx: &Context) {
            let state = cx.group().state.hold();
            let watched = state.records[cx.slot()].watched();
            let _ = self.0.send(watched.map(|watched| (watched.silence, watched.limit)));
        }
    }

    /// Fails, and tells it when its `stop` begins.
    struct Failing(Tell);

    impl Service for Failing {
        async fn run(&mut self, _cx: &Context) -> ServiceResult {
            Err("broken".into())
        }

        async fn stop(&mut self, cx: &Context, _exit: &Exit) {
            self.0.tell(cx);
        }
    }

    /// Fails, has no `stop`, and tells it when it is dropped.
    struct Dropped(Tell, Option<Context>);

    impl Service for Dropped {
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            self.1 = Some(cx.clone());
            Err("broken".into())
        }
    }

    impl Drop for Dropped {
        fn drop(&mut self) {
            self.1.iter().for_each(|cx| self.0.tell(cx));
        }
    }

    /// How a child with this heartbeat is watched when it has failed.
    async fn watched<S: Service>(
        make: fn(Tell) -> S,
        heartbeat: Option<Duration>,
    ) -> Option<(Silence, Option<Duration>)> {
        let (tell, mut told) = unbounded_channel();
        let child = Child::new("a", move || make(Tell(tell.clone()))).shutdown(Duration::from_secs(60));
        let child = match heartbeat {
            Some(limit) => child.heartbeat(limit),
            None => child,
        };
        let tree = Supervisor::one_for_one("tree").max_restarts(0).child(child);
        assert!(tree.run().await.is_err());
        told.recv().await.expect("it tells")
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_after_a_failure_has_its_own_limit_before_it_can_block_its_thread() {
        let secs = Duration::from_secs;
        for (heartbeat, expected) in [(None, None), (Some(secs(1)), Some((Silence::InStop, Some(secs(121)))))] {
            assert_eq!(watched(Failing, heartbeat).await, expected);
            assert_eq!(watched(|tell| Dropped(tell, None), heartbeat).await, expected);
        }
    }

    /// When the supervisor of a child looks at it.
    fn looks_at(cx: &Context) -> Option<Instant> {
        cx.group().state.hold().records[cx.slot()].watched()?.looks_at
    }

    #[tokio::test(start_paused = true)]
    async fn an_expression_without_a_limit_is_looked_at_once_it_is_asked_to_stop_also_if_that_was_before() {
        let (tell, mut told) = unbounded_channel();
        // Not an embedded tree, so that it can watch itself.
        let child = Child::new("a", move || {
            let tell = tell.clone();
            crate::service_fn(move |cx: Context| async move {
                cx.stopping().await;
                cx.group().watch(&cx, Silence::InExpression, None);
                let _ = tell.send(looks_at(&cx).map(|at| at.saturating_duration_since(now())));
                Ok(())
            })
        });
        let tree = Supervisor::one_for_one("tree").child(child).start().await.expect("it starts");
        tree.shutdown().await.expect("it stops");
        assert_eq!(told.recv().await.expect("it tells"), Shutdown::DEFAULT.limit());
    }

    #[tokio::test(start_paused = true)]
    async fn an_embedded_tree_that_is_up_is_not_looked_at_any_more() {
        let idle = || {
            crate::service_fn(|cx: Context| async move {
                cx.stopping().await;
                Ok(())
            })
        };
        let embedded = move || Supervisor::one_for_one("embedded").child(Child::new("a", idle));
        let mut tree =
            Supervisor::one_for_one("tree").child(Child::new("embedded", embedded)).start().await.expect("it starts");
        let group = tree.handle().outermost().expect("it runs");
        assert_eq!(group.state.hold().next_timer(), None);
        tree.handle().shutdown();
        tree.wait().await.expect("it stops");
    }
}
