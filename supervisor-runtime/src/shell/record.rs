//! What a group keeps under its lock: the core, and a record of each slot.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Instant;

use super::Spawned;
use super::cells::Cells;
use super::group::Group;
use super::steer::Promise;
use super::tell::Outside;
use super::watch::Watched;
use crate::Exit;
use crate::decide::{Action, ChildId, Core, Next, Phase, SlotId, State as CoreState, Vacated};
use crate::declare::Size;

/// How many last causes an error tells.
const LAST_CAUSES: usize = 3;

pub(super) struct State {
    pub(super) core: Core,
    pub(super) records: Vec<Record>,
    /// The groups of the supervisors among the children, also of those that have ended.
    pub(super) inner: HashMap<SlotId, Arc<Group>>,
    /// What was promised about a slot, to those who still wait for it.
    pub(super) promises: HashMap<SlotId, Vec<Weak<Promise>>>,
    /// The supervisor's task.
    pub(super) driver: Option<Waker>,
    pub(super) tasks: usize,
    /// What failed last when the group began to fail, the latest first.
    pub(super) last_causes: Vec<(SlotId, Arc<Exit>)>,
    /// When to look at which watched child; entries may be out of date.
    pub(super) watches: BinaryHeap<Reverse<(Instant, SlotId)>>,
}

/// What the shell knows of one slot.
#[derive(Default)]
pub(super) struct Record {
    pub(super) waker: Option<Waker>,
    pub(super) last_exit: Option<Arc<Exit>>,
    pub(super) incarnation: u32,
    pub(super) has_task: bool,
    /// Whether this incarnation has ever waited for anything.
    pub(super) has_waited: bool,
    /// The last incarnation whose `start` has succeeded.
    pub(super) last_started: u32,
    /// When it was asked to stop, or told to be dropped.
    pub(super) asked_at: Option<Instant>,
    /// Until when a supervisor has to have stopped.
    pub(super) deadline: Option<Instant>,
    pub(super) watched: Option<Box<Watched>>,
    pub(super) extras: Option<Box<Extras>>,
}

/// What few children need.
#[derive(Default)]
pub(super) struct Extras {
    /// Wakers of futures that wait for this incarnation to stop and are not polled by the child's own task.
    pub(super) listeners: Vec<Waker>,
    pub(super) spawned: Option<Spawned>,
    /// How it failed, while it is in `stop` for that.
    pub(super) failed: Option<Arc<Exit>>,
    /// Why it says that it is not ready.
    pub(super) not_ready: Option<Arc<str>>,
}

impl State {
    /// The supervisor's waker, if the core has something for it to do.
    pub(super) fn driver_to_wake(&self) -> Option<Waker> {
        let over = matches!(self.core.phase(), Phase::Ended(_)) && self.tasks == self.core.stuck().len();
        if over || self.core.has_work() { self.driver.clone() } else { None }
    }

    /// The failure that was one too many, and those of others that were answered before it.
    pub(super) fn note_last_causes(&mut self, slot: SlotId) {
        let failed = |&(other, record): &(SlotId, &Record)| {
            let exit = record.last_exit.as_ref().filter(|exit| !exit.asked)?;
            (other == slot || self.core.slot(other).has_failed()).then(|| (other, Arc::clone(exit)))
        };
        let mut causes: Vec<_> = (0..).zip(&self.records).filter_map(|each| failed(&each)).collect();
        // What failed before the window has nothing to do with this.
        if let Some(last) = causes.iter().find(|(other, _)| *other == slot).map(|(_, exit)| exit.at) {
            causes.retain(|(_, exit)| last.saturating_duration_since(exit.at) <= self.core.rules().limit.over);
        }
        causes.sort_by_key(|(other, exit)| (*other != slot, Reverse(exit.at)));
        causes.truncate(LAST_CAUSES);
        self.last_causes = causes;
    }

    /// After an exit: what the task does, with everything set for it.
    pub(super) fn next(&mut self, slot: SlotId, cells: &Cells) -> (Next, u32) {
        match self.core.next(slot) {
            Next::Start => self.begin(slot, cells),
            // What is left of the incarnation is to know that it is over, however long the next one takes.
            Next::Delay(_) | Next::Park | Next::End => cells.get(slot).note_end(),
        }
        self.look(slot)
    }

    /// What the task of `slot` is to do, and in which incarnation.
    pub(super) fn look(&mut self, slot: SlotId) -> (Next, u32) {
        let next = self.core.next(slot);
        let record = &mut self.records[slot as usize];
        if next == Next::End {
            record.has_task = false;
            // One that was stuck is no longer waited for, and stays on both sides of that account.
            if self.core.slot(slot).state != CoreState::Stuck {
                self.tasks -= 1;
            }
        }
        (next, record.incarnation)
    }

    pub(super) fn begin(&mut self, slot: SlotId, cells: &Cells) {
        let record = &mut self.records[slot as usize];
        record.incarnation = record.incarnation.wrapping_add(1);
        record.deadline = None;
        record.asked_at = None;
        record.has_waited = false;
        cells.get(slot).begin(self.core.place(slot).1, record.incarnation);
    }

    /// Makes room for the slots that the core has added.
    pub(super) fn grow(&mut self) {
        self.records.resize_with(self.core.slots().len(), Record::default);
    }

    /// Forgets what was in a slot that has left for good, with its task; the last exit is to be dropped outside.
    pub(super) fn vacate(&mut self, slot: SlotId) -> Option<Arc<Exit>> {
        if self.records[slot as usize].has_task {
            return None;
        }
        let vacated = self.core.vacate(slot)?;
        let record = &mut self.records[slot as usize];
        let old = std::mem::take(record);
        if vacated == Vacated::ForTheSame {
            // What is left of an earlier incarnation must not take a later one for itself.
            record.incarnation = old.incarnation;
        }
        old.last_exit
    }

    pub(super) fn carry_out(
        &mut self,
        actions: Vec<Action>,
        now: Instant,
        group: &Group,
        spawn: &mut Vec<(ChildId, SlotId)>,
        outside: &mut Outside,
    ) {
        for action in actions {
            match action {
                Action::Start(slot) => {
                    self.begin(slot, group.cells());
                    let record = &mut self.records[slot as usize];
                    if record.has_task {
                        outside.wakers.extend(record.waker.clone());
                    } else {
                        record.has_task = true;
                        record.waker = None;
                        self.tasks += 1;
                        spawn.push((self.core.slot(slot).child, slot));
                    }
                }
                Action::Stop(slot, deadline) => {
                    let record = &mut self.records[slot as usize];
                    record.deadline = [record.deadline, deadline].into_iter().flatten().min();
                    record.asked_at.get_or_insert(now);
                    group.cell(slot).ask();
                    record.wake(&mut outside.wakers);
                }
                Action::Kill(slot) => {
                    let record = &mut self.records[slot as usize];
                    record.asked_at.get_or_insert(now);
                    group.cell(slot).kill();
                    record.wake(&mut outside.wakers);
                }
                Action::Release(slot) => {
                    if self.records[slot as usize].has_task {
                        self.records[slot as usize].wake(&mut outside.wakers);
                    } else {
                        let place = self.core.slot(slot);
                        if place.removed && group.child(place.child).size == Size::Open {
                            outside.left.push((Arc::clone(&group.child(place.child).launch), place.index));
                        }
                        outside.gone.extend(self.vacate(slot));
                    }
                }
            }
        }
    }
}

impl Record {
    pub(super) fn extras(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    /// Everything of this child that listens to commands.
    pub(super) fn wake(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.waker.clone());
        if let Some(extras) = &mut self.extras {
            wakers.append(&mut extras.listeners);
        }
    }
}

pub(super) fn wake(waker: Option<Waker>) -> bool {
    waker.map(Waker::wake).is_some()
}
