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
//! 5. Every counter is kept by [`Core::update`] alone, from the slot's marks before and after.

mod budget;
mod delay;
mod plan;
mod rules;
mod slot;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use self::budget::{Exhausted, RestartBudget};
pub(crate) use self::plan::GRACE;
use self::plan::{Graph, Plan};
pub(crate) use self::rules::{ChildId, ChildRules, Rules, StrategyRule};
pub(crate) use self::slot::{After, Rest, Slot, SlotId, State};
use crate::declare::Kind;
use crate::{AutoShutdown, Restart};

/// The deciding core of one group in one incarnation.
pub(crate) struct Core {
    rules: Rules,
    slots: Vec<Slot>,
    /// The slots of each child, by index.
    children: Vec<Vec<SlotId>>,
    /// What `dependents_for_one` knows besides; `None` where order is order of declaration.
    graph: Option<Graph>,
    plans: Vec<Option<Plan>>,
    /// Plans that can go on.
    dirty: VecDeque<u32>,
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
    /// Slots that run, will run, or were stopped by hand: while there are any, the group is not done.
    open: usize,
    open_significant: usize,
    forfeited: usize,
    stuck: Vec<SlotId>,
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
    Restart(Members),
    Forfeit(Members),
    Escalate,
}

/// A set of slots, as seen from the one that failed, which always belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Members {
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
    /// The group gave up, or fails for another reason that the phase tells.
    GroupFails,
}

/// What the task of a slot is to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Start an incarnation.
    Start,
    /// Wait until then, or until something changes.
    Delay(Instant),
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
    /// Drop the incarnation's future.
    Kill(SlotId),
    /// Let the parked task end.
    Release(SlotId),
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

impl Core {
    pub(crate) fn new(rules: Rules, seed: u64) -> Self {
        let mut core = Self {
            slots: Vec::new(),
            children: rules.children.iter().map(|child| Vec::with_capacity(child.replicas)).collect(),
            graph: (rules.strategy == StrategyRule::DependentsForOne).then(|| Graph::new(&rules)),
            plans: Vec::new(),
            dirty: VecDeque::new(),
            released: Vec::new(),
            phase: Phase::Starting,
            awaited: 0,
            has_started: false,
            news: false,
            budget: RestartBudget::new(rules.limit),
            rng: fastrand::Rng::with_seed(seed),
            open: 0,
            open_significant: 0,
            forfeited: 0,
            stuck: Vec::new(),
            rules,
        };
        for child in 0..core.rules.children.len() {
            for index in 0..core.rules.children[child].replicas {
                core.add(child as ChildId, index as u32);
            }
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

    /// What cannot be dropped and so may still run.
    pub(crate) fn stuck(&self) -> &[SlotId] {
        &self.stuck
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

    /// The `start` of the incarnation in `slot` has succeeded. `now` is needed only with a backoff.
    pub(crate) fn started(&mut self, slot: SlotId, now: Option<Instant>) -> Started {
        let state = self.slot(slot).state;
        self.update(slot, |slot| {
            slot.has_started = true;
            slot.started_at = now;
            if state == State::Starting {
                slot.state = State::Running;
                if !slot.swept {
                    slot.plan = None;
                }
            }
        });
        if state == State::Starting { Started::Run } else { Started::Stop }
    }

    /// Whether the restarts of `slot` may be delayed, so that the core has to know when it started.
    pub(crate) fn has_backoff(&self, slot: SlotId) -> bool {
        self.rules.children[self.slot(slot).child as usize].backoff.is_some()
    }

    /// The incarnation in `slot` has spent this long in `stop`: that was no running.
    pub(crate) fn forget_stop(&mut self, slot: SlotId, took: Duration) {
        if let Some(started_at) = &mut self.slots[slot as usize].started_at {
            *started_at = later(*started_at, took);
        }
    }

    /// The incarnation in `slot` has ended, and nothing of it is left.
    ///
    /// An end that was asked for is passed as `Ended::Ok`, unless something is stuck. `decision` is what a custom strategy says, `now`
    /// when that is decided.
    pub(crate) fn exited(&mut self, slot: SlotId, ended: Ended, decision: Option<&Choice>, now: Instant) -> Verdict {
        let Slot { state, swept, .. } = *self.slot(slot);
        match state {
            State::Starting | State::Running | State::Stopping | State::Killing => {
                if swept {
                    self.joins(slot, ended, now)
                } else {
                    self.ended(slot, ended, decision, now)
                }
            }
            // Its group has given it up; that it went after all changes nothing any more.
            State::Stuck => Verdict::Swept,
            State::Pending | State::Waiting(_) | State::Down(_) => {
                unreachable!("invariant 1: a slot without an incarnation cannot exit")
            }
        }
    }

    /// The delay of the restart in `slot` is over.
    pub(crate) fn delay_over(&mut self, slot: SlotId) {
        if matches!(self.slot(slot).state, State::Waiting(_)) {
            self.start(slot);
        }
    }

    /// What the task of `slot` is to do.
    pub(crate) fn next(&self, slot: SlotId) -> Next {
        match self.slot(slot).state {
            // Told to stop before it has looked: it looks before it starts, and exits.
            State::Starting | State::Running | State::Stopping | State::Killing => Next::Start,
            State::Waiting(until) => Next::Delay(until),
            State::Pending => Next::Park,
            State::Stuck | State::Down(_) => Next::End,
        }
    }

    /// The group is asked to stop, by `deadline` if there is one; asked again, the earlier deadline holds.
    pub(crate) fn stop(&mut self, deadline: Option<Instant>) {
        match &mut self.phase {
            Phase::Ended(_) => {}
            Phase::Stopping { deadline: known, .. } => {
                let earlier = match (*known, deadline) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                };
                if *known != earlier {
                    *known = earlier;
                    self.remind_supervisors();
                }
            }
            Phase::Starting | Phase::Running => self.end(Outcome::Stopped, After::Stopped, deadline),
        }
    }

    /// A child ended that no plan sweeps.
    fn ended(&mut self, slot: SlotId, ended: Ended, decision: Option<&Choice>, now: Instant) -> Verdict {
        let Slot { state, has_started, child, .. } = *self.slot(slot);
        let ChildRules { restart, kind, .. } = self.rules.children[child as usize];
        let starting = state == State::Starting;
        match ended {
            Ended::Escalate | Ended::Stuck => self.fail(slot, Outcome::Escalated(slot), now),
            Ended::Forfeit if starting => self.forfeit(self.with_dependents(slot), slot, now),
            // A group ends by itself when all of its children may have ended, or were said to end it.
            Ended::Ok if !starting && (restart != Restart::Permanent || kind == Kind::Supervisor) => {
                self.settle(slot, Rest::Done, now);
                Verdict::Done
            }
            Ended::Failed if starting && !has_started && self.phase == Phase::Starting => {
                self.fail(slot, Outcome::StartFailed(slot), now)
            }
            Ended::Forfeit if self.rules.strategy != StrategyRule::ForfeitOneForAll => {
                self.forfeit(self.with_dependents(slot), slot, now)
            }
            _ if restart == Restart::Temporary => {
                self.settle(slot, Rest::Gone, now);
                Verdict::Gone
            }
            _ => self.decide(slot, decision, now),
        }
    }

    /// What the strategy says of a failure.
    fn decide(&mut self, slot: SlotId, decision: Option<&Choice>, now: Instant) -> Verdict {
        match self.rules.strategy {
            StrategyRule::OneForOne => self.restart(slot, vec![slot], now),
            StrategyRule::OneForAll => self.restart(slot, self.members(slot, &Members::All), now),
            StrategyRule::RestForOne => self.restart(slot, self.members(slot, &Members::Rest), now),
            StrategyRule::DependentsForOne => self.restart(slot, self.with_dependents(slot), now),
            StrategyRule::ForfeitOneForOne => self.forfeit(vec![slot], slot, now),
            StrategyRule::ForfeitOneForAll => {
                self.update(slot, |slot| slot.come_down(Rest::Forfeited));
                self.end_at(Outcome::Forfeited, After::Forfeited, now);
                Verdict::Forfeited
            }
            StrategyRule::Crashing => self.fail(slot, Outcome::Crashed(slot), now),
            StrategyRule::Custom => match decision {
                Some(Choice::Restart(set)) => self.restart(slot, self.members(slot, set), now),
                Some(Choice::Forfeit(set)) => self.forfeit(self.members(slot, set), slot, now),
                Some(Choice::Escalate) | None => self.fail(slot, Outcome::Escalated(slot), now),
            },
        }
    }

    /// The death of an old incarnation in a set that is being swept belongs to that incident; what it says
    /// is still obeyed.
    fn joins(&mut self, slot: SlotId, ended: Ended, now: Instant) -> Verdict {
        match ended {
            Ended::Escalate | Ended::Stuck if !self.is_ending() => self.fail(slot, Outcome::Escalated(slot), now),
            Ended::Forfeit if !self.is_ending() => self.forfeit(self.with_dependents(slot), slot, now),
            _ => {
                self.settle_swept(slot);
                if self.open == 0 {
                    self.look_for_the_end(slot, now);
                }
                Verdict::Swept
            }
        }
    }

    /// A new incident: counts a restart and sweeps the set, or gives up.
    fn restart(&mut self, slot: SlotId, set: Vec<SlotId>, now: Instant) -> Verdict {
        let left = match self.budget.spend(now) {
            Ok(left) => left,
            Err(Exhausted) => return self.fail(slot, Outcome::GaveUp(slot), now),
        };
        let (attempt, delay) = self.attempt(slot, now);
        let others = set.len() - 1;
        let verdict = Verdict::Restart { attempt, delay, left, others };
        if others == 0 && self.slot(slot).plan.is_none() {
            // Its own restart concerns nobody else: its task starts the next incarnation in place.
            if delay.is_zero() {
                self.start(slot);
            } else {
                self.update(slot, |slot| slot.state = State::Waiting(later(now, delay)));
            }
        } else {
            self.update(slot, |slot| slot.state = State::Pending);
            let waited = self.sweep(&set, After::Restart);
            self.plan(set, delay, waited);
        }
        verdict
    }

    /// Counts a failure of the child and draws the delay of its restart.
    fn attempt(&mut self, slot: SlotId, now: Instant) -> (u32, Duration) {
        let Slot { child, attempts, started_at, .. } = *self.slot(slot);
        let backoff = self.rules.children[child as usize].backoff;
        let ran = started_at.map(|then| now.saturating_duration_since(then));
        let recovered = matches!((backoff, ran), (Some(backoff), Some(ran)) if ran > backoff.max);
        let attempt = if recovered { 1 } else { attempts.saturating_add(1) };
        let slot = &mut self.slots[slot as usize];
        slot.attempts = attempt;
        slot.started_at = None;
        (attempt, backoff.map_or(Duration::ZERO, |backoff| backoff.delay(attempt, &mut self.rng)))
    }

    /// `slot` ended; it and the rest of `set` will not be started again.
    fn forfeit(&mut self, set: Vec<SlotId>, slot: SlotId, now: Instant) -> Verdict {
        self.update(slot, |slot| slot.come_down(Rest::Forfeited));
        self.sweep(&set, After::Forfeited);
        self.plan(set, Duration::ZERO, None);
        self.look_for_the_end(slot, now);
        Verdict::Forfeited
    }

    /// `slot` ended and will not be started again, which touches no other.
    fn settle(&mut self, slot: SlotId, rest: Rest, now: Instant) {
        self.update(slot, |slot| slot.come_down(rest));
        self.look_for_the_end(slot, now);
    }

    /// The group fails: everything is stopped, and then it ends with `outcome`.
    fn fail(&mut self, slot: SlotId, outcome: Outcome, now: Instant) -> Verdict {
        // In this order: that nothing is awaited any more must not make a failed start look like a start.
        self.end_at(outcome, After::Stopped, now);
        self.update(slot, |slot| slot.come_down(Rest::Stopped));
        Verdict::GroupFails
    }

    /// Whether the group is over now that `slot` has settled.
    fn look_for_the_end(&mut self, slot: SlotId, now: Instant) {
        if self.is_ending() {
            return;
        }
        let significant = self.rules.children[self.slot(slot).child as usize].significant;
        let over = self.open == 0
            || significant
                && match self.rules.auto_shutdown {
                    AutoShutdown::Never => false,
                    AutoShutdown::AnySignificant => true,
                    AutoShutdown::AllSignificant => self.open_significant == 0,
                };
        if over {
            let outcome = if self.forfeited > 0 { Outcome::Forfeited } else { Outcome::Done };
            self.end_at(outcome, After::Stopped, now);
        }
    }

    /// Ends the group by its own decision, so by its own deadline.
    pub(super) fn end_at(&mut self, outcome: Outcome, after: After, now: Instant) {
        let limit = self.rules.shutdown.and_then(|shutdown| shutdown.limit());
        self.end(outcome, after, limit.map(|limit| later(now, limit)));
    }

    pub(super) fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Stopping { .. } | Phase::Ended(_))
    }

    /// The slots of a set as seen from the one that failed, in no order; those that are gone or forfeited
    /// are not among them.
    fn members(&self, slot: SlotId, set: &Members) -> Vec<SlotId> {
        let child = self.slot(slot).child as usize;
        let children: Vec<ChildId> = match set {
            Members::Failed => Vec::new(),
            Members::Rest => (child as ChildId + 1..self.children.len() as ChildId).collect(),
            Members::All => (0..self.children.len() as ChildId).collect(),
            Members::Children(children) => children.clone(),
        };
        self.slots_of(slot, &children)
    }

    /// The slot and those of all children that depend on its child, directly or not.
    fn with_dependents(&self, slot: SlotId) -> Vec<SlotId> {
        let dependents = self.graph.as_ref().map(|graph| graph.closure(self.slot(slot).child)).unwrap_or_default();
        self.slots_of(slot, &dependents)
    }

    fn slots_of(&self, first: SlotId, children: &[ChildId]) -> Vec<SlotId> {
        let others = children.iter().flat_map(|&child| &self.children[child as usize]).copied();
        let takes_part = |slot: &SlotId| {
            *slot != first
                && !matches!(self.slot(*slot).state, State::Down(Rest::Gone | Rest::Forfeited) | State::Stuck)
        };
        std::iter::once(first).chain(others.filter(takes_part)).collect()
    }
}
