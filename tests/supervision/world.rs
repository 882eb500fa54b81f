//! Services that do as they are told and write down what happens to them.
//!
//! Every incarnation of a child named `a` takes the next [`Act`] that was queued for `a` (without one, it runs
//! until it is stopped) and writes `start a`, `stop a` and what it does in between to one shared log; `drop a`
//! says that one of its futures was dropped before its end. A test waits for log lines and compares all of
//! them; it never sleeps to let something settle. Two incarnations of one name at the same time write
//! `two of a`, which no test expects.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use supervisor_runtime::{Child, ChildRef, Context, Name, Running, Service, State, Supervisor, TreeError, TreeHandle};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

pub(crate) use crate::probe::{Act, Order, Probe};

/// An error that does this when it is dropped.
#[derive(Debug)]
pub(crate) struct Mistake(pub(crate) fn());

impl Drop for Mistake {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a mistake")
    }
}

impl std::error::Error for Mistake {}

/// What all services of a test share.
#[derive(Clone)]
pub(crate) struct World(Arc<Shared>);

struct Shared {
    epoch: Instant,
    /// How long a test waits for a line, by its clock.
    patience: Duration,
    log: Mutex<Vec<(Duration, String)>>,
    written: Notify,
    acts: Mutex<HashMap<String, VecDeque<Act>>>,
    orders: Mutex<HashMap<String, VecDeque<Order>>>,
    ordered: Notify,
    present: Mutex<Vec<String>>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_patience(Duration::from_secs(86_400))
    }

    /// For a test whose clock is not paused.
    pub(crate) fn in_real_time() -> Self {
        Self::with_patience(Duration::from_secs(20))
    }

    fn with_patience(patience: Duration) -> Self {
        crate::capture::install();
        Self(Arc::new(Shared {
            epoch: Instant::now(),
            patience,
            log: Mutex::default(),
            written: Notify::new(),
            acts: Mutex::default(),
            orders: Mutex::default(),
            ordered: Notify::new(),
            present: Mutex::default(),
        }))
    }

    /// Queues what the next incarnations of `name` do.
    pub(crate) fn plan(&self, name: &str, acts: impl IntoIterator<Item = Act>) -> &Self {
        self.0.acts.lock().unwrap().entry(name.to_owned()).or_default().extend(acts);
        self
    }

    /// A child that does as it is told.
    pub(crate) fn child(&self, name: &'static str) -> Child<Probe> {
        let world = self.clone();
        Child::new(name, move || world.service(name))
    }

    /// Replicas that do as they are told; the plans of `worker` are `worker0`, `worker1`, ..
    pub(crate) fn replicas(&self, name: &'static str, count: usize) -> Child<Probe> {
        let world = self.clone();
        Child::replicated(Name::from(name), count, move |index| world.service(&format!("{name}{index}")))
    }

    pub(crate) fn service(&self, name: &str) -> Probe {
        Probe::new(name, self)
    }

    /// Makes the current incarnation of `name`, which has to be running, fail.
    pub(crate) fn fail(&self, name: &str) {
        self.order(name, Order::Fail);
    }

    /// Tells the current incarnation of `name`, which has to be running, how to end.
    pub(crate) fn order(&self, name: &str, order: Order) {
        self.0.orders.lock().unwrap().entry(name.to_owned()).or_default().push_back(order);
        self.0.ordered.notify_waiters();
    }

    /// Nobody is told how to end any more.
    pub(crate) fn forget_orders(&self) {
        self.0.orders.lock().unwrap().clear();
    }

    pub(crate) fn write(&self, line: impl Into<String>) {
        self.0.log.lock().unwrap().push((self.0.epoch.elapsed(), line.into()));
        self.0.written.notify_waiters();
    }

    /// Waits for as many lines as are expected, compares all of them, and begins a new page.
    #[track_caller]
    pub(crate) fn expect<'a>(&'a self, expected: &'a [&str]) -> impl Future<Output = ()> + 'a {
        self.compare(expected, |(_, line)| line)
    }

    /// The same with times, in milliseconds since the world began: `5000 stop a`.
    #[track_caller]
    pub(crate) fn expect_timed<'a>(&'a self, expected: &'a [&str]) -> impl Future<Output = ()> + 'a {
        self.compare(expected, |(time, line)| format!("{} {line}", time.as_millis()))
    }

    #[track_caller]
    fn compare<'a>(
        &'a self,
        expected: &'a [&str],
        line: impl Fn((Duration, String)) -> String + 'a,
    ) -> impl Future<Output = ()> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let enough = async {
                loop {
                    let written = self.0.written.notified();
                    if self.0.log.lock().unwrap().len() >= expected.len() {
                        return;
                    }
                    written.await;
                }
            };
            let in_time = tokio::time::timeout(self.0.patience, enough).await;
            let page = std::mem::take(&mut *self.0.log.lock().unwrap());
            let page: Vec<_> = page.into_iter().map(line).collect();
            assert!(in_time.is_ok() && page == expected, "at {caller}:\n  expected {expected:?}\n  but got  {page:?}");
        }
    }

    /// All that has been written since the last page, without waiting.
    pub(crate) fn page(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.log.lock().unwrap()).into_iter().map(|(_, line)| line).collect()
    }

    /// The same with times, since the world began.
    pub(crate) fn timed_page(&self) -> Vec<(Duration, String)> {
        std::mem::take(&mut *self.0.log.lock().unwrap())
    }

    /// The lines from here on, with times, until they are enough; for when the exact times are left to chance.
    pub(crate) async fn lines_until(&self, enough: impl Fn(&[(Duration, String)]) -> bool) -> Vec<(Duration, String)> {
        let mut lines = Vec::new();
        for _ in 0..100_000 {
            lines.extend(self.timed_page());
            if enough(&lines) {
                return lines;
            }
            self.idle().await;
        }
        panic!("never enough: {lines:?}");
    }

    /// Waits until nothing can go on without the clock: only then does a paused clock move, here by 1 ms.
    pub(crate) async fn idle(&self) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    pub(crate) fn next_act(&self, name: &str) -> Act {
        self.0.acts.lock().unwrap().get_mut(name).and_then(VecDeque::pop_front).unwrap_or(Act::Run)
    }

    pub(crate) async fn next_order(&self, name: &str) -> Order {
        loop {
            let ordered = self.0.ordered.notified();
            if let Some(order) = self.0.orders.lock().unwrap().get_mut(name).and_then(VecDeque::pop_front) {
                return order;
            }
            ordered.await;
        }
    }

    /// Polls a future of `name` to its end, and notes if it is dropped before, or is not alone.
    pub(crate) async fn present<T>(&self, name: &str, future: impl Future<Output = T>) -> T {
        let mut presence = Presence::of(self, name);
        let value = future.await;
        presence.ended = true;
        value
    }

    /// How many probes are in `start`, `run` or `stop` at this moment.
    pub(crate) fn alive(&self) -> usize {
        self.0.present.lock().unwrap().len()
    }
}

struct Presence {
    world: World,
    name: String,
    ended: bool,
}

impl Presence {
    fn of(world: &World, name: &str) -> Self {
        let mut present = world.0.present.lock().unwrap();
        let alone = !present.iter().any(|other| other == name);
        present.push(name.to_owned());
        drop(present);
        if !alone {
            world.write(format!("two of {name}"));
        }
        Self { world: world.clone(), name: name.to_owned(), ended: false }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut present = self.world.0.present.lock().unwrap();
        let found = present.iter().position(|name| *name == self.name).expect("it was put there");
        present.swap_remove(found);
        drop(present);
        if !self.ended && !std::thread::panicking() {
            self.world.write(format!("drop {}", self.name));
        }
    }
}

/// A child that is no probe: its `run` is what `run` returns.
pub(crate) fn task<F, Fut>(name: &'static str, run: F) -> Child<impl Service>
where
    F: Fn(Context) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = supervisor_runtime::ServiceResult> + Send + 'static,
{
    crate::capture::install();
    Child::new(name, move || supervisor_runtime::service_fn(run.clone()))
}

/// A child that gives away the tree that it is part of when it runs, while others are still to start.
pub(crate) fn with_tree(name: &'static str) -> (Child<impl Service>, mpsc::Receiver<TreeHandle>) {
    let (tell, told) = mpsc::channel(1);
    let child = task(name, move |cx| {
        let tell = tell.clone();
        async move {
            let _ = tell.send(cx.tree()).await;
            Ok(cx.stopping().await)
        }
    });
    (child, told)
}

/// A tree that has started.
pub(crate) async fn started(tree: Supervisor) -> Running {
    tree.start().await.unwrap()
}

/// The child at a path of a running tree.
#[track_caller]
pub(crate) fn at(tree: &Running, path: &str) -> ChildRef {
    tree.child(path).unwrap()
}

/// Where the child at a path stands.
#[track_caller]
pub(crate) fn state(tree: &Running, path: &str) -> State {
    at(tree, path).status().unwrap().state()
}

/// What was asked of a running tree is answered; what is not would hold up all tests.
pub(crate) async fn answered<T>(asked: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(86_400), asked).await.expect("it is answered")
}

/// How a tree ends by itself; one that does not would hold up all tests.
pub(crate) async fn ended(tree: &mut Running) -> Result<(), TreeError> {
    tokio::time::timeout(Duration::from_secs(86_400), tree.wait()).await.expect("it ends by itself")
}

/// The error of a tree that does not start.
pub(crate) async fn not_started(tree: Supervisor) -> TreeError {
    tree.start().await.unwrap_err()
}

/// How much of the (paused) clock's time a future takes.
pub(crate) async fn time_of<T>(future: impl Future<Output = T>) -> (Duration, T) {
    let start = Instant::now();
    let value = future.await;
    (start.elapsed(), value)
}

/// `secs(1.5)`
pub(crate) fn secs(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}
