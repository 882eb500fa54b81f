//! What is done to a group by hand, and waiting for it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context as Task, Poll, Waker};

use super::group::{Group, now};
use super::record::{Spawn, State, wake};
use super::tell::Outside;
use crate::Exit;
use crate::decide::{Action, ChildId, Order, Refused, SlotId, State as CoreState};
use crate::declare::MAX_REPLICAS;
use crate::sync::{Mutex, MutexExt, MutexGuard};
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

/// What somebody waits for after an order.
pub(crate) struct Ticket {
    pub(crate) group: Arc<Group>,
    pub(crate) slot: SlotId,
    pub(crate) index: u32,
    promise: Arc<Promise>,
}

/// A goal, and whether it has been reached. That is noted when it happens: the place may soon be another's.
pub(super) struct Promise {
    index: u32,
    goal: Goal,
    answer: Mutex<Answer>,
}

enum Answer {
    Awaited(Option<Waker>),
    Known(Option<Done>),
}

/// What is left to do without the lock.
#[derive(Default)]
struct Work {
    outside: Outside,
    spawn: Vec<Spawn>,
    /// That one was added says that it waits.
    has_added: bool,
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
        let tickets = slots.iter().map(|&slot| self.ticket(slot, state.goal(slot, order), &mut state)).collect();
        let steered = state.core.steer(&slots, order, now());
        let mut work = Work::default();
        if steered.is_ok() && state.core.is_recording() {
            slots.iter().for_each(|&slot| work.outside.tell(self, state.event(self, slot, What::Steered(order))));
        }
        self.finish(state, work);
        steered.map(|()| tickets).map_err(NotDone::Refused)
    }

    /// Adds a member to an open group; `put` stores what was added under its index.
    pub(crate) fn admit(self: &Arc<Self>, child: ChildId, put: impl FnOnce(u32)) -> Result<Ticket, NotDone> {
        let spec = self.child(child);
        let mut state = self.lock();
        if let Some(bound) = spec.bound
            && state.core.roster(child).len() >= bound
        {
            return Err(NotDone::Full(bound));
        }
        let index = spec.next_index.fetch_add(1, Ordering::Relaxed);
        put(index);
        let mut work = Work::default();
        let tickets = self.add(&mut state, child, vec![index], &mut work);
        self.finish(state, work);
        Ok(tickets?.remove(0))
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
        let mut tickets = Ok(Vec::new());
        // Both, if some of those that are to stay are still on their way out.
        if !missing.is_empty() {
            tickets = self.add(&mut state, child, missing, &mut work);
        }
        if !surplus.is_empty()
            && let Ok(added) = tickets
        {
            tickets = self.discard(&mut state, surplus).map(|surplus| added.into_iter().chain(surplus).collect());
        }
        if tickets.is_ok() {
            self.child(child).scaled.store(count, Ordering::Relaxed);
        }
        self.finish(state, work);
        tickets
    }

    /// Takes a member out of an open group.
    pub(crate) fn remove(self: &Arc<Self>, child: ChildId, index: u32) -> Result<Ticket, NotDone> {
        let mut state = self.lock();
        let slot = state.core.roster(child).get(index).ok_or(NotDone::NotThere)?;
        let tickets = self.discard(&mut state, vec![slot]);
        self.finish(state, Work::default());
        Ok(tickets?.remove(0))
    }

    fn add(
        self: &Arc<Self>,
        state: &mut State,
        child: ChildId,
        indices: Vec<u32>,
        work: &mut Work,
    ) -> Result<Vec<Ticket>, NotDone> {
        let mut actions = Vec::<Action>::new();
        let now = now();
        let added = state.core.admit(child, indices.into_iter(), now, &mut actions).map_err(NotDone::Refused)?;
        state.grow();
        if state.core.is_recording() {
            work.has_added |= !added.is_empty();
            added.iter().for_each(|&slot| work.outside.tell(self, state.added(self, slot)));
        }
        let tickets = added.iter().map(|&slot| self.ticket(slot, state.goal(slot, Order::Restart), state)).collect();
        state.carry_out(actions, now, self, &mut work.spawn, &mut work.outside);
        Ok(tickets)
    }

    fn discard(self: &Arc<Self>, state: &mut State, slots: Vec<SlotId>) -> Result<Vec<Ticket>, NotDone> {
        let tickets = slots.iter().map(|&slot| self.ticket(slot, state.goal(slot, Order::Stop), state)).collect();
        state.core.discard(&slots, now()).map_err(NotDone::Refused)?;
        Ok(tickets)
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

    /// Before the order is given.
    fn ticket(self: &Arc<Self>, slot: SlotId, goal: Goal, state: &mut State) -> Ticket {
        let index = state.core.place(slot).1;
        let promise = Arc::new(Promise { index, goal, answer: Mutex::new(Answer::Awaited(None)) });
        let promises = state.promises.entry(slot).or_default();
        promises.retain(|promise| promise.strong_count() > 0);
        promises.push(Arc::downgrade(&promise));
        state.core.await_change(slot);
        Ticket { group: Arc::clone(self), slot, index, promise }
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

impl State {
    /// The state of `slot`, for which somebody waits, has changed.
    pub(super) fn keep_promises(&mut self, slot: SlotId, wakers: &mut Vec<Waker>) {
        let Some(mut promises) = self.promises.remove(&slot) else { return };
        promises.retain(|promise| promise.upgrade().is_some_and(|promise| !self.keeps(slot, &promise, wakers)));
        if promises.is_empty() {
            self.core.forget_waiters(slot);
        } else {
            self.promises.insert(slot, promises);
        }
    }

    /// Whether that is known now; then who waits for it is woken.
    fn keeps(&self, slot: SlotId, promise: &Promise, wakers: &mut Vec<Waker>) -> bool {
        let Some(done) = self.look_at(slot, promise) else { return false };
        let before = std::mem::replace(&mut *promise.answer.hold(), Answer::Known(Some(done)));
        if let Answer::Awaited(waker) = before {
            wakers.extend(waker);
        }
        true
    }

    /// Whether the goal has been reached, or never will be.
    fn look_at(&self, id: SlotId, &Promise { index, goal, .. }: &Promise) -> Option<Done> {
        let slot = self.core.slot(id);
        let record = &self.records[id as usize];
        let is_here = slot.index == index && !slot.removed;
        match goal {
            Goal::Started(goal) if slot.index == index && record.last_started >= goal => Some(Done::AsAsked),
            Goal::Over(goal) if !is_here || !slot.is_live() || record.incarnation != goal => Some(Done::AsAsked),
            _ if slot.state == CoreState::Stuck => Some(Done::Stuck),
            Goal::Started(goal) => match slot.state {
                CoreState::Down(_) if slot.index == index && record.incarnation >= goal => {
                    Some(match &record.last_exit {
                        Some(exit) if exit.asked => Done::Overtaken,
                        exit => Done::NotStarted(exit.clone()),
                    })
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
        let known = {
            let state = self.group.state.hold();
            let mut answer = self.promise.answer.hold();
            match &mut *answer {
                Answer::Known(done) => done.take(),
                Answer::Awaited(waker) => {
                    let done = state.look_at(self.slot, &self.promise);
                    if done.is_none() {
                        waker.replace(task.waker().clone());
                    }
                    done
                }
            }
        };
        known.map_or(Poll::Pending, Poll::Ready)
    }
}
