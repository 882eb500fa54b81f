//! Who waits for an incarnation to stop, and the tasks that belong to it.

use std::task::Waker;

use super::Spawned;
use super::group::Group;
use super::record::wake;
use super::tell::Outside;
use crate::Context;
use crate::sync::MutexExt;

impl Group {
    /// Wakes what waits for the incarnation of `cx` to stop, whose `run` is over as its cell says by now.
    pub(crate) fn wake_at_the_end(&self, cx: &Context) {
        let mut outside = Outside::default();
        let mut state = self.state.hold();
        let (record, cell) = (&mut state.records[cx.slot()], self.cell(cx.slot()));
        if record.extras().is_some() && cell.incarnation() == cx.incarnation() {
            record.wake(&mut outside);
        }
        drop(state);
        outside.run();
    }

    /// Wakes `waker` when the incarnation of `cx` is to stop; whether that is the case already.
    pub(crate) fn listen(&self, cx: &Context, waker: &Waker) -> bool {
        let mut state = self.state.hold();
        state.records[cx.slot()].listen(self.cell(cx.slot()), cx.member(), cx.incarnation(), waker)
    }

    pub(crate) fn unlisten(&self, cx: &Context, waker: &Waker) {
        let mut state = self.state.hold();
        // Of an incarnation that has ended nobody listens any more; the same task may listen for the next.
        if self.cell(cx.slot()).is_of(cx.member(), cx.incarnation())
            && let Some(extras) = state.records[cx.slot()].extras_mut()
            && let Some(found) = extras.listeners.iter().position(|listener| listener.will_wake(waker))
        {
            let old = extras.listeners.swap_remove(found);
            drop(state);
            drop(old);
        }
    }

    /// The tasks of the incarnation of `cx`.
    pub(crate) fn tasks_of(&self, cx: &Context) -> Option<Spawned> {
        if !self.cell(cx.slot()).read().has_tasks() {
            return None;
        }
        let state = self.state.hold();
        state.records[cx.slot()].extras()?.spawned.clone()
    }

    /// Wakes the task of the incarnation of `cx`: there is one more task for it to watch.
    pub(crate) fn wake_task(&self, cx: &Context) {
        let waker = self.state.hold().records[cx.slot()].waker().cloned();
        wake(waker);
    }

    /// Room for a task of the incarnation of `cx`; `None` when that has ended.
    pub(crate) fn make_tasks(&self, cx: &Context) -> Option<Spawned> {
        let mut state = self.state.hold();
        let record = &mut state.records[cx.slot()];
        let cell = self.cell(cx.slot());
        if !cell.is_of(cx.member(), cx.incarnation()) {
            return None;
        }
        cell.note_tasks();
        Some(record.make_extras().spawned.get_or_insert_default().clone())
    }
}
