//! Supervision trees for tokio services: a declaration that the compiler checks, with the semantics of Erlang/OTP.
//!
//! A long-running program is a tree. The leaves are [`Service`]s, which do the work; the inner nodes are
//! [`Supervisor`]s, which start their children in order, watch them, restart them when they fail, give up when that
//! happens too often, and stop them in reverse order. [`supervision_tree!`] declares the tree, and `Tree::run()` runs it
//! until it ends or the process is told to stop.
//!
//! ```no_run
//! use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};
//!
//! struct Db;
//! struct Worker(usize);
//!
//! impl Service for Db {
//!     async fn run(&mut self, cx: &Context) -> ServiceResult {
//!         cx.stopping().await;
//!         Ok(())
//!     }
//! }
//!
//! impl Service for Worker {
//!     async fn run(&mut self, cx: &Context) -> ServiceResult {
//!         cx.stopping().await;
//!         Ok(())
//!     }
//! }
//!
//! supervision_tree! {
//!     one_for_all(max_restarts = 10, over = "1s") {
//!         db: Db,
//!         one_for_one {
//!             worker*4: Worker,
//!         }
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), supervisor_runtime::TreeError> {
//!     Tree::run().await
//! }
//! ```
//!
//! # Where to read on
//!
//! | you want to | read |
//! |---|---|
//! | declare a tree | [`supervision_tree!`]: the whole language |
//! | write a service | [`Service`], [`Context`], [`service_fn`] |
//! | have children use each other | [`Provide`], and the page on [wiring](guide::wiring) |
//! | choose a strategy | the constructors of [`Supervisor`] |
//! | say when a child is restarted | [`Restart`], [`RestartLimit`], [`Backoff`], [`forfeit`], [`escalate`] |
//! | hold a tree while it runs, and steer it | [the fields of a tree](supervision_tree!#the-running-tree), [`ChildRef`], [`Replicas`], [`Children`], [`GroupRef`]; [`Running`], its owner, and [`TreeHandle`] |
//! | steer it from inside | [`Context::tree`], [`Context::supervisor`] |
//! | know whether it is ready | [`TreeHandle::wait_ready`], [`Context::not_ready`] |
//! | hear what happens in it | [`TreeHandle::events`], [`Event`], [`What`] |
//! | see where it stands | [`TreeHandle::snapshot`], [`Snapshot`], [`Status`], [`State`] |
//! | draw it | [`Outline`], the declaration; [`Snapshot::mermaid`], [`Snapshot::dot`] |
//! | know how a tree ends | [`Supervisor::run`], [`TreeError`] |
//! | build a tree by hand | [`Supervisor`], [`Child`] |
//! | test your tree | the feature `test-util`: the modules `guide::testing` and `testing` |
//!
//! # Words
//!
//! They are Erlang's, where Erlang has one.
//!
//! - An *incarnation* is one life of a child: factory, `start`, `run`, `stop`. A restart begins the next one, from
//!   clean state unless the child says otherwise.
//! - A *failure* is an `Err`, a panic, a limit missed; for a `permanent` child also an unasked `Ok`.
//! - A restart *sweeps* a set of children: they are stopped in reverse order and started in order. One failure, however
//!   many it sweeps, is one *incident*, and counts once against the *restart limit*.
//! - A supervisor *gives up* past its limit: it stops its children and fails; its own supervisor decides on.
//! - *Done* is a child that returned `Ok` and may. *Forfeited* is a child that will not be started again. *Stuck* is one
//!   that blocks its thread, so that it cannot even be dropped.
//! - A *handle* is what a service offers to others ([`Provide`]); it dies with its incarnation. A *reference* is what
//!   steers a child ([`ChildRef`]); it stays.
//!
//! # What is guaranteed
//!
//! - No incarnation of a child is ever alive beside another of the same child.
//! - What is declared after a child starts after its `start` has returned, and is stopped before it.
//! - When [`Supervisor::run`] has returned, nothing of the tree is alive but what its error lists as stuck.
//! - Nothing ends silently: a tree that gave up, that had nothing left but what was forfeited, or of which something was
//!   dropped by force while it was stopping, returns an error that says so.
//!
//! # Logs
//!
//! Through [`tracing`](https://docs.rs/tracing), under the target `supervisor`: `warn` for what went wrong with a child (it failed,
//! or was dropped by force), `error` for what the tree gives up for that (a child is forfeited or stuck, a group reaches its limit or
//! does not start), `info` for starts, restarts and stops, `debug` for what is on its way there. `child` or `supervisor` is a path, as
//! in `orders/pool/worker[2]`. How a child failed is `error`, with its whole chain, or `panic` with its `place`, or `cause`, as a limit
//! that it missed; when, is `phase`. Other fields are `attempt`, `delay`, `restarts_left`, `others` and `incarnation`.
//!
//! What happens on several threads at once may be logged in another order than it happened: [`TreeHandle::events`] is in order.
//!
//! # Features
//!
//! - `serde`: `Serialize` for [`Snapshot`], [`Row`], [`Status`], [`State`] and [`Outline`], as nested data for a dashboard.
//! - `test-util`: the module `testing`, for tests of a tree: a paused clock, faults on demand, and a trace of what has
//!   happened. Turn it on in `[dev-dependencies]`.
//!
//! # What it asks of the program
//!
//! A tokio runtime with time enabled, either flavor. `panic = "unwind"`, the default: with `abort` a panic still ends the
//! process, and the start warns. A service that never awaits cannot be stopped, by any supervisor: put blocking work into
//! `spawn_blocking`, give the thread a clone of the [`Context`], and let it look at [`Context::is_stopping`], which stays
//! true after the incarnation has ended. What a library spawns by itself (a connection of a web server, say) is not the
//! tree's: stop it in [`Service::stop`].

#![cfg_attr(docsrs, feature(doc_cfg))]

mod context;
mod decide;
mod declare;
mod error;
mod exit;
mod graph;
pub mod guide;
mod handle;
#[cfg(all(test, interleavings))]
mod interleavings;
mod line;
mod log;
mod macros;
mod outline;
mod reference;
mod service;
mod shell;
mod signals;
mod sync;
#[cfg(feature = "test-util")]
pub mod testing;
mod tree;
mod view;

pub use context::{Context, Interval, Stopping};
pub use declare::{
    ANONYMOUS, AnyChild, AutoShutdown, Backoff, Bound, Child, Connect, Decision, Failure, IntoService, Name, Restart,
    RestartLimit, Set, Shutdown, Supervisor, Uses, Wire, Wires,
};
pub use error::{Left, RestartLimitReached, TreeError, TreeErrorKind};
pub use exit::{Cause, Exit, Panic, Phase, escalate, forfeit};
pub use handle::TreeHandle;
pub use outline::Outline;
pub use reference::{
    ChildRef, Children, Counts, GroupRef, Rejected, Replaces, Replacing, Replicas, SteerError, Untyped,
};
pub use service::{BoxError, BoxService, Provide, Service, ServiceFn, ServiceResult, StableHandle, service_fn};
pub use tree::Running;
pub use view::{Event, Events, Initial, Missed, Order, Row, Snapshot, State, Status, What};

/// What `supervision_tree!` expands to, besides the public API: the macro itself.
#[doc(hidden)]
pub mod __private {
    #[cfg(not(rust_analyzer))]
    pub use supervisor_macros::supervision_tree;
    #[cfg(rust_analyzer)]
    pub use supervisor_macros::supervision_tree_in_an_editor as supervision_tree;

    /// The words that options take, as an editor completes them.
    #[cfg(rust_analyzer)]
    pub mod words {
        #![allow(non_upper_case_globals, reason = "they are written as in a declaration")]

        pub mod restart {
            use crate::Restart;

            /// Always: a service that ends unasked is what supervision is for. The default.
            pub const permanent: Restart = Restart::Permanent;
            /// After a failure; a child that returned `Ok` is done.
            pub const transient: Restart = Restart::Transient;
            /// Never.
            pub const temporary: Restart = Restart::Temporary;
        }

        pub mod auto_shutdown {
            use crate::AutoShutdown;

            /// The group goes on whatever ends. The default.
            pub const never: AutoShutdown = AutoShutdown::Never;
            /// The group ends when one significant child has ended.
            pub const any_significant: AutoShutdown = AutoShutdown::AnySignificant;
            /// The group ends when all significant children have ended.
            pub const all_significant: AutoShutdown = AutoShutdown::AllSignificant;
        }
    }
}
