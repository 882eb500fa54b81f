//! Tests of trees: on a paused clock, with faults on demand, against a trace of what has happened.
//!
//! Needs the feature `test-util`; without it, nothing of it is compiled. [The guide](crate::guide::testing) has the whole way
//! from a tree to its tests.
//!
//! ```
//! use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};
//! use supervisor_runtime::testing::TestTree;
//!
//! struct Idle;
//!
//! impl Service for Idle {
//!     async fn run(&mut self, cx: &Context) -> ServiceResult {
//!         cx.stopping().await;
//!         Ok(())
//!     }
//! }
//!
//! supervision_tree! {
//!     rest_for_one {
//!         db: Idle,
//!         worker*4: |_| Idle,
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! // In a `#[tokio::test(start_paused = true)]`:
//! let mut tree = TestTree::new(Tree::service());
//! tree.expect("start db, start worker[0..4]").await;
//!
//! tree.fail("db");
//! tree.expect("fail db, stop worker[0..4], start db, start worker[0..4]").await;
//!
//! tree.shutdown();
//! tree.expect("stop worker[0..4], stop db, end").await;
//! # }
//! ```
//!
//! # The trace
//!
//! A list of what has happened, in order, separated by commas or line ends. An item is a word and a child, by its path
//! below the outermost supervisor:
//!
//! | item | meaning |
//! |---|---|
//! | `start db` | its `start` has succeeded |
//! | `fail db` | it failed: an error, a panic, a limit missed, or an `Ok` that was not wanted |
//! | `stop db` | it has stopped, as it was asked to |
//! | `drop db` | it had to be dropped: it did not stop in time |
//! | `done db` | it returned `Ok`, and may |
//! | `forfeit db` | it will not be started again |
//! | `stuck db` | it blocks its thread, and cannot even be dropped |
//! | `not ready db`, `ready db` | it has said so |
//! | `give up pool` | the supervisor is past its restart limit |
//! | `escalate pool`, `crash pool` | the supervisor fails with a child's error |
//! | `end` | the tree has ended |
//!
//! Of supervisors, only what their children cannot tell is shown: that one failed, gave up, is done or was forfeited. What
//! was only decided or announced (that a child is to be stopped, that a restart is delayed) is not.
//!
//! Neighbours with the same word that are replicas of one child are written as a range, which ends before its second number:
//! `start worker[0..4]`. Their order is not compared: they start together and stop together.
//!
//! `+2s` says that the clock moved by so much. Times are compared only where an expectation has one; then all of them are.

mod diff;
mod fault;
mod faults;
mod names;
mod notation;
mod trace;
mod tree;

pub use fault::Fault;
pub use trace::Trace;
pub use tree::TestTree;

pub(crate) use faults::{Faults, supervise};
