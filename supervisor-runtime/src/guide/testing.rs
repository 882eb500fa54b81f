//! Testing a tree: that the right things are restarted, in the right order, in time.
//!
//! # What there is to test
//!
//! What each service does is tested without any tree. What is left is what the declaration says: that the workers do not
//! outlive their database, that a stop fits into the thirty seconds that the deployment gives, that a service that never comes
//! up ends the program and does not try for ever. Each of that is a line or two in the tree, each is easily wrong, and nobody
//! notices before the night on which it counts.
//!
//! By hand such a test is a service that can be told to fail, a channel to tell it, another channel that says what
//! happened, and a sleep that is long enough on most days. [`testing`](crate::testing) is all of that for any tree, with your own
//! services in it, unchanged.
//!
//! ```toml
//! [dev-dependencies]
//! supervisor-runtime = { version = "0.1", features = ["test-util"] }
//! tokio = { version = "1", features = ["macros", "rt", "test-util"] }
//! ```
//!
//! # A tree
//!
//! A shop: a database, four workers that use its handle, and a mailer that nothing depends on.
//!
//! ```
//! use supervisor_runtime::{Context, Provide, Service, ServiceResult, supervision_tree};
//!
//! struct Db;
//! struct Worker { db: &'static str }
//! struct Mailer;
//!
//! impl Service for Db {
//!     async fn run(&mut self, cx: &Context) -> ServiceResult {
//!         cx.stopping().await;
//!         Ok(())
//!     }
//! }
//!
//! impl Provide for Db {
//!     type Handle = &'static str;
//!
//!     fn handle(&self) -> &'static str {
//!         "a pool"
//!     }
//! }
//! # impl Service for Worker {
//! #     async fn run(&mut self, cx: &Context) -> ServiceResult { let _ = self.db; cx.stopping().await; Ok(()) }
//! # }
//! # impl Service for Mailer {
//! #     async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) }
//! # }
//!
//! supervision_tree! {
//!     pub struct Shop;
//!
//!     dependents_for_one(max_restarts = 3, over = 1m) {
//!         db(backoff = 1s..30s): Db,
//!         mailer(shutdown = 10s): Mailer,
//!         worker*4: |_| Worker { db: db.clone() },
//!     }
//! }
//! ```
//!
//! # A first test
//!
//! A [`TestTree`](crate::testing::TestTree) runs it. `expect` waits until as much has happened as it names, and compares: the database
//! and the mailer first, the workers once the database has started.
//!
//! ```
//! # use supervisor_runtime::{Context, Provide, Service, ServiceResult, supervision_tree};
//! # struct Db;
//! # struct Worker { db: &'static str }
//! # struct Mailer;
//! # impl Service for Db { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
//! # impl Provide for Db { type Handle = &'static str; fn handle(&self) -> &'static str { "a pool" } }
//! # impl Service for Worker {
//! #     async fn run(&mut self, cx: &Context) -> ServiceResult { let _ = self.db; cx.stopping().await; Ok(()) }
//! # }
//! # impl Service for Mailer { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
//! # supervision_tree! {
//! #     pub struct Shop;
//! #     dependents_for_one(max_restarts = 3, over = 1m) {
//! #         db(backoff = 1s..30s): Db,
//! #         mailer(shutdown = 10s): Mailer,
//! #         worker*4: |_| Worker { db: db.clone() },
//! #     }
//! # }
//! use supervisor_runtime::testing::TestTree;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() { the_workers_get_a_new_database().await }
//! # /*
//! #[tokio::test(start_paused = true)]
//! # */
//! async fn the_workers_get_a_new_database() {
//!     let mut shop = TestTree::new(Shop::service());
//!     shop.expect("start db, start mailer, start worker[0..4]").await;
//!
//!     shop.fail("db");
//!     shop.expect("fail db, stop worker[0..4], start db, start worker[0..4]").await;
//! }
//! ```
//!
//! The mailer is not in the second line: had it been restarted, too, the test would fail and show it. `start_paused` stops
//! the clock: it moves only when nothing else can, and then at once, so no test ever waits.
//!
//! # When it is wrong
//!
//! Say the group was `one_for_all`. The test fails with what it expected and what has happened, one thing to a line:
//!
//! ```text
//! the trace at tests/shop.rs:12:10 is not what was expected:
//!     fail db               failed: injected failure
//!     stop worker[0..4]
//!   + stop mailer
//!     start db
//!   + start mailer
//!     start worker[0..4]
//!   (`-` was expected and has not happened, `+` has happened and was not expected)
//! ```
//!
//! # More that can go wrong
//!
//! A [`Fault`](crate::testing::Fault) says what, to whom, in which phase, how often. It waits until it is time, so it can be injected
//! before the tree has begun.
//!
//! ```
//! # use supervisor_runtime::{Context, Provide, Service, ServiceResult, supervision_tree};
//! # struct Db;
//! # struct Worker { db: &'static str }
//! # struct Mailer;
//! # impl Service for Db { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
//! # impl Provide for Db { type Handle = &'static str; fn handle(&self) -> &'static str { "a pool" } }
//! # impl Service for Worker {
//! #     async fn run(&mut self, cx: &Context) -> ServiceResult { let _ = self.db; cx.stopping().await; Ok(()) }
//! # }
//! # impl Service for Mailer { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
//! # supervision_tree! {
//! #     pub struct Shop;
//! #     dependents_for_one(max_restarts = 3, over = 1m) {
//! #         db(backoff = 1s..30s): Db,
//! #         mailer(shutdown = 10s): Mailer,
//! #         worker*4: |_| Worker { db: db.clone() },
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! use std::time::Duration;
//! use supervisor_runtime::{Phase, TreeErrorKind};
//! use supervisor_runtime::testing::{Fault, TestTree};
//!
//! // A database that is gone for good ends the program, which is what the deployment waits for.
//! let mut shop = TestTree::new(Shop::service());
//! shop.expect("start db, start mailer, start worker[0..4]").await;
//! shop.inject(Fault::fail("db").at(Phase::Start).always());
//! shop.fail("db");
//! shop.expect(
//!     "fail db, stop worker[0..4],
//!      fail db,
//!      fail db,
//!      fail db, give up Shop, stop mailer, end",
//! )
//! .await;
//! assert_eq!(shop.ended().await.unwrap_err().kind(), TreeErrorKind::LimitReached);
//!
//! // A worker that hangs does not hold up the shutdown for longer than its five seconds. A trace with a time in it
//! // compares all of them.
//! let mut shop = TestTree::new(Shop::service());
//! shop.expect("start db, start mailer, start worker[0..4]").await;
//! shop.hang("worker[2]");
//! shop.inject(Fault::delay("mailer", Duration::from_secs(8)).at(Phase::Stop));
//! shop.shutdown();
//! shop.expect("stop worker[0..2][3], +5s, drop worker[2], stop db, +3s, stop mailer, end").await;
//!
//! // The shutdown comes in the middle of a restart: nothing is started any more.
//! let mut shop = TestTree::new(Shop::service());
//! shop.expect("start db, start mailer, start worker[0..4]").await;
//! shop.fail("db");
//! shop.until("stop worker[1]").await;
//! shop.shutdown();
//! shop.expect("fail db, stop worker[0..4], stop mailer, end").await;
//! # }
//! ```
//!
//! A `TestTree` is also a [`TreeHandle`](crate::TreeHandle): look at it (`shop.snapshot()`), steer it
//! (`shop.child::<Db>("db")?.restart().await`), hold one in your hand that a service would have.
//!
//! # What it is not for
//!
//! - What happens in real time or on many threads: a service that blocks its thread, a race of your own. Run the tree
//!   itself, as `main` does.
//! - Services that talk to the world outside. The clock does not wait for a socket; give the tree its connections as
//!   parameters, and give a test others.
