//! The meeting place of one group: its deciding core behind a lock, and a command cell for each child.
//!
//! Invariants:
//!
//! 1. No user code runs under the lock: what it gives us (errors, wakers, services) is moved under the lock and
//!    dropped after it.
//! 2. Commands are written under the lock, wakers are called after it.
//! 3. `tasks` counts the tasks that are spawned and have not been told to end.

use std::collections::BinaryHeap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::{Duration, Instant};

use super::cell::Cell;
use super::panic::{catch, catch_drop};
use super::record::{Record, State, wake};
use crate::decide::{Choice, Core, Ended, Members, Next, Phase, Rules, SlotId, Started, Verdict, later};
use crate::declare::{ChildSpec, Decision, Failure, GroupSpec, Set, Strategy};
use crate::error::Left;
use crate::exit::Verb;
use crate::log;
use crate::sync::MutexExt;
use crate::tree::TreeShared;
use crate::{Cause, Context, Exit};

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
    pub(super) state: Mutex<State>,
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
        let (verdict, (next, incarnation), old, driver, phase, extras) = {
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
            let next = state.next(slot, &self.cells);
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
        (next, incarnation, woken)
    }

    /// What the task in `slot`, which waits, is to do, and in which incarnation; its delay may be over.
    pub(crate) fn resume(&self, slot: SlotId, delay_over: bool, waker: &Waker) -> (Next, u32) {
        self.register(slot, waker);
        let mut state = self.state.hold();
        if delay_over {
            let was = state.core.next(slot);
            state.core.delay_over(slot);
            if matches!(was, Next::Delay(_)) && state.core.next(slot) == Next::Start {
                state.begin(slot, &self.cells);
            }
        }
        let next = state.look(slot);
        let driver = state.driver_to_wake();
        drop(state);
        wake(driver);
        next
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

/// The runtime's clock, which a test may have paused.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
