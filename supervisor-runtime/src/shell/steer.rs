//! What is done to a group by hand, and waiting for it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context as Task, Poll, Waker};

use super::cells::Cells;
use super::group::{Group, now};
use super::record::{Spawn, State, wake};
use super::tell::Outside;
use crate::Exit;
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

/// What somebody waits for after an order; dropped, it is no longer waited for.
pub(crate) struct Ticket {
    pub(crate) group: Arc<Group>,
    child: ChildId,
    pub(crate) slot: SlotId,
    pub(crate) index: u32,
    /// Tells it from other tickets for the same slot.
    number: u64,
    is_answered: bool,
}

/// What the tickets of a group are for, by slot and number.
///
/// Invariant: a promise is there until its ticket has been given the answer or is dropped, and while one is awaited, its slot is
/// observed.
#[derive(Default)]
pub(super) struct Promises {
    all: BTreeMap<(SlotId, u64), Promise>,
    last: u64,
}

/// A goal, and whether it has been reached. That is noted when it happens: the place may soon be another's.
struct Promise {
    index: u32,
    goal: Goal,
    answer: Answer,
}

enum Answer {
    Awaited(Option<Waker>),
    Known(Done),
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
        Status { facts: state.facts(slot, self.cells()), at: now() }
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
        let goals = state.goals(&slots, order, self.cells());
        state.core.steer(&slots, order, now()).map_err(NotDone::Refused)?;
        let mut work = Work::default();
        if state.core.is_recording() {
            slots.iter().for_each(|&slot| work.outside.tell(self, state.event(self, slot, What::Steered(order))));
        }
        let tickets = goals.into_iter().map(|goal| self.ticket(goal, &mut state)).collect();
        self.finish(state, work);
        Ok(tickets)
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
        let goals = self.add(&mut state, child, std::iter::once(index), &mut work)?;
        let ticket = self.ticket(goals[0], &mut state);
        self.finish(state, work);
        Ok(ticket)
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
        let mut goals = Vec::new();
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
        let goal = (slot, state.goal(slot, Order::Stop, self.cells()));
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
    ) -> Result<Vec<(SlotId, Goal)>, NotDone> {
        let mut actions = std::mem::take(&mut state.actions);
        let now = now();
        let added = state.core.admit(child, indices, now, &mut actions).map_err(NotDone::Refused)?;
        state.grow();
        if state.core.is_recording() {
            work.has_added |= !added.is_empty();
            added.iter().for_each(|&slot| work.outside.tell(self, state.added(self, slot)));
        }
        let goals = state.goals(&added, Order::Restart, self.cells());
        state.carry_out(actions, self, &mut work.spawn, &mut work.outside);
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
        let (child, index) = state.core.place(slot);
        let number = state.promise(slot, index, goal, self.cells());
        Ticket { group: Arc::clone(self), child, slot, index, number, is_answered: false }
    }
}

impl State {
    /// What an order is to bring about, told before it is given.
    fn goal(&self, slot: SlotId, order: Order, cells: &Cells) -> Goal {
        let incarnation = cells.get(slot).incarnation();
        match order {
            Order::Stop => Goal::Over(incarnation),
            Order::Start if self.core.is_up(slot) && self.core.slot(slot).is_fresh() => Goal::Started(incarnation),
            Order::Start | Order::Restart => Goal::Started(incarnation + 1),
        }
    }

    fn goals(&self, slots: &[SlotId], order: Order, cells: &Cells) -> Vec<(SlotId, Goal)> {
        slots.iter().map(|&slot| (slot, self.goal(slot, order, cells))).collect()
    }

    /// Promises to note when the goal has been reached; the number of that promise.
    fn promise(&mut self, slot: SlotId, index: u32, goal: Goal, cells: &Cells) -> u64 {
        let answer = match self.look_at(slot, index, goal, cells) {
            Some(done) => Answer::Known(done),
            None => {
                self.core.await_change(slot);
                Answer::Awaited(None)
            }
        };
        self.promises.last += 1;
        self.promises.all.insert((slot, self.promises.last), Promise { index, goal, answer });
        self.promises.last
    }

    /// The state of `slot`, for which somebody waits, has changed; who waited for this is woken.
    pub(super) fn keep_promises(&mut self, slot: SlotId, cells: &Cells, outside: &mut Outside) {
        let mut promises = std::mem::take(&mut self.promises.all);
        let mut waits = false;
        for (_, promise) in promises.range_mut((slot, 0)..=(slot, u64::MAX)) {
            let Answer::Awaited(waker) = &mut promise.answer else { continue };
            match self.look_at(slot, promise.index, promise.goal, cells) {
                Some(done) => {
                    outside.wake(waker.take());
                    promise.answer = Answer::Known(done);
                }
                None => waits = true,
            }
        }
        self.promises.all = promises;
        if !waits {
            self.core.forget_waiters(slot);
        }
    }

    /// Whether the goal has been reached, or never will be.
    fn look_at(&self, id: SlotId, index: u32, goal: Goal, cells: &Cells) -> Option<Done> {
        let (slot, cell) = (self.core.slot(id), cells.get(id));
        let incarnation = cell.incarnation();
        let is_here = slot.index == index && !slot.removed;
        match goal {
            Goal::Started(goal) if slot.index == index && incarnation >= goal && cell.has_started() => {
                Some(Done::AsAsked)
            }
            Goal::Over(goal) if !is_here || !slot.is_live() || incarnation != goal => Some(Done::AsAsked),
            _ if slot.state == CoreState::Stuck => Some(Done::Stuck),
            Goal::Started(goal) => match slot.state {
                CoreState::Down(_) if slot.index == index && incarnation >= goal => {
                    Some(match self.last_exit(id, cells) {
                        Some(exit) if exit.asked => Done::Overtaken,
                        exit => Done::NotStarted(exit),
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

impl Ticket {
    /// Of what it is for.
    pub(crate) fn path(&self) -> String {
        self.group.names().path_of(self.child, self.index)
    }
}

impl Future for Ticket {
    type Output = Done;

    fn poll(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Done> {
        let key = (self.slot, self.number);
        let answer = {
            let mut state = self.group.state.hold();
            match state.promises.all.entry(key) {
                // It has been given its answer.
                Entry::Vacant(_) => return Poll::Pending,
                Entry::Occupied(mut promise) => match &mut promise.get_mut().answer {
                    Answer::Awaited(waker) => Answer::Awaited(waker.replace(task.waker().clone())),
                    Answer::Known(_) => promise.remove().answer,
                },
            }
        };
        match answer {
            Answer::Awaited(_before) => Poll::Pending,
            Answer::Known(done) => {
                self.is_answered = true;
                Poll::Ready(done)
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.is_answered {
            let mut state = self.group.state.hold();
            let promise = state.promises.all.remove(&(self.slot, self.number));
            drop(state);
            drop(promise);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context as Task, Waker};
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::{Child, Children, Context, Running, Service, ServiceResult, Supervisor};

    struct Slow;

    impl Service for Slow {
        async fn start(&mut self, cx: &Context) -> ServiceResult {
            cx.stopping().await;
            Ok(())
        }

        async fn run(&mut self, _cx: &Context) -> ServiceResult {
            Ok(())
        }
    }

    async fn tree() -> (Running, Children<Slow>) {
        let tree = Supervisor::one_for_one("tree").child(Child::<Slow>::open("slow", ..));
        let running = tree.start().await.expect("it starts");
        let slow = running.children("slow").expect("it is declared");
        (running, slow)
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_waits_for_any_more_is_not_kept() {
        let (running, slow) = tree().await;
        let group = running.handle().anchor().and_then(|anchor| anchor.inner(0)).expect("it runs");
        let promises = || group.state.hold().promises.all.len();
        let mut adding: Vec<_> = (0..3).map(|_| Box::pin(slow.add(Slow))).collect();
        for future in &mut adding {
            assert!(future.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_pending());
        }
        assert_eq!(promises(), 3);
        drop(adding);
        assert_eq!(promises(), 0);
        // And what has been answered has been taken away.
        assert!(slow.discard(0).await.is_ok());
        assert_eq!(promises(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_start_is_told_when_the_tree_is_dropped() {
        let (running, slow) = tree().await;
        let adding = tokio::spawn(async move { slow.add(Slow).await.map_err(|rejected| rejected.to_string()) });
        tokio::task::yield_now().await;
        drop(running);
        let answer = timeout(Duration::from_secs(60), adding).await.map(Result::ok);
        assert!(matches!(answer, Ok(Some(Err(_)))), "{answer:?}");
    }
}
