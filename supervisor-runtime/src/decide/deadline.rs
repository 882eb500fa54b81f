//! Deadlines: what has not stopped in time is dropped, and what cannot be dropped is given up.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use super::plan::{Plan, PlanId, Stage};
use super::{Action, After, Core, Outcome, Phase, SlotId, State, earlier};
use crate::declare::Kind;

/// How long after it was told to be dropped a child counts as stuck.
///
/// A drop needs no more than a free thread and the child's destructors, so this only has to be longer
/// than a busy machine takes to schedule a task.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// How much later than it wanted to a supervisor looks when something has kept it from looking: the machine was too busy, or
/// the whole process stood still.
pub(super) const LATE: Duration = Duration::from_millis(100);

/// How many timers are kept whether anything waits for them or not.
const FEW: usize = 64;

impl Core {
    /// When [`step`](Self::step) is to be called next if nothing happens before.
    pub(crate) fn next_timer(&self) -> Option<Instant> {
        earlier(self.timers.peek().map(|Reverse((when, _))| *when), self.deadline())
    }

    /// Has a plan looked at when its next deadline, or its delay, is over.
    pub(super) fn set_timer(&mut self, plan: PlanId) {
        if let Some(when) = self.plans[plan.index()].as_ref().and_then(Plan::next_timer) {
            self.timers.push(Reverse((when, plan)));
            // Most plans are over long before: where many come and go, what is left of them is not to pile up until then.
            if self.timers.len() > 2 * self.plans.len() + FEW {
                self.keep_one_timer_each();
            }
        }
    }

    fn keep_one_timer_each(&mut self) {
        let timer =
            |(number, plan): (usize, &Option<Plan>)| Some(Reverse((plan.as_ref()?.next_timer()?, PlanId::nth(number))));
        self.timers = (0..).zip(&self.plans).filter_map(timer).collect();
    }

    /// Forgets timers that nothing waits for any more, so that the next one is one that counts.
    pub(super) fn clear_timers(&mut self) {
        while let Some(&Reverse((when, plan))) = self.timers.peek() {
            let plan = self.plans.get(plan.index()).and_then(Option::as_ref);
            if plan.and_then(Plan::next_timer) == Some(when) {
                return;
            }
            self.timers.pop();
        }
    }

    /// Tells the supervisors that were asked already of an earlier deadline.
    pub(super) fn remind_supervisors(&mut self) {
        for plan in self.plans.iter_mut().flatten() {
            plan.ready.extend(plan.members.iter().copied().filter(|&id| {
                let slot = &self.slots[id as usize];
                slot.state == State::Stopping && self.rules.children[slot.child as usize].kind == Kind::Supervisor
            }));
        }
        self.dirty.extend((0..self.plans.len()).filter(|&id| self.plans[id].is_some()).map(PlanId::nth));
    }

    /// Asks slots of one child to stop, the last one first, or drops them at once where they have no time to.
    pub(super) fn ask(&mut self, slots: &[SlotId], now: Instant, out: &mut Vec<Action>) {
        let Some(&first) = slots.first() else { return };
        let child = &self.rules.children[self.slot(first).child as usize];
        let own = child.stops_by(now);
        let deadline = earlier(own, self.deadline());
        let is_worker = child.kind == Kind::Worker;
        if is_worker && deadline.is_some_and(|deadline| deadline <= now) {
            slots.iter().rev().for_each(|&slot| self.kill(slot, now, out));
            return;
        }
        self.update_all(slots.iter().rev().copied(), |slot| slot.state = State::Stopping);
        // A supervisor is one of us: it drops what is left of its own at the deadline, and then returns.
        let told = deadline.filter(|_| !is_worker);
        out.extend(slots.iter().rev().map(|&slot| Action::Stop(slot, told)));
        if is_worker {
            self.be_patient(first, own);
        }
    }

    /// The deadline has moved for a supervisor that was asked already.
    pub(super) fn remind(&mut self, slot: SlotId, now: Instant, out: &mut Vec<Action>) {
        let child = &self.rules.children[self.slot(slot).child as usize];
        if child.kind == Kind::Supervisor {
            out.push(Action::Stop(slot, self.deadline().map(|deadline| deadline.max(now))));
        }
    }

    fn kill(&mut self, slot: SlotId, now: Instant, out: &mut Vec<Action>) {
        let asked_at = if self.slot(slot).state == State::Stopping { self.since(slot) } else { now };
        self.update(slot, |slot| slot.state = State::Killing);
        out.push(Action::Kill(slot, asked_at));
        self.be_patient(slot, Some(now + GRACE));
    }

    /// Has the plan of a slot looked at when the patience with it ends, unless it is before.
    fn be_patient(&mut self, slot: SlotId, until: Option<Instant>) {
        let (Some(until), Some(id)) = (until, self.slot(slot).plan) else { return };
        let Some(plan) = &mut self.plans[id.index()] else { return };
        // Most are asked after others, so that their time ends later: there is a timer when their turn comes.
        if plan.patience.is_none_or(|known| until < known) {
            plan.patience = Some(until);
            self.set_timer(id);
        }
    }

    /// When the patience with a slot ends. It is not noted, but follows from since when it has been in its state.
    fn patience(&self, slot: SlotId) -> Option<Instant> {
        let child = &self.rules.children[self.slot(slot).child as usize];
        match self.slot(slot).state {
            State::Stopping if child.kind == Kind::Worker => child.stops_by(self.since(slot)),
            State::Killing => {
                let plan = self.slot(slot).plan.and_then(|id| self.plans[id.index()].as_ref());
                Some(self.since(slot) + GRACE).max(plan.and_then(|plan| plan.excused))
            }
            _ => None,
        }
    }

    /// The group's deadline, once it is stopping.
    fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Stopping { deadline, .. } => deadline,
            _ => None,
        }
    }

    /// Looks at every deadline and delay.
    pub(super) fn expire(&mut self, now: Instant, out: &mut Vec<Action>) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.group_is_late(now, out);
        }
        while let Some(&Reverse((when, id))) = self.timers.peek()
            && when <= now
        {
            self.timers.pop();
            self.lose_patience(id, now, out);
            let waited = |plan: &Plan| plan.stage == Stage::Wait && plan.not_before.is_some_and(|then| then <= now);
            if self.plans.get(id.index()).and_then(Option::as_ref).is_some_and(waited) {
                self.dirty.push_back(id);
            } else if id.index() < self.plans.len() {
                self.set_timer(id);
            }
        }
    }

    /// Drops those of a plan that have not stopped in time, and gives up those that were not dropped.
    ///
    /// What kept the supervisor from looking in time may have kept those from being dropped, too: once, they get more.
    fn lose_patience(&mut self, id: PlanId, now: Instant, out: &mut Vec<Action>) {
        let Some(plan) = self.plans.get(id.index()).and_then(Option::as_ref) else { return };
        let Some(due) = plan.patience.filter(|&until| until <= now) else { return };
        let excuses = plan.excused.is_none() && now.saturating_duration_since(due) >= LATE;
        let (mut late, mut next, mut excused) = (Vec::new(), None, None);
        // In the order in which they were asked: the last was first.
        for &slot in plan.members.iter().rev().filter(|&&slot| self.slot(slot).plan == Some(id)) {
            match self.patience(slot) {
                Some(until) if until > now => next = earlier(next, Some(until)),
                Some(_) if excuses && self.slot(slot).state == State::Killing => excused = Some(now + GRACE),
                Some(until) => late.push((until, slot)),
                None => {}
            }
        }
        late.sort_by_key(|&(until, _)| until);
        if let Some(plan) = &mut self.plans[id.index()] {
            plan.excused = plan.excused.or(excused);
            plan.patience = earlier(next, excused);
        }
        for (_, slot) in late {
            match self.slot(slot).state {
                State::Killing => self.give_up_on(slot, now),
                _ => self.kill(slot, now, out),
            }
        }
    }

    /// The deadline of the whole group has passed: what is left is dropped, in no order.
    fn group_is_late(&mut self, now: Instant, out: &mut Vec<Action>) {
        for slot in 0..self.slots.len() as SlotId {
            let supervisor = self.rules.children[self.slot(slot).child as usize].kind == Kind::Supervisor;
            match self.slot(slot).state {
                State::Starting | State::Running => self.ask(&[slot], now, out),
                // It may have been asked when there was no deadline.
                State::Stopping if supervisor => self.remind(slot, now, out),
                State::Stopping => self.kill(slot, now, out),
                _ => {}
            }
        }
        // Once is enough: whatever is left now waits for its own grace.
        if let Phase::Stopping { deadline, .. } = &mut self.phase {
            *deadline = None;
        }
    }

    /// The slot cannot be dropped. Its incarnation may still run, so nothing may be
    /// started in its place: the group fails.
    pub(crate) fn give_up_on(&mut self, slot: SlotId, now: Instant) {
        if !self.slot(slot).is_live() {
            return;
        }
        // In this order: that it is no longer awaited must not make a failed start look like a start.
        if !self.is_ending() {
            self.end_at(Outcome::Stuck, After::Stopped, now);
        }
        self.update(slot, |slot| {
            slot.state = State::Stuck;
            slot.swept = false;
            slot.plan = None;
        });
        self.stuck.push(slot);
    }
}
