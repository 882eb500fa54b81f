//! What the task of a child says to its group: it waits, has started, has failed, has ended.

use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use tokio::runtime::RuntimeFlavor;

use super::group::{Group, now};
use super::panic::catch;
use super::record::{Spawns, Then, wake};
use super::tell::{Outside, is_told};
use super::watch::Silence;
use crate::decide::{Ended, Next, SlotId, Started, Verdict, nanos_between};
use crate::declare::Kind;
use crate::error::Left;
use crate::exit::{Ending, Verb};
use crate::sync::MutexExt;
use crate::view::{Told, What};
use crate::{Cause, Context, Exit, Phase};

impl Group {
    /// Stores the waker of the task of `slot`, which stays the same for as long as the task lives.
    pub(crate) fn register(&self, slot: SlotId, waker: &Waker) {
        let mut state = self.state.hold();
        let old = state.records[slot].register(waker, self.cell(slot));
        drop(state);
        drop(old);
    }

    /// `start` has succeeded for the incarnation of `cx`. Says too whether its task is to make way for what it has woken.
    pub(super) fn started(self: &Arc<Self>, cx: &Context, waker: &Waker) -> (Started, bool) {
        let (slot, cell) = (cx.slot(), cx.cell());
        let mut outside = Outside::default();
        let mut state = self.lock();
        // Most wait in `run`: they need not come back for that.
        let record = &mut state.records[slot];
        let old = if cell.is_registered() { None } else { record.register(waker, cell) };
        // A start that never waited took no time; its end need not be known.
        let took_time = cell.has_waited() || cx.has_backoff();
        let started = state.core.started(slot, took_time.then(now));
        // One that was asked to stop meanwhile is not what who waits for its start has waited for.
        if started == Started::Run {
            cell.note_started();
        }
        if state.core.slot(slot).observed {
            state.keep_promises(slot, cell, &mut outside);
        }
        let hands_on = started == Started::Run && state.core.can_proceed() && !state.core.has_news();
        let driver = if hands_on { None } else { state.driver_to_wake() };
        state.tell(self, |_, _| true, &mut outside);
        drop(state);
        drop(old);
        outside.run();
        let makes_way = (wake(driver) || hands_on) && self.makes_way();
        if hands_on && makes_way {
            self.hand_on();
        } else if hands_on {
            // Not before `run` has had its say: it may ask the tree to stop first of all, or fail at once. If it never waits,
            // its end finds the plan as it is.
            cell.note_hands_on();
        }
        match cx.child().options.heartbeat {
            Some(limit) if started == Started::Run => {
                cx.heartbeat();
                (started, self.watch(cx, Silence::OfHeartbeat, Some(limit)) || makes_way)
            }
            _ => (started, makes_way),
        }
    }

    /// A child has started: goes on with the plan that its start was part of, unless the supervisor is to.
    pub(super) fn hand_on(self: &Arc<Self>) {
        let (mut outside, mut spawn) = (Outside::default(), Spawns::new());
        let mut state = self.lock();
        let goes_on = state.core.can_proceed() && !self.is_asked();
        let driver = if goes_on { state.go_on(now(), self, &mut spawn, &mut outside) } else { None };
        state.tell(self, |_, _| true, &mut outside);
        let driver = driver.or_else(|| state.driver_to_wake());
        drop(state);
        outside.run();
        if !spawn.is_empty() {
            self.spawn(spawn);
        }
        wake(driver);
    }

    /// Whether the task of a child is to yield when it has woken another.
    ///
    /// A thread of the multi-threaded runtime runs what it has woken last next, and lets no other thread have it: if the
    /// child blocked this thread at once, what it has woken would never learn of it.
    pub(super) fn makes_way(&self) -> bool {
        self.tree().runtime().runtime_flavor() != RuntimeFlavor::CurrentThread
    }

    /// Whether somebody wants to know at once what fails.
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.tree().is_watched()
    }

    /// The incarnation of `cx` has ended by itself, and is about to be stopped: tells it, if it has failed.
    pub(crate) fn failed(&self, cx: &Context, exit: &Ending) {
        if !is_told(exit, cx.child()) {
            return;
        }
        let slot = cx.slot();
        let mut outside = Outside::default();
        let mut state = self.lock();
        // Once for each incarnation. (That the core knows it as failing ends when it is asked to stop meanwhile.)
        if !state.has_told_failure(slot) {
            state.note_failed(self, slot, exit, &mut outside);
        }
        drop(state);
        outside.run();
    }

    /// Tells something about the child in `slot` that does not change its state.
    pub(crate) fn note(&self, slot: SlotId, what: impl FnOnce() -> What) {
        let mut outside = Outside::default();
        let mut state = self.lock();
        if state.core.is_recording() {
            outside.tell(self, Told { at: nanos_between(self.epoch(), now()), ..state.event(self, slot, what()) });
            state.tell(self, |_, _| true, &mut outside);
        }
        drop(state);
        outside.run();
    }

    /// The incarnation of `cx` has ended, and nothing of it is left; what its task does next.
    pub(super) fn exited(self: &Arc<Self>, cx: &Context, ending: Ending) -> Then {
        let (slot, cell, spec) = (cx.slot(), cx.cell(), cx.child());
        let exit: &Exit = &ending;
        let choice = self.choose(slot, exit);
        let ended = ended(exit, spec.kind);
        // `stop`, and the end of its tasks, may have taken their time. Where they have not, the clock need not be read again.
        let took_time = cell.has_waited_since() || cell.read().has_tasks();
        let has_backoff = cx.has_backoff();
        let now = exit.at.filter(|_| !took_time && !has_backoff).unwrap_or_else(now);
        let was_asked = exit.asked;
        if was_asked && matches!(exit.cause, Cause::Dropped) {
            self.note_dropped(cx, exit.phase);
        }
        let mut outside = Outside::default();
        let mut state = self.lock();
        if has_backoff && let Some(at) = exit.at {
            state.core.forget_stop(slot, now.saturating_duration_since(at));
        }
        if state.core.is_recording() {
            state.before_exit(self, slot, &ending, &mut outside);
        }
        let verdict = state.core.exited(slot, ended, choice.as_ref(), now);
        if state.core.is_recording() {
            state.after_exit(self, slot, &ending, &verdict, &mut outside);
        }
        let elapsed = state.core.elapsed();
        let record = &mut state.records[slot];
        let yields = record.is_spent(elapsed, cell.has_waited());
        let old = record.keep(ending, cell);
        let failed = record.take_failed();
        let extras = record.extras_mut().map(std::mem::take);
        if verdict == Verdict::GroupFails {
            state.note_last_causes(slot);
        }
        let then = state.next(slot, cell);
        // One that was asked is one of several that are stopped in turn. After a failure the supervisor goes on: others that have
        // failed at the same time are to be heard first.
        let went_on = was_asked && state.core.can_proceed() && !self.is_asked();
        let mut spawn = Spawns::new();
        let driver = if went_on { state.go_on(now, self, &mut spawn, &mut outside) } else { None };
        state.tell(self, |changed, to| changed != slot || to.is_new(), &mut outside);
        let gone = if then.leaves() { state.vacate(slot, cell) } else { None };
        let driver = driver.or_else(|| state.driver_to_wake());
        drop(state);
        outside.run();
        if !spawn.is_empty() {
            self.spawn(spawn);
        }
        let has_woken = wake(driver) || went_on;
        if let Some(extras) = extras {
            extras.listeners.into_iter().for_each(Waker::wake);
        }
        drop((old, failed, gone));
        match then {
            Then::Start(incarnation) if has_woken && self.makes_way() => Then::MakeWay(incarnation),
            Then::Start(incarnation) if yields => Then::Yield(incarnation),
            then => then,
        }
    }

    /// The incarnation of `cx` was dropped when it did not stop. Before anybody can learn that it has ended, and end the tree.
    #[cold]
    fn note_dropped(&self, cx: &Context, phase: Phase) {
        let after = self.asked_for(cx.slot());
        self.tree().note_dropped(|| Left { path: cx.path(), phase: Some(phase), after });
    }

    /// Until when what is in `slot` waits for its restart, if it does.
    pub(super) fn until(&self, slot: SlotId) -> Option<Instant> {
        self.state.hold().core.until(slot)
    }

    /// What the task of `cx`, which waits, is to do; its delay may be over.
    pub(super) fn resume(&self, cx: &Context, delay_over: bool, waker: &Waker) -> Then {
        let (slot, cell) = (cx.slot(), cx.cell());
        let mut outside = Outside::default();
        let mut state = self.lock();
        let old = state.records[slot].register(waker, cell);
        if delay_over {
            let was = state.core.next(slot);
            state.core.delay_over(slot, now());
            if was == Next::Delay && state.core.next(slot) == Next::Start {
                state.begin(slot, cell);
            }
        }
        let then = state.look(slot, cell);
        state.tell(self, |_, _| true, &mut outside);
        let gone = if then.leaves() { state.vacate(slot, cell) } else { None };
        let driver = state.driver_to_wake();
        drop(state);
        drop(old);
        outside.run();
        wake(driver);
        drop(gone);
        then
    }
}

/// What an end means as far as decisions go.
fn ended(exit: &Exit, kind: Kind) -> Ended {
    match exit.cause {
        Cause::Done => Ended::Ok,
        Cause::Error(_) if kind == Kind::Supervisor && exit.is_stuck() => Ended::Stuck,
        _ if exit.asked => Ended::Ok,
        // The chain of its error is the user's.
        _ => match catch(|| exit.instruction()).unwrap_or_default() {
            Some(Verb::Forfeit) => Ended::Forfeit,
            Some(Verb::Escalate) => Ended::Escalate,
            None => Ended::Failed,
        },
    }
}
