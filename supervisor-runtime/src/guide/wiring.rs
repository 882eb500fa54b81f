//! Children that use each other, and why no handle goes stale.
//!
//! # What goes wrong without it
//!
//! A pool owns connections, a worker talks to the pool through a handle. One day the pool panics. Whoever wrote the service
//! has thought of that: something starts the pool again. The worker has not failed, so nobody touches it, and it goes on
//! talking to the pool that is dead. Every health check says that both are up; every query fails.
//!
//! By hand, with tokio:
//!
//! ```
//! use std::sync::{Arc, Mutex};
//! use tokio::sync::{mpsc, oneshot};
//!
//! type Query = oneshot::Sender<&'static str>;
//!
//! /// Answers queries; the first incarnation breaks at its third.
//! async fn pool(incarnation: u32, mut queries: mpsc::Receiver<Query>) {
//!     let mut answered = 0;
//!     while let Some(query) = queries.recv().await {
//!         if incarnation == 1 && answered == 2 {
//!             return; // a panic, an error: it is gone, with the queries that it held
//!         }
//!         answered += 1;
//!         let _ = query.send("rows");
//!     }
//! }
//!
//! async fn query(pool: &mpsc::Sender<Query>) -> Result<&'static str, &'static str> {
//!     let (answer, answered) = oneshot::channel();
//!     pool.send(answer).await.map_err(|_| "the pool is gone")?;
//!     answered.await.map_err(|_| "the pool is gone")
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // A loop that keeps the pool running, and tells where it is to be found.
//! let current = Arc::new(Mutex::new(None));
//! let (up, mut is_up) = mpsc::channel(1);
//! let place = Arc::clone(&current);
//! tokio::spawn(async move {
//!     for incarnation in 1.. {
//!         let (handle, queries) = mpsc::channel(1);
//!         *place.lock().unwrap() = Some(handle);
//!         let _ = up.try_send(incarnation);
//!         pool(incarnation, queries).await;
//!     }
//! });
//! is_up.recv().await;
//!
//! // The worker is made once, with the handle of that day.
//! let handle = current.lock().unwrap().clone().unwrap();
//! let worker = tokio::spawn(async move {
//!     let mut answers = Vec::new();
//!     for _ in 0..6 {
//!         answers.push(query(&handle).await);
//!     }
//!     answers
//! });
//! let answers = worker.await.unwrap();
//! assert_eq!(answers[..2], [Ok("rows"), Ok("rows")]);
//! assert_eq!(answers[2..], [Err("the pool is gone"); 4]); // and so on, for ever
//!
//! // The pool is up. Who asks for it now gets its answer.
//! let fresh = current.lock().unwrap().clone().unwrap();
//! assert_eq!(query(&fresh).await, Ok("rows"));
//! # }
//! ```
//!
//! A supervisor that restarts each child by itself does not help, whichever language it is written in: it sees two
//! children, one of which has failed. That the other one holds something of the first it does not know. Here the handle is
//! passed along behind the supervisor's back, as it has to be where the supervisor offers no other way:
//!
//! ```
//! use std::sync::{Arc, Mutex};
//! use supervisor_runtime::{Child, Context, Service, ServiceResult, State, Supervisor, Untyped};
//! use tokio::sync::mpsc;
//!
//! type Handle = mpsc::Sender<&'static str>;
//!
//! struct Pool { incoming: mpsc::Receiver<&'static str> }
//!
//! impl Service for Pool {
//!     async fn run(&mut self, cx: &Context) -> ServiceResult {
//!         while let Some(Some(query)) = cx.until_stopped(self.incoming.recv()).await {
//!             if query == "poison" {
//!                 return Err("cannot digest that".into());
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//!
//! struct Worker { pool: Handle, errors: Arc<Mutex<u32>> }
//!
//! impl Service for Worker {
//!     async fn run(&mut self, cx: &Context) -> ServiceResult {
//!         for query in ["select", "poison", "select", "select", "select"] {
//!             if self.pool.send(query).await.is_err() {
//!                 *self.errors.lock().unwrap() += 1; // logged, retried: it does not fail for that
//!             }
//!             tokio::time::sleep(std::time::Duration::from_millis(1)).await;
//!         }
//!         cx.stopping().await;
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), supervisor_runtime::TreeError> {
//! let (smuggled, errors) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(0)));
//! let (place, counted) = (Arc::clone(&smuggled), Arc::clone(&errors));
//! let tree = Supervisor::one_for_one("naive")
//!     .child(Child::new("pool", move || {
//!         let (handle, incoming) = mpsc::channel(1);
//!         *place.lock().unwrap() = Some(handle);
//!         Pool { incoming }
//!     }))
//!     .child(Child::new("worker", move || Worker {
//!         pool: smuggled.lock().unwrap().clone().expect("the pool has started"),
//!         errors: Arc::clone(&counted),
//!     }))
//!     .start()
//!     .await?;
//! tokio::time::sleep(std::time::Duration::from_secs(1)).await;
//!
//! // Both run, and all is well, says the supervisor.
//! let status = |name| tree.child::<Untyped>(name).and_then(|child| child.status());
//! assert_eq!((status("pool")?.state(), status("pool")?.restarts()), (State::Running, 1));
//! assert_eq!((status("worker")?.state(), status("worker")?.restarts()), (State::Running, 0));
//! assert_eq!(*errors.lock().unwrap(), 3); // every query since
//! # tree.shutdown().await
//! # }
//! ```
//!
//! # With wires
//!
//! A service that others use says what it offers ([`Provide`](crate::Provide)). A child's expression uses the child declared
//! above it by its name, and gets the handle of its current incarnation, taken when its `start` has succeeded. To use the
//! name is to depend on it; nothing has to be repeated.
//!
//! ```
//! use std::sync::{Arc, Mutex};
//! use supervisor_runtime::{Context, Provide, Service, ServiceResult, supervision_tree};
//! use tokio::sync::mpsc;
//!
//! # #[derive(Default)]
//! # struct Seen { errors: u32, workers: u32 }
//! struct Pool { incoming: mpsc::Receiver<&'static str>, handle: mpsc::Sender<&'static str> }
//!
//! impl Pool {
//!     fn new() -> Self {
//!         let (handle, incoming) = mpsc::channel(1);
//!         Self { incoming, handle }
//!     }
//! }
//!
//! impl Provide for Pool {
//!     type Handle = mpsc::Sender<&'static str>;
//!
//!     fn handle(&self) -> Self::Handle {
//!         self.handle.clone()
//!     }
//! }
//!
//! struct Worker { pool: mpsc::Sender<&'static str>, seen: Arc<Mutex<Seen>> }
//! # impl Service for Pool {
//! #     async fn run(&mut self, cx: &Context) -> ServiceResult {
//! #         while let Some(Some(query)) = cx.until_stopped(self.incoming.recv()).await {
//! #             if query == "poison" {
//! #                 return Err("cannot digest that".into());
//! #             }
//! #         }
//! #         Ok(())
//! #     }
//! # }
//! # impl Service for Worker {
//! #     async fn run(&mut self, cx: &Context) -> ServiceResult {
//! #         self.seen.lock().unwrap().workers += 1;
//! #         if self.seen.lock().unwrap().workers > 1 {
//! #             for _ in 0..3 {
//! #                 if self.pool.send("select").await.is_err() {
//! #                     self.seen.lock().unwrap().errors += 1;
//! #                 }
//! #             }
//! #         } else {
//! #             self.pool.send("poison").await?;
//! #         }
//! #         cx.stopping().await;
//! #         Ok(())
//! #     }
//! # }
//!
//! supervision_tree! {
//!     struct Wired(seen: Arc<Mutex<Seen>>);
//!
//!     dependents_for_one {
//!         pool: Pool::new(),
//!         worker: Worker { pool, seen },
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), supervisor_runtime::TreeError> {
//! let seen = Arc::new(Mutex::new(Seen::default()));
//! let tree = Wired::start(Arc::clone(&seen)).await?;
//! tokio::time::sleep(std::time::Duration::from_secs(1)).await;
//!
//! // The pool has failed once. The worker was stopped before it was restarted, and made anew with the new handle.
//! assert_eq!((tree.pool.status()?.incarnation(), tree.worker.status()?.incarnation()), (2, 2));
//! assert_eq!(seen.lock().unwrap().errors, 0);
//! # tree.shutdown().await
//! # }
//! ```
//!
//! Written as `one_for_one`, which restarts the pool alone, the same tree does not compile:
//!
//! ```compile_fail
//! # use supervisor_runtime::{Context, Provide, Service, ServiceResult, supervision_tree};
//! # struct Pool;
//! # struct Worker(u32);
//! # impl Provide for Pool { type Handle = u32; fn handle(&self) -> u32 { 7 } }
//! # impl Service for Pool { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
//! # impl Service for Worker { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
//! supervision_tree! {
//!     one_for_one {
//!         pool: Pool,
//!         worker: Worker(pool),    // error: `one_for_one` restarts `pool` without `worker`
//!     }
//! }
//! ```
//!
//! # What is proven
//!
//! > When a provider's new incarnation starts, or when it is gone for good, no user of an earlier handle is running.
//!
//! It follows from three things, each checked in its own place.
//!
//! - **Order.** A user stands below its provider, so it starts after the provider's `start`, and is stopped before it is
//!   asked to stop. This is the order of every group.
//! - **Failure.** When the provider fails, its group stops the user before the provider is started again. The compiler looks at
//!   the group in which the *provider* stands; a user in a group inside that is stopped with its group.
//!
//!   | strategy there | |
//!   |---|---|
//!   | `one_for_all` | all are stopped, the user among them |
//!   | `rest_for_one` | what is declared after the provider is, the user among it |
//!   | `dependents_for_one` | what depends on the provider is: the use is the edge |
//!   | `forfeit_one_for_all`, `crashing` | all are stopped, and the provider is never started again there |
//!   | `one_for_one`, `forfeit_one_for_one` | the user goes on: rejected |
//!   | `custom` | a function decides, which the compiler does not see through: rejected |
//!
//! - **What is kept.** A user is made anew after that, with the new handle. One that is `in_place` or has `replace` keeps what it
//!   had, so it is rejected. A `temporary` provider is gone after its first end, an open group has no members that stay: the
//!   use of either is rejected.
//!
//! The last two have one exception: a handle that goes on to work. Where the provider is `in_place`, the same value is started
//! again, and if its type says that its handle survives that ([`StableHandle`](crate::StableHandle)), users may go on with it.
//!
//! What the compiler cannot see, because it is done while the tree runs, the supervisor keeps: whoever stops, restarts or
//! replaces a provider by hand, scales it, or sees it forfeited, takes those that use it along, first stopped, last started.
//!
//! A provider that returned `Ok` and may is done, not dead: its handle stays.
//!
//! # What it cannot see
//!
//! - A handle that goes around the tree: through a global, in a message, by a clone that a worker gave away. The tree
//!   ends who was given the handle, not who was given it by them.
//! - What a handle means. One that holds the address of a server survives the restart of the client that made it, but nobody
//!   but you knows that: say [`StableHandle`](crate::StableHandle).
//! - A provider that breaks without failing: it runs, so its handle is good, as far as the tree knows. Fail, or use
//!   `heartbeat`.
//!
//! # By hand
//!
//! The macro declares a [`Wire`](crate::Wire) for each child that is used; by hand it reads the same:
//! `Child::new("pool", Pool::new).provides(&pool)`, `Child::using("worker", &pool, |pool| Worker { pool })`. The same rules are
//! checked when the tree is started, and reported with everything else that is wrong with it.
