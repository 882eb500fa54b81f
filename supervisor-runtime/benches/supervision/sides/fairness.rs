//! Another task beside a child that crashes in a loop, without ever awaiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use supervisor_runtime::{Child, Context, Restart, Service, ServiceResult, Supervisor};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use super::{MAX_RESTARTS, OVER, PAUSE, refused};

/// The crashes of a child that fails at once, until they are to be over.
#[derive(Default)]
pub(crate) struct Crashes {
    count: AtomicUsize,
    are_over: AtomicBool,
    are_under_way: Notify,
}

impl Crashes {
    fn crash(&self) -> ServiceResult {
        const MANY: usize = 100;
        if self.are_over.load(Ordering::Relaxed) {
            return Ok(());
        }
        if self.count.fetch_add(1, Ordering::Relaxed) == MANY {
            self.are_under_way.notify_one();
        }
        Err(refused())
    }

    /// Waits until there have been many, so that the loop has found its thread.
    pub(crate) async fn under_way(&self) {
        self.are_under_way.notified().await;
    }

    pub(crate) fn end(&self) {
        self.are_over.store(true, Ordering::Relaxed);
    }
}

struct Crash(Arc<Crashes>);

impl Service for Crash {
    async fn run(&mut self, _cx: &Context) -> ServiceResult {
        self.0.crash()
    }
}

/// How long each of so many yields of this task takes, in nanoseconds.
async fn yields(count: usize) -> Vec<f64> {
    let mut times = Vec::with_capacity(count);
    for number in 0..count {
        // The thread itself rests: what it waits for others than the child is not the child's doing.
        if number % 16 == 0 {
            std::thread::sleep(PAUSE);
        }
        let begun = Instant::now();
        tokio::task::yield_now().await;
        times.push(begun.elapsed().as_nanos() as f64);
    }
    times
}

/// A tree with a child that crashes in a loop.
pub(crate) fn crashing(crashes: &Arc<Crashes>) -> Supervisor {
    let crashes = Arc::clone(crashes);
    let child = Child::new("crash", move || Crash(Arc::clone(&crashes))).restart(Restart::Transient);
    Supervisor::one_for_one("tree").max_restarts(MAX_RESTARTS).over(OVER).child(child)
}

/// The same by hand: a respawn loop. It awaits each task, so that another task has its turn after each restart. It counts nothing:
/// what it costs itself is measured elsewhere.
pub(crate) fn crash_by_hand(crashes: &Arc<Crashes>) -> JoinHandle<()> {
    let crashes = Arc::clone(crashes);
    tokio::spawn(async move {
        let mut tasks = JoinSet::new();
        loop {
            let crashes = Arc::clone(&crashes);
            tasks.spawn(async move { crashes.crash() });
            if let Some(Ok(Ok(()))) = tasks.join_next().await {
                return;
            }
        }
    })
}

pub(crate) async fn ours(count: usize) -> Vec<f64> {
    let crashes = Arc::default();
    let mut running = crashing(&crashes).start().await.expect("it starts");
    let times = yields(count).await;
    crashes.end();
    running.wait().await.expect("it ends well");
    times
}

pub(crate) async fn raw(count: usize) -> Vec<f64> {
    let crashes = Arc::default();
    let supervisor = crash_by_hand(&crashes);
    let times = yields(count).await;
    crashes.end();
    supervisor.await.expect("it ends well");
    times
}
