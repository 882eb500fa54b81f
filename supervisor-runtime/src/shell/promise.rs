//! What was promised to those who have given an order by hand, and wait for what comes of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll, Waker};

use rustc_hash::FxHashMap;
use slab::Slab;
use smallvec::SmallVec;

use super::cell::{Cell, fingerprint, is_from};
use super::group::Group;
use super::record::State;
use super::tell::Outside;
use crate::Exit;
use crate::decide::{ChildId, SlotId, State as CoreState};
use crate::sync::MutexExt;

/// What somebody waits for after an order; dropped, it is no longer waited for.
pub(crate) struct Ticket {
    pub(crate) group: Arc<Group>,
    promised: Promised,
    is_answered: bool,
}

/// What a group has promised of one of its children.
#[must_use = "only a ticket gives it back: make it one at once"]
pub(crate) struct Promised {
    child: ChildId,
    slot: SlotId,
    index: u32,
    number: PromiseId,
    /// Tells the waker that it has been given already, if any. Whoever gave it polls the ticket in the same poll.
    known: Option<usize>,
}

/// What the tickets of a group are for.
///
/// Invariant: a promise is there until its ticket has been given the answer or is dropped (or for good, if code of others panics
/// before there is a ticket: a subscriber of the log, say); it is among those that are awaited
/// until its goal has been reached, and while there are any of a slot, that is observed.
#[derive(Default)]
pub(super) struct Promises {
    all: Slab<Promise>,
    awaited: FxHashMap<SlotId, Awaited>,
    /// Nothing that is promised will be kept: what runs here is dropped with its runtime.
    are_broken: bool,
}

/// The number of a promise, which may be given again once its ticket is gone.
pub(super) type PromiseId = usize;

/// Mostly one.
type Awaited = SmallVec<[PromiseId; 1]>;

/// A goal, and whether it has been reached. That is noted when it happens: the place may soon be another's.
struct Promise {
    index: u32,
    goal: Goal,
    waker: Option<Waker>,
    answer: Option<Done>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// The `start` of this incarnation, or a later one, has succeeded, before it was asked to stop.
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

impl State {
    /// Promises to note when the goal has been reached, and to wake by `waker`, if it is given already.
    pub(super) fn promise(&mut self, slot: SlotId, goal: Goal, cell: &Cell, waker: Option<Waker>) -> Promised {
        let (child, index) = self.core.place(slot);
        let broken = self.promises.are_broken.then_some(Done::Overtaken);
        let answer = self.look_at(slot, index, goal, cell).or(broken);
        let is_awaited = answer.is_none();
        let known = waker.as_ref().filter(|_| is_awaited).map(fingerprint);
        let number = self.promises.all.insert(Promise { index, goal, waker, answer });
        if is_awaited {
            self.promises.awaited.entry(slot).or_default().push(number);
            self.core.await_change(slot);
        }
        Promised { child, slot, index, number, known }
    }

    /// The state of `slot`, for which somebody waits, has changed; who waited for this is woken.
    pub(super) fn keep_promises(&mut self, slot: SlotId, cell: &Cell, outside: &mut Outside) {
        let Some(mut awaited) = self.promises.awaited.remove(&slot) else { return };
        awaited.retain(|&mut number| {
            let Promise { index, goal, .. } = self.promises.all[number];
            let Some(done) = self.look_at(slot, index, goal, cell) else { return true };
            let promise = &mut self.promises.all[number];
            promise.answer = Some(done);
            outside.wake(promise.waker.take());
            false
        });
        self.go_on_awaiting(slot, awaited);
    }

    /// Nothing that was promised, or will be, is kept any more.
    pub(super) fn break_promises(&mut self, outside: &mut Outside) {
        self.promises.are_broken = true;
        for (slot, awaited) in std::mem::take(&mut self.promises.awaited) {
            self.core.forget_waiters(slot);
            for number in awaited {
                let promise = &mut self.promises.all[number];
                promise.answer = Some(Done::Overtaken);
                outside.wake(promise.waker.take());
            }
        }
    }

    fn go_on_awaiting(&mut self, slot: SlotId, awaited: Awaited) {
        if awaited.is_empty() {
            self.core.forget_waiters(slot);
        } else {
            self.promises.awaited.insert(slot, awaited);
        }
    }

    /// Nobody waits for it any more.
    fn forget_promise(&mut self, slot: SlotId, number: PromiseId) -> Option<Promise> {
        let promise = self.promises.all.try_remove(number)?;
        if promise.answer.is_none()
            && let Some(mut awaited) = self.promises.awaited.remove(&slot)
        {
            awaited.retain(|&mut other| other != number);
            self.go_on_awaiting(slot, awaited);
        }
        self.promises.shrink();
        Some(promise)
    }

    /// Whether the goal has been reached, or never will be.
    fn look_at(&self, id: SlotId, index: u32, goal: Goal, cell: &Cell) -> Option<Done> {
        let slot = self.core.slot(id);
        let incarnation = cell.incarnation();
        let is_here = slot.index == index && !slot.removed;
        match goal {
            Goal::Started(goal) if slot.index == index && is_from(incarnation, goal) && cell.has_started() => {
                Some(Done::AsAsked)
            }
            _ if slot.state == CoreState::Stuck => Some(Done::Stuck),
            Goal::Over(goal) if !is_here || !slot.is_live() || incarnation != goal => Some(Done::AsAsked),
            Goal::Started(goal) => match slot.state {
                CoreState::Down(_) if slot.index == index && is_from(incarnation, goal) => {
                    Some(match self.last_exit(id, cell) {
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

impl Promises {
    /// There may have been many, by an order for all replicas of a child.
    fn shrink(&mut self) {
        const FEW: usize = 64;
        if self.all.is_empty() && self.all.capacity() > FEW {
            *self = Self { are_broken: self.are_broken, ..Self::default() };
        }
    }
}

impl Ticket {
    /// For what `group` has promised.
    pub(crate) fn new(group: Arc<Group>, promised: Promised) -> Self {
        Self { group, promised, is_answered: false }
    }

    pub(crate) fn slot(&self) -> SlotId {
        self.promised.slot
    }

    pub(crate) fn index(&self) -> u32 {
        self.promised.index
    }

    /// Of what it is for.
    pub(crate) fn path(&self) -> String {
        self.group.names().path_of(self.promised.child, self.promised.index)
    }
}

impl Future for Ticket {
    type Output = Done;

    fn poll(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Done> {
        if self.is_answered {
            return Poll::Pending;
        }
        // Its waker is there already: if the answer has come meanwhile, it has been woken.
        if self.promised.known.take() == Some(fingerprint(task.waker())) {
            return Poll::Pending;
        }
        let Promised { slot, number, .. } = self.promised;
        let mut state = self.group.state.hold();
        let promise = &mut state.promises.all[number];
        if promise.answer.is_none() {
            let before = promise.waker.replace(task.waker().clone());
            drop(state);
            drop(before);
            return Poll::Pending;
        }
        let promise = state.forget_promise(slot, number);
        drop(state);
        self.is_answered = true;
        match promise.and_then(|promise| promise.answer) {
            Some(done) => Poll::Ready(done),
            None => Poll::Pending,
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.is_answered {
            let Promised { slot, number, .. } = self.promised;
            let promise = self.group.state.hold().forget_promise(slot, number);
            drop(promise);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context as Task, Wake, Waker};
    use std::time::Duration;

    use tokio::sync::Notify;
    use tokio::time::timeout;

    use super::*;
    use crate::{Child, Children, Context, Running, Service, ServiceResult, State, Supervisor};

    /// Starts when it is told to.
    struct Told(Arc<Notify>);

    impl Service for Told {
        async fn start(&mut self, _cx: &Context) -> ServiceResult {
            self.0.notified().await;
            Ok(())
        }

        async fn run(&mut self, cx: &Context) -> ServiceResult {
            cx.stopping().await;
            Ok(())
        }
    }

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_polled_last_is_woken_by_the_answer() {
        let tree = Supervisor::one_for_one("tree").child(Child::<Told>::open("told", ..));
        let running = tree.start().await.expect("it starts");
        let told = running.children::<Told>("told").expect("it is declared");
        for polls in 1..=3 {
            let starts = Arc::new(Notify::new());
            let mut adding = Box::pin(told.add(Told(Arc::clone(&starts))));
            let tasks: Vec<Arc<Woken>> = (0..polls).map(|_| Arc::default()).collect();
            for task in &tasks {
                let waker = Waker::from(Arc::clone(task));
                assert!(adding.as_mut().poll(&mut Task::from_waker(&waker)).is_pending());
            }
            starts.notify_one();
            let member = told.iter().last().expect("it is being added");
            assert!(member.wait_for(State::Running).await.is_ok());
            let mut expected = vec![0; polls];
            expected[polls - 1] = 1;
            assert_eq!(tasks.iter().map(|task| task.0.load(Ordering::Relaxed)).collect::<Vec<_>>(), expected);
            assert!(adding.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_ready());
        }
        assert!(running.shutdown().await.is_ok());
    }

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
        let group = running.handle().outermost().expect("it runs");
        let promises = || {
            let promises = &group.state.hold().promises;
            (promises.all.len(), promises.awaited.len())
        };
        let mut adding: Vec<_> = (0..3).map(|_| Box::pin(slow.add(Slow))).collect();
        for future in &mut adding {
            assert!(future.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_pending());
        }
        assert_eq!(promises(), (3, 3));
        drop(adding);
        assert_eq!(promises(), (0, 0));
        // And what has been answered has been taken away.
        assert!(slow.discard(0).await.is_ok());
        assert_eq!(promises(), (0, 0));
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
