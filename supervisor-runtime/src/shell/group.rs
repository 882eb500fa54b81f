//! The meeting place of one group: its deciding core behind a lock, and a command cell for each child.
//!
//! Invariants:
//!
//! 1. No user code runs under the lock: what it gives us (errors, wakers, services) is moved under the lock and
//!    dropped after it.
//! 2. Commands are written under the lock, wakers are called after it.
//! 3. `tasks` counts the tasks that are spawned and have not been told to end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::{Duration, Instant};

use super::Spawned;
use super::cell::Cell;
use super::panic::{catch, catch_drop};
use crate::decide::{
    Action, ChildId, Choice, Core, Ended, GRACE, Members, Next, Phase, Rules, SlotId, Started, State as CoreState,
    Verdict, later,
};
use crate::declare::{ChildSpec, Decision, Failure, GroupSpec, Set, Strategy};
use crate::error::Left;
use crate::exit::Verb;
use crate::log;
use crate::sync::MutexExt;
use crate::tree::TreeShared;
use crate::{Cause, Context, Exit};

/// How many last causes an error tells.
const LAST_CAUSES: usize = 3;

/// One incarnation of a supervisor's group.
pub(crate) struct Group {
    /// For messages about the group itself.
    path: String,
    /// What the paths of its children begin with: the path of the nearest group that has a name.
    prefix: String,
    spec: Arc<GroupSpec>,
    tree: Arc<TreeShared>,
    epoch: Instant,
    cells: Box<[Cell]>,
    state: Mutex<State>,
}

struct State {
    core: Core,
    records: Vec<Record>,
    /// The supervisor's task.
    driver: Option<Waker>,
    tasks: usize,
    /// What failed last when the group began to fail, the latest first.
    last_causes: Vec<(SlotId, Arc<Exit>)>,
    /// When to look at which watched child; entries may be out of date.
    watches: BinaryHeap<Reverse<(Instant, SlotId)>>,
}

/// What the shell knows of one slot.
#[derive(Default)]
struct Record {
    waker: Option<Waker>,
    last_exit: Option<Arc<Exit>>,
    incarnation: u32,
    has_task: bool,
    /// When it was asked to stop, or told to be dropped.
    asked_at: Option<Instant>,
    /// Until when a supervisor has to have stopped.
    deadline: Option<Instant>,
    watched: Option<Box<Watched>>,
    extras: Option<Box<Extras>>,
}

/// A child that keeps a limit of its own, as long as it does not block its thread: then the supervisor sees it.
struct Watched {
    incarnation: u32,
    silence: Silence,
    since: Instant,
    limit: Duration,
    /// When the supervisor looks next; there is one entry for it in [`State::watches`].
    looks_at: Option<Instant>,
    /// It was found silent once. It gets another [`GRACE`], because it may not have been its fault: another child may
    /// have blocked the thread.
    suspect: bool,
}

/// What a child must not do for too long.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Silence {
    /// Be in its factory or in `start`.
    InStart,
    /// Give no heartbeat.
    OfHeartbeat,
}

/// What few children need.
#[derive(Default)]
struct Extras {
    /// Wakers of futures that wait for this incarnation to stop and are not polled by the child's own task.
    listeners: Vec<Waker>,
    spawned: Option<Spawned>,
}

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
    /// A group under the incarnation of `cx`.
    pub(crate) fn new(spec: Arc<GroupSpec>, cx: &Context) -> Arc<Self> {
        let tree = Arc::clone(cx.group().tree());
        let path = cx.path();
        let prefix = if spec.name.is_anonymous() { cx.group().prefix.clone() } else { path.clone() };
        let mut hasher = DefaultHasher::new();
        (tree.seed(), &path, cx.incarnation()).hash(&mut hasher);
        let core = Core::new(Rules::of(&spec), hasher.finish());
        Self::assemble(path, prefix, spec, tree, core)
    }

    /// What stands above the outermost supervisor of a tree: one slot, and nobody who decides.
    pub(crate) fn anchor(spec: GroupSpec, tree: Arc<TreeShared>) -> Arc<Self> {
        let spec = Arc::new(spec);
        let core = Core::new(Rules::of(&spec), 0);
        Self::assemble(String::new(), String::new(), spec, tree, core)
    }

    fn assemble(path: String, prefix: String, spec: Arc<GroupSpec>, tree: Arc<TreeShared>, core: Core) -> Arc<Self> {
        let count = core.slots().len();
        let records = std::iter::repeat_with(Record::default).take(count).collect();
        Arc::new(Self {
            path,
            prefix,
            spec,
            tree,
            epoch: now(),
            cells: std::iter::repeat_with(Cell::default).take(count).collect(),
            state: Mutex::new(State {
                core,
                records,
                driver: None,
                tasks: 0,
                last_causes: Vec::new(),
                watches: BinaryHeap::new(),
            }),
        })
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn spec(&self) -> &Arc<GroupSpec> {
        &self.spec
    }

    pub(crate) fn tree(&self) -> &Arc<TreeShared> {
        &self.tree
    }

    pub(crate) fn epoch(&self) -> Instant {
        self.epoch
    }

    pub(crate) fn cell(&self, slot: SlotId) -> &Cell {
        &self.cells[slot as usize]
    }

    /// The context of the current incarnation in `slot`.
    pub(crate) fn context(self: &Arc<Self>, slot: SlotId) -> Context {
        let incarnation = self.state.hold().records[slot as usize].incarnation;
        Context::new(Arc::clone(self), slot, incarnation)
    }

    pub(crate) fn child_and_index(&self, slot: SlotId) -> (&ChildSpec, usize) {
        let state = self.state.hold();
        let slot = state.core.slot(slot);
        (&self.spec.children[slot.child as usize], slot.index as usize)
    }

    /// `orders/pool/worker[2]`
    pub(crate) fn path_of(&self, slot: SlotId) -> String {
        let (child, index) = self.child_and_index(slot);
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        match child.replicas {
            Some(_) => format!("{}{slash}{}[{index}]", self.prefix, child.label()),
            None => format!("{}{slash}{}", self.prefix, child.label()),
        }
    }

    pub(crate) fn last_exit(&self, slot: SlotId) -> Option<Arc<Exit>> {
        self.state.hold().records[slot as usize].last_exit.clone()
    }

    /// How long ago what is in `slot` was asked to stop.
    pub(crate) fn asked_for(&self, slot: SlotId) -> Duration {
        let asked_at = self.state.hold().records[slot as usize].asked_at;
        asked_at.map_or(Duration::ZERO, |then| now().saturating_duration_since(then))
    }

    /// Whether this is what stands above the outermost supervisor.
    pub(crate) fn is_anchor(&self) -> bool {
        self.path.is_empty()
    }

    /// Whether everything here has ended, and has been told.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state.hold().core.phase(), Phase::Ended(_))
    }

    /// Whether nothing will be started here any more.
    pub(crate) fn is_stopping(&self) -> bool {
        matches!(self.state.hold().core.phase(), Phase::Stopping { .. } | Phase::Ended(_))
    }

    /// Until when this group, whose supervisor stands at `cx` and was asked to stop, has to have stopped: the lesser
    /// of what is said above and of its own time.
    pub(crate) fn deadline_when_asked(&self, cx: &Context) -> Option<Instant> {
        let state = cx.group().state.hold();
        let Record { deadline, asked_at, .. } = state.records[cx.slot() as usize];
        let own = asked_at.and_then(|asked_at| self.own_deadline(asked_at));
        [deadline, own].into_iter().flatten().min()
    }

    /// Until when this group has to have stopped by its own option, if it begins to at `from`.
    pub(crate) fn own_deadline(&self, from: Instant) -> Option<Instant> {
        let limit = self.spec.shutdown.and_then(|shutdown| shutdown.limit());
        limit.map(|limit| later(from, limit))
    }

    /// Stores the waker of the task of `slot`, which stays the same for as long as the task lives.
    pub(crate) fn register(&self, slot: SlotId, waker: &Waker) {
        let mut state = self.state.hold();
        let stored = &mut state.records[slot as usize].waker;
        if !stored.as_ref().is_some_and(|stored| stored.will_wake(waker)) {
            let old = stored.replace(waker.clone());
            drop(state);
            drop(old);
        }
    }

    /// `start` has succeeded in `slot`. Says too whether the supervisor has been woken for it.
    pub(crate) fn started(&self, slot: SlotId) -> (Started, bool) {
        let mut state = self.state.hold();
        let wants_time = state.core.has_backoff(slot);
        let started = state.core.started(slot, wants_time.then(now));
        let driver = state.driver_to_wake();
        drop(state);
        (started, wake(driver))
    }

    /// The incarnation of `cx` has ended, and nothing of it is left; what its task does next. Says too whether the
    /// supervisor has been woken for it.
    pub(crate) fn exited(&self, cx: &mut Context, exit: Exit) -> (Next, bool) {
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
        let exit = Arc::new(exit);
        let (verdict, next, old, driver, phase, extras) = {
            let mut state = self.state.hold();
            // A delay is waited for after `stop`, which may have taken its time; without one, the time need not be known.
            let decided = if state.core.has_backoff(slot) { now() } else { exit.at };
            state.core.forget_stop(slot, decided.saturating_duration_since(exit.at));
            let verdict = state.core.exited(slot, ended, choice.as_ref(), decided);
            let record = &mut state.records[slot as usize];
            let old = record.last_exit.replace(Arc::clone(&exit));
            let extras = record.extras.take();
            if verdict == Verdict::GroupFails {
                state.note_last_causes(slot);
            }
            let next = state.next(slot, &self.cells, cx);
            let phase = matches!(verdict, Verdict::GroupFails).then(|| state.core.phase().clone());
            (verdict, next, old, state.driver_to_wake(), phase, extras)
        };
        log::exited(self, slot, &exit, &verdict, phase.as_ref());
        if exit.asked && matches!(exit.cause, Cause::Dropped) {
            self.tree.note_dropped(|| Left {
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
        (next, woken)
    }

    /// The delay of the restart in the slot of `cx` is over, or something changed; what its task does next.
    pub(crate) fn resume(&self, cx: &mut Context, delay_over: bool, waker: Option<&Waker>) -> Next {
        let slot = cx.slot();
        if let Some(waker) = waker {
            self.register(slot, waker);
        }
        let mut state = self.state.hold();
        if delay_over {
            let was = state.core.next(slot);
            state.core.delay_over(slot);
            if matches!(was, Next::Delay(_)) && state.core.next(slot) == Next::Start {
                state.begin(slot, &self.cells);
            }
        }
        let next = state.look(slot, cx);
        let driver = state.driver_to_wake();
        drop(state);
        wake(driver);
        next
    }

    /// Has the supervisor keep a limit of the incarnation of `cx`, too; whether it has been woken for that.
    pub(crate) fn watch(&self, cx: &Context, silence: Silence, limit: Duration) -> bool {
        let since = now();
        let mut state = self.state.hold();
        let watched = Watched {
            incarnation: cx.incarnation(),
            silence,
            since,
            limit,
            looks_at: state.records[cx.slot() as usize].watched.as_ref().and_then(|watched| watched.looks_at),
            suspect: false,
        };
        let looks_at = watched.looks_at;
        state.records[cx.slot() as usize].watched = Some(Box::new(watched));
        let due = later(since, limit);
        let mut driver = None;
        if looks_at.is_none_or(|then| due < then) {
            state.look_later(cx.slot(), due);
            driver.clone_from(&state.driver);
        }
        drop(state);
        wake(driver)
    }

    /// What is left of the incarnation in `slot` cannot be dropped.
    pub(crate) fn give_up_on(&self, slot: SlotId) {
        let mut state = self.state.hold();
        state.core.give_up_on(slot, now());
        let driver = state.driver_to_wake();
        drop(state);
        wake(driver);
    }

    /// Goes on with the core's plans, for at most `room` actions, and carries them out.
    pub(crate) fn step(self: &Arc<Self>, stop: Option<Option<Instant>>, driver: &Waker, room: usize) -> Progress {
        let mut actions = Vec::new();
        let mut spawn = Vec::new();
        let mut wakers = Vec::new();
        let progress = {
            let mut state = self.state.hold();
            if !state.driver.as_ref().is_some_and(|known| known.will_wake(driver)) {
                state.driver = Some(driver.clone());
            }
            if let Some(deadline) = stop {
                state.core.stop(deadline);
            }
            let now = now();
            state.look_at_the_silent(now, &self.cells, self.epoch);
            let more = state.core.step(now, room, &mut actions);
            for action in actions {
                state.carry_out(action, now, &self.cells, &mut spawn, &mut wakers);
            }
            Progress {
                phase: state.core.phase().clone(),
                has_started: state.core.has_started(),
                more: more || state.core.has_work(),
                next_timer: state.next_timer(),
                tasks: state.tasks - state.core.stuck().len(),
            }
        };
        for waker in wakers {
            waker.wake();
        }
        for (child, slot) in spawn {
            Arc::clone(&self.spec.children[child as usize].launch).launch(Arc::clone(self), slot);
        }
        progress
    }

    /// Drops everything that runs, in no order and without `stop`: the supervisor itself is being dropped.
    pub(crate) fn abandon(&self) {
        let wakers: Vec<_> = {
            let mut state = self.state.hold();
            if matches!(state.core.phase(), Phase::Ended(_)) {
                return;
            }
            state.core.stop(None);
            self.cells.iter().for_each(Cell::kill);
            let state = &mut *state;
            state.records.iter().filter_map(|record| record.waker.clone()).collect()
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Drops what is in the anchor's slot.
    pub(crate) fn kill(&self, slot: SlotId) {
        let waker = {
            let state = self.state.hold();
            self.cell(slot).kill();
            state.records[slot as usize].waker.clone()
        };
        wake(waker);
    }

    /// Asks what is in the anchor's slot to stop.
    pub(crate) fn ask(&self, slot: SlotId) {
        let mut wakers = Vec::new();
        let mut state = self.state.hold();
        let record = &mut state.records[slot as usize];
        record.asked_at.get_or_insert_with(now);
        self.cell(slot).ask();
        record.wake(&mut wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Tells what waits for the incarnation of `cx` to stop that it has ended by itself.
    pub(crate) fn note_ending(&self, cx: &Context) {
        let mut wakers = Vec::new();
        let mut state = self.state.hold();
        let record = &mut state.records[cx.slot() as usize];
        if record.extras.is_some() && record.incarnation == cx.incarnation() {
            self.cell(cx.slot()).note_ending();
            record.wake(&mut wakers);
        }
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Wakes `waker` when the incarnation of `cx` is to stop; whether that is the case already.
    pub(crate) fn listen(&self, cx: &Context, waker: &Waker) -> bool {
        let mut state = self.state.hold();
        if self.cell(cx.slot()).is_over(cx.incarnation()) {
            return true;
        }
        state.records[cx.slot() as usize].extras().listeners.push(waker.clone());
        false
    }

    pub(crate) fn unlisten(&self, cx: &Context, waker: &Waker) {
        let mut state = self.state.hold();
        if let Some(extras) = &mut state.records[cx.slot() as usize].extras
            && let Some(found) = extras.listeners.iter().position(|listener| listener.will_wake(waker))
        {
            let old = extras.listeners.swap_remove(found);
            drop(state);
            drop(old);
        }
    }

    /// The tasks of the incarnation of `cx`.
    pub(crate) fn tasks_of(&self, cx: &Context) -> Option<Spawned> {
        let state = self.state.hold();
        let extras = state.records[cx.slot() as usize].extras.as_ref()?;
        extras.spawned.clone()
    }

    /// Wakes the task of the incarnation of `cx`: there is one more task for it to watch.
    pub(crate) fn wake_task(&self, cx: &Context) {
        let waker = self.state.hold().records[cx.slot() as usize].waker.clone();
        wake(waker);
    }

    /// Room for a task of the incarnation of `cx`; `None` when that has ended.
    pub(crate) fn make_tasks(&self, cx: &Context) -> Option<Spawned> {
        let mut state = self.state.hold();
        let record = &mut state.records[cx.slot() as usize];
        let cell = self.cell(cx.slot());
        if !cell.is_of(cx.incarnation()) {
            return None;
        }
        cell.note_tasks();
        Some(record.extras().spawned.get_or_insert_default().clone())
    }

    /// What failed last when the group began to fail, the latest first.
    pub(crate) fn last_causes(&self) -> Vec<(SlotId, Arc<Exit>)> {
        self.state.hold().last_causes.clone()
    }

    /// Whether a supervisor in this group has ended with something stuck below it.
    pub(crate) fn is_stuck_below(&self) -> bool {
        let state = self.state.hold();
        state.records.iter().any(|record| record.last_exit.as_ref().is_some_and(|exit| exit.is_stuck()))
    }

    /// Looks at the core: for the error that the group ends with.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Core) -> T) -> T {
        read(&self.state.hold().core)
    }

    /// Asks a custom strategy.
    fn choose(&self, slot: SlotId, exit: &Exit) -> Option<Choice> {
        let Strategy::Custom(decide) = &self.spec.strategy else { return None };
        if exit.asked {
            return None;
        }
        let (child, index) = self.child_and_index(slot);
        let failure = Failure {
            child: child.name.as_str(),
            index: child.replicas.map(|_| index),
            exit,
            siblings: &self.spec.names,
        };
        match catch(|| decide(&failure)) {
            Ok(decision) => Some(self.translate(decision)),
            Err(panic) => {
                log::custom_strategy_panicked(self, &panic);
                Some(Choice::Escalate)
            }
        }
    }

    fn translate(&self, decision: Decision) -> Choice {
        let members = |set| match set {
            Set::Failed => Members::Failed,
            Set::Rest => Members::Rest,
            Set::All => Members::All,
            Set::Named(names) => Members::Children(
                (0..).zip(&self.spec.names).filter(|(_, name)| names.contains(name)).map(|(id, _)| id).collect(),
            ),
        };
        match decision {
            Decision::Restart(set) => Choice::Restart(members(set)),
            Decision::Forfeit(set) => Choice::Forfeit(members(set)),
            Decision::Escalate => Choice::Escalate,
        }
    }
}

impl State {
    /// The supervisor's waker, if the core has something for it to do.
    fn driver_to_wake(&self) -> Option<Waker> {
        let over = matches!(self.core.phase(), Phase::Ended(_)) && self.tasks == self.core.stuck().len();
        if over || self.core.has_work() { self.driver.clone() } else { None }
    }

    /// When the supervisor has something to do if nothing happens before.
    fn next_timer(&self) -> Option<Instant> {
        let watch = self.watches.peek().map(|Reverse((when, _))| *when);
        [self.core.next_timer(), watch].into_iter().flatten().min()
    }

    fn look_later(&mut self, slot: SlotId, at: Instant) {
        if let Some(watched) = &mut self.records[slot as usize].watched {
            watched.looks_at = Some(at);
            self.watches.push(Reverse((at, slot)));
        }
    }

    /// Gives up on children that are silent for longer than they may, though their own tasks would have seen it.
    fn look_at_the_silent(&mut self, now: Instant, cells: &[Cell], epoch: Instant) {
        while let Some(&Reverse((when, slot))) = self.watches.peek()
            && when <= now
        {
            self.watches.pop();
            let record = &mut self.records[slot as usize];
            let Some(watched) = record.watched.as_mut().filter(|watched| watched.looks_at == Some(when)) else {
                continue;
            };
            watched.looks_at = None;
            let (since, state) = match watched.silence {
                Silence::InStart => (watched.since, CoreState::Starting),
                Silence::OfHeartbeat => {
                    let beat = Duration::from_nanos(cells[slot as usize].beat.load(Ordering::Relaxed));
                    (later(epoch, beat).max(watched.since), CoreState::Running)
                }
            };
            let due = later(since, watched.limit);
            if watched.incarnation != record.incarnation || self.core.slot(slot).state != state {
                record.watched = None;
            } else if due > now {
                watched.suspect = false;
                self.look_later(slot, due);
            } else if !watched.suspect {
                watched.suspect = true;
                self.look_later(slot, later(now, GRACE));
            } else {
                record.watched = None;
                self.core.give_up_on(slot, now);
            }
        }
    }

    /// The failure that was one too many, and those of others that were answered before it.
    fn note_last_causes(&mut self, slot: SlotId) {
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
    fn next(&mut self, slot: SlotId, cells: &[Cell], cx: &mut Context) -> Next {
        match self.core.next(slot) {
            Next::Start => self.begin(slot, cells),
            // What is left of the incarnation is to know that it is over, however long the next one takes.
            Next::Delay(_) | Next::Park | Next::End => cells[slot as usize].note_end(),
        }
        self.look(slot, cx)
    }

    fn look(&mut self, slot: SlotId, cx: &mut Context) -> Next {
        let next = self.core.next(slot);
        let record = &mut self.records[slot as usize];
        match next {
            Next::Start => cx.set_incarnation(record.incarnation),
            Next::End => {
                record.has_task = false;
                // One that was stuck is no longer waited for, and stays on both sides of that account.
                if self.core.slot(slot).state != CoreState::Stuck {
                    self.tasks -= 1;
                }
            }
            Next::Delay(_) | Next::Park => {}
        }
        next
    }

    fn begin(&mut self, slot: SlotId, cells: &[Cell]) {
        let record = &mut self.records[slot as usize];
        record.incarnation = record.incarnation.wrapping_add(1);
        record.deadline = None;
        record.asked_at = None;
        cells[slot as usize].begin(record.incarnation);
    }

    fn carry_out(
        &mut self,
        action: Action,
        now: Instant,
        cells: &[Cell],
        spawn: &mut Vec<(ChildId, SlotId)>,
        wakers: &mut Vec<Waker>,
    ) {
        match action {
            Action::Start(slot) => {
                self.begin(slot, cells);
                let record = &mut self.records[slot as usize];
                if record.has_task {
                    wakers.extend(record.waker.clone());
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
                cells[slot as usize].ask();
                record.wake(wakers);
            }
            Action::Kill(slot) => {
                let record = &mut self.records[slot as usize];
                record.asked_at.get_or_insert(now);
                cells[slot as usize].kill();
                record.wake(wakers);
            }
            Action::Release(slot) => {
                if self.records[slot as usize].has_task {
                    self.records[slot as usize].wake(wakers);
                }
            }
        }
    }
}

impl Record {
    fn extras(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    /// Everything of this child that listens to commands.
    fn wake(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.waker.clone());
        if let Some(extras) = &mut self.extras {
            wakers.append(&mut extras.listeners);
        }
    }
}

fn wake(waker: Option<Waker>) -> bool {
    waker.map(Waker::wake).is_some()
}

/// The runtime's clock, which a test may have paused.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
