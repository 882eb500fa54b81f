//! The deciding core of one group: strategy, limit, backoff and life cycle as a state machine.
//!
//! Pure: it takes events and `now`, and returns verdicts and actions. It never spawns, awaits, locks or
//! reads a clock; the shell carries out what it says. Words:
//!
//! - A *slot* is the place of one child or replica; incarnations come and go in it.
//! - A *plan* is a set of slots that is stopped in reverse order and then started in order: the first
//!   start, the sweep of a restart and the stop of the group are all plans.
//!
//! Invariants:
//!
//! 1. A slot has at most one live incarnation: one is started only from `Pending` or `Waiting`, and those
//!    are reached only when the one before has exited.
//! 2. A slot belongs to at most one plan; plans that would share a slot are merged.
//! 3. Nothing of a plan starts while anything that the plan sweeps is alive.
//! 4. Once the group is stopping, nothing starts.
//! 5. Who uses another has the handle of its current incarnation: nothing is asked to stop while what uses it is alive, and
//!    nothing of a plan starts before what it uses, in whichever plan that is.
//! 6. Every counter is kept by [`Core::update`] and [`Core::update_all`] alone, from the facts of slots before and after; and
//!    where slots are made that are alike.

mod budget;
mod deadline;
mod delay;
mod graph;
mod plan;
mod roster;
mod rules;
mod slot;
mod steer;
#[cfg(test)]
mod tests;
mod verdict;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use self::budget::RestartBudget;
pub(crate) use self::deadline::GRACE;
use self::graph::Graph;
use self::plan::{Plan, PlanId};
pub(crate) use self::roster::Roster;
pub(crate) use self::rules::{ChildId, ChildRules, Rules, Size, StrategyRule};
use self::slot::Nanos;
pub(crate) use self::slot::{After, Rest, Slot, SlotId, State};
pub(crate) use self::steer::Refused;
use crate::Restart;
pub(crate) use crate::view::Order;

/// The deciding core of one group in one incarnation.
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Core {
    rules: Rules,
    slots: Vec<Slot>,
    /// The slots of each child, by index.
    children: Vec<Roster>,
    /// Whether a child keeps the group from being done though it has no slot.
    kept_open: Vec<bool>,
    /// What depends on what; `None` where nothing does.
    graph: Option<Graph>,
    plans: Vec<Option<Plan>>,
    /// Numbers of plans that are over.
    unused: Vec<PlanId>,
    /// When to look at which plan, for its deadlines or its delay; some may be out of date.
    timers: BinaryHeap<Reverse<(Instant, PlanId)>>,
    /// Pending slots that are in no plan until nothing that stands before them is on its way.
    late: Vec<SlotId>,
    /// Plans that can go on.
    dirty: VecDeque<PlanId>,
    /// Parked tasks of slots that will not start again.
    released: Vec<SlotId>,
    phase: Phase,
    /// Slots whose first start in this incarnation of the group is still to come or under way.
    awaited: usize,
    /// Whether there were none left at some time: then the group has started, whatever happened since.
    has_started: bool,
    /// Something has to be told to the supervisor, though there is no plan to go on with.
    news: bool,
    budget: RestartBudget,
    rng: fastrand::Rng,
    /// Until when what waits for its restart does.
    delays: FxHashMap<SlotId, Instant>,
    /// Since when what has a backoff has been running, which ends it after a while.
    running_since: FxHashMap<SlotId, Instant>,
    /// Slots that run, will run, or were stopped by hand: while there are any, the group is not done.
    open: usize,
    open_significant: usize,
    forfeited: usize,
    /// Slots that were stopped, by hand or with the group.
    stopped: usize,
    /// Slots that have to be ready, and are not.
    unready: usize,
    stuck: Vec<SlotId>,
    /// When the group began.
    epoch: Instant,
    /// The time of what happens now.
    now: Instant,
    /// In nanoseconds since the group began.
    elapsed: u64,
    /// Whether somebody wants to know of every change.
    recording: bool,
    /// Slots that have changed their state, and into which: what is recorded, and what somebody waits for.
    changes: Vec<(SlotId, State)>,
}

/// How far a group has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Starting,
    Running,
    Stopping { outcome: Outcome, deadline: Option<Instant> },
    Ended(Outcome),
}

/// Why a group ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All children are done, or significant ones are.
    Done,
    /// It was asked to stop.
    Stopped,
    /// A first start failed.
    StartFailed(SlotId),
    /// The restart limit was reached when this child failed.
    GaveUp(SlotId),
    /// A child's error said so, or a custom strategy.
    Escalated(SlotId),
    /// The strategy is `crashing`.
    Crashed(SlotId),
    /// All that has not been done was forfeited.
    Forfeited,
    /// A child cannot be dropped.
    Stuck,
}

/// How an incarnation ended, as far as decisions go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Ok,
    Failed,
    Forfeit,
    Escalate,
    /// It was a supervisor, and something below it still runs and cannot be dropped.
    Stuck,
}

/// What a custom strategy chose; a built-in one looks at nothing but the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Restart(Swept),
    Forfeit(Swept),
    Escalate,
}

/// A set of slots, as seen from the one that failed, which always belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Swept {
    Failed,
    Rest,
    All,
    Children(Vec<ChildId>),
}

/// What the end of an incarnation means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A new incident: a restart that counts. `others` more slots are swept.
    Restart { attempt: u32, delay: Duration, left: u32, others: usize },
    /// It was to be stopped: by its group's end, or by a restart already decided.
    Swept,
    /// It returned `Ok` and may.
    Done,
    /// It failed, is `temporary` and so is gone.
    Gone,
    /// It will not be started again.
    Forfeited,
    /// It was started by hand, or added, and that failed: it stays down.
    NotStarted,
    /// The group gave up, or fails for another reason that the phase tells.
    GroupFails,
}

/// What the task of a slot is to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Start an incarnation.
    Start,
    /// Wait [until its time has come](Core::until), or something changes.
    Delay,
    /// Wait until something changes.
    Park,
    /// End: a later incarnation gets a new task.
    End,
}

/// What the shell is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Start an incarnation: spawn the slot's task, or wake it.
    Start(SlotId),
    /// Ask the incarnation to stop; a supervisor is told its deadline.
    Stop(SlotId, Option<Instant>),
    /// Drop the incarnation's future; it was asked to stop then, or should have been.
    Kill(SlotId, Instant),
    /// Let the parked task end.
    Release(SlotId),
}

/// For whom a place is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vacated {
    ForAnother,
    ForTheSame,
}

/// What a child whose `start` has succeeded does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Started {
    Run,
    /// It was asked to stop meanwhile: `run` is not called, `stop` is.
    Stop,
}

/// `by` later, or as good as never where no clock reaches that far.
pub(crate) fn later(now: Instant, by: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(30 * 365 * 86_400);
    now.checked_add(by.min(NEVER)).unwrap_or(now)
}

/// The earlier of two, where there are any.
pub(crate) fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// How much later in nanoseconds, which reach for 584 years.
pub(crate) fn nanos_between(then: Instant, now: Instant) -> u64 {
    now.saturating_duration_since(then).as_nanos() as u64
}

impl Core {
    pub(crate) fn new(rules: Rules, seed: u64, now: Instant) -> Self {
        let mut core = Self {
            slots: Vec::with_capacity(rules.children.iter().map(|child| child.size.count()).sum()),
            children: rules.children.iter().map(|_| Roster::default()).collect(),
            kept_open: vec![false; rules.children.len()],
            graph: Graph::new(&rules),
            plans: Vec::new(),
            unused: Vec::new(),
            timers: BinaryHeap::new(),
            late: Vec::new(),
            dirty: VecDeque::new(),
            released: Vec::new(),
            phase: Phase::Starting,
            awaited: 0,
            has_started: false,
            news: false,
            budget: RestartBudget::new(rules.limit),
            rng: fastrand::Rng::with_seed(seed),
            delays: FxHashMap::default(),
            running_since: FxHashMap::default(),
            open: 0,
            open_significant: 0,
            forfeited: 0,
            stopped: 0,
            unready: 0,
            stuck: Vec::new(),
            epoch: now,
            now,
            elapsed: 0,
            recording: false,
            changes: Vec::new(),
            rules,
        };
        for child in 0..core.rules.children.len() as ChildId {
            core.declare(child);
        }
        let all = (0..core.slots.len() as SlotId).collect();
        core.plan(all, Duration::ZERO, None);
        core.note_started();
        core
    }

    pub(crate) fn phase(&self) -> &Phase {
        &self.phase
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(crate) fn slot(&self, slot: SlotId) -> &Slot {
        &self.slots[slot as usize]
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The slots of a child.
    pub(crate) fn roster(&self, child: ChildId) -> &Roster {
        &self.children[child as usize]
    }

    /// All slots that are taken, in the order of declaration.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = SlotId> {
        self.children.iter().flat_map(Roster::iter)
    }

    /// Nothing is left of what was in `slot`: if it has left its child, the place is free. That of a member is taken by the
    /// next one, that of a replica by the next of the same index.
    pub(crate) fn vacate(&mut self, slot: SlotId) -> Option<Vacated> {
        let Slot { child, index, removed, vacant, .. } = *self.slot(slot);
        if !removed || vacant {
            return None;
        }
        self.slots[slot as usize].vacant = true;
        let roster = &mut self.children[child as usize];
        Some(match self.rules.children[child as usize].size {
            Size::Open => {
                roster.note_vacant(slot);
                Vacated::ForAnother
            }
            Size::One | Size::Replicas(_) => {
                roster.note_former(index, slot);
                Vacated::ForTheSame
            }
        })
    }

    /// Whether everything that has to be ready is, as far as this group itself goes.
    pub(crate) fn is_ready(&self) -> bool {
        self.unready == 0
    }

    /// The restarts that still count.
    pub(crate) fn spent(&self) -> impl Iterator<Item = Instant> {
        self.budget.spent().map(|then| later(self.epoch, Duration::from_nanos(then)))
    }

    /// Says whether every change is to be recorded.
    pub(crate) fn record(&mut self, wanted: bool) {
        self.recording = wanted;
    }

    /// Whether somebody wants to know of every change of `slot`.
    pub(super) fn is_seen(&self, slot: SlotId) -> bool {
        self.recording || self.slot(slot).observed
    }

    /// Whether every change is recorded.
    pub(crate) fn is_recording(&self) -> bool {
        self.recording
    }

    /// The child and the index of `slot`.
    pub(crate) fn place(&self, slot: SlotId) -> (ChildId, u32) {
        let slot = self.slot(slot);
        (slot.child, slot.index)
    }

    /// How many slots there are of each child.
    pub(crate) fn counts(&self) -> Vec<u32> {
        self.children.iter().map(|roster| roster.len() as u32).collect()
    }

    /// Moves the slot of an anchor, in which nobody decides.
    pub(crate) fn show(&mut self, slot: SlotId, state: State, now: Instant) {
        self.set_now(now);
        self.update(slot, |slot| slot.state = state);
    }

    /// Whether anything that somebody wants to know of has changed.
    pub(crate) fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// What has changed since this was last called.
    pub(crate) fn changes(&mut self) -> Vec<(SlotId, State)> {
        std::mem::take(&mut self.changes)
    }

    /// They have been told.
    pub(crate) fn forget(&mut self, mut changes: Vec<(SlotId, State)>) {
        changes.clear();
        // There may have been many.
        changes.shrink_to(64);
        self.changes = changes;
    }

    /// Since when `slot` has been in its state.
    pub(crate) fn since(&self, slot: SlotId) -> Instant {
        let since = self.slot(slot).since();
        // Most are told as they change.
        if since == self.elapsed { self.now } else { later(self.epoch, Duration::from_nanos(since)) }
    }

    /// Both are the same time: no other code sets either.
    fn set_now(&mut self, now: Instant) {
        if self.now != now {
            self.now = now;
            self.elapsed = nanos_between(self.epoch, now);
        }
    }

    /// The time of what happened last, in nanoseconds since the group began.
    pub(crate) fn elapsed(&self) -> u64 {
        self.elapsed
    }

    /// Somebody waits for the state of `slot` to change.
    pub(crate) fn await_change(&mut self, slot: SlotId) {
        self.slots[slot as usize].observed = true;
    }

    /// Nobody does any more.
    pub(crate) fn forget_waiters(&mut self, slot: SlotId) {
        self.slots[slot as usize].observed = false;
    }

    /// The incarnation in `slot` says whether it is ready.
    pub(crate) fn note_ready(&mut self, slot: SlotId, ready: bool, now: Instant) {
        self.set_now(now);
        self.update(slot, |slot| slot.not_ready = !ready);
    }

    /// The incarnation in `slot` has failed, and its `stop` takes time.
    pub(crate) fn note_failing(&mut self, slot: SlotId, now: Instant) {
        self.set_now(now);
        let since = self.elapsed;
        self.update(slot, |slot| {
            // One that was asked to stop meanwhile is in another state already.
            if matches!(slot.state, State::Starting | State::Running) {
                slot.failing = true;
                slot.since = Nanos(since);
            }
        });
    }

    /// What cannot be dropped and so may still run.
    pub(crate) fn stuck(&self) -> &[SlotId] {
        &self.stuck
    }

    /// Whether there is anything here that does not run and will not by itself.
    pub(crate) fn has_lost(&self) -> bool {
        self.forfeited > 0 || self.stopped > 0 || !self.stuck.is_empty()
    }

    /// What was forfeited, and is.
    pub(crate) fn forfeited(&self) -> impl Iterator<Item = SlotId> {
        let forfeited = |(id, slot): (usize, &Slot)| {
            (slot.state == State::Down(Rest::Forfeited) && !slot.removed).then_some(id as SlotId)
        };
        self.slots.iter().enumerate().filter_map(forfeited)
    }

    /// Whether every child has started, or declined to, at some time.
    pub(crate) fn has_started(&self) -> bool {
        self.has_started
    }

    /// Once nothing is awaited, a start that fails is no longer the start of the group.
    pub(super) fn note_started(&mut self) {
        if self.phase == Phase::Starting && self.awaited == 0 {
            self.phase = Phase::Running;
            self.has_started = true;
            self.news = true;
        }
    }

    /// Whether [`step`](Self::step) has something to do.
    pub(crate) fn has_work(&self) -> bool {
        !self.dirty.is_empty()
            || !self.released.is_empty()
            || self.news
            || matches!(self.phase, Phase::Stopping { .. }) && !self.has_plans()
    }

    /// The `start` of the incarnation in `slot` has succeeded: at once, unless it says when.
    pub(crate) fn started(&mut self, slot: SlotId, now: Option<Instant>) -> Started {
        let Slot { state, since: Nanos(since), .. } = *self.slot(slot);
        // Mostly nothing has happened since its incarnation began.
        if now.is_some() || since != self.elapsed {
            self.set_now(now.unwrap_or_else(|| self.since(slot)));
        }
        self.update(slot, |slot| {
            slot.has_started = true;
            slot.by_hand &= slot.anew;
            if state == State::Starting {
                slot.state = State::Running;
                if !slot.swept {
                    slot.plan = None;
                }
            }
        });
        if self.has_backoff(slot) {
            self.running_since.insert(slot, self.now);
        }
        if state == State::Starting { Started::Run } else { Started::Stop }
    }

    /// Whether the restarts of `slot` may be delayed, so that the core has to know when it started.
    fn has_backoff(&self, slot: SlotId) -> bool {
        self.rules.children[self.slot(slot).child as usize].backoff.is_some()
    }

    /// The incarnation in `slot` has spent this long in `stop`: that was no running.
    pub(crate) fn forget_stop(&mut self, slot: SlotId, took: Duration) {
        if let Some(since) = self.running_since.get_mut(&slot) {
            *since = later(*since, took);
        }
    }

    /// The delay of the restart in `slot` is over: it starts, unless what it uses is on its way down.
    pub(crate) fn delay_over(&mut self, slot: SlotId, now: Instant) {
        self.set_now(now);
        if self.slot(slot).state != State::Waiting {
            return;
        }
        if self.has_lost_what_it_uses(slot) {
            self.update(slot, |slot| slot.state = State::Pending);
            self.plan(vec![slot], Duration::ZERO, None);
        } else {
            self.start(slot);
        }
    }

    /// Until when `slot` waits for its restart, if it does.
    pub(crate) fn until(&self, slot: SlotId) -> Option<Instant> {
        if self.slot(slot).state == State::Waiting { self.delays.get(&slot).copied() } else { None }
    }

    /// What the task of `slot` is to do.
    pub(crate) fn next(&self, slot: SlotId) -> Next {
        match self.slot(slot).state {
            // Told to stop before it has looked: it looks before it starts, and exits.
            State::Starting | State::Running | State::Stopping | State::Killing => Next::Start,
            State::Waiting => Next::Delay,
            State::Pending => Next::Park,
            State::Stuck | State::Down(_) => Next::End,
        }
    }

    /// The group is asked to stop, by `deadline` if there is one; asked again, the earlier deadline holds.
    pub(crate) fn stop(&mut self, deadline: Option<Instant>, now: Instant) {
        self.set_now(now);
        match &mut self.phase {
            Phase::Ended(_) => {}
            Phase::Stopping { deadline: known, .. } => {
                let earlier = earlier(*known, deadline);
                if *known != earlier {
                    *known = earlier;
                    self.remind_supervisors();
                }
            }
            Phase::Starting | Phase::Running => self.end(Outcome::Stopped, After::Stopped, deadline),
        }
    }

    /// Ends the group by its own decision, so by its own deadline.
    pub(super) fn end_at(&mut self, outcome: Outcome, after: After, now: Instant) {
        let limit = self.rules.shutdown.and_then(|shutdown| shutdown.limit());
        self.end(outcome, after, limit.map(|limit| later(now, limit)));
    }

    /// Whether nothing starts here any more.
    pub(crate) fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Stopping { .. } | Phase::Ended(_))
    }
}
