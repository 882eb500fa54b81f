//! Many children that do nothing are started, and stopped.

use std::time::{Duration, Instant};

use supervisor_runtime::{Child, Children, Running, Supervisor};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Arrivals, Idle, each};

/// Nanoseconds for each child.
#[derive(Clone, Copy)]
pub(crate) struct Spent {
    pub(crate) start: f64,
    pub(crate) stop: f64,
}

impl Spent {
    pub(crate) fn new(children: usize, start: Duration, stop: Duration) -> Self {
        Self { start: each(start, children), stop: each(stop, children) }
    }
}

/// Replicas of one child. When `start` returns, the `start` of each of them has succeeded.
pub(crate) async fn replicas(children: usize) -> Running {
    let idle = Child::replicated("idle", children, |_| Idle);
    Supervisor::one_for_one("tree").child(idle).start().await.expect("it starts")
}

/// The members of an open group, added one after the other as they come, each with its `start` awaited.
pub(crate) async fn members(children: usize) -> Running {
    let tree = Supervisor::one_for_one("tree").child(Child::<Idle>::open("idle", ..));
    let running = tree.start().await.expect("it starts");
    let idle: Children<Idle> = running.children("idle").expect("it is declared");
    for _ in 0..children {
        idle.add(Idle).await.expect("it is added");
    }
    running
}

/// What is started by hand: tasks and the token that they wait for.
pub(crate) struct Tasks {
    token: CancellationToken,
    tasks: JoinSet<()>,
}

/// Fair: like ours, it knows that each task has started; it does so by one counter for all of them.
pub(crate) async fn tasks(children: usize) -> Tasks {
    let (token, mut tasks, arrivals) = (CancellationToken::new(), JoinSet::new(), Arrivals::of(children));
    for _ in 0..children {
        let (token, arrivals) = (token.clone(), arrivals.clone());
        tasks.spawn(async move {
            arrivals.arrive();
            // Not kept while it waits: that would cost memory.
            drop(arrivals);
            token.cancelled().await;
        });
    }
    arrivals.all().await;
    Tasks { token, tasks }
}

/// Fair: like `add`, it goes on when the task has started. A loop that spawns and looks away is what [`tasks`] measures.
pub(crate) async fn tasks_one_by_one(children: usize) -> Tasks {
    let (token, mut tasks) = (CancellationToken::new(), JoinSet::new());
    for _ in 0..children {
        let token = token.clone();
        let (tell, started) = oneshot::channel();
        tasks.spawn(async move {
            let _ = tell.send(());
            token.cancelled().await;
        });
        started.await.expect("the task has begun");
    }
    Tasks { token, tasks }
}

impl Tasks {
    pub(crate) async fn stop(mut self) {
        self.token.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// What a side takes on average: a few children are started in less time than a scheduler gives to others.
pub(crate) async fn mean<F: Future<Output = Spent>>(side: impl Fn() -> F) -> Spent {
    const TIMES: usize = 5;
    let mut mean = Spent { start: 0.0, stop: 0.0 };
    for _ in 0..TIMES {
        let spent = side().await;
        mean.start += spent.start / TIMES as f64;
        mean.stop += spent.stop / TIMES as f64;
    }
    mean
}

pub(crate) async fn ours(children: usize) -> Spent {
    let begun = Instant::now();
    let running = replicas(children).await;
    let start = begun.elapsed();
    stop_ours(running, children, start).await
}

pub(crate) async fn ours_open(children: usize) -> Spent {
    let begun = Instant::now();
    let running = members(children).await;
    let start = begun.elapsed();
    stop_ours(running, children, start).await
}

async fn stop_ours(running: Running, children: usize, start: Duration) -> Spent {
    let begun = Instant::now();
    running.shutdown().await.expect("it stops well");
    Spent::new(children, start, begun.elapsed())
}

pub(crate) async fn raw(children: usize) -> Spent {
    let begun = Instant::now();
    let tasks = tasks(children).await;
    let start = begun.elapsed();
    stop_raw(tasks, children, start).await
}

pub(crate) async fn raw_one_by_one(children: usize) -> Spent {
    let begun = Instant::now();
    let tasks = tasks_one_by_one(children).await;
    let start = begun.elapsed();
    stop_raw(tasks, children, start).await
}

async fn stop_raw(tasks: Tasks, children: usize, start: Duration) -> Spent {
    let begun = Instant::now();
    tasks.stop().await;
    Spent::new(children, start, begun.elapsed())
}
