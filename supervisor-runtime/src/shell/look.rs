//! Looking at groups from outside: what stands in them, whether it is ready, what a snapshot shows.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::group::{Group, now};
use super::record;
use super::tell::{Outside, shown};
use crate::Context;
use crate::decide::{ChildId, Core, Rest, Slot, SlotId, State as CoreState};
use crate::declare::Kind;
use crate::reference::Counts;
use crate::sync::MutexExt;
use crate::view::{ChildPart, GroupPart, Members, State, Status, What};

impl Group {
    /// The group of the supervisor in `slot`, if it was ever made.
    pub(crate) fn inner(&self, slot: SlotId) -> Option<Arc<Self>> {
        self.state.hold().inner.get(&slot).cloned()
    }

    /// The group of a supervisor, or of one of several, if it was ever made.
    pub(crate) fn inner_of(&self, child: ChildId, index: u32) -> Option<Arc<Self>> {
        let state = self.state.hold();
        state.inner.get(&state.core.roster(child).get(index)?).cloned()
    }

    /// Where one of a child stands, if it is there; a supervisor is ready when all below it is.
    pub(crate) fn status_of(&self, child: ChildId, index: u32) -> Option<Status> {
        let known = {
            let state = self.state.hold();
            self.known(&state, state.core.roster(child).get(index)?, now())
        };
        Some(whole(known))
    }

    /// Whether the child in `slot` is ready, and all below it.
    pub(crate) fn is_ready(&self, slot: SlotId) -> bool {
        let (status, inner) = self.known(&self.state.hold(), slot, now());
        let is_below = || status.state() != State::Running || inner.is_none_or(|inner| inner.is_ready_inside());
        status.is_ready() && is_below()
    }

    /// What is known here of the child in `slot`, and its group, which knows the rest.
    fn known(&self, state: &record::State, slot: SlotId, at: Instant) -> (Status, Option<Arc<Self>>) {
        (Status { facts: state.facts(slot, self.cell(slot)), at }, state.inner.get(&slot).cloned())
    }

    fn is_ready_inside(&self) -> bool {
        let state = self.state.hold();
        let inner = state.core.is_ready().then(|| state.running_groups());
        drop(state);
        inner.is_some_and(|inner| inner.iter().all(|inner| inner.is_ready_inside()))
    }

    /// The first in this group, or below, that has to be ready and is not: its path, and why.
    fn unready(&self) -> Option<String> {
        let running = {
            let state = self.state.hold();
            if !state.core.is_ready() {
                let unready = (0..state.core.slots().len() as SlotId).find_map(|slot| {
                    let (child, index) = state.core.place(slot);
                    let counts = self.names().labels[child as usize].members != Members::Open;
                    let is_there = counts && !state.core.slot(slot).removed;
                    let known = is_there.then(|| Status { facts: state.facts(slot, self.cell(slot)), at: now() })?;
                    let reason = known.not_ready().filter(|_| known.state() != State::Gone)?;
                    Some(format!("{}: {reason}", self.names().path_of(child, index)))
                });
                if unready.is_some() {
                    return unready;
                }
            }
            state.running_groups()
        };
        running.iter().find_map(|inner| inner.unready())
    }

    /// What will not be ready by itself, in `slot` or below: its path, and its state.
    pub(crate) fn lost(&self, slot: SlotId) -> Option<(String, State)> {
        match self.status(slot).state() {
            State::Running => self.inner(slot)?.lost_inside(),
            state => self.lost_in(slot, state),
        }
    }

    /// The same of what is in this state, and so does not run.
    pub(crate) fn lost_in(&self, slot: SlotId, state: State) -> Option<(String, State)> {
        // A restart of its supervisor starts all of it anew; if none comes, that is what is lost.
        let is_down = matches!(state, State::Stopped | State::Forfeited | State::Gone);
        let comes_back = is_down && self.read(Core::is_ending);
        (!comes_back).then(|| (self.path_of(slot), state))
    }

    fn lost_inside(&self) -> Option<(String, State)> {
        let running = {
            let state = self.state.hold();
            let is_lost = |known: &&Slot| match known.state {
                _ if self.names().labels[known.child as usize].members == Members::Open => false,
                CoreState::Stuck | CoreState::Down(Rest::Forfeited) => true,
                CoreState::Down(Rest::Stopped) => !state.core.is_ending(),
                _ => false,
            };
            // Who waits asks at every change.
            if state.core.has_lost()
                && let Some(lost) = state.core.slots().iter().find(is_lost)
            {
                return Some((self.names().path_of(lost.child, lost.index), shown(lost)));
            }
            state.running_groups()
        };
        running.iter().find_map(|inner| inner.lost_inside())
    }

    /// Whether what is in `slot` starts only after the `start` in which `caller` is has returned.
    pub(crate) fn waits_for(self: &Arc<Self>, slot: SlotId, caller: &Context) -> bool {
        if !is_starting(caller) {
            return false;
        }
        // From the caller and from what it waits for up to the group that both stand in.
        let (mine, theirs) = (caller.group().way_up(caller.slot()), self.way_up(slot));
        let common = mine.iter().find_map(|(group, slot)| {
            let (_, other) = theirs.iter().find(|(other, _)| Arc::ptr_eq(other, group))?;
            Some((group, *slot, *other))
        });
        let Some((group, mine, theirs)) = common else { return false };
        mine == theirs || group.read(|core| core.starts_after(theirs, mine))
    }

    /// The slot in this group of `caller`, which is in its `start`, or of a supervisor above it, if a restart of one of `child`,
    /// or of all, takes that along.
    pub(crate) fn taken_along(&self, child: ChildId, index: Option<u32>, caller: &Context) -> Option<SlotId> {
        if !is_starting(caller) {
            return None;
        }
        let way = caller.group().way_up(caller.slot());
        let (_, slot) = way.into_iter().find(|(group, _)| std::ptr::eq(&**group, self))?;
        self.read(|core| core.takes_along(child, index, slot)).then_some(slot)
    }

    /// The slots in which a child stands, its own first, then those of the supervisors above it.
    fn way_up(self: &Arc<Self>, slot: SlotId) -> Vec<(Arc<Self>, SlotId)> {
        let mut way = vec![(Arc::clone(self), slot)];
        while let Some((above, slot)) = way.last().and_then(|(group, _)| group.above()) {
            way.push((above, slot));
        }
        way
    }

    /// Every child that stands here, with its path.
    pub(crate) fn children(&self) -> Vec<(String, Status)> {
        let known: Vec<_> = {
            let (state, at) = (self.state.hold(), now());
            state.core.in_order().map(|slot| (state.core.place(slot), self.known(&state, slot, at))).collect()
        };
        known.into_iter().map(|((child, index), known)| (self.names().path_of(child, index), whole(known))).collect()
    }

    pub(crate) fn counts(&self) -> Counts {
        let state = self.state.hold();
        let mut counts = Counts { declared: self.spec().children.len(), ..Counts::default() };
        for (child, spec) in (0..).zip(&self.spec().children) {
            for slot in state.core.roster(child).iter() {
                counts.active += usize::from(shown(state.core.slot(slot)).is_live());
                match spec.kind {
                    Kind::Supervisor => counts.supervisors += 1,
                    Kind::Worker => counts.workers += 1,
                }
            }
        }
        counts
    }

    /// This group as a snapshot shows it, and the groups in it.
    pub(crate) fn part(&self) -> (GroupPart, Vec<Arc<Self>>) {
        let state = self.state.hold();
        let mut inner = Vec::new();
        let part_of = |slot| {
            let group = state.inner.get(&slot);
            inner.extend(group.cloned());
            let part =
                ChildPart { facts: state.facts(slot, self.cell(slot)), group: group.map(|group| group.names().id) };
            (state.core.place(slot), part)
        };
        let children = state.core.in_order().map(part_of).collect();
        let part = GroupPart {
            names: Arc::clone(self.names()),
            strategy: self.spec().strategy.name(),
            limit: self.spec().restart_limit(),
            spent: state.core.spent().collect(),
            // Numbers are given under this lock.
            as_of: self.tree().events().last(),
            children,
            progress: OnceLock::new(),
        };
        (part, inner)
    }

    /// The service of `cx` says whether it is ready, and why not.
    pub(crate) fn note_ready(&self, cx: &Context, reason: Option<Arc<str>>) {
        let mut outside = Outside::default();
        let mut state = self.lock();
        let slot = cx.slot();
        if !self.cell(slot).is_of(cx.member(), cx.incarnation()) {
            return;
        }
        let known = state.records[slot].extras().and_then(|extras| extras.not_ready.as_ref());
        if known == reason.as_ref() {
            return;
        }
        let what = reason.as_ref().map_or(What::Ready, |reason| What::NotReady(Arc::clone(reason)));
        state.core.note_ready(slot, reason.is_none(), now());
        state.records[slot].make_extras().not_ready = reason;
        if state.core.is_recording() {
            outside.tell(self, state.event(self, slot, what));
        }
        state.tell(self, |_, _| true, &mut outside);
        drop(state);
        outside.run();
    }
}

/// Where a child stands, with what is below it.
fn whole((mut status, inner): (Status, Option<Arc<Group>>)) -> Status {
    if status.state() == State::Running
        && let Some(unready) = inner.and_then(|inner| inner.unready())
    {
        status.facts.not_ready = Some(unready.into());
    }
    status
}

fn is_starting(caller: &Context) -> bool {
    caller.group().read(|core| core.slot(caller.slot()).state == CoreState::Starting)
}

impl record::State {
    /// The groups of the supervisors that run here, in the order of declaration.
    fn running_groups(&self) -> Vec<Arc<Group>> {
        let runs = |slot: SlotId| self.core.slot(slot).state == CoreState::Running;
        let mut running: Vec<_> = self.inner.iter().filter(|(slot, _)| runs(**slot)).collect();
        running.sort_by_key(|(slot, _)| self.core.place(**slot));
        running.into_iter().map(|(_, inner)| Arc::clone(inner)).collect()
    }
}
