//! What is done to a group by hand, and waiting for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Waker;

use smallvec::SmallVec;

use super::cell::Cell;
use super::cells::Cells;
use super::factory::Owner;
use super::group::{Group, now};
use super::promise::{Goal, Promised, Ticket};
use super::record::{Spawns, State, wake};
use super::tell::Outside;
use crate::decide::{ChildId, Order, Refused, SlotId, State as CoreState};
use crate::declare::MAX_REPLICAS;
use crate::sync::{MutexExt, MutexGuard};
use crate::view::{Status, What};

/// Why a group does not do what was asked, in its own terms.
#[derive(Debug)]
pub(crate) enum NotDone {
    /// There is no such child, replica or member.
    NotThere,
    Refused(Refused),
    /// The service of the member runs, and there is nothing to make another of.
    NeedsFactory,
    /// The open group has as many members as it can.
    Full(usize),
    /// So many replicas cannot be.
    TooMany(usize),
    /// It is the outermost supervisor, which nobody is above.
    Outermost,
}

/// What an order is to bring about in which slot; mostly in one.
type Goals = SmallVec<[(SlotId, Goal); 1]>;

/// What is left to do without the lock.
#[derive(Default)]
struct Work {
    outside: Outside,
    spawn: Spawns,
    /// That one was added says that it waits.
    has_added: bool,
}

impl Group {
    /// The number of a child that is not replicated, or of one of several.
    pub(crate) fn slot_of(&self, child: ChildId, index: u32) -> Option<SlotId> {
        self.state.hold().core.roster(child).get(index)
    }

    /// The indices of a child that are there to stay.
    pub(crate) fn indices(&self, child: ChildId) -> Vec<u32> {
        let state = self.state.hold();
        let stays = |&slot: &SlotId| !state.core.slot(slot).is_leaving();
        state.core.roster(child).iter().filter(stays).map(|slot| state.core.place(slot).1).collect()
    }

    /// Whether one of a child is there to stay.
    pub(crate) fn stays(&self, child: ChildId, index: u32) -> bool {
        let state = self.state.hold();
        state.core.roster(child).get(index).is_some_and(|slot| !state.core.slot(slot).is_leaving())
    }

    /// Whether what is in `slot` is on its way out of its child's replicas or members.
    pub(crate) fn is_leaving(&self, slot: SlotId) -> bool {
        self.state.hold().core.slot(slot).is_leaving()
    }

    /// How many of a child are there to stay.
    pub(crate) fn count(&self, child: ChildId) -> usize {
        let state = self.state.hold();
        state.core.roster(child).iter().filter(|&slot| !state.core.slot(slot).is_leaving()).count()
    }

    /// Where the child stands; of a supervisor, without what is below it.
    pub(crate) fn status(&self, slot: SlotId) -> Status {
        let state = self.state.hold();
        Status { facts: state.facts(slot, self.cell(slot)), at: now() }
    }

    /// Carries out an order for some of a child, or all; what can be waited for.
    pub(crate) fn order(
        self: &Arc<Self>,
        child: ChildId,
        index: Option<u32>,
        order: Order,
    ) -> Result<Vec<Ticket>, NotDone> {
        self.order_from(child, index, order, |_| ())
    }

    /// The same; `note` hears which incarnation of the first of them is the first that the order is carried out for, before that
    /// can begin.
    pub(crate) fn order_from(
        self: &Arc<Self>,
        child: ChildId,
        index: Option<u32>,
        order: Order,
        note: impl FnOnce(Owner),
    ) -> Result<Vec<Ticket>, NotDone> {
        if self.is_anchor() {
            return Err(NotDone::Outermost);
        }
        let has_gone = |index| !self.child(child).launch.can_restart(index);
        if order == Order::Restart && index.is_some_and(|index| self.slot_of(child, index).is_some() && has_gone(index))
        {
            return Err(NotDone::NeedsFactory);
        }
        let mut state = self.lock();
        let slots: Vec<SlotId> = match index {
            Some(index) => state.core.roster(child).get(index).into_iter().collect(),
            None => state.core.roster(child).iter().collect(),
        };
        // What is on its way out can only go.
        let stays = |&slot: &SlotId| order == Order::Stop || !state.core.slot(slot).is_leaving();
        let slots: Vec<SlotId> = slots.into_iter().filter(stays).collect();
        if slots.is_empty() && index.is_some() {
            return Err(NotDone::NotThere);
        }
        // Its value ends with the incarnation that is on its way down.
        let has_no_next = |&slot: &SlotId| {
            let is_ending = state.core.slot(slot).is_live() && !state.core.is_up(slot);
            order == Order::Start && is_ending && has_gone(state.core.place(slot).1)
        };
        if index.is_some() && slots.iter().any(has_no_next) {
            return Err(NotDone::NeedsFactory);
        }
        let slots: Vec<SlotId> = slots.into_iter().filter(|slot| !has_no_next(slot)).collect();
        // They are up no more: to start them is to start them after.
        let is_over = |&slot: &SlotId| {
            order == Order::Start && state.is_over(slot, self.cell(slot)) && !has_gone(state.core.place(slot).1)
        };
        let (over, others): (Vec<SlotId>, Vec<SlotId>) = slots.iter().copied().partition(is_over);
        let mut goals = state.goals(&others, order, self.cells());
        goals.extend(state.goals(&over, Order::Restart, self.cells()));
        state.core.steer(&others, order, now()).map_err(NotDone::Refused)?;
        state.core.steer(&over, Order::Restart, now()).map_err(NotDone::Refused)?;
        if let Some(&(slot, Goal::Started(first))) = goals.first() {
            note(Owner::new(self.names().id, slot, self.cell(slot).stay(), first));
        }
        let mut work = Work::default();
        if state.core.is_recording() {
            slots.iter().for_each(|&slot| work.outside.tell(self, state.event(self, slot, What::Steered(order))));
        }
        let tickets = goals.into_iter().map(|goal| self.ticket(goal, &mut state)).collect();
        self.finish(state, work);
        Ok(tickets)
    }

    /// Adds a member to an open group; `put` stores what was added under its index, once it is one. Whoever waits for its start
    /// is woken by `waker`. If it is refused: why, and which index it would have had.
    pub(crate) fn admit(
        self: &Arc<Self>,
        child: ChildId,
        waker: Waker,
        put: impl FnOnce(u32),
    ) -> Result<Promised, (NotDone, u32)> {
        let spec = self.child(child);
        let mut state = self.lock();
        if let Some(bound) = spec.bound
            && state.core.roster(child).len() >= bound
        {
            return Err((NotDone::Full(bound), 0));
        }
        let index = state.next_index(child, &spec.next_index);
        let mut work = Work::default();
        let goals = self.add(&mut state, child, std::iter::once(index), &mut work).map_err(|error| (error, index))?;
        // Not before: what is put while the group ends is dropped with it. And nothing of the member runs before the lock is free.
        put(index);
        let (slot, goal) = goals[0];
        let promised = state.promise(slot, goal, self.cell(slot), Some(waker));
        self.finish(state, work);
        Ok(promised)
    }

    /// Changes the number of replicas of a child.
    pub(crate) fn scale(self: &Arc<Self>, child: ChildId, count: usize) -> Result<Vec<Ticket>, NotDone> {
        if count > MAX_REPLICAS {
            return Err(NotDone::TooMany(MAX_REPLICAS));
        }
        let mut state = self.lock();
        let roster = state.core.roster(child);
        let stays = |index: u32| roster.get(index).is_some_and(|slot| !state.core.slot(slot).is_leaving());
        let missing: Vec<u32> = (0..count as u32).filter(|&index| !stays(index)).collect();
        // Also those that are on their way out already: that is waited for.
        let surplus: Vec<SlotId> = roster.iter().filter(|&slot| state.core.place(slot).1 as usize >= count).collect();
        let mut work = Work::default();
        // Both, if some of those that are to stay are still on their way out.
        let mut goals = Goals::new();
        if !missing.is_empty() {
            goals = self.add(&mut state, child, missing.into_iter(), &mut work)?;
        }
        if !surplus.is_empty() {
            goals.extend(state.goals(&surplus, Order::Stop, self.cells()));
            // Refused only where adding would have been.
            state.core.discard(&surplus, now()).map_err(NotDone::Refused)?;
        }
        self.child(child).scaled.store(count, Ordering::Relaxed);
        let tickets = goals.into_iter().map(|goal| self.ticket(goal, &mut state)).collect();
        self.finish(state, work);
        Ok(tickets)
    }

    /// Takes a member out of an open group.
    pub(crate) fn remove(self: &Arc<Self>, child: ChildId, index: u32) -> Result<Ticket, NotDone> {
        let mut state = self.lock();
        let slot = state.core.roster(child).get(index).ok_or(NotDone::NotThere)?;
        let goal = (slot, state.goal(slot, Order::Stop, self.cell(slot)));
        state.core.discard(&[slot], now()).map_err(NotDone::Refused)?;
        let ticket = self.ticket(goal, &mut state);
        self.finish(state, Work::default());
        Ok(ticket)
    }

    fn add(
        self: &Arc<Self>,
        state: &mut State,
        child: ChildId,
        indices: impl Iterator<Item = u32>,
        work: &mut Work,
    ) -> Result<Goals, NotDone> {
        let added = state.core.admit(child, indices, now(), &mut state.actions).map_err(NotDone::Refused)?;
        state.grow();
        if state.core.is_recording() {
            work.has_added |= !added.is_empty();
            added.iter().for_each(|&slot| work.outside.tell(self, state.added(self, slot)));
        }
        let goals = state.goals(&added, Order::Restart, self.cells());
        state.carry_out(self, &mut work.spawn, &mut work.outside);
        Ok(goals)
    }

    /// Tells what was done, and does what is left of it without the lock.
    fn finish(self: &Arc<Self>, mut state: MutexGuard<'_, State>, work: Work) {
        let Work { mut outside, spawn, has_added } = work;
        state.tell(self, |_, to| !has_added || to != CoreState::Pending, &mut outside);
        let driver = state.driver_to_wake();
        drop(state);
        outside.run();
        self.spawn(spawn);
        wake(driver);
    }

    /// After the order was given, whose goal was known before.
    fn ticket(self: &Arc<Self>, (slot, goal): (SlotId, Goal), state: &mut State) -> Ticket {
        Ticket::new(Arc::clone(self), state.promise(slot, goal, self.cell(slot), None))
    }
}

impl State {
    /// The index of the next member. After 2^32 they are given again, but not while they are in use.
    fn next_index(&self, child: ChildId, next: &AtomicU32) -> u32 {
        let roster = self.core.roster(child);
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if roster.get(index).is_none() {
                return index;
            }
        }
    }

    /// What an order is to bring about, told before it is given.
    fn goal(&self, slot: SlotId, order: Order, cell: &Cell) -> Goal {
        let incarnation = cell.incarnation();
        match order {
            Order::Stop => Goal::Over(incarnation),
            Order::Start if self.core.is_up(slot) && self.core.slot(slot).is_fresh() => Goal::Started(incarnation),
            Order::Start | Order::Restart => Goal::Started(incarnation.wrapping_add(1)),
        }
    }

    /// Whether it has returned `Ok`, and may, but its `stop` takes its time: the core hears when all of it is over. (Of a failure
    /// it hears at once.)
    fn is_over(&self, slot: SlotId, cell: &Cell) -> bool {
        self.core.slot(slot).state == CoreState::Running && self.core.is_up(slot) && cell.is_run_over()
    }

    fn goals(&self, slots: &[SlotId], order: Order, cells: &Cells) -> Goals {
        slots.iter().map(|&slot| (slot, self.goal(slot, order, cells.get(slot)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Child, Context, Service, ServiceResult, Supervisor};

    struct Idle;

    impl Service for Idle {
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            cx.stopping().await;
            Ok(())
        }
    }

    #[tokio::test]
    async fn an_index_that_is_in_use_is_not_given_again_when_all_have_been_given() {
        let tree = Supervisor::one_for_one("tree").child(Child::<Idle>::open("idle", ..));
        let running = tree.start().await.expect("it starts");
        let idle = running.children::<Idle>("idle").expect("it is declared");
        let group = running.handle().outermost().expect("it runs");
        for _ in 0..3 {
            assert!(idle.add(Idle).await.is_ok());
        }
        assert!(idle.discard(1).await.is_ok());
        group.child(0).next_index.store(u32::MAX, Ordering::Relaxed);
        for _ in 0..3 {
            assert!(idle.add(Idle).await.is_ok());
        }
        assert_eq!(idle.ids(), [0, 1, 2, 3, u32::MAX as usize]);
        assert!(running.shutdown().await.is_ok());
    }

    #[tokio::test]
    async fn what_is_not_admitted_stays_with_who_adds_it() {
        let tree = Supervisor::one_for_one("tree").child(Child::<Idle>::open("idle", ..));
        let running = tree.start().await.expect("it starts");
        let group = running.handle().outermost().expect("it runs");
        assert!(running.shutdown().await.is_ok());
        // While its group ends, what is put there is dropped.
        let refused = group.admit(0, Waker::noop().clone(), |_| panic!("it is put before it is admitted"));
        assert!(matches!(refused, Err((NotDone::Refused(Refused::Ending), _))));
    }
}
