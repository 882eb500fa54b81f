//! A running tree: its owner, its end, and the task in which the outermost supervisor runs.

use std::ops::Deref;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::decide::Rest;
use crate::declare::{Begun, GroupSpec, Supervisor, told};
use crate::error::Left;
use crate::exit::bare;
use crate::handle::{TreeHandle, Watchers};
use crate::shell::{Group, Guarded, Limit, catch, guard, install_hook};
use crate::signals::Signals;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{JoinHandle, Mutex, MutexExt, spawn};
#[cfg(feature = "test-util")]
use crate::testing::Faults;
#[cfg(feature = "test-util")]
use crate::view::Events;
use crate::view::{ANCHOR, EventLog, GroupId, What};
use crate::{BoxError, Context, Service, TreeError, TreeErrorKind, log};

impl Supervisor {
    /// Starts the tree, and runs it until it ends or the process is told to stop.
    ///
    /// SIGINT and SIGTERM stop the tree gracefully, in reverse order, also while it starts or restarts; a second signal ends
    /// the process at once, with exit code 128 + its number: what has not stopped by then does not, and no destructor runs.
    /// (The kernel makes one of two equal signals of which the first was not delivered yet.) Of several trees in a
    /// process, each hears the first.
    ///
    /// The first is heard if a thread of the runtime is left that does not block, the second in any case. The signal
    /// handlers are the process's and stay after this has returned, or was dropped: then a signal ends the process at once.
    ///
    /// A child that blocks its thread cannot be dropped. `run` then returns a second after the deadline and lists it as stuck,
    /// but `#[tokio::main]` waits for its threads, also for calls in [`spawn_blocking`](tokio::task::spawn_blocking) that nobody
    /// waits for any more: where a service may block, end `main` with [`std::process::exit`], or build the runtime by hand
    /// and end it with [`shutdown_background`](tokio::runtime::Runtime::shutdown_background). (On Windows there is only
    /// Ctrl-C, and a second one is not told from the first.)
    ///
    /// It must be called in a tokio runtime with time enabled, as `#[tokio::main]` makes one.
    ///
    /// # Errors
    ///
    /// [`TreeError`]: the tree is not valid, did not start, failed, ended with something forfeited, or something
    /// of it had to be dropped by force. `Ok` if all of it was done, or was asked to stop and did.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops what runs, in no order and without `stop`; the log says so.
    pub async fn run(self) -> Result<(), TreeError> {
        self.check()?;
        let mut signals = Signals::listen()
            .map_err(|error| TreeError::invalid(self.name(), vec![format!("cannot listen to signals: {error}")]))?;
        let mut running = self.launch();
        tokio::select! {
            end = running.wait() => end,
            name = signals.next() => {
                log::signal(name);
                running.shutdown().await
            }
        }
    }

    /// Starts the tree; returns when every child has started. A tree that is shut down meanwhile is given all the same:
    /// [`Running::wait`] tells how it ended.
    ///
    /// Signals are left alone: who calls this decides what stops the tree.
    ///
    /// # Errors
    ///
    /// [`TreeError`]: the tree is not valid, or a child did not start; what had started was stopped again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops what has started, in no order and without `stop`; the log says so.
    pub async fn start(self) -> Result<Running, TreeError> {
        self.check()?;
        let mut running = self.launch();
        let started = match running.started.take() {
            Some(started) => started.await.is_ok(),
            None => false,
        };
        if started { Ok(running) } else { running.wait().await.map(|()| running) }
    }

    /// Starts the tree and does not wait, so that a test sees it from the beginning.
    #[cfg(feature = "test-util")]
    pub(crate) fn begin(self, faults: Arc<Faults>) -> Result<Running, TreeError> {
        self.check()?;
        let running = self.launch();
        let _ = running.tree.faults.set(faults);
        Ok(running)
    }

    fn name(&self) -> String {
        told(self.name.as_str()).to_string()
    }

    /// What keeps it from being started.
    fn check(&self) -> Result<(), TreeError> {
        let mut problems = self.problems();
        if self.name.is_anonymous() {
            problems.push("the outermost supervisor has no name: give it one".to_owned());
        }
        if Handle::try_current().is_err() {
            problems.push("it is started outside of a tokio runtime: call it from `#[tokio::main]`".to_owned());
        } else if catch(|| tokio::time::sleep(Duration::ZERO)).is_err() {
            problems.push("the runtime has no time: build it with `enable_all()`".to_owned());
        }
        if problems.is_empty() { Ok(()) } else { Err(TreeError::invalid(self.name(), problems)) }
    }

    /// Spawns the outermost supervisor.
    fn launch(mut self) -> Running {
        if self.panic_hook {
            install_hook();
        }
        if cfg!(panic = "abort") {
            log::panics_abort();
        }
        let tree = Arc::new(TreeShared {
            name: self.name(),
            seed: self.seed.unwrap_or_else(|| fastrand::u64(..)),
            ending: AtomicBool::new(false),
            dropped: Mutex::default(),
            stuck: Mutex::default(),
            anchor: OnceLock::new(),
            outermost: OnceLock::new(),
            runtime: Handle::current(),
            events: Arc::default(),
            watchers: Watchers::default(),
            last_group: AtomicU64::new(ANCHOR),
            #[cfg(feature = "test-util")]
            faults: OnceLock::new(),
        });
        let (tell, started) = oneshot::channel();
        let anchor = Group::anchor(GroupSpec::anchor(&mut self), Arc::clone(&tree));
        let _ = tree.anchor.set(Arc::downgrade(&anchor));
        let cx = anchor.begin_outermost();
        let task = spawn(&tree.runtime, outermost(self, Alive(cx), tell));
        let handle = TreeHandle::new(Arc::clone(&tree), None);
        Running { anchor, tree, handle, started: Some(started), task: Some(task) }
    }
}

/// The incarnation of the outermost supervisor.
///
/// Its task tells the end of the tree, unless its runtime is shut down before: then all tasks of the tree are dropped, in no
/// order, and this tells it.
struct Alive(Context);

impl Drop for Alive {
    fn drop(&mut self) {
        let anchor = self.0.group();
        let tree = anchor.tree();
        if !tree.has_ended() {
            // Where its owner has dropped it before, that was told.
            if !self.0.cell().read().is_kill() {
                log::runtime_shut_down(tree.name());
            }
            anchor.outermost_ended(Rest::Stopped, None);
            anchor.lose();
            tree.events().end();
        }
    }
}

/// The life of the outermost supervisor; what it failed with, if it failed.
async fn outermost(mut supervisor: Supervisor, alive: Alive, started: oneshot::Sender<()>) -> Option<BoxError> {
    let Alive(cx) = &alive;
    let mut end = guard(cx, || Begun::pending(Service::start(&mut supervisor, cx)), Limit::Above).await;
    if matches!(end, Guarded::Ended(Ok(()))) {
        cx.group().outermost_started();
        let _ = started.send(());
        end = guard(cx, || Begun::pending(Service::run(&mut supervisor, cx)), Limit::Above).await;
    }
    supervisor.clear_kept();
    let failed = match end {
        Guarded::Ended(Ok(())) | Guarded::Late(_) => None,
        // Its runtime may be next, so that what is dropped with it never comes to an end: as if it had been.
        Guarded::Dropped => return None,
        Guarded::Ended(Err(error)) | Guarded::TaskFailed(error) => Some(bare(error)),
        Guarded::Panicked(panic) => Some(format!("the outermost supervisor panicked{panic}").into()),
    };
    let is_done = failed.is_none() && !cx.cell().read().is_asked();
    let error = failed.as_ref().map(|error| log::Chain(&**error).to_string().into());
    let rest = if is_done { Rest::Done } else { Rest::Stopped };
    cx.group().outermost_ended(rest, Some(What::ShutDown { error }));
    cx.group().tree().events().end();
    failed
}

/// What all groups of a tree share.
pub(crate) struct TreeShared {
    name: String,
    seed: u64,
    /// Whether the end of the whole tree has begun; what is dropped from then on belongs into its error.
    ending: AtomicBool,
    dropped: Mutex<Vec<Left>>,
    stuck: Mutex<Vec<Left>>,
    anchor: OnceLock<Weak<Group>>,
    /// The group of the outermost supervisor, which is made once.
    outermost: OnceLock<Weak<Group>>,
    /// Where its tasks run, whoever spawns them.
    runtime: Handle,
    events: Arc<EventLog>,
    watchers: Watchers,
    /// The number of the group that was made last.
    last_group: AtomicU64,
    /// What a test does to its services.
    #[cfg(feature = "test-util")]
    faults: OnceLock<Arc<Faults>>,
}

impl TreeShared {
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(crate) fn events(&self) -> &Arc<EventLog> {
        &self.events
    }

    #[cfg(feature = "test-util")]
    pub(crate) fn faults(&self) -> Option<&Arc<Faults>> {
        self.faults.get()
    }

    pub(crate) fn next_group(&self) -> GroupId {
        self.last_group.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// What stands above the outermost supervisor, until the tree has ended and its owner is gone.
    pub(crate) fn anchor(&self) -> Option<Arc<Group>> {
        self.anchor.get().and_then(Weak::upgrade)
    }

    /// The outermost supervisor has made its group.
    pub(crate) fn note_outermost(&self, group: &Arc<Group>) {
        let _ = self.outermost.set(Arc::downgrade(group));
    }

    /// The group of the outermost supervisor, once it is made and as long as the anchor is there: a walk through the tree begins
    /// with it, and need not lock the anchor.
    pub(crate) fn outermost(&self) -> Option<Arc<Group>> {
        let anchor = self.anchor.get()?;
        if anchor.strong_count() > 0 { self.outermost.get()?.upgrade() } else { None }
    }

    /// Whether nothing runs any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.anchor().is_none_or(|anchor| !anchor.status(0).state().is_live())
    }

    pub(crate) fn watchers(&self) -> &Watchers {
        &self.watchers
    }

    /// Whether somebody wants to know what changes.
    pub(crate) fn is_watched(&self) -> bool {
        self.events.is_wanted() || self.watchers.are_there()
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn note_ending(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    pub(crate) fn note_dropped(&self, left: impl FnOnce() -> Left) {
        if self.ending.load(Ordering::Relaxed) {
            let left = left();
            self.dropped.hold().push(left);
        }
    }

    pub(crate) fn note_stuck(&self, left: Left) {
        self.stuck.hold().push(left);
    }

    fn end(&self, failure: Option<BoxError>) -> Result<(), TreeError> {
        let dropped = std::mem::take(&mut *self.dropped.hold());
        let stuck = std::mem::take(&mut *self.stuck.hold());
        let Some(error) = TreeError::of(self.name.clone(), failure, dropped, stuck) else { return Ok(()) };
        if error.kind() == TreeErrorKind::Stuck {
            log::left_running(&error);
        }
        Err(error)
    }
}

/// The owner of a running tree.
///
/// Dropping it drops what still runs, in no order and without `stop`, and the log says so:
/// [`shutdown`](Self::shutdown) is the way to stop a tree.
///
/// ```
/// use std::time::Duration;
/// use supervisor_runtime::{Child, Supervisor, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), supervisor_runtime::TreeError> {
/// let tree = Supervisor::one_for_one("clock").child(Child::new("tick", || {
///     service_fn(|cx| async move {
///         cx.stopping().await;
///         Ok(())
///     })
/// }));
/// let mut running = tree.start().await?;
/// // Instead of a signal, whatever stops this program:
/// let told_to_stop = tokio::time::sleep(Duration::from_millis(1));
/// tokio::select! {
///     end = running.wait() => return end, // it ended by itself
///     () = told_to_stop => {}
/// }
/// running.shutdown().await
/// # }
/// ```
#[must_use = "dropping it drops the running tree"]
pub struct Running {
    anchor: Arc<Group>,
    tree: Arc<TreeShared>,
    handle: TreeHandle,
    started: Option<oneshot::Receiver<()>>,
    task: Option<JoinHandle<Option<BoxError>>>,
}

impl Running {
    /// Waits until the tree ends by itself; `Ok` at once if that has been told already.
    ///
    /// # Errors
    ///
    /// As [`Supervisor::run`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the tree goes on, and the next call waits again.
    pub async fn wait(&mut self) -> Result<(), TreeError> {
        let Some(task) = &mut self.task else { return Ok(()) };
        let end = task.await;
        self.task = None;
        match end {
            Ok(failure) => self.tree.end(failure),
            Err(_) => {
                let error = format!("the runtime of tree `{}` was shut down while it ran", self.tree.name);
                self.tree.end(Some(error.into()))
            }
        }
    }

    /// Stops the tree gracefully and waits for its end.
    ///
    /// # Errors
    ///
    /// As [`Supervisor::run`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops what still runs.
    pub async fn shutdown(mut self) -> Result<(), TreeError> {
        self.anchor.ask(0);
        self.wait().await
    }

    /// What was declared.
    #[cfg(feature = "test-util")]
    pub(crate) fn spec(&self) -> Option<&Arc<GroupSpec>> {
        self.anchor.child(0).inner.as_ref()
    }

    /// Every event of the tree from here on; none is missed.
    #[cfg(feature = "test-util")]
    pub(crate) fn tap(&self) -> Events {
        Events::tap(self.tree.events())
    }

    /// A handle with which the tree can be looked at and steered from anywhere.
    pub fn handle(&self) -> TreeHandle {
        self.handle.clone()
    }
}

impl Deref for Running {
    type Target = TreeHandle;

    fn deref(&self) -> &TreeHandle {
        &self.handle
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.task.as_ref().is_some_and(|task| !task.is_finished()) {
            log::dropped_while_running(&self.tree.name);
            self.anchor.kill(0);
        } else {
            self.anchor.forget_exits();
        }
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("tree", &self.tree.name).finish_non_exhaustive()
    }
}
