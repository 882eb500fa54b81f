//! Another task beside a child that crashes in a loop, without ever awaiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use supervisor_runtime::{Child, Context, Restart, Service, ServiceResult, Supervisor};
use tokio::task::JoinSet;

use super::{MAX_RESTARTS, OVER, PAUSE, refused};

struct Crash(Arc<AtomicBool>);

impl Service for Crash {
    async fn run(&mut self, _cx: &Context) -> ServiceResult {
        crash(&self.0)
    }
}

fn crash(over: &AtomicBool) -> ServiceResult {
    if over.load(Ordering::Relaxed) { Ok(()) } else { Err(refused()) }
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

pub(crate) async fn ours(count: usize) -> Vec<f64> {
    let over = Arc::new(AtomicBool::new(false));
    let child = {
        let over = Arc::clone(&over);
        Child::new("crash", move || Crash(Arc::clone(&over))).restart(Restart::Transient)
    };
    let tree = Supervisor::one_for_one("tree").max_restarts(MAX_RESTARTS).over(OVER).child(child);
    let mut running = tree.start().await.expect("it starts");
    let times = yields(count).await;
    over.store(true, Ordering::Relaxed);
    running.wait().await.expect("it ends well");
    times
}

/// A respawn loop. It awaits each task, so that another task has its turn after each restart.
pub(crate) async fn raw(count: usize) -> Vec<f64> {
    let over = Arc::new(AtomicBool::new(false));
    let supervisor = {
        let over = Arc::clone(&over);
        tokio::spawn(async move {
            let mut tasks = JoinSet::new();
            while !over.load(Ordering::Relaxed) {
                let over = Arc::clone(&over);
                tasks.spawn(async move { crash(&over) });
                tasks.join_next().await;
            }
        })
    };
    let times = yields(count).await;
    over.store(true, Ordering::Relaxed);
    supervisor.await.expect("it ends well");
    times
}
