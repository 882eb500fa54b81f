//! What the task of a child says to its group: it waits, has started, has failed, has ended.

use std::sync::Arc;
use std::task::Waker;

use tokio::runtime::RuntimeFlavor;

use super::group::{Group, now};
use super::panic::catch_drop;
use super::record::{Then, WentOn, wake};
use super::tell::{Outside, is_told};
use super::watch::Silence;
use crate::decide::{Ended, Next, SlotId, Started, Verdict};
use crate::error::Left;
use crate::exit::Verb;
use crate::sync::MutexExt;
use crate::view::{Event, What};
use crate::{Cause, Context, Exit};

impl Group {
    /// Stores the waker of the task of `slot`, which stays the same for as long as the task lives.
    pub(crate) fn register(&self, slot: SlotId, waker: &Waker) {
        let mut state = self.state.hold();
        let old = state.records[slot].register(waker, self.cell(slot));
        drop(state);
        drop(old);
    }

    /// `start` has succeeded for the incarnation of `cx`. Says too whether its task is to make way for the supervisor.
    pub(super) fn started(&self, cx: &Context, waker: &Waker) -> (Started, bool) {
        let (slot, cell) = (cx.slot(), cx.cell());
        let mut outside = Outside::default();
        let mut state = self.lock();
        // Most wait in `run`: they need not come back for that.
        let record = &mut state.records[slot];
        let old = if cell.is_registered() { None } else { record.register(waker, cell) };
        // A start that never waited took no time; its end need not be known.
        let took_time = cell.has_waited() || state.core.has_backoff(slot);
        let started = state.core.started(slot, took_time.then(now));
        let record = &mut state.records[slot];
        record.last_started = record.incarnation;
        let driver = state.driver_to_wake();
        state.tell(self, |_, _| true, &mut outside);
        drop(state);
        drop(old);
        outside.run();
        let makes_way = wake(driver) && self.makes_way();
        match cx.child().options.heartbeat {
            Some(limit) if started == Started::Run => {
                cx.heartbeat();
                (started, self.watch(cx, Silence::OfHeartbeat, limit) || makes_way)
            }
            _ => (started, makes_way),
        }
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
    pub(crate) fn failed(&self, cx: &Context, exit: &Arc<Exit>) {
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
            outside.tell(self, Event { at: now(), ..state.event(self, slot, what()) });
            state.tell(self, |_, _| true, &mut outside);
        }
        drop(state);
        outside.run();
    }

    /// The incarnation of `cx` has ended, and nothing of it is left; what its task does next.
    pub(super) fn exited(&self, cx: &Context, exit: Arc<Exit>) -> Then {
        let slot = cx.slot();
        let choice = self.choose(slot, &exit);
        let ended = match exit.instruction() {
            _ if exit.is_stuck() => Ended::Stuck,
            _ if exit.asked => Ended::Ok,
            Some(Verb::Forfeit) => Ended::Forfeit,
            Some(Verb::Escalate) => Ended::Escalate,
            None if exit.is_failure() => Ended::Failed,
            None => Ended::Ok,
        };
        let mut outside = Outside::default();
        let above;
        let mut state = self.lock();
        // `stop`, and the end of its tasks, may have taken their time. Where they have not, the clock need not be read.
        let took_time = cx.cell().has_waited_since() || cx.cell().read().has_tasks();
        let has_backoff = state.core.has_backoff(slot);
        let decided = if took_time || has_backoff { now() } else { exit.at };
        if has_backoff {
            state.core.forget_stop(slot, decided.saturating_duration_since(exit.at));
        }
        if state.core.is_recording() {
            state.before_exit(self, slot, &exit, &mut outside);
        }
        let verdict = state.core.exited(slot, ended, choice.as_ref(), decided);
        if state.core.is_recording() {
            state.after_exit(self, slot, &exit, &verdict, &mut outside);
        }
        let dropped = (exit.asked && matches!(exit.cause, Cause::Dropped)).then_some(exit.phase);
        let was_asked = exit.asked;
        let record = &mut state.records[slot];
        let yields = record.is_spent(exit.at, cx.cell().has_waited());
        let old = record.last_exit.replace(exit);
        let extras = record.extras.as_deref_mut().map(std::mem::take);
        if verdict == Verdict::GroupFails {
            state.note_last_causes(slot);
        }
        let then = state.next(slot, self.cells());
        // One that was asked is one of several that are stopped in turn. After a failure the supervisor goes on: others that have
        // failed at the same time are to be heard first.
        let mut went_on = None;
        if was_asked && state.core.can_proceed() {
            // The supervisor may have been asked to stop, and not have heard of it yet.
            above = self.above();
            if !above.as_ref().is_some_and(|(above, slot)| above.cell(*slot).read().is_asked()) {
                went_on = Some(state.go_on(self, now(), &mut outside));
            }
        }
        state.tell(self, |changed, to| changed != slot || to.is_new(), &mut outside);
        outside.drop_exit(state.vacate(slot));
        let is_sooner = went_on.as_ref().is_some_and(|went_on| went_on.is_sooner);
        let driver = if is_sooner { state.driver.clone() } else { state.driver_to_wake() };
        drop(state);
        outside.run();
        if let Some(phase) = dropped {
            self.tree().note_dropped(|| Left { path: cx.path(), phase: Some(phase), after: self.asked_for(slot) });
        }
        let has_gone_on = went_on.is_some();
        if let Some(WentOn { spawn, .. }) = went_on {
            cx.group().spawn(spawn);
        }
        let has_woken = wake(driver) || has_gone_on;
        if let Some(extras) = extras {
            extras.listeners.into_iter().for_each(Waker::wake);
        }
        let _ = catch_drop(old);
        match then {
            Then::Start(incarnation) if yields || has_woken && self.makes_way() => Then::Yield(incarnation),
            then => then,
        }
    }

    /// What the task of `cx`, which waits, is to do; its delay may be over.
    pub(super) fn resume(&self, cx: &Context, delay_over: bool, waker: &Waker) -> Then {
        let slot = cx.slot();
        let mut outside = Outside::default();
        let mut state = self.lock();
        let old = state.records[slot].register(waker, cx.cell());
        if delay_over {
            let was = state.core.next(slot);
            state.core.delay_over(slot, now());
            if matches!(was, Next::Delay(_)) && state.core.next(slot) == Next::Start {
                state.begin(slot, self.cells());
            }
        }
        let then = state.look(slot);
        state.tell(self, |_, _| true, &mut outside);
        outside.drop_exit(state.vacate(slot));
        let driver = state.driver_to_wake();
        drop(state);
        drop(old);
        outside.run();
        wake(driver);
        then
    }

    /// What the task of `cx`, which waits for the supervisor, is to do. Mostly its cell tells, without the lock.
    pub(super) fn is_decided(&self, cx: &Context, waker: &Waker) -> Then {
        cx.cell().note_own_waker(waker);
        match cx.cell().after(cx.incarnation()) {
            Some(Some(incarnation)) => Then::Start(incarnation),
            Some(None) if cx.cell().is_registered() => Then::Park,
            _ => self.resume(cx, false, waker),
        }
    }
}
