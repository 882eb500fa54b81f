//! What a service knows of its place in the tree, and what it can ask for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::MissedTickBehavior;

use crate::decide::{ChildId, SlotId};
use crate::declare::ChildSpec;
use crate::handle::TreeHandle;
use crate::shell::{Cell, Group, Owner};
use crate::{BoxError, Exit, GroupRef, ServiceResult, SteerError};

/// A service's view of its own incarnation: whether it is to stop, who it is, how the one before ended.
///
/// Cheap to clone, and may be moved into tasks. What is left of it after the incarnation has ended says
/// "stopping" for good.
#[derive(Clone)]
pub struct Context {
    group: Arc<Group>,
    slot: SlotId,
    child: ChildId,
    index: u32,
    incarnation: u32,
}

impl Context {
    pub(crate) fn new(group: Arc<Group>, slot: SlotId, child: ChildId, index: u32, incarnation: u32) -> Self {
        Self { group, slot, child, index, incarnation }
    }

    /// Whether this incarnation has been asked to stop, or its `run` has ended by itself: in
    /// [`stop`](crate::Service::stop), it always is.
    #[inline]
    pub fn is_stopping(&self) -> bool {
        self.cell().is_over(self.index, self.incarnation)
    }

    /// Waits until this incarnation is asked to stop, or its `run` has ended by itself.
    ///
    /// The future is `'static`: it can be kept and moved. Cancel safe.
    ///
    /// ```
    /// # use supervisor_runtime::{Context, Service, ServiceResult};
    /// # struct Worker { inbox: tokio::sync::mpsc::Receiver<u32> }
    /// impl Service for Worker {
    ///     async fn run(&mut self, cx: &Context) -> ServiceResult {
    ///         loop {
    ///             tokio::select! {
    ///                 _ = cx.stopping() => return Ok(()),
    ///                 Some(job) = self.inbox.recv() => println!("job {job}"),
    ///             }
    ///         }
    ///     }
    /// }
    /// ```
    pub fn stopping(&self) -> Stopping {
        Stopping { cx: self.clone(), listener: None }
    }

    /// Waits for `future`, but no longer than until stopping begins: then the answer is `None`, and the
    /// future is dropped.
    ///
    /// ```
    /// # use supervisor_runtime::{Context, Service, ServiceResult};
    /// # struct Worker { inbox: tokio::sync::mpsc::Receiver<u32> }
    /// impl Service for Worker {
    ///     async fn run(&mut self, cx: &Context) -> ServiceResult {
    ///         while let Some(Some(job)) = cx.until_stopped(self.inbox.recv()).await {
    ///             println!("job {job}"); // a job that was taken is finished before the next look
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// ```
    pub async fn until_stopped<F: Future>(&self, future: F) -> Option<F::Output> {
        UntilStopped { future, stopping: self.stopping() }.await
    }

    /// Sleeps; `None` if stopping began before.
    pub async fn sleep(&self, duration: Duration) -> Option<()> {
        self.until_stopped(tokio::time::sleep(duration)).await
    }

    /// A tick now and after each `period`, until stopping begins.
    ///
    /// A tick that was missed because the service was busy is skipped, not made up for.
    ///
    /// # Panics
    ///
    /// If `period` is zero.
    pub fn interval(&self, period: Duration) -> Interval {
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Interval { cx: self.clone(), ticks }
    }

    /// The replica's index, which is its own for life; 0 for a child that is not replicated.
    #[inline]
    pub fn index(&self) -> usize {
        self.index as usize
    }

    /// Where the service stands in the tree: `orders/pool/worker[2]`.
    pub fn path(&self) -> String {
        self.group.names().path_of(self.child, self.index)
    }

    /// The number of this incarnation in its place, from 1. A restart of the supervisor itself begins anew.
    #[inline]
    pub fn incarnation(&self) -> u32 {
        self.incarnation
    }

    /// How the incarnation before this one ended; `None` for the first.
    pub fn last_exit(&self) -> Option<Arc<Exit>> {
        self.group.last_exit(self.slot)
    }

    /// Says that the service is alive, for its `heartbeat` option; without that option it does nothing.
    pub fn heartbeat(&self) {
        // What is left of an earlier incarnation must not keep this one alive.
        if self.child().options.heartbeat.is_some() && self.cell().is_of(self.index, self.incarnation) {
            self.group.note_beat(self.slot);
        }
    }

    /// Says that the service is not ready, and why, until it calls [`ready`](Self::ready): it has started and runs, but what
    /// asks for its readiness ([`wait_ready`](crate::TreeHandle::wait_ready), [snapshots](crate::Snapshot)) is told.
    ///
    /// A service is ready when its `start` has succeeded, unless it says this, which it may do in `start`. Each incarnation
    /// begins anew. It changes nothing for supervision.
    ///
    /// ```
    /// # use supervisor_runtime::{Context, Service, ServiceResult};
    /// # struct Cache;
    /// # impl Cache { async fn warm(&mut self) {} }
    /// impl Service for Cache {
    ///     async fn run(&mut self, cx: &Context) -> ServiceResult {
    ///         cx.not_ready("warming up");
    ///         self.warm().await;
    ///         cx.ready();
    ///         cx.stopping().await;
    ///         Ok(())
    ///     }
    /// }
    /// ```
    pub fn not_ready(&self, reason: impl Into<String>) {
        self.group.note_ready(self, Some(reason.into().into()));
    }

    /// Takes back what [`not_ready`](Self::not_ready) said.
    pub fn ready(&self) {
        self.group.note_ready(self, None);
    }

    /// Spawns a task that belongs to this incarnation.
    ///
    /// Its failure, an `Err` or a panic, fails the service: `run` is dropped, `stop` is called with the task's
    /// error. Once the service was asked to stop, or is in its `stop`, a task's failure is logged and cuts nothing off. It never
    /// outlives the incarnation: [`stopping`](Self::stopping) resolves for it when `run` has
    /// ended, and it is dropped when `stop` has; what it must finish, `stop` waits for. After the end of the
    /// incarnation nothing is spawned any more.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use supervisor_runtime::{Context, Service, ServiceResult};
    /// # struct Gateway;
    /// impl Service for Gateway {
    ///     async fn run(&mut self, cx: &Context) -> ServiceResult {
    ///         cx.spawn("refresh", |cx| async move {
    ///             while cx.sleep(Duration::from_secs(60)).await.is_some() {
    ///                 println!("refreshing the routes");
    ///             }
    ///             Ok(())
    ///         });
    ///         cx.stopping().await;
    ///         Ok(())
    ///     }
    /// }
    /// ```
    pub fn spawn<F, Fut>(&self, name: impl Into<String>, task: F)
    where
        F: FnOnce(Context) -> Fut,
        Fut: Future<Output = ServiceResult> + Send + 'static,
    {
        if let Some(tasks) = self.group.make_tasks(self) {
            tasks.spawn(name.into(), task(self.clone()), self.group.tree().runtime());
            self.group.wake_task(self);
        }
    }

    /// The nearest supervisor above that has a name: to look up siblings, wherever the tree that they are declared in stands.
    /// As with [`tree`](Self::tree), what waits there ends when this service is asked to stop.
    ///
    /// ```
    /// # use supervisor_runtime::{Child, Context, Service, ServiceResult, Supervisor};
    /// # struct Conn;
    /// # impl Service for Conn { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
    /// struct Listener;
    ///
    /// impl Service for Listener {
    ///     async fn run(&mut self, cx: &Context) -> ServiceResult {
    ///         let conns = cx.supervisor()?.children::<Conn>("conn")?;
    ///         conns.add(Conn).await?;
    ///         cx.stopping().await;
    ///         Ok(())
    ///     }
    /// }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), supervisor_runtime::TreeError> {
    /// # let server = || Supervisor::one_for_one("server")
    /// #     .child(Child::<Conn>::open("conn", ..))
    /// #     .child(Child::new("listener", || Listener));
    /// # let running = Supervisor::one_for_one("embedded").child(server()).start().await?;
    /// # tokio::task::yield_now().await;
    /// # assert_eq!(running.children::<Conn>("server/conn")?.len(), 1);
    /// # running.shutdown().await?;
    /// # let running = server().start().await?;
    /// # tokio::task::yield_now().await;
    /// # assert_eq!(running.children::<Conn>("conn")?.len(), 1);
    /// # running.shutdown().await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SteerError::Ended`](crate::SteerError::Ended) once the tree has ended.
    pub fn supervisor(&self) -> Result<GroupRef, SteerError> {
        self.tree().nearest(&self.group.names().prefix)
    }

    /// The tree that the service is part of, the outermost one: to look at it, to steer it, to shut it down from inside.
    ///
    /// What waits there ends with [`SteerError::Stopping`](crate::SteerError::Stopping) when this service is asked to stop, as it
    /// is by steering that concerns it; what was asked for goes on. In `start`, waiting for itself, or for something that
    /// starts after it, is an [error](crate::SteerError::WaitsForItself). Two that start together and wait for each other do
    /// so until somebody stops them, or a [`start_timeout`](crate::Child::start_timeout).
    ///
    /// ```
    /// # use supervisor_runtime::{Context, Service, ServiceResult};
    /// # struct Console;
    /// impl Service for Console {
    ///     async fn run(&mut self, cx: &Context) -> ServiceResult {
    ///         cx.tree().shutdown(); // asks, and does not wait: this service is part of it
    ///         cx.stopping().await;
    ///         Ok(())
    ///     }
    /// }
    /// ```
    pub fn tree(&self) -> TreeHandle {
        TreeHandle::new(Arc::clone(self.group.tree()), Some(self.clone()))
    }

    #[inline]
    pub(crate) fn group(&self) -> &Arc<Group> {
        &self.group
    }

    /// What is declared of it.
    #[inline]
    pub(crate) fn child(&self) -> &ChildSpec {
        self.group.child(self.child)
    }

    /// Whether its restarts may be delayed, so that how long it ran counts.
    pub(crate) fn has_backoff(&self) -> bool {
        self.group.spec().backoff_of(self.child()).is_some()
    }

    /// Its index, for its cell.
    #[inline]
    pub(crate) fn member(&self) -> u32 {
        self.index
    }

    /// Whose it is what this incarnation offers and leaves.
    #[inline]
    pub(crate) fn owner(&self) -> Owner {
        self.owner_in(self.cell().stay())
    }

    /// The same, of which stay it is when that may be over.
    pub(crate) fn owner_in(&self, stay: u16) -> Owner {
        Owner::new(self.group.names().id, self.slot, stay, self.incarnation)
    }

    #[inline]
    pub(crate) fn slot(&self) -> SlotId {
        self.slot
    }

    #[inline]
    pub(crate) fn cell(&self) -> &Cell {
        self.group.cell(self.slot)
    }

    #[inline]
    pub(crate) fn set_incarnation(&mut self, incarnation: u32) {
        self.incarnation = incarnation;
    }

    /// The failure of a task of this incarnation, once there is one.
    pub(crate) fn poll_tasks(&self, task: &mut Task<'_>) -> Poll<BoxError> {
        self.group.tasks_of(self).map_or(Poll::Pending, |tasks| tasks.poll_failed(task))
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("path", &self.path()).field("incarnation", &self.incarnation).finish()
    }
}

/// The future of [`Context::stopping`].
#[must_use = "futures do nothing unless awaited"]
pub struct Stopping {
    cx: Context,
    /// The waker that was registered, where it is not the one of the child's own task.
    listener: Option<Waker>,
}

impl Future for Stopping {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<()> {
        let (cx, cell) = (&self.cx, self.cx.cell());
        if cell.is_over(cx.index, cx.incarnation) {
            return Poll::Ready(());
        }
        let waker = task.waker();
        // The child's own task is woken by every command and looks at the cell before it is pending.
        let known = self.listener.as_ref().is_some_and(|listener| listener.will_wake(waker));
        if known || cell.is_own_waker(waker) {
            return Poll::Pending;
        }
        self.forget();
        if self.cx.group.listen(&self.cx, waker) {
            return Poll::Ready(());
        }
        self.listener = Some(waker.clone());
        Poll::Pending
    }
}

impl Stopping {
    fn forget(&mut self) {
        if let Some(listener) = self.listener.take() {
            self.cx.group.unlisten(&self.cx, &listener);
        }
    }
}

impl Drop for Stopping {
    fn drop(&mut self) {
        self.forget();
    }
}

impl fmt::Debug for Stopping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stopping").finish_non_exhaustive()
    }
}

pin_project! {
    /// A future, or the beginning of stopping.
    struct UntilStopped<F> {
        #[pin]
        future: F,
        #[pin]
        stopping: Stopping,
    }
}

impl<F: Future> Future for UntilStopped<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.stopping.poll(task).is_ready() {
            return Poll::Ready(None);
        }
        this.future.poll(task).map(Some)
    }
}

/// Ticks until stopping begins; see [`Context::interval`].
#[derive(Debug)]
pub struct Interval {
    cx: Context,
    ticks: tokio::time::Interval,
}

impl Interval {
    /// Waits for the next tick; `None` once stopping has begun. Cancel safe.
    pub async fn tick(&mut self) -> Option<()> {
        self.cx.until_stopped(self.ticks.tick()).await.map(drop)
    }
}
