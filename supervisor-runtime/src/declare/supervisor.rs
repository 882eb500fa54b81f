//! The declaration of a supervisor: a strategy, options, children.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::spec::{AnyChild, ChildOptions, ChildSpec, Kind};
use super::wiring::edges;
use super::{ANONYMOUS, AutoShutdown, Backoff, Decision, Failure, Name, Restart, RestartLimit, Shutdown};
use crate::decide::ChildId;
use crate::shell::{InPlace, Launch, Owned, Seat};
use crate::view::Label;
use crate::{BoxError, RestartLimitReached};

/// A supervisor: a strategy, its options and its children, in the order in which they start.
///
/// `supervision_tree!` expands to this builder; by hand it reads the same. It is plain data until
/// [`run`](Self::run) or [`start`](Self::start) is called, or until its own supervisor starts it: a
/// supervisor is a [`Service`](crate::Service), and so is a child like any other.
///
/// ```
/// use std::time::Duration;
/// use supervisor_runtime::{Child, Context, Service, ServiceResult, Supervisor};
///
/// struct Db;
/// struct Worker(usize);
/// # impl Service for Db { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
/// # impl Service for Worker { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), supervisor_runtime::TreeError> {
/// let running = Supervisor::one_for_all("orders")
///     .max_restarts(10)
///     .over(Duration::from_secs(1))
///     .child(Child::new("db", || Db))
///     .child(Supervisor::one_for_one("pool").child(Child::replicated("worker", 4, Worker)))
///     .start()
///     .await?;
/// running.shutdown().await
/// # }
/// ```
///
/// # Errors
///
/// What a declaration gets wrong (no children, two of one name, a duration of zero, ..) is reported by
/// `start` and `run`, all of it in one error.
#[must_use = "a supervisor does nothing until it is run, started or given to another"]
pub struct Supervisor {
    pub(crate) name: Name,
    pub(super) strategy: Strategy,
    pub(super) max_restarts: Option<u32>,
    pub(super) over: Option<Duration>,
    pub(super) raises: Option<Raises>,
    pub(super) backoff: Option<Backoff>,
    pub(super) auto_shutdown: AutoShutdown,
    pub(crate) as_child: ChildOptions,
    pub(super) children: Vec<ChildSpec>,
    pub(crate) seed: Option<u64>,
    pub(crate) panic_hook: bool,
    /// What a running group is made from, once there has been one; see `shell::supervisor`.
    pub(crate) spec: Option<Arc<GroupSpec>>,
    pub(crate) group: Option<Owned>,
}

pub(crate) type Raises = Arc<dyn Fn(RestartLimitReached) -> BoxError + Send + Sync>;
pub(crate) type Decide = Arc<dyn Fn(&Failure<'_>) -> Decision + Send + Sync>;

/// What a supervisor does when a child has failed.
#[derive(Clone)]
pub(crate) enum Strategy {
    OneForOne,
    OneForAll,
    RestForOne,
    DependentsForOne,
    ForfeitOneForOne,
    ForfeitOneForAll,
    Crashing,
    Custom(Decide),
}

impl Supervisor {
    /// When a child fails, it is restarted.
    pub fn one_for_one(name: impl Into<Name>) -> Self {
        Self::new(name, Strategy::OneForOne)
    }

    /// When a child fails, all are stopped in reverse order, then all are started in order.
    pub fn one_for_all(name: impl Into<Name>) -> Self {
        Self::new(name, Strategy::OneForAll)
    }

    /// When a child fails, it and everything declared after it is stopped in reverse order, then started
    /// in order. Of several replicas, only the one that failed belongs to the set.
    pub fn rest_for_one(name: impl Into<Name>) -> Self {
        Self::new(name, Strategy::RestForOne)
    }

    /// When a child fails, it and everything that depends on it, transitively, is stopped, dependents
    /// first, then started again; nothing else is touched. [`Child::requires`](super::Child::requires)
    /// says what depends on what. Each child starts as soon as all that it depends on has started.
    pub fn dependents_for_one(name: impl Into<Name>) -> Self {
        Self::new(name, Strategy::DependentsForOne)
    }

    /// When a child fails, it is forfeited: never restarted. Its siblings go on.
    pub fn forfeit_one_for_one(name: impl Into<Name>) -> Self {
        Self::new(name, Strategy::ForfeitOneForOne)
    }

    /// When a child fails, all are stopped and forfeited, and so is this supervisor.
    pub fn forfeit_one_for_all(name: impl Into<Name>) -> Self {
        Self::new(name, Strategy::ForfeitOneForAll)
    }

    /// When a child fails, its siblings are stopped in reverse order and the supervisor fails with the
    /// child's own error; what is above decides, in the end the operating system.
    pub fn crashing(name: impl Into<Name>) -> Self {
        Self::new(name, Strategy::Crashing)
    }

    /// When a child fails, `decide` says what happens.
    ///
    /// It must be pure: it is asked at every failure, also at one that turns out to belong to a restart
    /// already decided. A panic in it escalates the failure.
    ///
    /// ```
    /// use supervisor_runtime::{Decision, Failure, Set, Supervisor};
    ///
    /// fn decide(failure: &Failure<'_>) -> Decision {
    ///     match failure.child() {
    ///         "db" => Decision::Restart(Set::All),
    ///         _ => Decision::Restart(Set::Failed),
    ///     }
    /// }
    ///
    /// let tree = Supervisor::custom("orders", decide);
    /// ```
    pub fn custom(name: impl Into<Name>, decide: impl Fn(&Failure<'_>) -> Decision + Send + Sync + 'static) -> Self {
        Self::new(name, Strategy::Custom(Arc::new(decide)))
    }

    /// Adds a child, the last to start so far: a [`Child`](super::Child) or another supervisor.
    pub fn child(mut self, child: impl Into<AnyChild>) -> Self {
        self.children.push(child.into().0);
        self
    }

    /// How many restarts are allowed in any window of length [`over`](Self::over); 100 unless said, as in
    /// `mode`. With 0, the first failure ends the supervisor; with [`u32::MAX`] there is no limit, and nothing is counted.
    pub fn max_restarts(mut self, max_restarts: u32) -> Self {
        self.max_restarts = Some(max_restarts);
        self
    }

    /// The length of the window in which [`max_restarts`](Self::max_restarts) are allowed; 1 second unless
    /// said, as in `mode`.
    pub fn over(mut self, over: Duration) -> Self {
        self.over = Some(over);
        self
    }

    /// Makes the error with which it gives up from the report; the report itself unless said.
    ///
    /// ```
    /// use supervisor_runtime::{RestartLimitReached, Supervisor};
    ///
    /// let pool = Supervisor::one_for_one("pool")
    ///     .raises(|limit: RestartLimitReached| format!("the pool is beyond repair: {limit}"));
    /// ```
    pub fn raises<F, E>(mut self, raises: F) -> Self
    where
        F: Fn(RestartLimitReached) -> E + Send + Sync + 'static,
        E: Into<BoxError>,
    {
        self.raises = Some(Arc::new(move |report| raises(report).into()));
        self
    }

    /// How long the restarts of its children are delayed, where they say nothing themselves; not at all
    /// unless said. Its own restarts are delayed as its parent says.
    pub fn backoff(mut self, backoff: impl Into<Backoff>) -> Self {
        self.backoff = Some(backoff.into());
        self
    }

    /// The deadline for stopping it with all its children; what they need one after another unless said.
    pub fn shutdown(mut self, shutdown: impl Into<Shutdown>) -> Self {
        self.as_child.shutdown = Some(shutdown.into());
        self
    }

    /// Whether it ends, as done, when significant children have ended; [`AutoShutdown::Never`] unless said.
    ///
    /// ```
    /// use supervisor_runtime::{AutoShutdown, Child, Restart, Supervisor, service_fn};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), supervisor_runtime::TreeError> {
    /// Supervisor::one_for_one("import")
    ///     .auto_shutdown(AutoShutdown::AnySignificant)
    ///     .child(Child::new("db", || service_fn(|cx| async move {
    ///         cx.stopping().await;
    ///         Ok(())
    ///     })))
    ///     .child(Child::new("job", || service_fn(|_| async { Ok(()) })).restart(Restart::Transient).significant())
    ///     .run() // ends with the job, after it has stopped the database
    ///     .await
    /// # }
    /// ```
    pub fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.auto_shutdown = auto_shutdown;
        self
    }

    /// When its own supervisor starts it again after a failure; [`Restart::Permanent`] unless said.
    ///
    /// When all of its children are done, or [`auto_shutdown`](Self::auto_shutdown) ends it, it is done itself and not
    /// started again, whatever this says. (OTP's supervisors do not end with their children; a `permanent` one that
    /// `auto_shutdown` ends is restarted there.)
    pub fn restart(mut self, restart: Restart) -> Self {
        self.as_child.restart = restart;
        self
    }

    /// How long the start of all its children may take; no limit unless said. Past it, those that have
    /// started are stopped in reverse order and the start has failed.
    pub fn start_timeout(mut self, limit: Duration) -> Self {
        self.as_child.start_timeout = Some(limit);
        self
    }

    /// The earlier siblings that it depends on; only under a [`dependents_for_one`](Self::dependents_for_one)
    /// of its own.
    pub fn requires<N: Into<Name>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.as_child.requires.extend(names.into_iter().map(Into::into));
        self
    }

    /// Makes its end count for the [`auto_shutdown`](Self::auto_shutdown) of its own supervisor.
    pub fn significant(mut self) -> Self {
        self.as_child.significant = true;
        self
    }

    /// The seed of the jitter in the whole tree, so that a test sees the same delays each time; random
    /// unless said. Heard at the root only.
    pub fn jitter_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Leaves the process's panic hook alone: panics are then reported without their place.
    ///
    /// Otherwise the first tree that starts in the process installs a hook that notes the place of a panic in
    /// a supervised service and calls the hook that was there before. Heard at the root only.
    pub fn no_panic_hook(mut self) -> Self {
        self.panic_hook = false;
        self
    }

    fn new(name: impl Into<Name>, strategy: Strategy) -> Self {
        Self {
            name: name.into(),
            strategy,
            max_restarts: None,
            over: None,
            raises: None,
            backoff: None,
            auto_shutdown: AutoShutdown::default(),
            as_child: ChildOptions::default(),
            children: Vec::new(),
            seed: None,
            panic_hook: true,
            spec: None,
            group: None,
        }
    }

    /// A supervisor under another: the same declaration is started anew at each restart, so what is to
    /// live as long as the tree (the values of `in_place` children) does.
    pub(super) fn into_child(mut self) -> ChildSpec {
        let (problems, uses) = self.check_inside();
        let inner_names = if self.name.is_anonymous() { self.names() } else { Vec::new() };
        let (label, depth) = (format!("({})", self.strategy.name()), self.depth());
        self.forget_what_is_too_deep();
        let (name, options, inner) = (self.name.clone(), self.as_child.clone(), self.spec());
        let launch = Arc::new(Seat::new(InPlace::ready(self))) as Arc<dyn Launch>;
        ChildSpec {
            label,
            options,
            uses,
            inner: Some(inner),
            depth,
            problems,
            inner_names,
            ..ChildSpec::new(name, Kind::Supervisor, launch)
        }
    }

    /// What a running group needs; made once, of what was declared.
    pub(crate) fn spec(&mut self) -> Arc<GroupSpec> {
        if self.spec.is_none() {
            let declared = std::mem::replace(self, Self::one_for_one(self.name.clone()));
            self.as_child = declared.as_child.clone();
            self.spec = Some(Arc::new(declared.into_spec()));
        }
        Arc::clone(self.spec.as_ref().expect("it was made just now"))
    }

    /// Drops everything that its children have kept: the tree has ended.
    pub(crate) fn clear_kept(&self) {
        for child in self.spec.iter().flat_map(|spec| &spec.children) {
            child.launch.clear_kept();
        }
    }

    fn into_spec(self) -> GroupSpec {
        let default = RestartLimit::default();
        let edges = edges(&self.children);
        GroupSpec {
            strategy: self.strategy,
            limit: RestartLimit {
                max_restarts: self.max_restarts.unwrap_or(default.max_restarts),
                over: self.over.unwrap_or(default.over),
            },
            raises: self.raises,
            backoff: self.backoff,
            auto_shutdown: self.auto_shutdown,
            shutdown: self.as_child.shutdown,
            names: self.children.iter().map(|child| child.name.to_string()).collect(),
            labels: self.children.iter().zip(&edges).map(|(child, edges)| child.to_label(edges.clone())).collect(),
            edges,
            children: self.children,
            name: self.name,
        }
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor")
            .field("name", &self.name.as_str())
            .field("strategy", &self.strategy.name())
            .finish_non_exhaustive()
    }
}

impl Strategy {
    /// The word for it in a declaration.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::OneForOne => "one_for_one",
            Self::OneForAll => "one_for_all",
            Self::RestForOne => "rest_for_one",
            Self::DependentsForOne => "dependents_for_one",
            Self::ForfeitOneForOne => "forfeit_one_for_one",
            Self::ForfeitOneForAll => "forfeit_one_for_all",
            Self::Crashing => "crashing",
            Self::Custom(_) => "custom",
        }
    }

    /// Whether it ever restarts anything, and so has a use for a limit, a backoff and restart types.
    pub(crate) fn restarts(&self) -> bool {
        !matches!(self, Self::ForfeitOneForOne | Self::ForfeitOneForAll | Self::Crashing)
    }
}

impl GroupSpec {
    /// Its limit, if it ever restarts anything.
    pub(crate) fn restart_limit(&self) -> Option<RestartLimit> {
        self.strategy.restarts().then_some(self.limit)
    }

    /// How long the restarts of a child are delayed: by its own option, or by its group's.
    pub(crate) fn backoff_of(&self, child: &ChildSpec) -> Option<Backoff> {
        child.options.backoff.or(self.backoff)
    }

    /// One place for the outermost supervisor, and nobody who decides.
    pub(crate) fn anchor(outermost: &mut Supervisor) -> Self {
        let mut place = Supervisor::one_for_one(outermost.name.clone());
        place.as_child = outermost.as_child.clone();
        place.spec = Some(outermost.spec());
        Supervisor::one_for_one(ANONYMOUS).child(place).into_spec()
    }
}

/// A checked declaration, shared by all incarnations of its group.
pub(crate) struct GroupSpec {
    pub(crate) name: Name,
    pub(crate) strategy: Strategy,
    pub(crate) limit: RestartLimit,
    pub(crate) raises: Option<Raises>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) auto_shutdown: AutoShutdown,
    pub(crate) shutdown: Option<Shutdown>,
    pub(crate) names: Vec<String>,
    pub(crate) labels: Arc<[Label]>,
    /// What each child uses, by number.
    pub(crate) edges: Vec<Vec<ChildId>>,
    pub(crate) children: Vec<ChildSpec>,
}
