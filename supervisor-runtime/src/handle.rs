//! Holding a running tree without owning it.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use crate::decide::{ChildId, SlotId};
use crate::reference::{ChildRef, Children, Counts, GroupRef, Replicas, Route};
use crate::shell::Group;
use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Mutex, MutexExt};
use crate::tree::TreeShared;
use crate::view::{Events, Snapshot, Status};
use crate::{Context, SteerError};

/// Looks at a running tree and steers it, without owning it: it does not keep the tree alive.
///
/// Cheap to clone. The tree's owner gives one ([`Running::handle`](crate::Running::handle)), and a service's context gives one
/// from inside ([`Context::tree`]): then what waits ends with [`SteerError::Stopping`] when that service is asked to stop.
#[derive(Clone)]
pub struct TreeHandle {
    tree: Arc<TreeShared>,
    /// Who asks, from inside the tree.
    caller: Option<Context>,
}

impl TreeHandle {
    pub(crate) fn new(tree: Arc<TreeShared>, caller: Option<Context>) -> Self {
        Self { tree, caller }
    }

    /// The name of the tree.
    pub fn name(&self) -> &str {
        self.tree.name()
    }

    /// Asks the tree to stop gracefully, and does not wait: a service that asks is stopped, too.
    ///
    /// Asking a tree that is stopping or has ended changes nothing.
    pub fn shutdown(&self) {
        if let Some(anchor) = self.anchor() {
            anchor.ask(0);
        }
    }

    /// The child at a path below the outermost supervisor: `"db"`, `"pool/tick"`, `"worker[2]"`. Groups without a name do
    /// not count. `S` is its service's type, or [`Untyped`](crate::Untyped).
    ///
    /// ```
    /// # use supervisor_runtime::{Child, Context, Service, ServiceResult, State, Supervisor, Untyped};
    /// # struct Db;
    /// # struct Worker(usize);
    /// # impl Service for Db { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
    /// # impl Service for Worker { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), supervisor_runtime::TreeError> {
    /// let running = Supervisor::one_for_all("orders")
    ///     .child(Child::new("db", || Db))
    ///     .child(Supervisor::one_for_one("pool").child(Child::replicated("worker", 4, Worker)))
    ///     .start()
    ///     .await?;
    /// let db = running.child::<Db>("db")?;
    /// assert_eq!(db.status()?.state(), State::Running);
    /// let worker = running.child::<Untyped>("pool/worker[2]")?;
    /// worker.restart().await?;
    /// assert_eq!(worker.status()?.incarnation(), 2);
    ///
    /// let error = running.child::<Db>("bd").unwrap_err();
    /// assert_eq!(error.to_string(), "there is no `orders/bd`; there is `db`, `pool`");
    /// running.shutdown().await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SteerError::Unknown`], with the names that there are; [`Mismatch`](SteerError::Mismatch) if it is of another type
    /// or kind; [`Ended`](SteerError::Ended). Inside an embedded tree, which is made when it starts, also
    /// [`NotRunning`](SteerError::NotRunning).
    pub fn child<S: 'static>(&self, path: &str) -> Result<ChildRef<S>, SteerError> {
        self.root().child(path)
    }

    /// The replicas at a path; see [`child`](Self::child).
    ///
    /// # Errors
    ///
    /// As [`child`](Self::child).
    pub fn replicas<S: 'static>(&self, path: &str) -> Result<Replicas<S>, SteerError> {
        self.root().replicas(path)
    }

    /// The open group at a path; see [`child`](Self::child).
    ///
    /// # Errors
    ///
    /// As [`child`](Self::child).
    pub fn children<S: 'static>(&self, path: &str) -> Result<Children<S>, SteerError> {
        self.root().children(path)
    }

    /// The supervisor at a path; see [`child`](Self::child).
    ///
    /// # Errors
    ///
    /// As [`child`](Self::child).
    pub fn group(&self, path: &str) -> Result<GroupRef, SteerError> {
        self.root().group(path)
    }

    /// Every child, replica and member that stands directly in the outermost supervisor; OTP's `which_children`.
    ///
    /// # Errors
    ///
    /// [`SteerError::Ended`].
    pub fn which_children(&self) -> Result<Vec<(String, Status)>, SteerError> {
        self.root().which_children()
    }

    /// How many children the outermost supervisor has; OTP's `count_children`.
    ///
    /// # Errors
    ///
    /// [`SteerError::Ended`].
    pub fn count_children(&self) -> Result<Counts, SteerError> {
        self.root().count_children()
    }

    /// Waits until everything in the tree is ready that has to be; members of open groups come and go and do not have to.
    ///
    /// # Errors
    ///
    /// [`SteerError::Never`] if something will not be ready by itself: it is stopped by hand, forfeited, or stuck.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn wait_ready(&self) -> Result<(), SteerError> {
        self.root().wait_ready().await
    }

    /// Everything that happens from now on, numbered, as a stream.
    pub fn events(&self) -> Events {
        Events::of(self.tree.events())
    }

    /// The whole tree at one instant.
    ///
    /// It takes about as long as copying it, and keeps nothing waiting: each group is looked at for itself, and what happened
    /// in between is made up for from the events.
    ///
    /// # Errors
    ///
    /// [`SteerError::Ended`] once the tree has ended and its owner is gone.
    pub fn snapshot(&self) -> Result<Snapshot, SteerError> {
        Snapshot::take(&self.tree).ok_or(SteerError::Ended)
    }

    /// The supervisor of a whole path.
    pub(crate) fn nearest(&self, path: &str) -> Result<GroupRef, SteerError> {
        match path.strip_prefix(self.name()).and_then(|below| below.strip_prefix('/')) {
            Some(below) => self.root().group(below),
            None => Ok(self.root().into_group()),
        }
    }

    fn root(&self) -> Route {
        Route::root(self.clone())
    }

    pub(crate) fn anchor(&self) -> Option<Arc<Group>> {
        self.tree.anchor()
    }

    pub(crate) fn outermost(&self) -> Option<Arc<Group>> {
        self.tree.outermost()
    }

    /// Whether the tree was asked to stop, or has ended.
    pub(crate) fn is_stopping(&self) -> bool {
        self.anchor().is_none_or(|anchor| anchor.read(|core| !core.slot(0).is_fresh()))
    }

    /// Whether nothing runs any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.tree.has_ended()
    }

    /// Waits for `future`; ends when who asks is itself asked to stop.
    pub(crate) async fn unless_stopped<F: Future>(&self, future: F) -> Result<F::Output, SteerError> {
        match &self.caller {
            Some(caller) => caller.until_stopped(future).await.ok_or(SteerError::Stopping),
            None => Ok(future.await),
        }
    }

    /// Whether who asks is starting, and what is in `slot` starts only after that.
    pub(crate) fn waits_for_itself(&self, group: &Arc<Group>, slot: SlotId) -> bool {
        self.caller.as_ref().is_some_and(|caller| group.waits_for(slot, caller))
    }

    /// What stands in `group`, is who asks or above it, and would be taken along by a restart of one of `child`, or of all,
    /// while who asks is starting.
    pub(crate) fn taken_along(&self, group: &Arc<Group>, child: ChildId, index: Option<u32>) -> Option<SlotId> {
        group.taken_along(child, index, self.caller.as_ref()?)
    }

    /// Looks again whenever something changes in the tree, until `look` has an answer.
    pub(crate) async fn watch<T>(
        &self,
        mut look: impl FnMut() -> Poll<Result<T, SteerError>>,
    ) -> Result<T, SteerError> {
        let watcher = Watcher::new(self.tree.watchers());
        let looking = poll_fn(|task| {
            // First the waker, then the look: what changes after the look wakes.
            watcher.register(task.waker());
            look()
        });
        self.unless_stopped(looking).await?
    }
}

impl fmt::Debug for TreeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TreeHandle").field(&self.name()).finish()
    }
}

/// Who waits for a change anywhere in a tree.
#[derive(Default)]
pub(crate) struct Watchers {
    count: AtomicUsize,
    last: AtomicU64,
    /// By the number of the watcher, so that those who came first are woken first.
    wakers: Mutex<BTreeMap<u64, Waker>>,
}

impl Watchers {
    pub(crate) fn are_there(&self) -> bool {
        self.count.load(Ordering::SeqCst) > 0
    }

    /// They are to be woken.
    pub(crate) fn take(&self) -> impl Iterator<Item = Waker> + use<> {
        std::mem::take(&mut *self.wakers.hold()).into_values()
    }
}

struct Watcher<'a> {
    all: &'a Watchers,
    number: u64,
}

impl<'a> Watcher<'a> {
    fn new(all: &'a Watchers) -> Self {
        all.count.fetch_add(1, Ordering::SeqCst);
        Self { all, number: all.last.fetch_add(1, Ordering::Relaxed) }
    }

    fn register(&self, waker: &Waker) {
        let before = self.all.wakers.hold().insert(self.number, waker.clone());
        drop(before);
    }
}

impl Drop for Watcher<'_> {
    fn drop(&mut self) {
        // Whoever waits no longer is not kept.
        let waker = self.all.wakers.hold().remove(&self.number);
        drop(waker);
        self.all.count.fetch_sub(1, Ordering::SeqCst);
    }
}
