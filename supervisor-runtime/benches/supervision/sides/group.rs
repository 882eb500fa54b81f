//! One of many children fails, and all of them are restarted.
//!
//! A cycle is the same on both sides: every child runs its first line, and then waits; the last one to do so fails;
//! the others are asked to stop and awaited; all are started again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use supervisor_runtime::{Child, Context, Restart, Service, ServiceResult, Supervisor};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{MAX_RESTARTS, OVER, each, refused};

/// Who fails in which cycle.
pub(crate) struct Cycles {
    children: usize,
    restarts: usize,
    arrived: AtomicUsize,
    over: Notify,
}

impl Cycles {
    pub(crate) fn of(children: usize, restarts: usize) -> Arc<Self> {
        Arc::new(Self { children, restarts, arrived: AtomicUsize::new(0), over: Notify::new() })
    }

    /// The first line of each child: whether it is the one that fails.
    pub(crate) fn fails(&self) -> bool {
        let arrived = self.arrived.fetch_add(1, Ordering::Relaxed) + 1;
        let is_last = arrived.is_multiple_of(self.children);
        if arrived == self.children * (self.restarts + 1) {
            self.over.notify_one();
            return false;
        }
        is_last
    }

    /// Waits for the last cycle.
    pub(crate) async fn over(&self) {
        self.over.notified().await;
    }
}

struct Member(Arc<Cycles>);

impl Service for Member {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        if self.0.fails() {
            return Err(refused());
        }
        cx.stopping().await;
        Ok(())
    }
}

/// `one_for_all` over the replicas of one child, which are stopped and started together.
pub(crate) async fn ours_replicas(children: usize, restarts: usize) -> f64 {
    let cycles = Cycles::of(children, restarts);
    let members = {
        let cycles = Arc::clone(&cycles);
        Child::replicated("member", children, move |_| Member(Arc::clone(&cycles)))
    };
    ours(cycles, Supervisor::one_for_all("tree").child(members)).await
}

/// `one_for_all` over as many children that are declared one by one: stopped in reverse, and started in order, each
/// after the one before.
pub(crate) async fn ours_declared(children: usize, restarts: usize) -> f64 {
    let cycles = Cycles::of(children, restarts);
    let tree = (0..children).fold(Supervisor::one_for_all("tree"), |tree, number| {
        let cycles = Arc::clone(&cycles);
        tree.child(Child::new(format!("member_{number}"), move || Member(Arc::clone(&cycles))))
    });
    ours(cycles, tree).await
}

async fn ours(cycles: Arc<Cycles>, tree: Supervisor) -> f64 {
    let begun = Instant::now();
    let running = tree.max_restarts(MAX_RESTARTS).over(OVER).restart(Restart::Permanent).start();
    let running = running.await.expect("it starts");
    cycles.over().await;
    let took = begun.elapsed();
    running.shutdown().await.expect("it stops well");
    each(took, cycles.restarts)
}

/// Cancel, join, respawn.
///
/// Fair: the tasks are started in no order, and stopped in none, also where ours keeps one.
pub(crate) async fn raw(children: usize, restarts: usize) -> f64 {
    let cycles = Cycles::of(children, restarts);
    let begun = Instant::now();
    let mut tasks: JoinSet<ServiceResult> = JoinSet::new();
    let mut took = None;
    while took.is_none() {
        let token = CancellationToken::new();
        for _ in 0..children {
            let (cycles, token) = (Arc::clone(&cycles), token.clone());
            tasks.spawn(async move {
                if cycles.fails() {
                    return Err(refused());
                }
                token.cancelled().await;
                Ok(())
            });
        }
        tokio::select! {
            Some(_failed) = tasks.join_next() => {}
            () = cycles.over() => took = Some(begun.elapsed()),
        }
        token.cancel();
        while tasks.join_next().await.is_some() {}
    }
    each(took.expect("the loop has ended"), cycles.restarts)
}
