//! Plans: a set of slots is stopped in reverse order, then, after a delay, started in order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use super::slot::Role;
use super::{Action, After, ChildId, Core, Outcome, Phase, Rest, Rules, SlotId, State, later};
use crate::declare::Kind;

/// How long after it was told to be dropped a child counts as stuck.
///
/// A drop needs no more than a free thread and the child's destructors, so this only has to be longer
/// than a busy machine takes to schedule a task.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// A set of slots on its way down and up again.
pub(super) struct Plan {
    /// In the order of declaration; some may have left the plan.
    members: Vec<SlotId>,
    pub(super) stage: Stage,
    /// How long to wait once everything has been swept.
    delay: Duration,
    /// Nothing starts before.
    not_before: Option<Instant>,
    pub(super) counts: Counts,
    /// What may be stopped, or started, now.
    ready: Vec<SlotId>,
    /// How much of `members` the stage has gone through, where the order is that of declaration.
    passed: usize,
    /// When the patience with a slot ends.
    deadlines: BinaryHeap<Reverse<(Instant, SlotId, Patience)>>,
}

/// What a slot was given time for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Patience {
    /// It was asked to stop.
    ToStop,
    /// It was told to be dropped.
    ToBeDropped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Sweep,
    Wait,
    Start,
}

/// How many of its slots play which part.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) pending: usize,
    pub(super) starting: usize,
    pub(super) sweeping: usize,
    pub(super) stopping: usize,
}

impl Counts {
    fn of(&mut self, role: Role) -> &mut usize {
        match role {
            Role::Pending => &mut self.pending,
            Role::Starting => &mut self.starting,
            Role::Sweeping => &mut self.sweeping,
            Role::Stopping => &mut self.stopping,
        }
    }
}

/// What depends on what, where that is the order.
pub(super) struct Graph {
    requires: Vec<Vec<ChildId>>,
    dependents: Vec<Vec<ChildId>>,
    /// Of each child: slots that are live, and slots that are still to start.
    live: Vec<usize>,
    unstarted: Vec<usize>,
    /// Of each child: dependents that have live slots, and requirements that are still to start.
    live_dependents: Vec<usize>,
    unmet: Vec<usize>,
}

impl Graph {
    pub(super) fn new(rules: &Rules) -> Self {
        let count = rules.children.len();
        let mut requires: Vec<Vec<ChildId>> = rules.children.iter().map(|child| child.requires.clone()).collect();
        let mut dependents = vec![Vec::new(); count];
        for (child, required) in requires.iter_mut().enumerate() {
            required.sort_unstable();
            required.dedup();
            for &required in required.iter() {
                dependents[required as usize].push(child as ChildId);
            }
        }
        let zero = vec![0; count];
        Self {
            requires,
            dependents,
            live: zero.clone(),
            unstarted: zero.clone(),
            live_dependents: zero.clone(),
            unmet: zero,
        }
    }

    /// Everything that depends on `child`, directly or not, without itself.
    pub(super) fn closure(&self, child: ChildId) -> Vec<ChildId> {
        let mut seen = vec![false; self.dependents.len()];
        let mut found = Vec::new();
        let mut todo = vec![child];
        while let Some(next) = todo.pop() {
            for &dependent in &self.dependents[next as usize] {
                if !std::mem::replace(&mut seen[dependent as usize], true) {
                    found.push(dependent);
                    todo.push(dependent);
                }
            }
        }
        found
    }
}

impl Core {
    /// Makes a plan of a set, together with every plan that it shares a slot with (invariant 2).
    ///
    /// Nothing of it starts before `not_before`, nor before `delay` has passed since everything was swept.
    pub(super) fn plan(&mut self, set: Vec<SlotId>, delay: Duration, not_before: Option<Instant>) {
        let mut plan = Plan {
            members: set,
            stage: Stage::Sweep,
            delay,
            not_before,
            counts: Counts::default(),
            ready: Vec::new(),
            passed: 0,
            deadlines: BinaryHeap::new(),
        };
        let mut shared: Vec<u32> = plan.members.iter().filter_map(|&id| self.slot(id).plan).collect();
        shared.sort_unstable();
        shared.dedup();
        for id in shared {
            let old = self.plans[id as usize].take().expect("invariant 2: a slot's plan exists");
            plan.members.extend(old.members.into_iter().filter(|&member| self.slot(member).plan == Some(id)));
            plan.delay = plan.delay.max(old.delay);
            plan.not_before = plan.not_before.max(old.not_before);
            if old.stage == Stage::Sweep {
                plan.deadlines.extend(old.deadlines);
            }
        }
        plan.members.retain(|&id| self.slot(id).role().is_some());
        let slots = &self.slots;
        plan.members.sort_unstable_by_key(|&id| (slots[id as usize].child, slots[id as usize].index, id));
        plan.members.dedup();
        let id = self.plans.iter().position(Option::is_none).unwrap_or_else(|| {
            self.plans.push(None);
            self.plans.len() - 1
        }) as u32;
        for &member in &plan.members {
            let slot = &mut self.slots[member as usize];
            slot.plan = Some(id);
            if let Some(role) = slot.role() {
                *plan.counts.of(role) += 1;
            }
        }
        plan.passed = plan.members.len();
        self.plans[id as usize] = Some(plan);
        if self.graph.is_some() {
            self.find_stoppable(id);
        }
        self.dirty.push_back(id);
    }

    /// Stops everything, and starts nothing any more (invariant 4).
    pub(super) fn end(&mut self, outcome: Outcome, after: After, deadline: Option<Instant>) {
        self.phase = Phase::Stopping { outcome, deadline };
        let all: Vec<SlotId> = (0..self.slots.len() as SlotId).collect();
        self.sweep(&all, after);
        self.plan(all, Duration::ZERO, None);
    }

    pub(super) fn has_plans(&self) -> bool {
        self.plans.iter().any(Option::is_some)
    }

    /// Goes on with every plan that can, for at most `room` actions; whether there is more to do.
    pub(crate) fn step(&mut self, now: Instant, room: usize, out: &mut Vec<Action>) -> bool {
        self.expire(now, out);
        out.extend(self.released.drain(..).map(Action::Release));
        let mut more = false;
        while let Some(id) = self.dirty.pop_front() {
            if out.len() >= room {
                self.dirty.push_front(id);
                more = true;
                break;
            }
            self.advance(id, now, room, out);
        }
        self.news = false;
        if let Phase::Stopping { outcome, .. } = self.phase
            && !self.has_plans()
        {
            self.phase = Phase::Ended(outcome);
        }
        more
    }

    /// When [`step`](Self::step) is to be called next if nothing happens before.
    pub(crate) fn next_timer(&self) -> Option<Instant> {
        let group = match self.phase {
            Phase::Stopping { deadline, .. } => deadline,
            _ => None,
        };
        let plans = self.plans.iter().flatten().filter_map(|plan| match plan.stage {
            Stage::Sweep => plan.deadlines.peek().map(|Reverse((when, ..))| *when),
            Stage::Wait => plan.not_before,
            Stage::Start => None,
        });
        plans.chain(group).min()
    }

    /// Tells the supervisors that were asked already of an earlier deadline.
    pub(super) fn remind_supervisors(&mut self) {
        for plan in self.plans.iter_mut().flatten() {
            plan.ready.extend(plan.members.iter().copied().filter(|&id| {
                let slot = &self.slots[id as usize];
                slot.state == State::Stopping && self.rules.children[slot.child as usize].kind == Kind::Supervisor
            }));
        }
        self.dirty.extend((0..self.plans.len() as u32).filter(|&id| self.plans[id as usize].is_some()));
    }

    /// Keeps the counts of a plan; when nothing of it is under way, it can go on.
    pub(super) fn count_in_plan(&mut self, mark: Option<(u32, Role)>, enters: bool) {
        let Some((id, role)) = mark else { return };
        let Some(plan) = &mut self.plans[id as usize] else { return };
        let count = plan.counts.of(role);
        if enters {
            *count += 1;
        } else {
            *count -= 1;
        }
        let waits_for = match plan.stage {
            Stage::Sweep => plan.counts.stopping,
            Stage::Wait | Stage::Start => plan.counts.starting,
        };
        if !enters && waits_for == 0 {
            self.dirty.push_back(id);
        }
    }

    pub(super) fn count_live(&mut self, child: ChildId, enters: bool) {
        let Some(graph) = &mut self.graph else { return };
        let live = &mut graph.live[child as usize];
        *live = if enters { *live + 1 } else { *live - 1 };
        let changed = if enters { *live == 1 } else { *live == 0 };
        if !changed {
            return;
        }
        let mut free = Vec::new();
        for &required in &graph.requires[child as usize] {
            let count = &mut graph.live_dependents[required as usize];
            *count = if enters { *count + 1 } else { *count - 1 };
            if *count == 0 {
                free.push(required);
            }
        }
        for child in free {
            self.make_ready(child, Stage::Sweep, Role::Sweeping);
        }
    }

    pub(super) fn count_unstarted(&mut self, child: ChildId, enters: bool) {
        let Some(graph) = &mut self.graph else { return };
        let unstarted = &mut graph.unstarted[child as usize];
        *unstarted = if enters { *unstarted + 1 } else { *unstarted - 1 };
        let changed = if enters { *unstarted == 1 } else { *unstarted == 0 };
        if !changed {
            return;
        }
        let mut free = Vec::new();
        for &dependent in &graph.dependents[child as usize] {
            let count = &mut graph.unmet[dependent as usize];
            *count = if enters { *count + 1 } else { *count - 1 };
            if *count == 0 {
                free.push(dependent);
            }
        }
        for child in free {
            self.make_ready(child, Stage::Start, Role::Pending);
        }
    }

    /// What stood in the way of a child is gone: its slots go on, each in its plan.
    fn make_ready(&mut self, child: ChildId, stage: Stage, role: Role) {
        // In reverse, because the last that is ready goes first.
        for &id in self.children[child as usize].iter().rev() {
            let slot = &self.slots[id as usize];
            let Some(plan_id) = slot.plan.filter(|_| slot.role() == Some(role)) else { continue };
            let Some(plan) = &mut self.plans[plan_id as usize] else { continue };
            if plan.stage == stage {
                plan.ready.push(id);
                if self.dirty.back() != Some(&plan_id) {
                    self.dirty.push_back(plan_id);
                }
            }
        }
    }

    /// Goes on with one plan as far as it can.
    fn advance(&mut self, id: u32, now: Instant, room: usize, out: &mut Vec<Action>) {
        loop {
            while let Some(slot) = self.pop_ready(id) {
                let stage = self.plans[id as usize].as_ref().map(|plan| plan.stage);
                match (self.slot(slot).role(), stage) {
                    (Some(Role::Sweeping), Some(Stage::Sweep)) => self.ask(slot, id, now, out),
                    (Some(Role::Stopping), Some(Stage::Sweep)) => self.remind(slot, now, out),
                    (Some(Role::Pending), Some(Stage::Start)) => {
                        self.start(slot);
                        out.push(Action::Start(slot));
                    }
                    // It was to be asked, but has ended by itself since: its turn to start comes later.
                    _ => {}
                }
                if out.len() >= room {
                    self.dirty.push_back(id);
                    return;
                }
            }
            let Some(plan) = &mut self.plans[id as usize] else { return };
            let Counts { pending, starting, sweeping, stopping } = plan.counts;
            match plan.stage {
                Stage::Sweep if sweeping + stopping == 0 => {
                    plan.deadlines.clear();
                    plan.stage = Stage::Wait;
                    let delay = std::mem::take(&mut plan.delay);
                    if !delay.is_zero() {
                        plan.not_before = plan.not_before.max(Some(later(now, delay)));
                    }
                }
                Stage::Sweep if sweeping > 0 && stopping == 0 && self.graph.is_none() => self.next_to_stop(id),
                Stage::Wait if pending == 0 || plan.not_before.is_none_or(|then| then <= now) => {
                    plan.stage = Stage::Start;
                    plan.not_before = None;
                    plan.passed = 0;
                    self.find_startable(id);
                }
                Stage::Start if pending + starting == 0 => {
                    self.plans[id as usize] = None;
                    return;
                }
                Stage::Start if pending > 0 && starting == 0 && self.graph.is_none() => self.next_to_start(id),
                Stage::Sweep | Stage::Wait | Stage::Start => return,
            }
        }
    }

    fn pop_ready(&mut self, id: u32) -> Option<SlotId> {
        // What has left the plan since is none of its business.
        loop {
            let slot = self.plans[id as usize].as_mut()?.ready.pop()?;
            if self.slot(slot).plan == Some(id) {
                return Some(slot);
            }
        }
    }

    /// In order of declaration: the replicas of the last child that is still to be stopped.
    fn next_to_stop(&mut self, id: u32) {
        let Some(plan) = &mut self.plans[id as usize] else { return };
        let slots = &self.slots;
        let waits =
            |slot: SlotId| slots[slot as usize].plan == Some(id) && slots[slot as usize].role() == Some(Role::Sweeping);
        let mut child = None;
        while plan.passed > 0 {
            let next = plan.members[plan.passed - 1];
            if waits(next) {
                if *child.get_or_insert(slots[next as usize].child) != slots[next as usize].child {
                    break;
                }
                plan.ready.push(next);
            }
            plan.passed -= 1;
        }
        // Popped from the back: replicas are asked in the order of their index.
    }

    /// In order of declaration: the replicas of the first child that is still to be started.
    fn next_to_start(&mut self, id: u32) {
        let Some(plan) = &mut self.plans[id as usize] else { return };
        let slots = &self.slots;
        let waits =
            |slot: SlotId| slots[slot as usize].plan == Some(id) && slots[slot as usize].role() == Some(Role::Pending);
        let mut child = None;
        while let Some(&next) = plan.members.get(plan.passed) {
            if waits(next) {
                if *child.get_or_insert(slots[next as usize].child) != slots[next as usize].child {
                    break;
                }
                plan.ready.push(next);
            }
            plan.passed += 1;
        }
        plan.ready.reverse();
    }

    /// In order of dependence: everything on which nothing live depends.
    fn find_stoppable(&mut self, id: u32) {
        self.find(id, Role::Sweeping, |graph, child| graph.live_dependents[child] == 0);
    }

    /// In order of dependence: everything whose requirements have started.
    fn find_startable(&mut self, id: u32) {
        self.find(id, Role::Pending, |graph, child| graph.unmet[child] == 0);
    }

    fn find(&mut self, id: u32, role: Role, is_free: impl Fn(&Graph, usize) -> bool) {
        let (Some(graph), Some(plan)) = (&self.graph, &mut self.plans[id as usize]) else { return };
        let slots = &self.slots;
        plan.ready.extend(plan.members.iter().rev().copied().filter(|&member| {
            let slot = &slots[member as usize];
            slot.plan == Some(id) && slot.role() == Some(role) && is_free(graph, slot.child as usize)
        }));
    }

    /// Asks a slot to stop, or drops it at once where it has no time to.
    fn ask(&mut self, slot: SlotId, plan: u32, now: Instant, out: &mut Vec<Action>) {
        let child = &self.rules.children[self.slot(slot).child as usize];
        let own = child.shutdown.and_then(|shutdown| shutdown.limit()).map(|limit| later(now, limit));
        let deadline = [own, self.deadline()].into_iter().flatten().min();
        if child.kind == Kind::Supervisor {
            // It is one of us: it drops what is left of its own at the deadline, and then returns.
            self.update(slot, |slot| slot.state = State::Stopping);
            out.push(Action::Stop(slot, deadline));
        } else if deadline.is_some_and(|deadline| deadline <= now) {
            self.kill(slot, plan, now, out);
        } else {
            self.update(slot, |slot| slot.state = State::Stopping);
            out.push(Action::Stop(slot, None));
            if let (Some(deadline), Some(plan)) = (deadline, &mut self.plans[plan as usize]) {
                plan.deadlines.push(Reverse((deadline, slot, Patience::ToStop)));
            }
        }
    }

    /// The deadline has moved for a supervisor that was asked already.
    fn remind(&mut self, slot: SlotId, now: Instant, out: &mut Vec<Action>) {
        let child = &self.rules.children[self.slot(slot).child as usize];
        if child.kind == Kind::Supervisor {
            out.push(Action::Stop(slot, self.deadline().map(|deadline| deadline.max(now))));
        }
    }

    fn kill(&mut self, slot: SlotId, plan: u32, now: Instant, out: &mut Vec<Action>) {
        self.update(slot, |slot| slot.state = State::Killing);
        out.push(Action::Kill(slot));
        if let Some(plan) = &mut self.plans[plan as usize] {
            plan.deadlines.push(Reverse((now + GRACE, slot, Patience::ToBeDropped)));
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
    fn expire(&mut self, now: Instant, out: &mut Vec<Action>) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.group_is_late(now, out);
        }
        for id in 0..self.plans.len() as u32 {
            while let Some((slot, patience)) = self.pop_expired(id, now) {
                match (patience, self.slot(slot).state) {
                    (Patience::ToStop, State::Stopping) => self.kill(slot, id, now, out),
                    (Patience::ToBeDropped, State::Killing) => self.give_up_on(slot, now),
                    _ => {}
                }
            }
            let waited = |plan: &Plan| plan.stage == Stage::Wait && plan.not_before.is_some_and(|then| then <= now);
            if self.plans[id as usize].as_ref().is_some_and(waited) {
                self.dirty.push_back(id);
            }
        }
    }

    fn pop_expired(&mut self, id: u32, now: Instant) -> Option<(SlotId, Patience)> {
        let plan = self.plans[id as usize].as_mut()?;
        let Reverse((when, slot, patience)) = *plan.deadlines.peek()?;
        if plan.stage != Stage::Sweep || when > now {
            return None;
        }
        plan.deadlines.pop();
        Some((slot, patience))
    }

    /// The deadline of the whole group has passed: what is left is dropped, in no order.
    fn group_is_late(&mut self, now: Instant, out: &mut Vec<Action>) {
        for slot in 0..self.slots.len() as SlotId {
            let Some(plan) = self.slot(slot).plan else { continue };
            let supervisor = self.rules.children[self.slot(slot).child as usize].kind == Kind::Supervisor;
            match self.slot(slot).state {
                State::Starting | State::Running => self.ask(slot, plan, now, out),
                State::Stopping if !supervisor => self.kill(slot, plan, now, out),
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

impl Core {
    /// What was forfeited, and is.
    pub(crate) fn forfeited(&self) -> impl Iterator<Item = SlotId> {
        let forfeited =
            |(id, slot): (usize, &super::Slot)| (slot.state == State::Down(Rest::Forfeited)).then_some(id as SlotId);
        self.slots.iter().enumerate().filter_map(forfeited)
    }
}
