//! What a group keeps under its lock: the core, and a record of each slot that has had a task.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::Spawned;
use super::cell::Cell;
use super::cells::Cells;
use super::group::Group;
use super::records::Records;
use super::steer::Promises;
use super::tell::Outside;
use super::watch::Watched;
use crate::Exit;
use crate::decide::{Action, ChildId, Core, Next, Phase, Rest, SlotId, State as CoreState, Vacated, nanos_between};
use crate::declare::Size;

/// How many last causes an error tells.
const LAST_CAUSES: usize = 3;
/// How many actions are carried out under one hold of the lock.
pub(super) const CHUNK: usize = 256;

pub(super) struct State {
    pub(super) core: Core,
    pub(super) records: Records,
    /// Where actions of the core are put, empty in between.
    pub(super) actions: Vec<Action>,
    /// The groups of the supervisors among the children, also of those that have ended.
    pub(super) inner: FxHashMap<SlotId, Arc<Group>>,
    /// What was promised to those who wait for something.
    pub(super) promises: Promises,
    /// The supervisor's task.
    pub(super) driver: Option<Waker>,
    pub(super) tasks: usize,
    /// What failed last when the group began to fail, the latest first.
    pub(super) last_causes: Vec<(SlotId, Arc<Exit>)>,
    /// When to look at which watched child; entries may be out of date.
    pub(super) watches: BinaryHeap<Reverse<(Instant, SlotId)>>,
}

/// What the shell knows of one slot.
pub(super) struct Record {
    pub(super) waker: Option<Waker>,
    pub(super) last_exit: Option<Arc<Exit>>,
    pub(super) incarnation: u32,
    pub(super) has_task: bool,
    /// For how long it has been restarting without ever waiting, in nanoseconds.
    pub(super) burst: u32,
    /// The last incarnation whose `start` has succeeded.
    pub(super) last_started: u32,
    /// When it was asked to stop, or told to be dropped, in nanoseconds since the group's epoch and
    /// one more: smaller than an instant.
    asked_at: Option<NonZeroU64>,
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
    /// Until when a supervisor has to have stopped.
    pub(super) deadline: Option<Instant>,
}

/// What is left to do when the task of a child has gone on with a plan.
pub(super) struct WentOn {
    pub(super) spawn: Vec<Spawn>,
    /// The supervisor has to look at something sooner than it knows.
    pub(super) is_sooner: bool,
}

/// The task of a child that is to be spawned, for its first incarnation.
pub(super) struct Spawn {
    pub(super) slot: SlotId,
    pub(super) child: ChildId,
    pub(super) index: u32,
    pub(super) incarnation: u32,
}

/// What the task of a child does once an incarnation has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Start this incarnation.
    Start(u32),
    /// Start this incarnation once others have run.
    Yield(u32),
    /// Wait until then, or until something changes.
    Delay(Instant),
    /// Wait until something changes.
    Park,
    /// End; why no incarnation follows, unless the group ends with what is stuck.
    End(Option<Rest>),
}

impl State {
    /// The supervisor's waker, if the core has something for it to do.
    pub(super) fn driver_to_wake(&self) -> Option<Waker> {
        let over = matches!(self.core.phase(), Phase::Ended(_)) && self.tasks == self.core.stuck().len();
        if over || self.core.has_work() { self.driver.clone() } else { None }
    }

    /// The failure that was one too many, and those of others that were answered before it.
    pub(super) fn note_last_causes(&mut self, slot: SlotId) {
        let failed = |(other, record): (SlotId, &Record)| {
            let exit = record.last_exit.as_ref().filter(|exit| !exit.asked)?;
            (other == slot || self.core.slot(other).has_failed()).then(|| (other, Arc::clone(exit)))
        };
        let mut causes: Vec<_> = self.records.iter().filter_map(failed).collect();
        // What failed before the window has nothing to do with this.
        if let Some(last) = causes.iter().find(|(other, _)| *other == slot).map(|(_, exit)| exit.at) {
            causes.retain(|(_, exit)| last.saturating_duration_since(exit.at) <= self.core.rules().limit.over);
        }
        causes.sort_by_key(|(other, exit)| (*other != slot, Reverse(exit.at)));
        causes.truncate(LAST_CAUSES);
        self.last_causes = causes;
    }

    /// After an exit: what the task does, with everything set for it.
    pub(super) fn next(&mut self, slot: SlotId, cells: &Cells) -> Then {
        let next = self.core.next(slot);
        match next {
            Next::Start => self.begin(slot, cells),
            // What is left of the incarnation is to know that it is over, however long the next one takes.
            Next::Delay(_) | Next::Park | Next::End => cells.get(slot).note_end(),
        }
        self.then(next, slot)
    }

    /// What the task of `slot` is to do.
    pub(super) fn look(&mut self, slot: SlotId) -> Then {
        self.then(self.core.next(slot), slot)
    }

    fn then(&mut self, next: Next, slot: SlotId) -> Then {
        let record = &mut self.records[slot];
        match next {
            Next::Start => Then::Start(record.incarnation),
            Next::Delay(until) => Then::Delay(until),
            Next::Park => Then::Park,
            Next::End => {
                record.has_task = false;
                let known = self.core.slot(slot);
                // One that was stuck is no longer waited for, and stays on both sides of that account.
                if known.state != CoreState::Stuck {
                    self.tasks -= 1;
                }
                Then::End(match known.state {
                    _ if known.removed => Some(Rest::Removed),
                    CoreState::Down(rest) => Some(rest),
                    _ => None,
                })
            }
        }
    }

    pub(super) fn begin(&mut self, slot: SlotId, cells: &Cells) {
        let record = &mut self.records[slot];
        record.incarnation = record.incarnation.wrapping_add(1);
        record.asked_at = None;
        cells.get(slot).begin(self.core.place(slot).1, record.incarnation);
    }

    /// Makes room for the slots that the core has added.
    pub(super) fn grow(&mut self) {
        self.records.grow(self.core.slots().len());
    }

    /// Forgets what was in a slot that has left for good, with its task; the last exit is to be dropped outside.
    pub(super) fn vacate(&mut self, slot: SlotId) -> Option<Arc<Exit>> {
        if self.records[slot].has_task {
            return None;
        }
        let vacated = self.core.vacate(slot)?;
        let record = self.records.get_mut(slot)?;
        let old = std::mem::take(record);
        if vacated == Vacated::ForTheSame {
            // What is left of an earlier incarnation must not take a later one for itself.
            record.incarnation = old.incarnation;
        }
        old.last_exit
    }

    /// Goes on with the plans of the core in the task of a child, as long as the group is to go on: the supervisor need not be
    /// woken for that.
    pub(super) fn go_on(&mut self, group: &Group, now: Instant, outside: &mut Outside) -> WentOn {
        let known = self.core.next_timer();
        let mut spawn = Vec::new();
        let mut actions = std::mem::take(&mut self.actions);
        self.core.proceed(now, CHUNK, &mut actions);
        self.carry_out(actions, now, group, &mut spawn, outside);
        WentOn { spawn, is_sooner: self.core.next_timer().is_some_and(|next| known.is_none_or(|known| next < known)) }
    }

    /// Carries out actions of the core; where they stood is kept for the next ones.
    pub(super) fn carry_out(
        &mut self,
        mut actions: Vec<Action>,
        now: Instant,
        group: &Group,
        spawn: &mut Vec<Spawn>,
        outside: &mut Outside,
    ) {
        for action in actions.drain(..) {
            match action {
                Action::Start(slot) => {
                    self.begin(slot, group.cells());
                    let record = &mut self.records[slot];
                    if record.has_task {
                        outside.wake(record.waker.clone());
                    } else {
                        record.has_task = true;
                        record.waker = None;
                        group.cell(slot).note_task();
                        self.tasks += 1;
                        let (child, index) = self.core.place(slot);
                        spawn.push(Spawn { slot, child, index, incarnation: record.incarnation });
                    }
                }
                Action::Stop(slot, deadline) => {
                    let record = &mut self.records[slot];
                    if let Some(deadline) = deadline {
                        let known = &mut record.extras().deadline;
                        *known = Some(known.map_or(deadline, |known| known.min(deadline)));
                    }
                    record.note_asked(now, group.epoch());
                    record.ask(group.cell(slot), self.core.is_ending(), outside);
                }
                Action::Kill(slot) => {
                    let record = &mut self.records[slot];
                    record.note_asked(now, group.epoch());
                    record.kill(group.cell(slot), outside);
                }
                Action::Release(slot) => {
                    if self.records[slot].has_task {
                        group.cell(slot).note_release();
                        self.records[slot].wake(outside);
                    } else {
                        let place = self.core.slot(slot);
                        if place.removed && group.child(place.child).size == Size::Open {
                            outside.forget(Arc::clone(&group.child(place.child).launch), place.index);
                        }
                        outside.drop_exit(self.vacate(slot));
                    }
                }
            }
        }
        actions.shrink_to(CHUNK);
        self.actions = actions;
    }
}

impl Record {
    pub(super) const fn new() -> Self {
        Self {
            waker: None,
            last_exit: None,
            incarnation: 0,
            has_task: false,
            burst: 0,
            last_started: 0,
            asked_at: None,
            watched: None,
            extras: None,
        }
    }

    /// An incarnation ended at `at`. Whether it is time to let others run: a child that is restarted without ever waiting must
    /// not keep its thread to itself.
    pub(super) fn is_spent(&mut self, at: Instant, has_waited: bool) -> bool {
        const ENOUGH: u32 = 50_000;
        // A paused clock never advances, so a restart counts for something by itself.
        const AT_LEAST: u32 = 100;
        // From end to end, whatever was told in between.
        let before = self.last_exit.as_ref().filter(|_| !has_waited);
        let took = before.map_or(Duration::ZERO, |before| at.saturating_duration_since(before.at));
        let took = took.as_nanos().clamp(AT_LEAST.into(), ENOUGH.into()) as u32;
        self.burst = if has_waited { 0 } else { self.burst + took };
        let is_spent = self.burst >= ENOUGH;
        if is_spent {
            self.burst = 0;
        }
        is_spent
    }

    /// When it was asked to stop, or told to be dropped: the first time counts.
    pub(super) fn asked_at(&self, epoch: Instant) -> Option<Instant> {
        self.asked_at.map(|after| epoch + Duration::from_nanos(after.get() - 1))
    }

    pub(super) fn note_asked(&mut self, now: Instant, epoch: Instant) {
        self.asked_at = self.asked_at.or(NonZeroU64::MIN.checked_add(nanos_between(epoch, now)));
    }

    pub(super) fn extras(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    /// Stores the waker of its task; the one before is to be dropped outside.
    pub(super) fn register(&mut self, waker: &Waker, cell: &Cell) -> Option<Waker> {
        cell.note_registered();
        let known = self.waker.as_ref().is_some_and(|stored| stored.will_wake(waker));
        if known { None } else { self.waker.replace(waker.clone()) }
    }

    /// Adds to those who wait for this incarnation to stop; whether that is the case already.
    pub(super) fn listen(&mut self, cell: &Cell, member: u32, incarnation: u32, waker: &Waker) -> bool {
        if cell.is_over(member, incarnation) {
            return true;
        }
        cell.note_listener();
        self.extras().listeners.push(waker.clone());
        false
    }

    /// Asks the incarnation to stop, perhaps as the last thing that is said to its task.
    pub(super) fn ask(&mut self, cell: &Cell, is_last: bool, outside: &mut Outside) {
        cell.ask();
        if is_last {
            // It has most likely waited for the last time; if it waits after all, it brings its waker again.
            cell.note_taken();
            outside.wake(self.waker.take());
        }
        self.wake(outside);
    }

    /// Tells the incarnation to be dropped.
    pub(super) fn kill(&mut self, cell: &Cell, outside: &mut Outside) {
        cell.kill();
        self.wake(outside);
    }

    /// Everything of this child that listens to commands.
    pub(super) fn wake(&mut self, outside: &mut Outside) {
        outside.wake(self.waker.clone());
        if let Some(extras) = &mut self.extras {
            outside.wake(extras.listeners.drain(..));
        }
    }
}

impl Default for Record {
    fn default() -> Self {
        Self::new()
    }
}

pub(super) fn wake(waker: Option<Waker>) -> bool {
    waker.map(Waker::wake).is_some()
}
