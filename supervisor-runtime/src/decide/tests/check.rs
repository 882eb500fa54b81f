//! What holds at every step of a history.

use super::super::deadline::GRACE;
use super::super::plan::{Plan, Stage};
use super::super::slot::Role;
use super::super::*;
use super::world::{World, is_asked, is_missing};
use crate::AutoShutdown;

/// With its type, because a number can also be compared with a value of `serde_json`.
const NONE: [SlotId; 0] = [];

impl World {
    pub(super) fn check_actions(&self, before: &[Slot], actions: &[Action]) {
        for action in actions {
            match *action {
                Action::Start(slot) => self.check_start(slot, before),
                Action::Stop(slot, _) | Action::Kill(slot, _) if !is_asked(&before[slot as usize]) => {
                    self.check_stop_order(slot);
                }
                Action::Stop(..) | Action::Kill(..) | Action::Release(_) => {}
            }
        }
    }

    /// An incarnation begins, other than in the place of one that has failed just now.
    pub(super) fn check_start(&self, slot: SlotId, before: &[Slot]) {
        if let Some(before) = before.get(slot as usize) {
            let in_place = before.is_live() && !before.swept;
            assert!(in_place || !before.is_live(), "invariant 1: slot {slot} is started beside itself");
        }
        assert!(!self.ending, "invariant 4: slot {slot} is started after the end began");
        assert!(self.not_before.get(&slot).is_none_or(|&then| then <= self.now), "slot {slot} is early");
        assert!(!self.held.contains(&slot), "slot {slot} was stopped by hand");
        self.check_start_order(slot);
    }

    /// What was told to be dropped is gone, or given up on after a while.
    pub(super) fn check_the_dropped(&mut self, actions: &[Action]) {
        for action in actions {
            if let Action::Kill(slot, _) = action {
                self.killed_at.insert(*slot, self.now);
            }
        }
        for &slot in self.core.stuck() {
            assert!(self.now >= self.killed_at[&slot] + GRACE, "slot {slot} is given up on too early");
        }
        for slot in self.slots(|slot| slot.state == State::Killing) {
            let since = self.killed_at[&slot].max(self.stood_still);
            assert!(self.now < since + GRACE, "slot {slot} is waited for, for ever");
        }
    }

    /// What is declared before it in its plan, or what it requires, has started.
    fn check_start_order(&self, slot: SlotId) {
        let it = self.core.slot(slot);
        let waits = |other: &Slot| matches!(other.state, State::Pending | State::Waiting | State::Starting);
        let earlier = |other: &Slot| match self.core.rules.strategy {
            // What is started by hand is in no order with what was not.
            StrategyRule::OneForAll => other.child < it.child && it.plan.is_some() && other.plan == it.plan,
            StrategyRule::DependentsForOne => {
                self.core.rules.children[it.child as usize].requires.contains(&other.child)
            }
            _ => false,
        };
        let wrong = self.slots(|other| earlier(other) && (waits(other) || is_missing(other)));
        assert_eq!(wrong, NONE, "slot {slot} is started before these");
    }

    /// What is declared after it in its plan, or what depends on it, is down.
    fn check_stop_order(&self, slot: SlotId) {
        if self.deadline.is_some_and(|deadline| deadline <= self.now) {
            return;
        }
        self.check_handles_at_stop(slot);
        let it = self.core.slot(slot);
        let later = |other: &Slot| match self.core.rules.strategy {
            StrategyRule::DependentsForOne => {
                self.core.rules.children[other.child as usize].requires.contains(&it.child)
            }
            // Under the other strategies, only a sweep of everything has to look at everything.
            StrategyRule::OneForAll => other.swept && other.child > it.child && other.plan == it.plan,
            _ => self.core.is_ending() && other.child > it.child,
        };
        let wrong = self.slots(|other| other.is_live() && later(other));
        assert_eq!(wrong, NONE, "slot {slot} is stopped before these");
    }

    /// Every slot that waits is waited for by something that will happen.
    pub(super) fn check_nothing_is_lost(&self) {
        if self.core.next_timer().is_some() {
            return;
        }
        // One that waits for its own delay goes on by itself.
        let busy = |slot: &Slot| {
            slot.failing || matches!(slot.state, State::Starting | State::Waiting | State::Stopping | State::Killing)
        };
        if self.slots(busy).is_empty() {
            assert_eq!(self.slots(|slot| slot.state == State::Pending), NONE, "nobody will start these");
            assert_eq!(self.slots(|slot| slot.is_live() && slot.swept), NONE, "nobody will stop these");
            assert!(!self.core.has_plans(), "a plan waits for nothing");
            assert!(self.core.late.is_empty(), "nobody will start the late ones");
            assert_ne!(*self.core.phase(), Phase::Starting);
        }
        let alive = self.slots(|slot| slot.is_live() || matches!(slot.state, State::Waiting));
        if alive.is_empty() && !self.is_held_open() {
            assert!(matches!(self.core.phase(), Phase::Ended(_)), "{:?}", self.core.phase());
        }
    }

    /// Whether something keeps the group from being done though nothing of it runs.
    fn is_held_open(&self) -> bool {
        let is_empty = |child: ChildId| match self.core.rules.children[child as usize].size {
            Size::One => false,
            Size::Replicas(_) => self.slots(|slot| slot.child == child && !slot.removed).is_empty(),
            Size::Open => true,
        };
        let stopped = |slot: &Slot| slot.state == State::Down(Rest::Stopped);
        !self.slots(stopped).is_empty() || (0..self.core.rules.children.len() as ChildId).any(is_empty)
    }

    /// Invariant 6, counted again from nothing.
    pub(super) fn check_counters(&self) {
        let rules = &self.core.rules.children;
        let rule = |slot: &Slot| &rules[slot.child as usize];
        let count = |which: &dyn Fn(&Slot) -> bool| self.slots(which).len();
        let is_open =
            |slot: &Slot| !matches!(slot.state, State::Down(Rest::Done | Rest::Forfeited | Rest::Gone | Rest::Removed));
        let kept = |child: &ChildId| match rules[*child as usize].size {
            Size::One => false,
            Size::Replicas(_) => count(&|slot| slot.child == *child && !slot.removed) == 0,
            Size::Open => true,
        };
        let kept = (0..rules.len() as ChildId).filter(kept).count();
        assert_eq!(self.core.open, count(&is_open) + kept, "open");
        assert_eq!(self.core.open_significant, count(&|slot| is_open(slot) && rule(slot).significant), "significant");
        assert_eq!(self.core.forfeited, self.core.forfeited().count(), "forfeited");
        assert_eq!(self.core.stopped, count(&|slot| slot.state == State::Down(Rest::Stopped)), "stopped");
        let unready = |slot: &Slot| match slot.state {
            State::Running => slot.not_ready || slot.failing,
            State::Down(Rest::Done | Rest::Gone | Rest::Removed) => false,
            _ => true,
        };
        assert_eq!(self.core.unready, count(&|slot| unready(slot) && rule(slot).size != Size::Open), "unready");
        let awaited = |slot: &Slot| {
            let is_over = matches!(slot.state, State::Down(_) | State::Stuck) || slot.is_leaving();
            !is_over && !slot.has_started && !slot.by_hand
        };
        assert_eq!(self.core.awaited, count(&awaited), "awaited");
        self.check_plans();
        self.check_members();
        self.check_graph();
        let spent: Vec<_> = self.core.spent().collect();
        assert!(self.restarts.ends_with(&spent), "nothing but a restart counts");
    }

    fn check_plans(&self) {
        for (id, plan) in (0..).map(PlanId::nth).zip(&self.core.plans) {
            let of = |slot: &Slot| slot.plan == Some(id);
            let part = |role| self.slots(|slot| of(slot) && slot.role() == Some(role)).len();
            let Some(plan) = plan else {
                assert_eq!(self.slots(of), NONE, "{id:?} is over");
                continue;
            };
            let roles = [Role::Pending, Role::Starting, Role::Sweeping, Role::Stopping];
            let counts = roles.map(|role| plan.counts.of(role));
            assert_eq!(counts, roles.map(part));
            assert!(plan.stage == Stage::Sweep || counts[2..] == [0, 0], "invariant 3");
        }
        let beyond = |slot: &Slot| slot.plan.is_some_and(|id| id.index() >= self.core.plans.len());
        assert_eq!(self.slots(beyond), NONE, "these are in a plan that is over");
        // What can go on needs no timer.
        let waits = (0..).map(PlanId::nth).zip(&self.core.plans).filter(|(id, _)| !self.core.dirty.contains(id));
        let next = waits.filter_map(|(_, plan)| plan.as_ref().and_then(Plan::next_timer)).min();
        let known = self.core.timers.iter().map(|std::cmp::Reverse((when, _))| *when).min();
        assert!(next.is_none_or(|next| known.is_some_and(|known| known <= next)), "{next:?} is not in {known:?}");
        let nowhere = self.slots(|slot| slot.state == State::Pending && slot.plan.is_none());
        let lost: Vec<_> = nowhere.into_iter().filter(|slot| !self.core.late.contains(slot)).collect();
        assert_eq!(lost, NONE, "these are in no plan");
    }

    /// The members of each child are its slots that have not left it, each at its index.
    fn check_members(&self) {
        for child in 0..self.core.rules.children.len() as ChildId {
            let roster = self.core.roster(child);
            let mut members = self.slots(|slot| slot.child == child && !slot.removed);
            members.sort_by_key(|&slot| self.core.slot(slot).index);
            assert_eq!(roster.iter().collect::<Vec<_>>(), members);
            assert_eq!(roster.len(), members.len());
            for slot in members {
                assert_eq!(roster.get(self.core.slot(slot).index), Some(slot));
            }
        }
        let wrong =
            self.slots(|slot| slot.removed != (slot.state == State::Down(Rest::Removed)) && !self.is_open(slot));
        assert_eq!(wrong, NONE, "these are members, and are not");
        assert_eq!(self.slots(|slot| slot.removed && slot.is_live()), NONE, "these have left and are alive");
    }

    fn is_open(&self, slot: &Slot) -> bool {
        self.core.rules.children[slot.child as usize].size == Size::Open
    }

    fn check_graph(&self) {
        let Some(graph) = &self.core.graph else { return };
        let children = 0..self.core.rules.children.len() as ChildId;
        let requires =
            |child: ChildId, other: &ChildId| self.core.rules.children[child as usize].requires.contains(other);
        let live = |child| self.slots(|slot| slot.child == child && slot.is_live()).len();
        let to_start = |slot: &Slot| {
            matches!(slot.state, State::Pending | State::Waiting | State::Starting)
                || slot.is_live() && (slot.swept || slot.failing)
        };
        let unstarted = |child| self.slots(|slot| slot.child == child && to_start(slot)).len();
        for child in children.clone() {
            let live_dependents = children.clone().filter(|&other| requires(other, &child) && live(other) > 0).count();
            let unmet = children.clone().filter(|other| requires(child, other) && unstarted(*other) > 0).count();
            assert_eq!(graph.counted(child), [live(child), unstarted(child), live_dependents, unmet], "child {child}");
        }
    }

    /// What was said by hand holds.
    pub(super) fn check_steering(&self) {
        if let Phase::Stopping { outcome: Outcome::Done | Outcome::Forfeited, .. } = *self.core.phase()
            && !self.ending
            && self.core.rules.auto_shutdown == AutoShutdown::Never
            && self.core.rules.strategy != StrategyRule::ForfeitOneForAll
        {
            assert!(!self.is_held_open(), "the group is not done: something is stopped by hand, or members can come");
        }
        for (id, slot) in (0..).zip(self.core.slots()) {
            let is_down = slot.state == State::Down(Rest::Stopped);
            let goes_down = slot.swept && slot.after >= After::Stopped;
            assert!(!slot.along || is_down || goes_down || self.core.is_ending(), "slot {id} is down along: {slot:?}");
        }
        if self.core.graph.is_some() && !self.core.is_ending() {
            self.check_users();
        }
    }

    /// Nothing runs, or is to run, that depends on what was taken down.
    fn check_users(&self) {
        let down =
            self.slots(|slot| !slot.removed && matches!(slot.state, State::Down(Rest::Stopped | Rest::Forfeited)));
        for id in down {
            let Slot { child, .. } = *self.core.slot(id);
            let runs = |user: &Slot| {
                self.depends(user.child, child)
                    && match user.state {
                        State::Starting | State::Running => !user.swept,
                        State::Pending | State::Waiting => true,
                        _ => false,
                    }
            };
            assert_eq!(self.slots(runs), NONE, "these depend on slot {id}, which is down");
        }
    }
}
