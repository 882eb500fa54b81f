//! Tells what has changed: to the listeners, to the log, and to those who wait for it.
//!
//! A change is an event with the state of the child after it, so that folding the events gives what a snapshot shows. Most
//! follow from the core's own record of what it changed; what an exit was, and what it means, comes before those.

use std::sync::Arc;
use std::task::Waker;

use super::cell::Cell;
use super::group::{Group, now};
use super::record::{Left, State, wake};
use crate::decide::{Outcome, Phase, Rest, Slot, SlotId, State as CoreState, Verdict, nanos_between};
use crate::declare::{ChildSpec, Kind};
use crate::exit::Ending;
use crate::view::{Change, Facts, Names, Page, Pushed, State as Shown, Subject, Told, What, is_logged};
use crate::{Cause, Exit, Restart, log};

/// What is to be told, and what is to be done once the lock is released because it runs code of others.
///
/// Most of it in a box: mostly there is nothing of that, and every restart comes by here.
#[derive(Default)]
#[must_use = "somebody waits for it"]
pub(super) struct Outside {
    pending: Option<Box<Pending>>,
    /// The first to be woken, and mostly the only one.
    waker: Option<Waker>,
    /// Something has been told besides changes of the core.
    has_told: bool,
}

#[derive(Default)]
struct Pending {
    /// To be logged.
    events: Vec<(Arc<Names>, Told)>,
    wakers: Vec<Waker>,
    left: Vec<Left>,
    group: Option<Arc<Group>>,
    surplus: Vec<Arc<Page>>,
}

impl Outside {
    fn pending(&mut self) -> &mut Pending {
        self.pending.get_or_insert_default()
    }

    /// Has them woken.
    #[inline]
    pub(super) fn wake(&mut self, wakers: impl IntoIterator<Item = Waker>) {
        for waker in wakers {
            if self.waker.is_none() {
                self.waker = Some(waker);
            } else {
                self.pending().wakers.push(waker);
            }
        }
    }

    /// Tells an event at once, before what else has changed.
    pub(super) fn tell(&mut self, group: &Group, told: Told) {
        self.has_told = true;
        if is_logged() {
            self.pending().events.push((Arc::clone(group.names()), told.clone()));
        }
        if let Some(Pushed { waiting, surplus }) = group.tree().events().push(group.names(), told) {
            self.wake(waiting.into_iter().map(|(_, waker)| waker));
            if !surplus.is_empty() {
                self.pending().surplus.extend(surplus);
            }
        }
    }

    /// Has tidied up after a replica or member that has left when no task of it was there to do so.
    pub(super) fn note_left(&mut self, left: Left) {
        self.pending().left.push(left);
    }

    /// Has the group of an earlier incarnation dropped.
    pub(super) fn drop_group(&mut self, group: Option<Arc<Group>>) {
        if group.is_some() {
            self.pending().group = group;
        }
    }

    #[inline]
    pub(super) fn run(self) {
        if let Some(pending) = self.pending {
            (*pending).run(self.waker);
        } else {
            wake(self.waker);
        }
    }
}

impl Pending {
    fn run(self, first: Option<Waker>) {
        let Self { events, wakers, left, group, surplus } = self;
        // In this order: what follows from it is logged after it.
        events.iter().for_each(|(names, told)| log::event(names, told));
        first.into_iter().chain(wakers).for_each(Waker::wake);
        left.iter().for_each(|left| left.cx.child().launch.tidy_up(&left.cx, left.owner));
        group.iter().for_each(|group| group.forget_exits());
        drop((group, left, events, surplus));
    }
}

impl State {
    /// Tells those changes of the core that `tells` wants to be told, and wakes whom something has been told.
    #[inline]
    pub(super) fn tell(&mut self, group: &Group, tells: impl Fn(SlotId, CoreState) -> bool, outside: &mut Outside) {
        if self.core.has_changes() || outside.has_told {
            self.tell_all(group, tells, outside);
        }
    }

    #[inline(never)]
    fn tell_all(&mut self, group: &Group, tells: impl Fn(SlotId, CoreState) -> bool, outside: &mut Outside) {
        let changes = self.core.changes();
        for &(slot, _) in &changes {
            if self.core.slot(slot).observed {
                self.keep_promises(slot, group.cell(slot), outside);
            }
        }
        if group.tree().watchers().are_there() {
            outside.wake(group.tree().watchers().take());
        }
        if group.tree().events().is_wanted() {
            for &(slot, state) in &changes {
                if tells(slot, state) && !comes_from_an_exit(state) {
                    outside.tell(group, self.event_in(group, slot, state, || what(state)));
                }
            }
        }
        self.core.forget(changes);
    }

    /// Something about the child in `slot`, in its state as it is now.
    pub(super) fn event(&self, group: &Group, slot: SlotId, what: What) -> Told {
        self.event_with(group, slot, || what)
    }

    /// The same for what every restart tells. What has only just been written takes long to be moved, so `what` is made last,
    /// where it is to stand.
    #[inline]
    fn event_with(&self, group: &Group, slot: SlotId, what: impl FnOnce() -> What) -> Told {
        self.event_in(group, slot, self.core.slot(slot).state, what)
    }

    #[inline]
    fn event_in(&self, group: &Group, slot: SlotId, state: CoreState, what: impl FnOnce() -> What) -> Told {
        let (child, index) = self.core.place(slot);
        let change = Some(self.change(slot, state, group.cell(slot)));
        Told { at: self.core.elapsed(), subject: Subject::Child { child, index }, what: what(), change }
    }

    /// What is told of one that was added; that it has been started already, if it has, is told next.
    pub(super) fn added(&self, group: &Group, slot: SlotId) -> Told {
        let mut added = self.event(group, slot, What::Added);
        // One that is brought back on its way out has not: that is the old one, which still starts.
        let is_new = self.core.slot(slot).is_fresh();
        if let Some(change) = added.change.as_mut().filter(|change| is_new && change.state == Shown::Starting) {
            change.state = Shown::Waiting;
        }
        added
    }

    #[inline]
    fn change(&self, slot: SlotId, state: CoreState, cell: &Cell) -> Change {
        let known = self.core.slot(slot);
        let state = if known.failing && state == known.state { shown(known) } else { shown_as(state) };
        Change { state, since: known.since(), incarnation: cell.incarnation() }
    }

    /// Tells that the incarnation in `slot` has failed, before it is stopped.
    pub(super) fn note_failed(&mut self, group: &Group, slot: SlotId, exit: &Ending, outside: &mut Outside) {
        self.core.note_failing(slot, exit.at.unwrap_or_else(now));
        self.records[slot].note_failed(exit.share());
        if self.core.is_recording() {
            outside.tell(group, self.event_with(group, slot, || What::Failed(exit.share())));
        }
        self.tell(group, |_, _| true, outside);
    }

    /// Whether it has been told that the incarnation in `slot` has failed.
    pub(super) fn has_told_failure(&self, slot: SlotId) -> bool {
        self.records[slot].failed().is_some()
    }

    /// What is told of an exit before it is decided what it means.
    #[inline(never)]
    pub(super) fn before_exit(&mut self, group: &Group, slot: SlotId, exit: &Ending, outside: &mut Outside) {
        let known = self.core.slot(slot);
        let (child, _) = self.core.place(slot);
        if self.has_told_failure(slot) || !is_told(exit, group.child(child)) {
            return;
        }
        let failed = self.event(group, slot, What::Failed(exit.share()));
        let at = exit.at.map_or(failed.at, |at| nanos_between(group.epoch(), at));
        let change = self.change(slot, known.state, group.cell(slot));
        let change = Change { state: Shown::Stopping, since: at, ..change };
        outside.tell(group, Told { at, change: Some(change), ..failed });
    }

    /// What is told of what an exit means.
    #[inline(never)]
    pub(super) fn after_exit(
        &self,
        group: &Group,
        slot: SlotId,
        exit: &Ending,
        verdict: &Verdict,
        outside: &mut Outside,
    ) {
        let event = |what| self.event(group, slot, what);
        match *verdict {
            Verdict::Restart { attempt, delay, left, others } => {
                let what = || What::Restarting { attempt, delay, restarts_left: left, others };
                let mut restarting = self.event_with(group, slot, what);
                if let Some(change) = &mut restarting.change
                    && change.state == Shown::Starting
                {
                    change.state = Shown::Waiting;
                }
                outside.tell(group, restarting);
            }
            Verdict::Swept => {
                let stopped = match exit.cause {
                    // It has been told that it failed, be it by an `Ok` that was not wanted.
                    _ if !exit.asked && is_told(exit, group.child(self.core.slot(slot).child)) => What::Stopped(None),
                    Cause::Dropped => What::Dropped(exit.share()),
                    _ => What::Stopped(Some(exit.share())),
                };
                outside.tell(group, event(stopped));
                if self.core.slot(slot).state == CoreState::Down(Rest::Forfeited) {
                    outside.tell(group, event(What::Forfeited));
                }
            }
            Verdict::Done => outside.tell(group, event(What::Done(exit.share()))),
            Verdict::Gone => outside.tell(group, event(What::Gone)),
            Verdict::Forfeited => outside.tell(group, event(What::Forfeited)),
            Verdict::NotStarted => outside.tell(group, event(What::NotStarted)),
            Verdict::GroupFails => {
                self.why_the_group_fails(group, slot).into_iter().for_each(|why| outside.tell(group, why));
                outside.tell(group, event(What::Stopped(None)));
            }
        }
    }

    fn why_the_group_fails(&self, group: &Group, slot: SlotId) -> Option<Told> {
        let (Phase::Stopping { outcome, .. } | Phase::Ended(outcome)) = *self.core.phase() else { return None };
        let (child, index) = self.core.place(slot);
        let child = Arc::from(group.names().path_of(child, index));
        let what = match outcome {
            Outcome::GaveUp(_) => What::GaveUp { child, limit: group.spec().limit },
            Outcome::StartFailed(_) => What::RollingBack { child },
            Outcome::Escalated(_) => What::Escalating { child },
            Outcome::Crashed(_) => What::Crashing { child },
            Outcome::Done | Outcome::Stopped | Outcome::Forfeited | Outcome::Stuck => return None,
        };
        Some(Told { at: self.core.elapsed(), subject: Subject::Group, what, change: None })
    }

    /// What is known of the child in `slot`.
    pub(crate) fn facts(&self, slot: SlotId, cell: &Cell) -> Facts {
        let known = self.core.slot(slot);
        // Its record has nothing to add, and need not be fetched: in a large tree that takes longer than all the rest.
        let is_plain = known.state == CoreState::Running && !known.failing && !known.not_ready;
        let incarnation = cell.incarnation();
        if is_plain && incarnation == 1 {
            return Facts {
                incarnation,
                restarts: known.restarts,
                ..Facts::new(Shown::Running, self.core.since(slot))
            };
        }
        let record = &self.records[slot];
        Facts {
            state: shown(known),
            since: self.core.since(slot),
            incarnation,
            restarts: known.restarts,
            until: self.core.until(slot),
            last_exit: record.failed().cloned().or_else(|| self.last_exit(slot, cell)),
            not_ready: record.extras().and_then(|extras| extras.not_ready.clone()),
        }
    }
}

/// How a child's state is shown.
pub(crate) fn shown(slot: &Slot) -> Shown {
    match slot.state {
        CoreState::Starting | CoreState::Running if slot.failing => Shown::Stopping,
        state => shown_as(state),
    }
}

fn shown_as(state: CoreState) -> Shown {
    match state {
        CoreState::Pending => Shown::Waiting,
        CoreState::Waiting => Shown::Delayed,
        CoreState::Starting => Shown::Starting,
        CoreState::Running => Shown::Running,
        CoreState::Stopping | CoreState::Killing => Shown::Stopping,
        CoreState::Stuck => Shown::Stuck,
        CoreState::Down(Rest::Done) => Shown::Done,
        CoreState::Down(Rest::Forfeited) => Shown::Forfeited,
        CoreState::Down(Rest::Stopped) => Shown::Stopped,
        CoreState::Down(Rest::Gone | Rest::Removed) => Shown::Gone,
    }
}

/// What is told of a change that nothing else tells of.
fn what(state: CoreState) -> What {
    match state {
        CoreState::Pending => What::Waiting,
        CoreState::Starting => What::Starting,
        CoreState::Running => What::Started,
        CoreState::Stopping => What::Stopping,
        CoreState::Killing => What::Dropping,
        CoreState::Stuck => What::Stuck,
        CoreState::Down(Rest::Forfeited) => What::Forfeited,
        CoreState::Down(Rest::Stopped) => What::Stopped(None),
        CoreState::Down(Rest::Gone) => What::Gone,
        CoreState::Down(Rest::Removed) => What::Discarded,
        CoreState::Waiting | CoreState::Down(Rest::Done) => unreachable!("its exit tells"),
    }
}

/// Whether the exit that a change comes from has told it.
fn comes_from_an_exit(state: CoreState) -> bool {
    matches!(state, CoreState::Waiting | CoreState::Down(Rest::Done))
}

/// Whether an exit is told as a failure.
pub(super) fn is_told(exit: &Exit, child: &ChildSpec) -> bool {
    let unwanted = || child.options.restart == Restart::Permanent && child.kind == Kind::Worker;
    exit.is_failure() || matches!(exit.cause, Cause::Done) && !exit.asked && unwanted()
}
