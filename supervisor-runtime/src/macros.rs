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
/// let tree = Tree::start().await?; // or `Tree::run().await`, which ends with the tree
/// tree.worker.wait_ready().await?;
/// tree.shutdown().await
/// # }
/// ```
///
/// It expands to a type, here `struct Tree`, which is a running tree, and to a type for each named group:
///
/// | item | what it is |
/// |---|---|
/// | `Tree::run(..).await` | runs the tree until it ends or the process gets SIGINT or SIGTERM; see [`Supervisor::run`](crate::Supervisor::run) |
/// | `Tree::start(..).await` | starts the tree and gives its owner, a `Tree`: see [the running tree](#the-running-tree) |
/// | `tree.shutdown().await` | stops it gracefully and waits for its end; see [`Running::shutdown`](crate::Running::shutdown) |
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
///            | name open ("(" options ")")? ":" Type
/// replicas  := "*" count                    count: a number, the path of a constant, or (an expression)
/// open      := "*" ".." | "*" "..=" count   members are added while the tree runs, at most `count`
/// ```
///
/// The comma after a `}` is optional. The name of a child is unique in the nearest *named* group around it: a group
/// without a name is anonymous, and neither names nor paths mention it. A keyword is a name as in Rust, `r#type`. Doc comments on nodes go to the outline, and to
/// the fields of the running tree.
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
/// A tree is an item, also where it is declared in a function: it sees no local variables there, no `self` and no generics.
/// What it needs of them is a parameter. Each tree of a module has a name of its own, so at most one goes without a header.
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
/// | `db: Db = Db::new()` | states the type as well, as in a `let`: the reference in the running tree is then typed | as without |
/// | `conn*..: Conn`, `conn*..=1000: Conn` | an open group: a type, of which members are added while the tree runs | members are `temporary`, unless `restart` says otherwise |
///
/// Instead of a service, an expression or a function may give a `Result` of one (an `Err` is a failed start), or a future
/// of either; see [`IntoService`](crate::IntoService). `.await` and `?` may also stand in the expression itself.
/// [`service_fn`](crate::service_fn) makes a service of a closure, another tree's `service(..)` is one.
///
/// # Wiring
///
/// A child's expression can use, by its name, any child that is declared above it, directly in its own group or directly in
/// a group around that. What is inside a sibling group is not visible, as in a Rust block; of two children with one name the
/// nearer is meant, and of a child and a parameter the child. Options and counts see no children.
///
/// ```
/// use supervisor_runtime::{Context, Provide, Service, ServiceResult, supervision_tree};
/// use tokio::sync::mpsc;
///
/// struct Printer { inbox: mpsc::Receiver<String>, outbox: mpsc::Sender<String> }
/// struct Greeter { index: usize, printer: mpsc::Sender<String> }
///
/// impl Printer {
///     fn new() -> Self {
///         let (outbox, inbox) = mpsc::channel(16);
///         Self { inbox, outbox }
///     }
/// }
///
/// impl Provide for Printer {
///     type Handle = mpsc::Sender<String>;
///
///     fn handle(&self) -> Self::Handle {
///         self.outbox.clone()
///     }
/// }
///
/// impl Service for Printer {
///     async fn run(&mut self, cx: &Context) -> ServiceResult {
///         while let Some(Some(line)) = cx.until_stopped(self.inbox.recv()).await {
///             println!("{line}");
///         }
///         Ok(())
///     }
/// }
///
/// impl Service for Greeter {
///     async fn run(&mut self, cx: &Context) -> ServiceResult {
///         self.printer.send(format!("hello from {}", self.index)).await?;
///         cx.stopping().await;
///         Ok(())
///     }
/// }
///
/// supervision_tree! {
///     dependents_for_one {
///         printer: Printer::new(),
///         clock: Greeter { index: 7, printer: printer.clone() },
///         one_for_one {
///             greeter*4: |index| Greeter { index, printer },
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tree = Tree::start().await?;
/// assert!(Tree::OUTLINE.to_string().contains("greeter*4: |index| Greeter { index, printer }  <- printer"));
/// tree.printer.restart().await?; // takes along who uses it
/// tree.shutdown().await?;
/// # Ok(())
/// # }
/// ```
///
/// `printer` is the *handle* that the printer offers to others ([`Provide`](crate::Provide)), that of its current incarnation,
/// taken when its `start` had succeeded. Each evaluation owns its own: it can move, borrow or clone it, across awaits too.
/// Replicas give a `Vec` of the handles of all, in the order of the index.
///
/// The use of the name is the dependency. In a `dependents_for_one` group it says who starts and restarts with whom, besides
/// `requires`; everywhere a provider that is stopped, restarted or replaced by hand takes those that use it along. And the
/// compiler proves that **no child goes on with the handle of an incarnation that is gone**:
///
/// | the provider | may be used by |
/// |---|---|
/// | stands in a `one_for_all`, `rest_for_one`, `dependents_for_one`, `forfeit_one_for_all` or `crashing` group | any child that is made anew with it: its failure stops those that use it |
/// | stands in a `one_for_one`, `forfeit_one_for_one` or `custom` group | nobody, unless its handle is stable: its failure may leave the others running |
/// | is used by a child that is `in_place` or has `replace` | nobody, unless its handle is stable: that child keeps the handle it was made with |
/// | is `in_place`, and its type is a [`StableHandle`](crate::StableHandle) | everybody: the handle is stable, it works across restarts |
/// | is `temporary`, or an open group | nobody: it may be gone for good |
///
/// Which group counts is the one in which the provider stands. An embedded tree (`billing: Billing::service(db)`) is a child
/// that uses what stands in its expression.
///
/// What the compiler cannot see are handles that take another way, through a global or in a message.
///
/// # The running tree
///
/// `Tree::start(..)` gives a value with a field for each child and each named group. It owns the running tree: dropping it
/// drops what runs. The fields are references, which are cheap to clone, steer whatever incarnation is the current one, and
/// do not keep the tree alive:
///
/// | written | field | what it is |
/// |---|---|---|
/// | `db: Db = Db::new()` | `tree.db` | [`ChildRef<Db>`](crate::ChildRef) |
/// | `db: Db::new()` | `tree.db` | [`ChildRef`](crate::ChildRef): it steers as well, but takes no `Db` to [`replace`](crate::ChildRef::replace) the present one |
/// | `worker*4: Worker = Worker::new` | `tree.worker` | [`Replicas<Worker>`](crate::Replicas); without the type, [`Replicas`](crate::Replicas) |
/// | `conn*..: Conn` | `tree.conn` | [`Children<Conn>`](crate::Children), which [`add`](crate::Children::add)s members |
/// | `pool: one_for_one { .. }` | `tree.pool` | `TreePool`: a field for each child of the group, and a [`GroupRef`](crate::GroupRef) to itself |
/// | `billing: Billing::service()` | `tree.billing` | [`ChildRef`](crate::ChildRef), as of any child |
/// | `one_for_all { .. }` | | anonymous: its children are fields of the nearest named group around it, or of the tree |
///
/// The tree itself derefs to its [`Running`](crate::Running): [wait](crate::Running::wait) for its end, listen to its
/// [events](crate::TreeHandle::events), look at a [snapshot](crate::TreeHandle::snapshot). A reference asked for something
/// after the end gives [`SteerError::Ended`](crate::SteerError::Ended).
///
/// ```
/// # use supervisor_runtime::{Context, Service, ServiceResult};
/// use supervisor_runtime::{Children, supervision_tree};
///
/// # struct Db;
/// # struct Worker(usize);
/// # struct Conn(u16);
/// # impl Service for Db { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
/// # impl Service for Worker { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
/// # impl Service for Conn { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
/// supervision_tree! {
///     rest_for_one {
///         db: Db = Db,
///         worker*2: Worker,
///         pool: one_for_one {
///             conn*..=1000: Conn,
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tree = Tree::start().await?;
/// println!("{}", tree.snapshot()?);
/// tree.worker.scale_to(4).await?;
/// tree.db.replace(Db).await?;
/// let pool: &TreePool = &tree.pool;
/// pool.conn.add(Conn(8080)).await?;
///
/// let conn: Children<Conn> = pool.conn.clone();
/// tokio::spawn(async move { conn.add(Conn(8081)).await }).await??;
/// tree.shutdown().await?;
/// # Ok(())
/// # }
/// ```
///
/// The type of a group has the name of the tree and the group's in camel case; that of a group within it goes on from there
/// (`TreePoolInner`). If another group of the tree has that name already, a number follows (`TreePoolInner2`). A type of
/// yours by such a name is an error: rename it, or the group.
///
/// The fields are as visible as the tree's type. Attributes of the header go to that type; `cfg` and `allow` go to all that
/// is generated. Every type is `Debug`, the references are `Clone`: only one owner can be.
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
/// | [`restart = transient`](crate::Child::restart) | `permanent`; `temporary` for an open group | `permanent`: always; `transient`: after a failure; `temporary`: never |
/// | [`start_timeout = 30s`](crate::Child::start_timeout) | none | a start that takes longer has failed |
/// | [`requires = [db]`](crate::Child::requires) | none | in a `dependents_for_one` group: earlier siblings that it depends on, besides those that it [uses](#wiring) |
/// | [`significant`](crate::Child::significant) | off | its end counts for its group's `auto_shutdown` |
/// | [`shutdown = 5s`](crate::Child::shutdown) | 5 s | how long it may take to stop: a duration, `infinity` or `brutal_kill` |
/// | [`backoff = 100ms..30s`](crate::Child::backoff) | its group's | the first restart is immediate, then the delay doubles from the one to the other |
/// | [`heartbeat = 30s`](crate::Child::heartbeat) | none | a child silent for longer has failed |
/// | [`in_place`](crate::Child::in_place) | off | see above; of an open group, whose members then have to be `transient` or `permanent` |
/// | [`replace = path`](crate::Child::replace) | off | see above |
///
/// # Durations
///
/// A text (`"1s"`, `"250ms"`, `"1h30m"`), the same without quotes (`1s`), a number of seconds (`5`, `0.5`), or any
/// expression of type [`Duration`](std::time::Duration). The units are `ns`, `us`, `ms`, `s`, `m`, `h` and `d`.
///
/// # Errors
///
/// All mistakes of a tree are reported in one run, each where it stands. A tree with a mistake still has its type, its
/// functions and its fields, so that no error elsewhere is a consequence of it.
#[macro_export]
macro_rules! supervision_tree {
    ($($declaration:tt)*) => {
        $crate::__private::supervision_tree! { [$crate] $($declaration)* }
    };
}
