//! What a supervisor's task does with its group: it carries out the core's plans.

use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use super::cell::Cell;
use super::group::{Group, now};
use super::record::{Record, Spawn, Spawns, State, wake};
use super::tell::Outside;
use crate::Context;
use crate::decide::{Phase, Rest, SlotId, State as CoreState};
use crate::sync::MutexExt;
use crate::view::What;

/// Where a supervisor stands, for its driver.
pub(crate) struct Progress {
    pub(crate) phase: Phase,
    /// Every child has started, at some time.
    pub(crate) has_started: bool,
    /// There is more to do at once.
    pub(crate) more: bool,
    pub(crate) next_timer: Option<Instant>,
    /// Tasks that still run and are expected to end.
    pub(crate) tasks: usize,
}

impl Group {
    /// Goes on with the core's plans, for at most `room` actions, and carries them out.
    pub(crate) fn step(self: &Arc<Self>, stop: Option<Option<Instant>>, driver: &Waker, room: usize) -> Progress {
        let mut outside = Outside::default();
        let mut spawn = Spawns::new();
        let progress = {
            let mut state = self.lock();
            if !state.driver.as_ref().is_some_and(|known| known.will_wake(driver)) {
                state.driver = Some(driver.clone());
            }
            let now = now();
            if let Some(deadline) = stop {
                state.core.stop(deadline, now);
            }
            state.look_at_the_silent(now, self, &mut outside);
            let State { core, actions, .. } = &mut *state;
            let more = core.step(now, room, actions);
            // Before anything is told to be dropped for that.
            if state.core.is_ending() && self.is_outermost() {
                self.tree().note_ending();
            }
            state.carry_out(self, &mut spawn, &mut outside);
            state.tell(self, |_, _| true, &mut outside);
            Progress {
                phase: state.core.phase().clone(),
                has_started: state.core.has_started(),
                more: more || state.core.has_work(),
                next_timer: state.next_timer(),
                tasks: state.tasks - state.core.stuck().len(),
            }
        };
        outside.run();
        self.spawn(spawn);
        progress
    }

    /// Spawns the tasks of children, outside of the lock.
    pub(super) fn spawn(self: &Arc<Self>, children: Spawns) {
        let runtime = self.tree().runtime();
        for Spawn { slot, child, index, incarnation } in children {
            let cx = Context::new(Arc::clone(self), slot, child, index, incarnation);
            let launch = Arc::clone(&self.child(child).launch);
            #[cfg(feature = "test-util")]
            let launch = crate::testing::supervise(launch, &cx);
            launch.launch(cx, runtime);
        }
    }

    /// Drops everything that runs, in no order and without `stop`: the supervisor itself is being dropped.
    pub(crate) fn abandon(&self) {
        let mut outside = Outside::default();
        let mut state = self.lock();
        if matches!(state.core.phase(), Phase::Ended(_)) {
            return;
        }
        state.core.stop(None, now());
        self.cells().iter().for_each(Cell::kill);
        // Those that listen, too: where the runtime is dropped, no task of a child is left to tell them.
        state.records.iter_mut().for_each(|record| record.wake(&mut outside));
        state.tell(self, |_, _| true, &mut outside);
        drop(state);
        outside.run();
    }

    /// The tasks of all that runs here and below were dropped with their runtime: nothing comes any more of what is waited for.
    pub(crate) fn lose(&self) {
        let mut outside = Outside::default();
        let mut state = self.lock();
        state.break_promises(&mut outside);
        let inner: Vec<Arc<Self>> = state.inner.values().cloned().collect();
        drop(state);
        outside.run();
        // What waits for a next incarnation may keep the group, by a context of its own.
        self.spec().children.iter().for_each(|child| child.launch.clear_kept());
        for group in inner {
            group.abandon();
            group.lose();
        }
    }

    /// Forgets how the children here and below have ended: nobody asks any more, and an error of theirs may hold a context,
    /// which holds the group that holds the error.
    pub(crate) fn forget_exits(&self) {
        let (exits, last_causes, inner) = {
            let mut state = self.state.hold();
            let exits: Vec<_> = state.records.iter_mut().filter_map(Record::take_last_exit).collect();
            let inner: Vec<Arc<Self>> = state.inner.values().cloned().collect();
            (exits, std::mem::take(&mut state.last_causes), inner)
        };
        drop((exits, last_causes));
        inner.iter().for_each(|inner| inner.forget_exits());
    }

    /// Drops what is in the anchor's slot.
    pub(crate) fn kill(&self, slot: SlotId) {
        let waker = {
            let state = self.lock();
            self.cell(slot).kill();
            state.records[slot].waker().cloned()
        };
        wake(waker);
    }

    /// Asks what is in the anchor's slot to stop; asked again, it changes nothing.
    pub(crate) fn ask(&self, slot: SlotId) {
        let mut outside = Outside::default();
        let mut state = self.lock();
        let now = now();
        state.records[slot].ask(self.cell(slot), false, &mut outside);
        if state.core.slot(slot).is_fresh() {
            state.core.show(slot, CoreState::Stopping, now);
            if state.core.is_recording() {
                outside.tell(self, state.event(self, slot, What::ShuttingDown));
            }
            state.tell(self, |_, _| false, &mut outside);
        }
        drop(state);
        outside.run();
    }

    /// The outermost supervisor is about to start; in which context.
    pub(crate) fn begin_outermost(self: &Arc<Self>) -> Context {
        let mut outside = Outside::default();
        let mut state = self.lock();
        state.begin(0, self.cell(0));
        state.core.show(0, CoreState::Starting, now());
        state.tell(self, |_, _| true, &mut outside);
        drop(state);
        outside.run();
        self.context(0)
    }

    /// The outermost supervisor has started.
    pub(crate) fn outermost_started(&self) {
        self.outermost_is(CoreState::Running, None);
    }

    /// The outermost supervisor has ended, if `what` says so by itself.
    pub(crate) fn outermost_ended(&self, rest: Rest, what: Option<What>) {
        self.outermost_is(CoreState::Down(rest), what);
    }

    /// How the outermost supervisor stands now, whose own task carries that out.
    fn outermost_is(&self, is: CoreState, what: Option<What>) {
        let mut outside = Outside::default();
        let mut state = self.lock();
        if is == CoreState::Running && !state.core.slot(0).is_fresh() {
            // It was asked to stop meanwhile.
            return;
        }
        state.core.show(0, is, now());
        let tells = what.is_none();
        if let Some(what) = what.filter(|_| state.core.is_recording()) {
            outside.tell(self, state.event(self, 0, what));
        }
        state.tell(self, |_, _| tells, &mut outside);
        drop(state);
        outside.run();
    }
}
