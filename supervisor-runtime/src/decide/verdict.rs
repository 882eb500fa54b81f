//! What the end of an incarnation means: the rules of restart types, strategies and limits.

use std::time::{Duration, Instant};

use super::budget::Exhausted;
use super::{
    After, ChildId, ChildRules, Choice, Core, Ended, Outcome, Phase, Rest, Slot, SlotId, State, StrategyRule, Swept,
    Verdict, later,
};
use crate::declare::Kind;
use crate::{AutoShutdown, Restart};

impl Core {
    /// The incarnation in `slot` has ended, and nothing of it is left.
    ///
    /// An end that was asked for is passed as `Ended::Ok`, unless something is stuck. `decision` is what a custom
    /// strategy says, `now` when that is decided.
    pub(crate) fn exited(&mut self, slot: SlotId, ended: Ended, decision: Option<&Choice>, now: Instant) -> Verdict {
        self.set_now(now);
        self.note_run(slot, now);
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
            State::Pending | State::Waiting | State::Down(_) => {
                unreachable!("invariant 1: a slot without an incarnation cannot exit")
            }
        }
    }

    /// A child ended that no plan sweeps.
    fn ended(&mut self, slot: SlotId, ended: Ended, decision: Option<&Choice>, now: Instant) -> Verdict {
        let Slot { state, has_started, child, by_hand, .. } = *self.slot(slot);
        let ChildRules { restart, kind, .. } = self.rules.children[child as usize];
        let starting = state == State::Starting;
        match ended {
            Ended::Escalate | Ended::Stuck => self.fail(slot, Outcome::Escalated(slot), now),
            Ended::Forfeit if starting => self.forfeit(slot, self.dependents(slot), now),
            // A group ends by itself when all of its children may have ended, or were said to end it.
            Ended::Ok if !starting && (restart != Restart::Permanent || kind == Kind::Supervisor) => {
                self.settle(slot, Rest::Done, now);
                Verdict::Done
            }
            Ended::Failed if starting && by_hand => self.not_started(slot),
            Ended::Failed if starting && !has_started && self.phase == Phase::Starting => {
                self.fail(slot, Outcome::StartFailed(slot), now)
            }
            // Where a failure forfeits all, it is one; but a temporary child's touches no sibling.
            Ended::Forfeit
                if self.rules.strategy != StrategyRule::ForfeitOneForAll || restart == Restart::Temporary =>
            {
                self.forfeit(slot, self.dependents(slot), now)
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
        if self.has_lost_what_it_uses(slot) {
            return self.wait_for_what_it_uses(slot);
        }
        let others = match self.rules.strategy {
            StrategyRule::OneForOne => Vec::new(),
            StrategyRule::OneForAll => self.others(slot, &Swept::All),
            StrategyRule::RestForOne => self.others(slot, &Swept::Rest),
            StrategyRule::DependentsForOne => self.dependents(slot),
            StrategyRule::ForfeitOneForOne => return self.forfeit(slot, self.dependents(slot), now),
            StrategyRule::ForfeitOneForAll => {
                self.update(slot, |slot| slot.come_down(Rest::Forfeited));
                self.end_at(Outcome::Forfeited, After::Forfeited, now);
                return Verdict::Forfeited;
            }
            StrategyRule::Crashing => return self.fail(slot, Outcome::Crashed(slot), now),
            StrategyRule::Custom => match decision {
                Some(Choice::Restart(set)) => self.others(slot, set),
                Some(Choice::Forfeit(set)) => {
                    return self.forfeit(slot, self.with_dependents(slot, self.others(slot, set)), now);
                }
                Some(Choice::Escalate) | None => return self.fail(slot, Outcome::Escalated(slot), now),
            },
        };
        self.restart(slot, others, now)
    }

    /// Whether something that it depends on has failed, and is in its `stop`: what is decided then takes it along, so its own
    /// failure belongs to that. A restart now would only use up the limit, with a handle that works no more.
    pub(super) fn has_lost_what_it_uses(&self, slot: SlotId) -> bool {
        let takes_along = matches!(self.rules.strategy, StrategyRule::RestForOne | StrategyRule::DependentsForOne);
        takes_along && !self.is_met(self.slot(slot).child)
    }

    /// What it depends on is on its way down: it comes up with that, as do those that depend on it in turn.
    #[cold]
    fn wait_for_what_it_uses(&mut self, slot: SlotId) -> Verdict {
        self.update(slot, |slot| slot.state = State::Pending);
        // Those that are still to start wait for it as they are.
        let mut set = self.dependents(slot);
        set.retain(|&user| self.slot(user).is_live());
        self.sweep(&set, After::Restart);
        set.push(slot);
        self.plan(set, Duration::ZERO, None);
        Verdict::Swept
    }

    /// The death of an old incarnation in a set that is being swept belongs to that incident; what it says
    /// is still obeyed.
    fn joins(&mut self, slot: SlotId, ended: Ended, now: Instant) -> Verdict {
        match ended {
            Ended::Escalate | Ended::Stuck if !self.is_ending() => self.fail(slot, Outcome::Escalated(slot), now),
            // One that leaves its child is never started again in any case.
            Ended::Forfeit if !self.is_ending() && !self.slot(slot).is_leaving() => {
                self.forfeit(slot, self.dependents(slot), now)
            }
            _ => {
                self.settle_swept(slot);
                // What was in the way of what is started by hand may be gone.
                self.news |= !self.late.is_empty();
                if self.open == 0 {
                    self.look_for_the_end(slot, now);
                }
                Verdict::Swept
            }
        }
    }

    /// A new incident: counts a restart and sweeps the others that it takes along, or gives up.
    fn restart(&mut self, slot: SlotId, others: Vec<SlotId>, now: Instant) -> Verdict {
        let left = match self.budget.spend(self.elapsed) {
            Ok(left) => left,
            Err(Exhausted) => return self.fail(slot, Outcome::GaveUp(slot), now),
        };
        let (attempt, delay) = self.attempt(slot);
        let verdict = Verdict::Restart { attempt, delay, left, others: others.len() };
        if others.is_empty() && self.slot(slot).plan.is_none() {
            // Its own restart concerns nobody else: its task starts the next incarnation in place.
            if delay.is_zero() {
                if self.is_seen(slot) {
                    // By way of the state in which it is shown.
                    self.update(slot, |slot| slot.state = State::Pending);
                }
                self.start(slot);
            } else {
                self.delays.insert(slot, later(now, delay));
                self.update(slot, |slot| slot.state = State::Waiting);
            }
        } else {
            self.restart_with(slot, others, delay);
        }
        verdict
    }

    /// Makes the plan that restarts it with others.
    #[inline(never)]
    fn restart_with(&mut self, slot: SlotId, others: Vec<SlotId>, delay: Duration) {
        self.update(slot, |slot| slot.state = State::Pending);
        let waited = self.sweep_each(&others, After::Restart, |core, id| {
            core.revive(id);
            core.sweep_one(id, After::Restart)
        });
        let mut set = others;
        set.push(slot);
        self.plan(set, delay, waited);
    }

    /// A restart starts again what was stopped by hand, so also what is just being stopped.
    fn revive(&mut self, id: SlotId) {
        let Slot { child, swept, after, .. } = *self.slot(id);
        let is_temporary = || self.rules.children[child as usize].restart == Restart::Temporary;
        if swept && after == After::Stopped && !is_temporary() && !self.is_blocked(id) {
            self.update(id, |slot| {
                slot.after = After::Restart;
                slot.along = false;
                // The restart's start is nobody's by hand.
                slot.by_hand = false;
            });
        }
    }

    /// Counts a failure of the child and draws the delay of its restart.
    fn attempt(&mut self, slot: SlotId) -> (u32, Duration) {
        let backoff = self.rules.children[self.slot(slot).child as usize].backoff;
        let slot = &mut self.slots[slot as usize];
        slot.attempts = slot.attempts.saturating_add(1);
        slot.restarts = slot.restarts.saturating_add(1);
        (slot.attempts, backoff.map_or(Duration::ZERO, |backoff| backoff.delay(slot.attempts, &mut self.rng)))
    }

    /// An incarnation that ran for long enough starts the backoff over, however it ended.
    fn note_run(&mut self, slot: SlotId, now: Instant) {
        let Some(backoff) = self.rules.children[self.slot(slot).child as usize].backoff else { return };
        let since = self.running_since.remove(&slot);
        if since.is_some_and(|since| now.saturating_duration_since(since) > backoff.max) {
            self.slots[slot as usize].attempts = 0;
        }
    }

    /// `slot` ended; it and the others that it takes along will not be started again.
    #[cold]
    fn forfeit(&mut self, slot: SlotId, others: Vec<SlotId>, now: Instant) -> Verdict {
        self.update(slot, |slot| slot.come_down(Rest::Forfeited));
        self.sweep(&others, After::Forfeited);
        if !others.is_empty() {
            self.plan(others, Duration::ZERO, None);
        }
        self.look_for_the_end(slot, now);
        Verdict::Forfeited
    }

    /// `slot` ended and will not be started again, which touches no other.
    #[inline(never)]
    fn settle(&mut self, slot: SlotId, rest: Rest, now: Instant) {
        self.update(slot, |slot| slot.come_down(rest));
        self.look_for_the_end(slot, now);
    }

    /// The group fails: everything is stopped, and then it ends with `outcome`.
    #[cold]
    fn fail(&mut self, slot: SlotId, outcome: Outcome, now: Instant) -> Verdict {
        // In this order: that nothing is awaited any more must not make a failed start look like a start.
        self.end_at(outcome, After::Stopped, now);
        self.update(slot, |slot| slot.come_down(Rest::Stopped));
        Verdict::GroupFails
    }

    /// Whether the group is over now that `slot` has settled.
    pub(super) fn look_for_the_end(&mut self, slot: SlotId, now: Instant) {
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

    /// The slots of a set besides the one that failed, but for those that are gone or forfeited.
    ///
    /// In the order of declaration: one that is restarted no longer blocks what uses it.
    #[inline(never)]
    fn others(&self, slot: SlotId, set: &Swept) -> Vec<SlotId> {
        let child = self.slot(slot).child as usize;
        let children: Vec<ChildId> = match set {
            Swept::Failed => Vec::new(),
            Swept::Rest => (child as ChildId + 1..self.children.len() as ChildId).collect(),
            Swept::All => (0..self.children.len() as ChildId).collect(),
            Swept::Children(children) => children.clone(),
        };
        self.slots_of(slot, &children)
    }

    /// The slots of all children that depend on the child of `slot`, directly or not, in the order of declaration.
    pub(super) fn dependents(&self, slot: SlotId) -> Vec<SlotId> {
        let dependents = self.graph.as_ref().map(|graph| graph.closure(self.slot(slot).child)).unwrap_or_default();
        self.slots_of(slot, &dependents)
    }

    /// What is forfeited takes along what depends on it.
    fn with_dependents(&self, slot: SlotId, others: Vec<SlotId>) -> Vec<SlotId> {
        let mut all: Vec<SlotId> = self.dependents(slot);
        for &other in &others {
            all.extend(self.dependents(other).into_iter().filter(|&dependent| dependent != slot));
        }
        all.extend(others);
        all.sort_unstable_by_key(|&id| (self.slot(id).child, self.slot(id).index));
        all.dedup();
        all
    }

    fn slots_of(&self, failed: SlotId, children: &[ChildId]) -> Vec<SlotId> {
        let slots = children.iter().flat_map(|&child| self.children[child as usize].iter());
        let takes_part = |slot: &SlotId| {
            *slot != failed
                && !matches!(self.slot(*slot).state, State::Down(Rest::Gone | Rest::Forfeited) | State::Stuck)
        };
        slots.filter(takes_part).collect()
    }
}
