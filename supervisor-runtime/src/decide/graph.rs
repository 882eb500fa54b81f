//! What depends on what. In a `dependents_for_one` group it is the order; in every group, what is done by hand to one takes
//! along what depends on it.

use super::plan::{PlanId, Stage};
use super::slot::{Role, tally};
use super::{ChildId, Core, Rules, SlotId, StrategyRule};

/// What depends on what, where anything does.
#[cfg_attr(test, derive(Clone))]
pub(super) struct Graph {
    /// Whether it is the order, too.
    pub(super) is_order: bool,
    requires: Vec<Vec<ChildId>>,
    dependents: Vec<Vec<ChildId>>,
    /// Of each child: slots that are live, and slots that are still to start, be it after a stop or a failure.
    live: Vec<usize>,
    unstarted: Vec<usize>,
    /// Of each child: dependents that have live slots, and requirements that are still to start.
    live_dependents: Vec<usize>,
    unmet: Vec<usize>,
}

impl Graph {
    pub(super) fn new(rules: &Rules) -> Option<Self> {
        let is_order = rules.strategy == StrategyRule::DependentsForOne;
        if !is_order && rules.children.iter().all(|child| child.requires.is_empty()) {
            return None;
        }
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
        Some(Self {
            is_order,
            requires,
            dependents,
            live: zero.clone(),
            unstarted: zero.clone(),
            live_dependents: zero.clone(),
            unmet: zero,
        })
    }

    /// Whether nothing is alive that depends on `child`.
    pub(super) fn is_unused(&self, child: ChildId) -> bool {
        self.live_dependents[child as usize] == 0
    }

    /// Whether nothing that `child` depends on is still to start.
    pub(super) fn is_met(&self, child: ChildId) -> bool {
        self.unmet[child as usize] == 0
    }

    /// The counters of a child: live slots, unstarted ones, live dependents, and requirements that are still to start.
    #[cfg(test)]
    pub(super) fn counted(&self, child: ChildId) -> [usize; 4] {
        let child = child as usize;
        [self.live[child], self.unstarted[child], self.live_dependents[child], self.unmet[child]]
    }

    /// Everything that depends on `child`, directly or not, without itself; in the order of declaration.
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
        found.sort_unstable();
        found
    }
}

impl Core {
    /// The graph, where it is the order.
    pub(super) fn order(&self) -> Option<&Graph> {
        self.graph.as_ref().filter(|graph| graph.is_order)
    }

    pub(super) fn count_live(&mut self, child: ChildId, enters: bool, times: usize) {
        let Some(graph) = &mut self.graph else { return };
        let live = &mut graph.live[child as usize];
        tally(live, enters, times);
        let changed = *live == if enters { times } else { 0 };
        if !changed {
            return;
        }
        let mut free = Vec::new();
        for &required in &graph.requires[child as usize] {
            let count = &mut graph.live_dependents[required as usize];
            tally(count, enters, 1);
            if *count == 0 {
                free.push(required);
            }
        }
        for child in free {
            self.make_ready(child, Stage::Sweep, Role::Sweeping);
        }
    }

    pub(super) fn count_unstarted(&mut self, child: ChildId, enters: bool, times: usize) {
        let Some(graph) = &mut self.graph else { return };
        let unstarted = &mut graph.unstarted[child as usize];
        tally(unstarted, enters, times);
        let changed = *unstarted == if enters { times } else { 0 };
        if !changed {
            return;
        }
        let mut free = Vec::new();
        for &dependent in &graph.dependents[child as usize] {
            let count = &mut graph.unmet[dependent as usize];
            tally(count, enters, 1);
            if *count == 0 {
                free.push(dependent);
            }
        }
        for child in free {
            self.make_ready(child, Stage::Start, Role::Pending);
        }
    }

    /// Whether something that the child in `slot` depends on is down, and will not come up by itself.
    pub(super) fn is_blocked(&self, slot: SlotId) -> bool {
        self.missing(slot).is_some()
    }

    /// What the child in `slot` depends on, directly or not, and is down, or on its way there. (Not only directly: what is
    /// between may have been scaled to zero.)
    pub(super) fn missing(&self, slot: SlotId) -> Option<SlotId> {
        self.missing_for(self.slot(slot).child)
    }

    /// What `child` depends on, and is down, or on its way there.
    pub(super) fn missing_for(&self, child: ChildId) -> Option<SlotId> {
        self.missing_beside(&mut Vec::new(), child)
    }

    /// The same where nothing is missing of those that are `clear`, and of what they depend on; if nothing is missing at all,
    /// there are more of them.
    ///
    /// There may be many ways to the same child, twice as many with each that has two: each is looked at once.
    pub(super) fn missing_beside(&self, clear: &mut Vec<bool>, child: ChildId) -> Option<SlotId> {
        let graph = self.graph.as_ref()?;
        let mut todo = graph.requires[child as usize].clone();
        let mut seen = Vec::new();
        while let Some(child) = todo.pop() {
            if clear.is_empty() {
                clear.resize(graph.requires.len(), false);
            }
            if std::mem::replace(&mut clear[child as usize], true) {
                continue;
            }
            seen.push(child);
            let down = self.children[child as usize].iter().find(|&id| self.slot(id).is_missing());
            if down.is_some() {
                seen.iter().for_each(|&child| clear[child as usize] = false);
                return down;
            }
            todo.extend(&graph.requires[child as usize]);
        }
        None
    }

    /// What stood in the way of a child is gone: its slots go on, each in its plan.
    fn make_ready(&mut self, child: ChildId, stage: Stage, role: Role) {
        let in_order = self.order().is_some();
        let mut ready: Vec<SlotId> = self.children[child as usize].iter().collect();
        // The last that is ready goes first: started by rising index, and stopped the other way round.
        if role == Role::Pending {
            ready.reverse();
        }
        for id in ready {
            let slot = &self.slots[id as usize];
            let Some(plan_id) = slot.plan.filter(|_| slot.role() == Some(role)) else { continue };
            let Some(plan) = &mut self.plans[plan_id.index()] else { continue };
            if plan.stage == stage {
                // Where the order is that of declaration, the plan looks for itself whose turn it is.
                if in_order {
                    plan.ready.push(id);
                }
                if self.dirty.back() != Some(&plan_id) {
                    self.dirty.push_back(plan_id);
                }
            }
        }
    }

    /// In order of dependence: everything on which nothing live depends.
    pub(super) fn find_stoppable(&mut self, id: PlanId) {
        self.find(id, Role::Sweeping, Graph::is_unused);
    }

    /// In order of dependence: everything whose requirements have started.
    pub(super) fn find_startable(&mut self, id: PlanId) {
        self.find(id, Role::Pending, Graph::is_met);
    }

    fn find(&mut self, id: PlanId, role: Role, is_free: fn(&Graph, ChildId) -> bool) {
        let (Some(graph), Some(plan)) = (&self.graph, &mut self.plans[id.index()]) else { return };
        let slots = &self.slots;
        let is_ready = |member: &SlotId| {
            let slot = &slots[*member as usize];
            slot.plays(role, id) && is_free(graph, slot.child)
        };
        let ready = plan.members.iter().copied().filter(is_ready);
        match role {
            Role::Pending => plan.ready.extend(ready.rev()),
            _ => plan.ready.extend(ready),
        }
    }
}
