//! Tells what has changed: to the listeners, to the log, and to those who wait for it.
//!
//! A change is an event with the state of the child after it, so that folding the events gives what a snapshot shows. Most
//! follow from the core's own record of what it changed; what an exit was, and what it means, comes before those.

use std::sync::Arc;
use std::task::Waker;

use super::factory::Launch;
use super::group::Group;
use super::panic::catch_drop;
use super::record::State;
use crate::decide::{Outcome, Phase, Rest, Slot, SlotId, State as CoreState, Verdict};
use crate::declare::{ChildSpec, Kind};
use crate::view::{Change, Event, Facts, Place, State as Shown, Subject, What};
use crate::{Cause, Exit, Restart, log};

/// What is to be done once the lock is released: it runs code of others.
#[derive(Default)]
#[must_use = "somebody waits for it"]
pub(super) struct Outside {
    pub(super) wakers: Vec<Waker>,
    pub(super) gone: Vec<Arc<Exit>>,
    /// Members that have left when no task of theirs was there to tidy up.
    pub(super) left: Vec<(Arc<dyn Launch>, u32)>,
    pub(super) groups: Option<Arc<Group>>,
    events: Vec<Event>,
    surplus: Vec<Event>,
}

impl Outside {
    pub(super) fn run(self) {
        let Self { wakers, gone, left, groups, events, surplus } = self;
        // In this order: what follows from it is logged after it.
        events.iter().for_each(log::event);
        wakers.into_iter().for_each(Waker::wake);
        left.iter().for_each(|(launch, index)| launch.forget_kept(*index));
        // The errors in them are the user's.
        if !gone.is_empty() || groups.is_some() || !surplus.is_empty() || !events.is_empty() {
            let _ = catch_drop((gone, groups, surplus, events));
        }
    }
}

impl State {
    /// Tells `events`, and then those changes of the core that `tells` wants to be told besides.
    pub(super) fn tell(
        &mut self,
        group: &Group,
        mut events: Vec<Event>,
        tells: impl Fn(SlotId, CoreState) -> bool,
        outside: &mut Outside,
    ) {
        let changes = self.core.changes();
        if changes.is_empty() && events.is_empty() {
            return;
        }
        for &(slot, _) in &changes {
            if self.core.slot(slot).observed {
                self.keep_promises(slot, &mut outside.wakers);
            }
        }
        group.tree().watchers().wake(&mut outside.wakers);
        if !group.tree().events().is_wanted() {
            return;
        }
        for (slot, state) in changes {
            if tells(slot, state)
                && let Some(what) = what(state)
            {
                events.push(Event { change: Some(self.change(slot, state)), ..self.event(group, slot, what) });
            }
        }
        let (mut wakers, mut surplus) = group.tree().events().push(&mut events);
        outside.wakers.append(&mut wakers);
        outside.surplus.append(&mut surplus);
        outside.events.append(&mut events);
    }

    /// Something about the child in `slot`, in its state as it is now.
    pub(super) fn event(&self, group: &Group, slot: SlotId, what: What) -> Event {
        let (child, index) = self.core.place(slot);
        Event {
            number: 0,
            at: self.core.now(),
            subject: Subject::Child(Place { names: Arc::clone(group.names()), child, index }),
            what,
            change: Some(self.change(slot, self.core.slot(slot).state)),
        }
    }

    /// What is told of one that was added; that it has been started already, if it has, is told next.
    pub(super) fn added(&self, group: &Group, slot: SlotId) -> Event {
        let mut added = self.event(group, slot, What::Added);
        // One that is brought back on its way out has not: that is the old one, which still starts.
        let is_new = self.core.slot(slot).is_fresh();
        if let Some(change) = added.change.as_mut().filter(|change| is_new && change.state == Shown::Starting) {
            change.state = Shown::Waiting;
        }
        added
    }

    fn change(&self, slot: SlotId, state: CoreState) -> Change {
        let known = self.core.slot(slot);
        let until = match state {
            CoreState::Waiting(until) => Some(until),
            _ => None,
        };
        let state = if state == known.state { shown(known) } else { shown_as(state) };
        Change { state, since: known.since, incarnation: self.records[slot as usize].incarnation, until }
    }

    /// Tells that the incarnation in `slot` has failed, before it is stopped.
    pub(super) fn note_failed(&mut self, group: &Group, slot: SlotId, exit: &Arc<Exit>, outside: &mut Outside) {
        self.core.note_failing(slot, exit.at);
        self.records[slot as usize].extras().failed = Some(Arc::clone(exit));
        let event = self.core.is_recording().then(|| self.event(group, slot, What::Failed(Arc::clone(exit))));
        self.tell(group, event.into_iter().collect(), |_, _| true, outside);
        group.tree().watchers().wake(&mut outside.wakers);
    }

    /// What is told of an exit before it is decided what it means.
    pub(super) fn before_exit(&mut self, group: &Group, slot: SlotId, exit: &Arc<Exit>) -> Vec<Event> {
        let known = self.core.slot(slot);
        let (child, _) = self.core.place(slot);
        let has_been_told = self.records[slot as usize].extras.as_ref().is_some_and(|extras| extras.failed.is_some());
        if !self.core.is_recording() || has_been_told || !is_told(exit, group.child(child)) {
            return Vec::new();
        }
        let failed = self.event(group, slot, What::Failed(Arc::clone(exit)));
        let change = Change { state: Shown::Stopping, since: exit.at, ..self.change(slot, known.state) };
        vec![Event { at: exit.at, change: Some(change), ..failed }]
    }

    /// What is told of what an exit means.
    pub(super) fn after_exit(
        &self,
        group: &Group,
        slot: SlotId,
        exit: &Arc<Exit>,
        verdict: &Verdict,
        events: &mut Vec<Event>,
    ) {
        if !self.core.is_recording() {
            return;
        }
        let event = |what| self.event(group, slot, what);
        match *verdict {
            Verdict::Restart { attempt, delay, left, others } => {
                let mut restarting = event(What::Restarting { attempt, delay, restarts_left: left, others });
                if let Some(change) = &mut restarting.change
                    && change.state == Shown::Starting
                {
                    change.state = Shown::Waiting;
                }
                events.push(restarting);
            }
            Verdict::Swept => {
                let stopped = match exit.cause {
                    // It has been told that it failed.
                    _ if !exit.asked && exit.is_failure() => What::Stopped(None),
                    Cause::Dropped => What::Dropped(Arc::clone(exit)),
                    _ => What::Stopped(Some(Arc::clone(exit))),
                };
                events.push(event(stopped));
                if self.core.slot(slot).state == CoreState::Down(Rest::Forfeited) {
                    events.push(event(What::Forfeited));
                }
            }
            Verdict::Done => events.push(event(What::Done(Arc::clone(exit)))),
            Verdict::Gone => events.push(event(What::Gone)),
            Verdict::Forfeited => events.push(event(What::Forfeited)),
            Verdict::NotStarted => events.push(event(What::NotStarted)),
            Verdict::GroupFails => {
                events.extend(self.why_the_group_fails(group, slot));
                events.push(event(What::Stopped(None)));
            }
        }
    }

    fn why_the_group_fails(&self, group: &Group, slot: SlotId) -> Option<Event> {
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
        let subject = Subject::Group(Arc::clone(group.names()));
        Some(Event { number: 0, at: self.core.now(), subject, what, change: None })
    }

    /// What is known of the child in `slot`.
    pub(crate) fn facts(&self, slot: SlotId) -> Facts {
        let known = self.core.slot(slot);
        let record = &self.records[slot as usize];
        let extras = record.extras.as_deref();
        let failed = extras.and_then(|extras| extras.failed.as_ref());
        Facts {
            state: shown(known),
            since: known.since,
            incarnation: record.incarnation,
            restarts: known.restarts,
            until: match known.state {
                CoreState::Waiting(until) => Some(until),
                _ => None,
            },
            last_exit: failed.or(record.last_exit.as_ref()).cloned(),
            not_ready: extras.and_then(|extras| extras.not_ready.clone()),
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
        CoreState::Waiting(_) => Shown::Delayed,
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
fn what(state: CoreState) -> Option<What> {
    Some(match state {
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
        // These come from an exit, which tells.
        CoreState::Waiting(_) | CoreState::Down(Rest::Done) => return None,
    })
}

/// Whether an exit is told as a failure.
pub(super) fn is_told(exit: &Exit, child: &ChildSpec) -> bool {
    let unwanted = || child.options.restart == Restart::Permanent && child.kind == Kind::Worker;
    exit.is_failure() || matches!(exit.cause, Cause::Done) && !exit.asked && unwanted()
}
