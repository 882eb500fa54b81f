//! What a group keeps under its lock: the core, and a record of each slot.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::Spawned;
use super::cell::Cell;
use super::factory::Owner;
use super::group::Group;
use super::promise::Promises;
use super::records::Records;
use super::tell::Outside;
use super::watch::Watched;
use crate::decide::{Action, ChildId, Core, Next, Phase, Rest, SlotId, State as CoreState, Vacated};
use crate::exit::Ending;
use crate::{Context, Exit};

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

/// What the shell knows of one slot, besides what its cell says.
pub(super) enum Record {
    /// It just runs, and stops when it is asked to: there is no more than the waker of its task.
    Plain(Waker),
    /// There is more, or nothing yet.
    More(Option<Box<More>>),
}

/// What there is to know of a child that fails, or has to be dropped, or has something that belongs to it.
#[derive(Default)]
pub(super) struct More {
    waker: Option<Waker>,
    /// How its last incarnation ended, if there is more to tell than the cell does.
    last_exit: Option<Arc<Exit>>,
    /// How its incarnation has failed, while that is in `stop`.
    failed: Option<Arc<Exit>>,
    /// For how long it has been restarting without ever waiting, in nanoseconds.
    burst: u64,
    /// And when its last incarnation ended, in nanoseconds since the group began.
    ended: Option<u64>,
    /// When it was asked to stop that was told to be dropped since, or is stuck.
    asked_at: Option<Instant>,
    watched: Option<Box<Watched>>,
    extras: Option<Box<Extras>>,
}

/// What belongs to one incarnation, and few need.
#[derive(Default)]
pub(super) struct Extras {
    /// Wakers of futures that wait for this incarnation to stop and are not polled by the child's own task.
    pub(super) listeners: Vec<Waker>,
    pub(super) spawned: Option<Spawned>,
    /// Why it says that it is not ready.
    pub(super) not_ready: Option<Arc<str>>,
    /// Until when a supervisor has to have stopped.
    pub(super) deadline: Option<Instant>,
}

/// The task of a child that is to be spawned, for its first incarnation.
pub(super) struct Spawn {
    pub(super) slot: SlotId,
    pub(super) child: ChildId,
    pub(super) index: u32,
    pub(super) incarnation: u32,
}

/// Mostly one, or none.
pub(super) type Spawns = SmallVec<[Spawn; 1]>;

/// One that has left without a task, and is to be tidied up after.
pub(super) struct Left {
    pub(super) cx: Context,
    /// In the stay that is over.
    pub(super) owner: Owner,
    /// To be dropped outside of the lock.
    pub(super) _known: Record,
}

/// What the task of a child does once an incarnation has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Start this incarnation.
    Start(u32),
    /// Start this incarnation once others have run.
    Yield(u32),
    /// Start this incarnation once what was woken can run.
    MakeWay(u32),
    /// Wait until its time has come, or something changes.
    Delay,
    /// Wait until something changes.
    Park,
    /// End; why no incarnation follows, unless the group ends with what is stuck, and in which stay in its slot it was.
    End(Option<Rest>, u16),
}

impl Then {
    /// Whether it has left for good, with its task.
    pub(super) fn leaves(self) -> bool {
        matches!(self, Self::End(Some(Rest::Removed), _))
    }
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
            let exit = record.told().filter(|exit| !exit.asked)?;
            (other == slot || self.core.slot(other).has_failed()).then(|| (other, Arc::clone(exit)))
        };
        let mut causes: Vec<_> = self.records.iter().filter_map(failed).collect();
        // What failed before the window has nothing to do with this.
        if let Some(last) = causes.iter().find(|(other, _)| *other == slot).and_then(|(_, exit)| exit.at) {
            let since = |at: Instant| last.saturating_duration_since(at);
            causes.retain(|(_, exit)| exit.at.is_some_and(|at| since(at) <= self.core.rules().limit.over));
        }
        causes.sort_by_key(|(other, exit)| (*other != slot, Reverse(exit.at)));
        causes.truncate(LAST_CAUSES);
        self.last_causes = causes;
    }

    /// After an exit: what the task does, with everything set for it.
    pub(super) fn next(&mut self, slot: SlotId, cell: &Cell) -> Then {
        let next = self.core.next(slot);
        match next {
            Next::Start => self.begin(slot, cell),
            // What is left of the incarnation is to know that it is over, however long the next one takes.
            Next::Delay | Next::Park | Next::End => cell.note_end(),
        }
        self.then(next, slot, cell)
    }

    /// What the task of `slot` is to do.
    pub(super) fn look(&mut self, slot: SlotId, cell: &Cell) -> Then {
        self.then(self.core.next(slot), slot, cell)
    }

    fn then(&mut self, next: Next, slot: SlotId, cell: &Cell) -> Then {
        match next {
            Next::Start => Then::Start(cell.incarnation()),
            Next::Delay => Then::Delay,
            Next::Park => Then::Park,
            Next::End => {
                cell.end_task();
                // Whoever can wake a task keeps all of it in memory, and this one may be down for as long as the group lasts.
                self.records[slot].take_waker();
                let known = self.core.slot(slot);
                // One that was stuck is no longer waited for, and stays on both sides of that account.
                if known.state != CoreState::Stuck {
                    self.tasks -= 1;
                }
                let rest = match known.state {
                    _ if known.removed => Some(Rest::Removed),
                    CoreState::Down(rest) => Some(rest),
                    _ => None,
                };
                Then::End(rest, cell.stay())
            }
        }
    }

    pub(super) fn begin(&mut self, slot: SlotId, cell: &Cell) {
        if let Some(more) = self.records[slot].known_mut() {
            more.asked_at = None;
        }
        cell.begin(self.core.place(slot).1, cell.incarnation().wrapping_add(1));
    }

    /// Makes room for the slots that the core has added.
    pub(super) fn grow(&mut self) {
        self.records.grow(self.core.slots().len());
    }

    /// Gives away the place of what has left for good, with its task; what is known of it is to be dropped outside. What it has
    /// kept, and that it tidies up only now, is not its successor's: that is of another [stay](Cell::stay).
    pub(super) fn vacate(&mut self, slot: SlotId, cell: &Cell) -> Option<Record> {
        let vacated = self.core.vacate(slot)?;
        cell.forget();
        // Where the same comes again, what is left of an earlier incarnation must not take a later one for itself.
        if vacated == Vacated::ForAnother {
            cell.count_anew();
        }
        Some(std::mem::take(&mut self.records[slot]))
    }

    /// How the last incarnation in `slot` ended.
    pub(super) fn last_exit(&self, slot: SlotId, cell: &Cell) -> Option<Arc<Exit>> {
        match cell.stopped_in() {
            Some(phase) => Some(Arc::new(Exit::stopped(phase))),
            None => self.records[slot].told().cloned(),
        }
    }

    /// Notes when what is in `slot` was asked to stop, before it is in another state.
    pub(super) fn note_asked(&mut self, slot: SlotId) {
        if let Some(asked_at) = self.asked_at(slot) {
            self.records[slot].more().asked_at = Some(asked_at);
        }
    }

    /// When what is in `slot` was asked to stop, or told to be dropped.
    pub(super) fn asked_at(&self, slot: SlotId) -> Option<Instant> {
        match self.core.slot(slot).state {
            CoreState::Stopping => Some(self.core.since(slot)),
            _ => self.records[slot].known()?.asked_at,
        }
    }

    /// Goes on with the plans of the core in the task of a child, as long as the group is to go on: the supervisor need not be
    /// woken for that, unless it has to look at something sooner than it knows.
    pub(super) fn go_on(
        &mut self,
        now: Instant,
        group: &Arc<Group>,
        spawn: &mut Spawns,
        outside: &mut Outside,
    ) -> Option<Waker> {
        let known = self.next_timer();
        self.core.proceed(now, CHUNK, &mut self.actions);
        self.carry_out(group, spawn, outside);
        let is_sooner = self.next_timer().is_some_and(|next| known.is_none_or(|known| next < known));
        if is_sooner { self.driver.clone() } else { None }
    }

    /// Carries out the actions of the core.
    pub(super) fn carry_out(&mut self, group: &Arc<Group>, spawn: &mut Spawns, outside: &mut Outside) {
        for at in 0..self.actions.len() {
            match self.actions[at] {
                Action::Start(slot) => {
                    let cell = group.cell(slot);
                    self.begin(slot, cell);
                    let record = &mut self.records[slot];
                    if cell.has_task() {
                        outside.wake(record.waker().cloned());
                    } else {
                        record.take_waker();
                        cell.begin_task();
                        self.tasks += 1;
                        let (child, index) = self.core.place(slot);
                        spawn.push(Spawn { slot, child, index, incarnation: cell.incarnation() });
                    }
                }
                Action::Stop(slot, deadline) => {
                    let record = &mut self.records[slot];
                    if let Some(deadline) = deadline {
                        let known = &mut record.make_extras().deadline;
                        *known = Some(known.map_or(deadline, |known| known.min(deadline)));
                    }
                    record.ask(group.cell(slot), self.core.is_ending(), outside);
                    // Few are, and all are asked here.
                    if self.records[slot].watched().is_some() {
                        self.hurry(slot, group);
                    }
                }
                Action::Kill(slot, asked_at) => {
                    let record = &mut self.records[slot];
                    record.more().asked_at = Some(asked_at);
                    record.kill(group.cell(slot), outside);
                }
                Action::Release(slot) => {
                    let cell = group.cell(slot);
                    if cell.has_task() {
                        cell.note_release();
                        self.records[slot].wake(outside);
                    } else {
                        let ((child, index), incarnation) = (self.core.place(slot), cell.incarnation());
                        let owner = Owner::new(group.names().id, slot, cell.stay(), incarnation);
                        if let Some(known) = self.vacate(slot, cell) {
                            let cx = Context::new(Arc::clone(group), slot, child, index, incarnation);
                            outside.note_left(Left { cx, owner, _known: known });
                        }
                    }
                }
            }
        }
        self.actions.clear();
        self.actions.shrink_to(CHUNK);
    }
}

impl Default for Record {
    fn default() -> Self {
        Self::More(None)
    }
}

impl Record {
    /// What more is known of it, if anything is.
    fn known(&self) -> Option<&More> {
        match self {
            Self::Plain(_) => None,
            Self::More(more) => more.as_deref(),
        }
    }

    fn known_mut(&mut self) -> Option<&mut More> {
        match self {
            Self::Plain(_) => None,
            Self::More(more) => more.as_deref_mut(),
        }
    }

    /// Room for more to know.
    fn more(&mut self) -> &mut More {
        if matches!(self, Self::Plain(_)) {
            let waker = self.take_waker();
            *self = Self::More(Some(Box::new(More { waker, ..More::default() })));
        }
        let Self::More(more) = self else { unreachable!("a plain one has just been made one with more") };
        more.get_or_insert_default()
    }

    pub(super) fn waker(&self) -> Option<&Waker> {
        match self {
            Self::Plain(waker) => Some(waker),
            Self::More(more) => more.as_ref()?.waker.as_ref(),
        }
    }

    fn take_waker(&mut self) -> Option<Waker> {
        if let Self::More(more) = self {
            return more.as_mut()?.waker.take();
        }
        let Self::Plain(waker) = std::mem::take(self) else { return None };
        Some(waker)
    }

    /// An incarnation ended, as long after the group began. Whether it is time to let others run: a child that is restarted
    /// without ever waiting must not keep its thread to itself.
    pub(super) fn is_spent(&mut self, elapsed: u64, has_waited: bool) -> bool {
        const ENOUGH: u64 = 50_000;
        // A paused clock never advances, so a restart counts for something by itself.
        const AT_LEAST: u64 = 100;
        if has_waited && self.known().is_none() {
            return false;
        }
        let more = self.more();
        // From end to end, whatever was told in between.
        let before = more.ended.replace(elapsed).unwrap_or(elapsed);
        let took = elapsed.saturating_sub(before).clamp(AT_LEAST, ENOUGH);
        more.burst = if has_waited { 0 } else { more.burst + took };
        let is_spent = more.burst >= ENOUGH;
        if is_spent {
            more.burst = 0;
        }
        is_spent
    }

    /// How its last incarnation ended, if there is more to tell than the cell does.
    pub(super) fn told(&self) -> Option<&Arc<Exit>> {
        self.known()?.last_exit.as_ref()
    }

    /// Keeps how an incarnation has ended; what was kept of the one before is to be dropped outside.
    pub(super) fn keep(&mut self, ending: Ending, cell: &Cell) -> Option<Arc<Exit>> {
        let told = match ending {
            Ending::Stopped(exit) => {
                cell.note_stopped(Some(exit.phase));
                None
            }
            Ending::Told(exit) => {
                cell.note_stopped(None);
                Some(exit)
            }
        };
        // Who has nothing to tell needs no room for that.
        if told.is_none() && self.known().is_none() {
            return None;
        }
        std::mem::replace(&mut self.more().last_exit, told)
    }

    pub(super) fn take_last_exit(&mut self) -> Option<Arc<Exit>> {
        self.known_mut()?.last_exit.take()
    }

    /// How its incarnation has failed, if that has been told.
    pub(super) fn failed(&self) -> Option<&Arc<Exit>> {
        self.known()?.failed.as_ref()
    }

    pub(super) fn note_failed(&mut self, exit: Arc<Exit>) {
        self.more().failed = Some(exit);
    }

    /// Forgets it; it is to be dropped outside.
    pub(super) fn take_failed(&mut self) -> Option<Arc<Exit>> {
        self.known_mut()?.failed.take()
    }

    pub(super) fn watched(&self) -> Option<&Watched> {
        self.known()?.watched.as_deref()
    }

    pub(super) fn watched_mut(&mut self) -> Option<&mut Watched> {
        self.known_mut()?.watched.as_deref_mut()
    }

    pub(super) fn watch(&mut self, watched: Watched) {
        self.more().watched = Some(Box::new(watched));
    }

    pub(super) fn forget_watch(&mut self) {
        if let Some(more) = self.known_mut() {
            more.watched = None;
        }
    }

    /// What belongs to its incarnation, if anything does.
    pub(super) fn extras(&self) -> Option<&Extras> {
        self.known()?.extras.as_deref()
    }

    pub(super) fn extras_mut(&mut self) -> Option<&mut Extras> {
        self.known_mut()?.extras.as_deref_mut()
    }

    pub(super) fn make_extras(&mut self) -> &mut Extras {
        self.more().extras.get_or_insert_default()
    }

    /// Stores the waker of its task; the one before is to be dropped outside.
    pub(super) fn register(&mut self, waker: &Waker, cell: &Cell) -> Option<Waker> {
        cell.note_registered();
        match self {
            Self::Plain(known) => (!known.will_wake(waker)).then(|| std::mem::replace(known, waker.clone())),
            Self::More(None) => {
                *self = Self::Plain(waker.clone());
                None
            }
            Self::More(Some(more)) => {
                let known = more.waker.as_ref().is_some_and(|known| known.will_wake(waker));
                if known { None } else { more.waker.replace(waker.clone()) }
            }
        }
    }

    /// Adds to those who wait for this incarnation to stop; whether that is the case already.
    pub(super) fn listen(&mut self, cell: &Cell, member: u32, incarnation: u32, waker: &Waker) -> bool {
        if cell.is_over(member, incarnation) {
            return true;
        }
        cell.note_listener();
        self.make_extras().listeners.push(waker.clone());
        false
    }

    /// Asks the incarnation to stop, perhaps as the last thing that is said to its task.
    pub(super) fn ask(&mut self, cell: &Cell, is_last: bool, outside: &mut Outside) {
        cell.ask();
        if is_last {
            // It has most likely waited for the last time; if it waits after all, it brings its waker again.
            cell.note_taken();
            outside.wake(self.take_waker());
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
        outside.wake(self.waker().cloned());
        if let Some(extras) = self.extras_mut() {
            outside.wake(extras.listeners.drain(..));
        }
    }
}

pub(super) fn wake(waker: Option<Waker>) -> bool {
    waker.map(Waker::wake).is_some()
}
