//! What is done to a group by hand, and waiting for it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context as Task, Poll};

use super::group::{Group, now};
use super::record::{State, wake};
use super::tell::Outside;
use crate::Exit;
use crate::decide::{Action, ChildId, Order, Refused, SlotId, State as CoreState};
use crate::declare::MAX_REPLICAS;
use crate::sync::MutexExt;
use crate::view::Status;

/// Why a group does not do what was asked, in its own terms.
#[derive(Debug)]
pub(crate) enum NotDone {
    /// There is no such child, replica or member.
    NotThere,
    Refused(Refused),
    /// The open group has as many members as it can.
    Full(usize),
    /// So many replicas cannot be.
    TooMany(usize),
}

/// What somebody waits for after an order.
pub(crate) struct Ticket {
    pub(crate) group: Arc<Group>,
    pub(crate) slot: SlotId,
    pub(crate) index: u32,
    goal: Goal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    /// The `start` of this incarnation, or a later one, has succeeded.
    Started(u32),
    /// This incarnation has ended.
    Over(u32),
}

/// How an order ended.
#[derive(Debug)]
pub(crate) enum Done {
    AsAsked,
    /// It did not start; how it ended, if it ever began.
    NotStarted(Option<Arc<Exit>>),
    /// It was stopped by somebody else, or with its group, or it left.
    Overtaken,
    Stuck,
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

    /// How many of a child are there to stay.
    pub(crate) fn count(&self, child: ChildId) -> usize {
        let state = self.state.hold();
        state.core.roster(child).iter().filter(|&slot| !state.core.slot(slot).is_leaving()).count()
    }

    /// Where the child stands; of a supervisor, without what is below it.
    pub(crate) fn status(&self, slot: SlotId) -> Status {
        let state = self.state.hold();
        Status { facts: state.facts(slot), at: now() }
    }

    /// Carries out an order for some of a child, or all; what can be waited for.
    pub(crate) fn order(
        self: &Arc<Self>,
        child: ChildId,
        index: Option<u32>,
        order: Order,
    ) -> Result<Vec<Ticket>, NotDone> {
        let mut outside = Outside::default();
        let mut state = self.lock();
        let slots: Vec<SlotId> = match index {
            Some(index) => state.core.roster(child).get(index).into_iter().collect(),
            None => state.core.roster(child).iter().collect(),
        };
        if slots.is_empty() && index.is_some() {
            return Err(NotDone::NotThere);
        }
        let tickets = slots.iter().map(|&slot| self.ticket(slot, state.goal(slot, order), &state)).collect();
        let steered = state.core.steer(&slots, order, now());
        state.tell(self, Vec::new(), |_, _| true, &mut outside);
        let driver = state.driver_to_wake();
        drop(state);
        outside.run();
        wake(driver);
        steered.map(|()| tickets).map_err(NotDone::Refused)
    }

    /// Adds a member to an open group; `put` stores what was added under its index.
    pub(crate) fn admit(self: &Arc<Self>, child: ChildId, put: impl FnOnce(u32)) -> Result<Ticket, NotDone> {
        let spec = self.child(child);
        let state = self.lock();
        if let Some(bound) = spec.bound.limit()
            && state.core.roster(child).len() >= bound
        {
            return Err(NotDone::Full(bound));
        }
        let index = spec.next_index.fetch_add(1, Ordering::Relaxed);
        put(index);
        let mut tickets = self.add(state, child, vec![index])?;
        Ok(tickets.remove(0))
    }

    /// Changes the number of replicas of a child.
    pub(crate) fn scale(self: &Arc<Self>, child: ChildId, count: usize) -> Result<Vec<Ticket>, NotDone> {
        if count > MAX_REPLICAS {
            return Err(NotDone::TooMany(MAX_REPLICAS));
        }
        let state = self.lock();
        let roster = state.core.roster(child);
        let stays = |index: u32| roster.get(index).is_some_and(|slot| !state.core.slot(slot).is_leaving());
        let missing: Vec<u32> = (0..count as u32).filter(|&index| !stays(index)).collect();
        let surplus: Vec<SlotId> =
            roster.iter().rev().filter(|&slot| state.core.place(slot).1 as usize >= count).collect();
        let tickets = if surplus.is_empty() { self.add(state, child, missing)? } else { self.discard(state, surplus)? };
        self.child(child).scaled.store(count, Ordering::Relaxed);
        Ok(tickets)
    }

    /// Takes a member out of an open group.
    pub(crate) fn remove(self: &Arc<Self>, child: ChildId, index: u32) -> Result<Ticket, NotDone> {
        let state = self.lock();
        let slot = state.core.roster(child).get(index).ok_or(NotDone::NotThere)?;
        let mut tickets = self.discard(state, vec![slot])?;
        Ok(tickets.remove(0))
    }

    fn add(
        self: &Arc<Self>,
        mut state: std::sync::MutexGuard<'_, State>,
        child: ChildId,
        indices: Vec<u32>,
    ) -> Result<Vec<Ticket>, NotDone> {
        let (mut outside, mut spawn, mut actions) = (Outside::default(), Vec::new(), Vec::<Action>::new());
        let now = now();
        let admitted = state.core.admit(child, indices.into_iter(), now, &mut actions);
        state.grow();
        let added = admitted.as_deref().unwrap_or_default();
        let events = match state.core.is_recording() {
            true => added.iter().map(|&slot| state.added(self, slot)).collect(),
            false => Vec::new(),
        };
        let tickets = added.iter().map(|&slot| self.ticket(slot, state.goal(slot, Order::Restart), &state)).collect();
        state.carry_out(actions, now, self, &mut spawn, &mut outside);
        // That they wait to be started goes without saying.
        state.tell(self, events, |_, to| to != CoreState::Pending, &mut outside);
        let driver = state.driver_to_wake();
        drop(state);
        outside.run();
        self.spawn(spawn);
        wake(driver);
        admitted.map(|_| tickets).map_err(NotDone::Refused)
    }

    fn discard(
        self: &Arc<Self>,
        mut state: std::sync::MutexGuard<'_, State>,
        slots: Vec<SlotId>,
    ) -> Result<Vec<Ticket>, NotDone> {
        let mut outside = Outside::default();
        let tickets = slots.iter().map(|&slot| self.ticket(slot, state.goal(slot, Order::Stop), &state)).collect();
        let discarded = state.core.discard(&slots, now());
        state.tell(self, Vec::new(), |_, _| true, &mut outside);
        let driver = state.driver_to_wake();
        drop(state);
        outside.run();
        wake(driver);
        discarded.map(|()| tickets).map_err(NotDone::Refused)
    }

    fn ticket(self: &Arc<Self>, slot: SlotId, goal: Goal, state: &State) -> Ticket {
        Ticket { group: Arc::clone(self), slot, index: state.core.place(slot).1, goal }
    }
}

impl State {
    /// What an order is to bring about, told before it is given.
    fn goal(&self, slot: SlotId, order: Order) -> Goal {
        let incarnation = self.records[slot as usize].incarnation;
        match order {
            Order::Stop => Goal::Over(incarnation),
            Order::Start if self.core.is_up(slot) && self.core.slot(slot).is_fresh() => Goal::Started(incarnation),
            Order::Start | Order::Restart => Goal::Started(incarnation + 1),
        }
    }
}

impl Ticket {
    /// Whether the goal has been reached, or never will be.
    fn look(&self, state: &State) -> Option<Done> {
        let slot = state.core.slot(self.slot);
        let record = &state.records[self.slot as usize];
        // In an open group, the place may belong to another by now.
        let is_here = slot.index == self.index && !slot.removed;
        match self.goal {
            Goal::Started(goal) if is_here && record.last_started >= goal => Some(Done::AsAsked),
            Goal::Over(goal) if !is_here || !slot.is_live() || record.incarnation != goal => Some(Done::AsAsked),
            _ if slot.state == CoreState::Stuck => Some(Done::Stuck),
            Goal::Started(goal) => match slot.state {
                CoreState::Down(_) if slot.index == self.index && record.incarnation >= goal => {
                    Some(Done::NotStarted(record.last_exit.clone()))
                }
                CoreState::Down(_) => Some(Done::Overtaken),
                _ if !is_here => Some(Done::Overtaken),
                _ => None,
            },
            Goal::Over(_) => None,
        }
    }
}

impl Future for Ticket {
    type Output = Done;

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Done> {
        let mut guard = self.group.state.hold();
        let state = &mut *guard;
        if let Some(done) = self.look(state) {
            return Poll::Ready(done);
        }
        let waiters = state.waiters.entry(self.slot).or_default();
        if !waiters.iter().any(|waiter| waiter.will_wake(task.waker())) {
            waiters.push(task.waker().clone());
        }
        state.core.await_change(self.slot);
        Poll::Pending
    }
}
