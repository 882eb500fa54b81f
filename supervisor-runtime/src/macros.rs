//! The macro, under the path of this crate, and the page on its language.

/// Declares a supervision tree, checked by the compiler.
///
/// ```
/// use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};
///
/// struct Db;
/// struct Worker(usize);
///
/// impl Service for Db {
///     async fn run(&mut self, cx: &Context) -> ServiceResult {
///         cx.stopping().await;
///         Ok(())
///     }
/// }
///
/// impl Service for Worker {
///     async fn run(&mut self, cx: &Context) -> ServiceResult {
///         println!("worker {} is ready", self.0);
///         cx.stopping().await;
///         Ok(())
///     }
/// }
///
/// supervision_tree! {
///     one_for_all(max_restarts = 10, over = "1s") {
///         db: Db,
///         one_for_one {
///             worker*4: Worker,
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), supervisor_runtime::TreeError> {
/// println!("{}", Tree::OUTLINE);
/// let running = Tree::start().await?; // or `Tree::run().await`, which ends with the tree
/// running.shutdown().await
/// # }
/// ```
///
/// It expands to a type, here `struct Tree;`, with four items, and to nothing else:
///
/// | item | what it is |
/// |---|---|
/// | `Tree::run(..).await` | runs the tree until it ends or the process gets SIGINT or SIGTERM; see [`Supervisor::run`](crate::Supervisor::run) |
/// | `Tree::start(..).await` | starts the tree and gives its owner, a [`Running`](crate::Running); see [`Supervisor::start`](crate::Supervisor::start) |
/// | `Tree::service(..)` | the [`Supervisor`](crate::Supervisor) itself: a [`Service`](crate::Service), and so a child for another tree |
/// | `Tree::OUTLINE` | the declaration as data, an [`Outline`](crate::Outline) |
///
/// The body of `service` is the builder that one would write by hand, [`Supervisor`](crate::Supervisor) and
/// [`Child`](crate::Child): every word of the language is the name of one of their methods, and documented there.
/// Where a tree depends on what is only known at run time, use the builder.
///
/// # Grammar
///
/// ```text
/// tree      := header? group
/// header    := attributes? visibility? "struct" Name params? ";"      default: struct Tree;
/// params    := "(" name ":" Type, ... ")"
/// group     := (name ":")? strategy ("(" options ")")? "{" node, ... "}"
/// strategy  := one_for_one | one_for_all | rest_for_one | dependents_for_one
///            | forfeit_one_for_one | forfeit_one_for_all | crashing
///            | custom(function, ..)
/// node      := group | child
/// child     := name replicas? ("(" options ")")? ":" (Type "=")? expression
/// replicas  := "*" count                    count: a number, the path of a constant, or (an expression)
/// ```
///
/// The comma after a `}` is optional. The name of a child is unique in the nearest *named* group around it: a group
/// without a name is anonymous, and neither names nor paths mention it. Doc comments on nodes go to the outline.
///
/// # Header and parameters
///
/// Attributes, doc comments and the visibility go to the type. Parameters become those of `run`, `start` and `service`:
///
/// ```
/// use std::sync::Arc;
/// # use supervisor_runtime::{Context, Service, ServiceResult};
/// use supervisor_runtime::supervision_tree;
///
/// struct Config { workers: usize, url: String }
/// # struct Db;
/// # struct Worker(usize);
/// # impl Db { async fn open(_: &str) -> std::io::Result<Self> { Ok(Self) } }
/// # impl Service for Db { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
/// # impl Service for Worker { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
///
/// supervision_tree! {
///     /// Takes orders.
///     pub struct Orders(config: Arc<Config>);
///
///     rest_for_one {
///         db: Db::open(&config.url).await?,
///         worker*(config.workers): Worker,
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), supervisor_runtime::TreeError> {
/// let config = Config { workers: 4, url: "localhost".into() };
/// Orders::start(Arc::new(config)).await?.shutdown().await
/// # }
/// ```
///
/// Each evaluation of a child's expression owns a clone of each parameter that it uses: it can move, borrow or clone it,
/// across awaits too. So a parameter has to be `Clone`, with two exceptions: one that only counts and options read, and
/// one that a single `in_place` child uses, which is evaluated once and can move out of it.
///
/// # Strategies
///
/// What a group does when a child has failed: [`one_for_one`](crate::Supervisor::one_for_one),
/// [`one_for_all`](crate::Supervisor::one_for_all), [`rest_for_one`](crate::Supervisor::rest_for_one),
/// [`dependents_for_one`](crate::Supervisor::dependents_for_one),
/// [`forfeit_one_for_one`](crate::Supervisor::forfeit_one_for_one),
/// [`forfeit_one_for_all`](crate::Supervisor::forfeit_one_for_all), [`crashing`](crate::Supervisor::crashing);
/// and `custom(function, ..)`, where a [function](crate::Supervisor::custom) of yours decides.
///
/// # What a child's expression may be
///
/// | written | meaning | on restart |
/// |---|---|---|
/// | `db: Db::new()` | an expression that gives a service | evaluated again: clean state |
/// | `db(in_place): Db::new(rx)` | evaluated once | the same value is started again; it may show what a panic left |
/// | `worker*4: Worker::new` | a function from the replica's index, a `usize` | called again with the same index |
/// | `worker*4: \|index\| Worker::new(index, pool)` | a closure, likewise | likewise |
/// | `worker*4(replace = Worker::reborn): Worker::new` | `reborn(old, index)` gets the stopped one | the old one can hand over what must not be lost; if it fails, the next attempt evaluates the expression |
/// | `db: Db = Db::new()` | states the type as well, as in a `let` | as without |
///
/// Instead of a service, an expression or a function may give a `Result` of one (an `Err` is a failed start), or a future
/// of either; see [`IntoService`](crate::IntoService). `.await` and `?` may also stand in the expression itself.
/// [`service_fn`](crate::service_fn) makes a service of a closure, another tree's `service(..)` is one.
///
/// # Options of a group
///
/// | option | default | meaning |
/// |---|---|---|
/// | [`max_restarts = 10`](crate::Supervisor::max_restarts) | 100 | more restarts than this within `over`, and the group gives up; with 0, the first failure ends it |
/// | [`over = 1m`](crate::Supervisor::over) | 1 s | the length of that window |
/// | [`raises = MyError::from`](crate::Supervisor::raises) | [`RestartLimitReached`](crate::RestartLimitReached) | makes the error with which it gives up |
/// | [`backoff = 100ms..30s`](crate::Supervisor::backoff) | none | how long its children's restarts are delayed, where they say nothing themselves |
/// | [`shutdown = 30s`](crate::Supervisor::shutdown) | what its children need | the deadline for stopping the whole group |
/// | [`auto_shutdown = any_significant`](crate::Supervisor::auto_shutdown) | `never` | or `all_significant`: ends as done when its significant children have ended |
///
/// `forfeit_one_for_one`, `forfeit_one_for_all` and `crashing` restart nothing: they take no `max_restarts`, `over`,
/// `raises` and `backoff`, and their children take no `restart` and `backoff`.
///
/// # Options of a child
///
/// A group that is a child takes the first four as well.
///
/// | option | default | meaning |
/// |---|---|---|
/// | [`restart = transient`](crate::Child::restart) | `permanent` | `permanent`: always; `transient`: after a failure; `temporary`: never |
/// | [`start_timeout = 30s`](crate::Child::start_timeout) | none | a start that takes longer has failed |
/// | [`requires = [db]`](crate::Child::requires) | none | in a `dependents_for_one` group: earlier siblings that it depends on |
/// | [`significant`](crate::Child::significant) | off | its end counts for its group's `auto_shutdown` |
/// | [`shutdown = 5s`](crate::Child::shutdown) | 5 s | how long it may take to stop: a duration, `infinity` or `brutal_kill` |
/// | [`backoff = 100ms..30s`](crate::Child::backoff) | its group's | the first restart is immediate, then the delay doubles from the one to the other |
/// | [`heartbeat = 30s`](crate::Child::heartbeat) | none | a child silent for longer has failed |
/// | [`in_place`](crate::Child::in_place) | off | see above |
/// | [`replace = path`](crate::Child::replace) | off | see above |
///
/// # Durations
///
/// A text (`"1s"`, `"250ms"`, `"1h30m"`), the same without quotes (`1s`), a number of seconds (`5`, `0.5`), or any
/// expression of type [`Duration`](std::time::Duration). The units are `ns`, `us`, `ms`, `s`, `m`, `h` and `d`.
///
/// # Errors
///
/// All mistakes of a tree are reported in one run, each where it stands. A tree with a mistake still has its type and its
/// functions, so that no error elsewhere is a consequence of it.
#[macro_export]
macro_rules! supervision_tree {
    ($($declaration:tt)*) => {
        $crate::__private::supervision_tree! { [$crate] $($declaration)* }
    };
}
