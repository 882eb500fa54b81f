//! What is done by hand: children are started, stopped and restarted, added and removed.
//!
//! It concerns the child and what depends on it, not the strategy, and it does not count against the limit (design §5).
//! The words are OTP's `restart_child`, `terminate_child`, `start_child` and `delete_child`.

use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::plan::{Plan, PlanId};
use super::{Action, After, ChildId, Core, Phase, Rest, Slot, SlotId, State, Verdict};
use crate::{Order, Restart};

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The group is stopping, or has ended.
    Ending,
    /// It may still run and cannot be dropped.
    Stuck,
    /// What it depends on is down.
    Missing(SlotId),
}

/// Slots that were added; mostly one.
pub(crate) type Admitted = SmallVec<[SlotId; 1]>;

impl Core {
    /// Carries out an order, for slots of one child; what depends on them is taken along.
    pub(crate) fn steer(&mut self, slots: &[SlotId], order: Order, now: Instant) -> Result<(), Refused> {
        self.set_now(now);
        self.may_steer()?;
        if order != Order::Stop {
            if slots.iter().any(|&id| self.slot(id).state == State::Stuck) {
                return Err(Refused::Stuck);
            }
            if let Some(missing) = slots.first().and_then(|&id| self.missing(id)) {
                return Err(Refused::Missing(missing));
            }
        }
        let users = self.users(slots);
        match order {
            // What is down already, most of all what is done, has nothing to take along.
            Order::Stop if slots.iter().all(|&id| matches!(self.slot(id).state, State::Down(_))) => {
                self.take_down(slots, &[]);
            }
            Order::Stop => self.take_down(slots, &users),
            Order::Restart => self.bring_up(slots, &users),
            Order::Start => {
                let down: Vec<SlotId> = slots.iter().copied().filter(|&id| !self.is_up(id)).collect();
                // Also those that run, with the handle of one that is done: it begins anew.
                self.bring_up(&down, &users);
            }
        }
        Ok(())
    }

    /// Adds members, or replicas, of a child; they are started at once unless something before them is on its way.
    ///
    /// What is to be done at once is added to `out`.
    pub(crate) fn admit(
        &mut self,
        child: ChildId,
        indices: impl Iterator<Item = u32>,
        now: Instant,
        out: &mut Vec<Action>,
    ) -> Result<Admitted, Refused> {
        self.set_now(now);
        self.may_steer()?;
        if let Some(missing) = self.missing_for(child) {
            return Err(Refused::Missing(missing));
        }
        let added: Admitted = indices
            .map(|index| {
                match self.children[child as usize].get(index) {
                    // It was on its way out.
                    Some(id) => {
                        self.set_by_hand(id);
                        id
                    }
                    None => self.add(child, index),
                }
            })
            .collect();
        // Those that are on their way out come back in the plan that takes them away.
        for &id in &added {
            if self.slot(id).is_live() {
                self.raise(id);
            }
        }
        let fresh = added.iter().copied().filter(|&id| !self.slot(id).is_live());
        // Those that use the child have what it was: they are made anew.
        let users = self.running_users(&added);
        if !users.is_empty() {
            let set = fresh.chain(users.iter().copied()).collect();
            self.sweep(&users, After::Restart);
            self.plan(set, Duration::ZERO, None);
        } else if self.is_in_the_way(child) {
            self.plan_later(fresh.collect());
        } else if !self.is_met(child) {
            self.plan(fresh.collect(), Duration::ZERO, None);
        } else {
            let fresh: Admitted = fresh.collect();
            self.start_all(&fresh, out);
        }
        Ok(added)
    }

    /// Takes members, or replicas, out of their child. What depends on the child is stopped first and started again
    /// after.
    pub(crate) fn discard(&mut self, slots: &[SlotId], now: Instant) -> Result<(), Refused> {
        self.set_now(now);
        self.may_steer()?;
        let users = self.running_users(slots);
        self.sweep(&users, After::Restart);
        self.sweep(slots, After::Removed);
        for &id in slots {
            self.update(id, |slot| slot.by_hand = false);
        }
        let set = slots.iter().chain(&users).copied().collect();
        self.plan(set, Duration::ZERO, None);
        // What was stopped by hand kept the group from being done.
        if let Some(&slot) = slots.first().filter(|_| self.open == 0) {
            self.look_for_the_end(slot, now);
        }
        Ok(())
    }

    /// A start by hand has failed: that is told to who asked, and nothing more is done.
    #[cold]
    pub(super) fn not_started(&mut self, slot: SlotId) -> Verdict {
        let Slot { is_member, has_started, .. } = *self.slot(slot);
        let users = self.users(&[slot]);
        // A member that never was is none.
        let rest = if is_member && !has_started { Rest::Removed } else { Rest::Stopped };
        self.update(slot, |slot| slot.come_down(rest));
        self.take_down(&[], &users);
        Verdict::NotStarted
    }

    /// Makes a plan of slots that are pending, when nothing is in their way any more.
    fn plan_later(&mut self, slots: Vec<SlotId>) {
        self.late.extend(slots);
        // What is asked for again and again waits once.
        if self.late.len() > self.slots.len() {
            self.late.sort_unstable();
            self.late.dedup();
        }
        self.plan_the_late();
    }

    /// What has waited for what stands before it becomes a plan. (It waits for nothing else: what stands after it may in turn
    /// wait for it, because it uses it.)
    #[inline]
    pub(super) fn plan_the_late(&mut self) {
        if !self.late.is_empty() {
            self.plan_those_whose_way_is_clear();
        }
    }

    fn plan_those_whose_way_is_clear(&mut self) {
        let front = self.front();
        let mut late = std::mem::take(&mut self.late);
        late.retain(|&id| self.slot(id).plan.is_none() && self.slot(id).state == State::Pending);
        let (wait, go): (Vec<_>, _) =
            late.into_iter().partition(|&id| front.is_some_and(|it| it < self.slot(id).child));
        self.late = wait;
        if !go.is_empty() {
            self.plan(go, Duration::ZERO, None);
        }
    }

    fn may_steer(&self) -> Result<(), Refused> {
        match self.phase {
            Phase::Starting | Phase::Running => Ok(()),
            Phase::Stopping { .. } | Phase::Ended(_) => Err(Refused::Ending),
        }
    }

    /// Whether what is in `slot` starts only when `other`, which is starting, has started.
    pub(crate) fn starts_after(&self, slot: SlotId, other: SlotId) -> bool {
        let (it, before) = (self.slot(slot), self.slot(other));
        let will_start = it.state == State::Pending || it.is_live() && it.swept && it.after == After::Restart;
        if !will_start {
            return false;
        }
        let is_starting = before.state == State::Starting;
        if is_starting && self.graph.as_ref().is_some_and(|graph| graph.closure(before.child).contains(&it.child)) {
            return true;
        }
        match (self.order(), before.plan) {
            (Some(_), _) | (None, None) => false,
            (None, Some(_)) if it.plan.is_none() => it.child > before.child,
            // One of a plan starts when nothing of that does, but for those whose turn is the same.
            (None, Some(plan)) => {
                it.plan == Some(plan) && !self.plans[plan.index()].as_ref().is_some_and(|plan| plan.starts(it.child))
            }
        }
    }

    /// Whether a restart by hand of one of `child`, or of all, concerns what is in `slot`.
    pub(crate) fn takes_along(&self, child: ChildId, index: Option<u32>, slot: SlotId) -> bool {
        let it = self.slot(slot);
        let is_it = it.child == child && index.is_none_or(|index| index == it.index);
        is_it || self.graph.as_ref().is_some_and(|graph| graph.closure(child).contains(&it.child))
    }

    /// Whether it runs, or will by itself without more ado.
    pub(crate) fn is_up(&self, id: SlotId) -> bool {
        let slot = self.slot(id);
        match slot.state {
            // What has failed is up no more, though its `stop` takes time.
            State::Starting | State::Running => {
                if slot.swept {
                    slot.after == After::Restart
                } else {
                    !slot.failing
                }
            }
            State::Stopping | State::Killing => slot.after == After::Restart,
            State::Pending | State::Waiting | State::Stuck | State::Down(_) => false,
        }
    }

    /// What depends on the child of these slots, directly or not, without those slots themselves.
    fn users(&self, slots: &[SlotId]) -> Vec<SlotId> {
        slots.first().map(|&id| self.dependents(id)).unwrap_or_default()
    }

    /// Those of them that are not down.
    fn running_users(&self, slots: &[SlotId]) -> Vec<SlotId> {
        self.users(slots)
            .into_iter()
            .filter(|&id| !matches!(self.slot(id).state, State::Down(_) | State::Stuck))
            .collect()
    }

    /// Stops `slots` until they are started by hand, and `users`, which come up with them.
    fn take_down(&mut self, slots: &[SlotId], users: &[SlotId]) {
        // What is down, or on its way there, by itself does not come up with them.
        let along: Vec<SlotId> = users.iter().copied().filter(|&id| !self.slot(id).is_down_for_good()).collect();
        for (set, along) in [(slots, false), (&*along, true)] {
            set.iter().for_each(|&id| self.slots[id as usize].along = along);
        }
        let set: Vec<SlotId> = along.iter().chain(slots).copied().collect();
        for &id in &set {
            // OTP's `terminate_child` deletes a temporary child; of declared ones the declaration stays.
            self.sweep_one(id, if self.is_made_once(id) { After::Removed } else { After::Stopped });
        }
        if !set.is_empty() {
            self.plan(set, Duration::ZERO, None);
        }
    }

    /// Has new incarnations of `slots` started, and of those `users` whose other requirements allow it.
    fn bring_up(&mut self, slots: &[SlotId], users: &[SlotId]) {
        if slots.is_empty() {
            return;
        }
        for &id in slots {
            self.raise(id);
            self.set_by_hand(id);
        }
        let mut clear = Vec::new();
        for &id in users {
            let slot = self.slot(id);
            let blocked = |clear: &mut Vec<bool>| self.missing_beside(clear, slot.child).is_some();
            if slot.is_down_for_good() || slot.is_leaving() || blocked(&mut clear) {
                continue;
            }
            if self.is_made_once(id) {
                self.sweep_one(id, After::Removed);
            } else {
                self.raise(id);
            }
        }
        let set: Vec<SlotId> = slots.iter().chain(users).copied().collect();
        let live = set.iter().any(|&id| self.slot(id).is_live());
        if !live
            && slots.iter().all(|&id| self.slot(id).plan.is_none())
            && self.is_in_the_way(self.slot(slots[0]).child)
        {
            self.plan_later(set);
        } else {
            self.plan_at_once(set);
        }
    }

    /// Whether it is a member that was added once, and cannot be made again.
    fn is_made_once(&self, id: SlotId) -> bool {
        let slot = self.slot(id);
        slot.is_member && self.rules.children[slot.child as usize].restart == Restart::Temporary
    }

    /// Whatever a slot does, it is to begin anew, as by a restart.
    fn raise(&mut self, id: SlotId) {
        self.update(id, |slot| {
            slot.along = false;
            match slot.state {
                State::Starting | State::Running | State::Stopping | State::Killing => {
                    slot.swept = true;
                    // The last order holds.
                    slot.after = After::Restart;
                }
                State::Pending | State::Waiting | State::Down(_) => slot.state = State::Pending,
                State::Stuck => {}
            }
        });
    }

    /// The next start of a slot is answered for by who asked for it; the first start of a group is not.
    fn set_by_hand(&mut self, id: SlotId) {
        let is_first = self.is_part_of_the_first_start(self.slot(id));
        self.update(id, |slot| {
            slot.by_hand |= !is_first;
            slot.anew = slot.is_live();
            slot.attempts = 0;
        });
    }

    /// Whether the next start of a slot belongs to the first start of its group.
    pub(super) fn is_part_of_the_first_start(&self, slot: &Slot) -> bool {
        let declared = || self.rules.children[slot.child as usize].size.count();
        self.phase == Phase::Starting && !slot.has_started && !slot.by_hand && (slot.index as usize) < declared()
    }

    /// Whether something is on its way that stands before `child`. (What it depends on its plan waits for.)
    fn is_in_the_way(&self, child: ChildId) -> bool {
        // There, order is for the start of the group.
        let counts = self.order().is_none() && !(self.has_started && self.rules.strategy.concerns_one());
        counts && self.front().is_some_and(|front| front < child)
    }

    /// The first child of which something is on its way.
    fn front(&self) -> Option<ChildId> {
        let first = |(number, plan): (usize, &Option<Plan>)| {
            let plan = plan.as_ref().filter(|plan| plan.counts.is_under_way())?;
            let mut members = plan.members.iter().map(|&id| self.slot(id));
            members.find(|slot| slot.plan == Some(PlanId::nth(number)) && slot.role().is_some()).map(|slot| slot.child)
        };
        (0..).zip(&self.plans).filter_map(first).min()
    }

    /// Whether everything that `child` depends on is up.
    pub(super) fn is_met(&self, child: ChildId) -> bool {
        self.graph.as_ref().is_none_or(|graph| graph.is_met(child))
    }
}
