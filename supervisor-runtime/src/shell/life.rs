//! What the task of a child says to its group: it waits, has started, has failed, has ended.

use std::sync::Arc;
use std::task::Waker;

use super::group::{Group, now};
use super::panic::catch_drop;
use super::record::wake;
use super::tell::Outside;
use crate::decide::{Ended, Next, Rest, Slot, SlotId, Started, State as CoreState, Verdict};
use crate::error::Left;
use crate::exit::Verb;
use crate::sync::MutexExt;
use crate::view::{Event, What};
use crate::{Cause, Context, Exit};

impl Group {
    /// Stores the waker of the task of `slot`, which stays the same for as long as the task lives.
    pub(crate) fn register(&self, slot: SlotId, waker: &Waker) {
        let mut state = self.state.hold();
        state.records[slot as usize].has_waited = true;
        let stored = &mut state.records[slot as usize].waker;
        if !stored.as_ref().is_some_and(|stored| stored.will_wake(waker)) {
            let old = stored.replace(waker.clone());
            drop(state);
            drop(old);
        }
    }

    /// `start` has succeeded in `slot`. Says too whether the supervisor has been woken for it.
    pub(crate) fn started(&self, slot: SlotId) -> (Started, bool) {
        let mut outside = Outside::default();
        let mut state = self.lock();
        // A start that never waited took no time; its end need not be known.
        let took_time = state.records[slot as usize].has_waited || state.core.has_backoff(slot);
        let started = state.core.started(slot, took_time.then(now));
        let record = &mut state.records[slot as usize];
        record.last_started = record.incarnation;
        let driver = state.driver_to_wake();
        state.tell(self, Vec::new(), |_, _| true, &mut outside);
        drop(state);
        outside.run();
        (started, wake(driver))
    }

    /// Whether somebody wants to know at once what fails.
    pub(crate) fn is_watched(&self) -> bool {
        self.tree().is_watched()
    }

    /// The incarnation in `slot` has failed, and is about to be stopped.
    pub(crate) fn failed(&self, slot: SlotId, exit: &Arc<Exit>) {
        let mut outside = Outside::default();
        let mut state = self.lock();
        if !state.core.slot(slot).failing {
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
            let event = Event { at: now(), ..state.event(self, slot, what()) };
            state.tell(self, vec![event], |_, _| true, &mut outside);
        }
        drop(state);
        outside.run();
    }

    /// Why the incarnation of `cx`, which has ended, is not followed by another; `None` if its group has ended with it.
    pub(crate) fn rest_of(&self, cx: &Context) -> Option<Rest> {
        let state = self.state.hold();
        if state.core.place(cx.slot()).1 != cx.member() {
            return Some(Rest::Removed);
        }
        match state.core.slot(cx.slot()) {
            slot if slot.removed => Some(Rest::Removed),
            Slot { state: CoreState::Down(rest), .. } => Some(*rest),
            _ => None,
        }
    }

    /// The incarnation in `slot` has ended, and nothing of it is left; what its task does next, in which incarnation,
    /// and whether the supervisor has been woken for it.
    pub(crate) fn exited(&self, slot: SlotId, exit: Arc<Exit>) -> (Next, u32, bool) {
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
        let mut state = self.lock();
        // `stop`, and the end of its tasks, may have taken their time. Where they have not, the clock need not be read.
        let took_time = exit.asked || state.records[slot as usize].extras.is_some();
        let decided = if took_time || state.core.has_backoff(slot) { now() } else { exit.at };
        state.core.forget_stop(slot, decided.saturating_duration_since(exit.at));
        let mut events = state.before_exit(self, slot, &exit);
        let verdict = state.core.exited(slot, ended, choice.as_ref(), decided);
        state.after_exit(self, slot, &exit, &verdict, &mut events);
        let record = &mut state.records[slot as usize];
        let old = record.last_exit.replace(Arc::clone(&exit));
        let extras = record.extras.take();
        if verdict == Verdict::GroupFails {
            state.note_last_causes(slot);
        }
        let (next, incarnation) = state.next(slot, self.cells());
        state.tell(self, events, |changed, to| changed != slot || to.is_new(), &mut outside);
        outside.gone.extend(state.vacate(slot));
        let driver = state.driver_to_wake();
        drop(state);
        outside.run();
        if exit.asked && matches!(exit.cause, Cause::Dropped) {
            self.tree().note_dropped(|| Left {
                path: self.path_of(slot),
                phase: Some(exit.phase),
                after: self.asked_for(slot),
            });
        }
        let woken = wake(driver);
        let listeners = extras.map(|extras| extras.listeners).unwrap_or_default();
        listeners.into_iter().for_each(Waker::wake);
        let _ = catch_drop(old);
        let _ = catch_drop(exit);
        (next, incarnation, woken)
    }

    /// What the task in `slot`, which waits, is to do, and in which incarnation; its delay may be over.
    pub(crate) fn resume(&self, slot: SlotId, delay_over: bool, waker: &Waker) -> (Next, u32) {
        self.register(slot, waker);
        let mut outside = Outside::default();
        let mut state = self.lock();
        if delay_over {
            let was = state.core.next(slot);
            state.core.delay_over(slot, now());
            if matches!(was, Next::Delay(_)) && state.core.next(slot) == Next::Start {
                state.begin(slot, self.cells());
            }
        }
        let next = state.look(slot);
        state.tell(self, Vec::new(), |_, _| true, &mut outside);
        outside.gone.extend(state.vacate(slot));
        let driver = state.driver_to_wake();
        drop(state);
        outside.run();
        wake(driver);
        next
    }
}
