//! Plans: a set of slots is stopped in reverse order, then, after a delay, started in order.

use std::num::NonZeroU32;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::graph::Graph;
use super::slot::Role;
use super::{Action, After, ChildId, Core, Outcome, Phase, Size, Slot, SlotId, earlier, later};

/// The number of a plan: never 0, so that none takes no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PlanId(NonZeroU32);

impl PlanId {
    pub(super) fn nth(index: usize) -> Self {
        Self(NonZeroU32::MIN.saturating_add(index as u32))
    }

    pub(super) fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// A set of slots on its way down and up again.
#[cfg_attr(test, derive(Clone))]
pub(super) struct Plan {
    /// In the order of declaration; some may have left the plan.
    pub(super) members: Vec<SlotId>,
    pub(super) stage: Stage,
    /// How long to wait once everything has been swept.
    delay: Duration,
    /// Nothing starts before.
    pub(super) not_before: Option<Instant>,
    pub(super) counts: Counts,
    /// What may be stopped, or started, now, where the order is not that of declaration; and what is to be reminded.
    pub(super) ready: Vec<SlotId>,
    /// How much of `members` the stage has gone through, where the order is that of declaration.
    passed: usize,
    /// The child that it has come to.
    turn: Option<ChildId>,
    /// Something of it was being stopped already when it was made: it is waited for when its turn comes, and not before.
    overlaps: bool,
    /// When the patience with one of its slots ends, or may end: it may have stopped since.
    pub(super) patience: Option<Instant>,
    /// Until when none that was told to be dropped is given up.
    pub(super) excused: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Sweep,
    Wait,
    Start,
}

/// How many of its slots play which part, by [`Role`]; none of them is the first.
#[cfg_attr(test, derive(Clone))]
#[derive(Default)]
pub(super) struct Counts([usize; 5]);

impl Counts {
    pub(super) fn of(&self, role: Role) -> usize {
        self.0[role as usize]
    }

    /// Whether anything of the plan is still to be stopped or started.
    pub(super) fn is_under_way(&self) -> bool {
        self.0 != [0; 5]
    }
}

impl Plan {
    /// How many slots it waits for before it goes on.
    fn waits_for(&self) -> usize {
        match self.stage {
            Stage::Sweep => self.counts.of(Role::Stopping),
            Stage::Wait | Stage::Start => self.counts.of(Role::Starting),
        }
    }

    /// When it is to be looked at next if nothing happens before.
    pub(super) fn next_timer(&self) -> Option<Instant> {
        match self.stage {
            Stage::Sweep => self.patience,
            Stage::Wait => self.not_before,
            Stage::Start => None,
        }
    }

    /// Whether it is just starting this child.
    pub(super) fn starts(&self, child: ChildId) -> bool {
        self.stage == Stage::Start && self.turn == Some(child)
    }

    /// The next that is ready. (What has left the plan since is none of its business.)
    fn next_ready(&mut self, id: PlanId, slots: &[Slot]) -> Option<(SlotId, Role)> {
        while let Some(next) = self.ready.pop() {
            let slot = &slots[next as usize];
            if slot.plan == Some(id)
                && let Some(role) = slot.role()
            {
                return Some((next, role));
            }
        }
        None
    }

    /// The next members in order of declaration, at most so many: the replicas of a child together, those of the next child when
    /// nothing of them is under way any more, and nothing while something that uses it is still to go, or that it uses still to
    /// come, in another plan.
    fn next_in_order(
        &mut self,
        id: PlanId,
        slots: &[Slot],
        graph: Option<&Graph>,
        room: usize,
    ) -> Option<Range<usize>> {
        if graph.is_some_and(|graph| graph.is_order) {
            return None;
        }
        loop {
            // The highest index is stopped first, as it was started last.
            let (at, role) = match self.stage {
                Stage::Sweep => (self.passed.checked_sub(1)?, Role::Sweeping),
                Stage::Wait => return None,
                Stage::Start => (self.passed, Role::Pending),
            };
            let slot = &slots[*self.members.get(at)? as usize];
            if slot.plays(role, id) {
                let is_free = |graph: &Graph| match role {
                    Role::Pending => graph.is_met(slot.child),
                    _ => graph.is_unused(slot.child),
                };
                if self.is_held_up(id, slot.child, slots) || !graph.is_none_or(is_free) {
                    return None;
                }
                self.turn = Some(slot.child);
                let (mut last, mut count) = (at, 1);
                while count < room
                    && let Some(next) = self.after(last)
                    && let other = &slots[self.members[next] as usize]
                    && other.child == slot.child
                    && other.plays(role, id)
                {
                    (last, count) = (next, count + 1);
                }
                self.pass(count);
                return Some(at.min(last)..at.max(last) + 1);
            }
            // It was asked before its turn: now it is waited for.
            if self.overlaps && slot.plays(Role::Stopping, id) {
                if self.is_held_up(id, slot.child, slots) {
                    return None;
                }
                self.turn = Some(slot.child);
            }
            self.pass(1);
        }
    }

    /// The member whose turn comes after that of another.
    fn after(&self, at: usize) -> Option<usize> {
        match self.stage {
            Stage::Sweep => at.checked_sub(1),
            Stage::Wait | Stage::Start => Some(at + 1).filter(|&next| next < self.members.len()),
        }
    }

    /// The stage has gone through so many more.
    fn pass(&mut self, members: usize) {
        match self.stage {
            Stage::Sweep => self.passed -= members,
            Stage::Wait | Stage::Start => self.passed += members,
        }
    }

    /// Whether a child has to wait for the one that it has come to.
    #[inline]
    fn is_held_up(&self, id: PlanId, child: ChildId, slots: &[Slot]) -> bool {
        if self.waits_for() == 0 || self.turn == Some(child) {
            return false;
        }
        // Mostly only that one is under way.
        if !self.overlaps || self.stage != Stage::Sweep {
            return true;
        }
        self.is_turn_under_way(id, slots)
    }

    /// Whether anything is under way of the child that it has come to.
    #[inline(never)]
    fn is_turn_under_way(&self, id: PlanId, slots: &[Slot]) -> bool {
        let Some(turn) = self.turn else { return false };
        let first = self.members.partition_point(|&slot| slots[slot as usize].child < turn);
        let of_turn = self.members[first..].iter().map(|&slot| &slots[slot as usize]);
        let is_under_way = |slot: &Slot| slot.plays(Role::Stopping, id);
        of_turn.take_while(|slot| slot.child == turn).any(is_under_way)
    }
}

impl Core {
    /// Makes a plan of a set, and waits for nothing but that what it sweeps is gone.
    pub(super) fn plan_at_once(&mut self, set: Vec<SlotId>) {
        self.plan(set, Duration::ZERO, None);
        if let Some(plan) = self.dirty.back().and_then(|&id| self.plans[id.index()].as_mut()) {
            plan.delay = Duration::ZERO;
            plan.not_before = None;
        }
    }

    /// Makes a plan of a set, together with every plan that it shares a slot with (invariant 2).
    ///
    /// Nothing of it starts before `not_before`, nor before `delay` has passed since everything was swept.
    pub(super) fn plan(&mut self, set: Vec<SlotId>, delay: Duration, not_before: Option<Instant>) {
        let id = self.unused.pop().unwrap_or_else(|| {
            self.plans.push(None);
            PlanId::nth(self.plans.len() - 1)
        });
        let mut plan = Plan {
            members: set,
            stage: Stage::Sweep,
            delay,
            not_before,
            counts: Counts::default(),
            ready: Vec::new(),
            passed: 0,
            turn: None,
            overlaps: false,
            patience: None,
            excused: None,
        };
        let mut shared = Vec::new();
        plan.members.retain(|&slot| self.enlist(slot, id, &mut plan.counts, &mut shared));
        while let Some(other) = shared.pop() {
            // It may be there for several of its slots.
            let Some(old) = self.plans[other.index()].take() else { continue };
            self.unused.push(other);
            plan.members.extend(old.members.into_iter().filter(|&slot| {
                self.slot(slot).plan == Some(other) && self.enlist(slot, id, &mut plan.counts, &mut shared)
            }));
            plan.delay = plan.delay.max(old.delay);
            plan.not_before = plan.not_before.max(old.not_before);
            plan.patience = earlier(plan.patience, old.patience);
            plan.excused = plan.excused.max(old.excused);
        }
        let slots = &self.slots;
        let place = |id: &SlotId| (slots[*id as usize].child, slots[*id as usize].index);
        // As it mostly is.
        if !plan.members.is_sorted_by_key(place) {
            plan.members.sort_by_key(place);
        }
        plan.passed = plan.members.len();
        plan.overlaps = plan.counts.of(Role::Stopping) > 0;
        self.plans[id.index()] = Some(plan);
        self.set_timer(id);
        if self.order().is_some() {
            self.find_stoppable(id);
        }
        self.dirty.push_back(id);
    }

    /// Takes a slot into a plan if it plays a part in it and is not there yet, and notes from which other.
    fn enlist(&mut self, slot: SlotId, id: PlanId, counts: &mut Counts, shared: &mut Vec<PlanId>) -> bool {
        let slot = &mut self.slots[slot as usize];
        let Some(role) = slot.role() else { return false };
        match slot.plan.replace(id) {
            Some(same) if same == id => return false,
            Some(other) => shared.push(other),
            None => {}
        }
        counts.0[role as usize] += 1;
        true
    }

    /// Stops everything, and starts nothing any more (invariant 4).
    pub(super) fn end(&mut self, outcome: Outcome, after: After, deadline: Option<Instant>) {
        self.phase = Phase::Stopping { outcome, deadline };
        let mut all = Vec::with_capacity(self.slots.len());
        for child in 0..self.children.len() {
            let of_others = all.len();
            all.extend(self.children[child].iter());
            // Members of open groups are lost with their group: the next one has others.
            let are_lost = after == After::Stopped && self.rules.children[child].size == Size::Open;
            self.sweep(&all[of_others..], if are_lost { After::Gone } else { after });
        }
        self.plan(all, Duration::ZERO, None);
    }

    pub(super) fn has_plans(&self) -> bool {
        self.unused.len() < self.plans.len()
    }

    /// Looks at every deadline, and goes on with every plan that can, for at most `room` actions; whether there is more to do.
    pub(crate) fn step(&mut self, now: Instant, room: usize, out: &mut Vec<Action>) -> bool {
        self.set_now(now);
        self.expire(now, out);
        let more = self.proceed(now, room, out);
        self.news = false;
        if let Phase::Stopping { outcome, .. } = self.phase
            && !self.has_plans()
        {
            self.phase = Phase::Ended(outcome);
        }
        more
    }

    /// Whether somebody else than the supervisor may go on with a plan, and there is one: as long as the group is to go on.
    pub(crate) fn can_proceed(&self) -> bool {
        !self.dirty.is_empty() && !self.is_ending()
    }

    /// Whether there is something that only the supervisor can hear.
    pub(crate) fn has_news(&self) -> bool {
        self.news
    }

    /// Goes on with every plan that can, for at most `room` actions; whether there is more to do.
    pub(crate) fn proceed(&mut self, now: Instant, room: usize, out: &mut Vec<Action>) -> bool {
        self.set_now(now);
        if !self.released.is_empty() {
            out.extend(self.released.drain(..).map(Action::Release));
        }
        let mut more = false;
        self.plan_the_late();
        while let Some(id) = self.dirty.pop_front() {
            if out.len() >= room {
                self.dirty.push_front(id);
                more = true;
                break;
            }
            self.advance(id, now, room, out);
            self.plan_the_late();
        }
        if !self.has_plans() && self.dirty.is_empty() {
            // There may have been many.
            self.plans.clear();
            self.unused.clear();
        }
        self.clear_timers();
        more
    }

    /// Keeps the counts of a plan, of which a slot, or several, play another part now; 0 is none.
    pub(super) fn count_in_plan(&mut self, id: PlanId, before: usize, now: usize, times: usize) {
        let Some(plan) = &mut self.plans[id.index()] else { return };
        if now > 0 {
            plan.counts.0[now] += times;
        }
        if before > 0 {
            plan.counts.0[before] -= times;
            // When nothing of it is under way, it can go on.
            if plan.waits_for() == 0 || plan.overlaps && plan.stage == Stage::Sweep {
                self.dirty.push_back(id);
            }
        }
    }

    /// Goes on with one plan as far as it can.
    fn advance(&mut self, id: PlanId, now: Instant, room: usize, out: &mut Vec<Action>) {
        loop {
            while self.advance_some(id, now, room, out) {
                if out.len() >= room {
                    self.dirty.push_back(id);
                    return;
                }
            }
            let Some(plan) = &mut self.plans[id.index()] else { return };
            let [_, pending, starting, sweeping, stopping] = plan.counts.0;
            match plan.stage {
                Stage::Sweep if sweeping + stopping == 0 => {
                    plan.patience = None;
                    plan.excused = None;
                    plan.stage = Stage::Wait;
                    let delay = std::mem::take(&mut plan.delay);
                    if !delay.is_zero() {
                        plan.not_before = plan.not_before.max(Some(later(now, delay)));
                    }
                    self.set_timer(id);
                }
                Stage::Wait if pending == 0 || plan.not_before.is_none_or(|then| then <= now) => {
                    plan.stage = Stage::Start;
                    plan.not_before = None;
                    plan.passed = 0;
                    plan.turn = None;
                    if self.order().is_some() {
                        self.find_startable(id);
                    }
                }
                Stage::Start if pending + starting == 0 => {
                    self.plans[id.index()] = None;
                    self.unused.push(id);
                    return;
                }
                Stage::Sweep | Stage::Wait | Stage::Start => return,
            }
        }
    }

    /// Goes on with the next slots of a plan that may; whether there were any.
    fn advance_some(&mut self, id: PlanId, now: Instant, room: usize, out: &mut Vec<Action>) -> bool {
        let Some(plan) = &mut self.plans[id.index()] else { return false };
        let is_swept = plan.stage == Stage::Start;
        if let Some((slot, role)) = plan.next_ready(id, &self.slots) {
            match role {
                Role::Sweeping => self.ask(&[slot], now, out),
                Role::Stopping => self.remind(slot, now, out),
                Role::Pending if is_swept => self.start_all(&[slot], out),
                // It was to be asked, but has ended by itself since: its turn to start comes later.
                Role::Pending | Role::Starting => {}
            }
            return true;
        }
        let room = room - out.len();
        let Some(next) = plan.next_in_order(id, &self.slots, self.graph.as_ref(), room) else { return false };
        // Nothing of what is done with them looks at the members of a plan.
        let members = std::mem::take(&mut plan.members);
        if is_swept {
            self.start_all(&members[next], out);
        } else {
            self.ask(&members[next], now, out);
        }
        if let Some(plan) = &mut self.plans[id.index()] {
            plan.members = members;
        }
        true
    }
}
