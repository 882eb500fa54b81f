//! Looking at a tree while it runs. There is nothing to compare with: by hand, nobody could.

use std::hint::black_box;
use std::time::Instant;

use supervisor_runtime::{ChildRef, Replicas};

use super::start::replicas;
use super::{Idle, PAUSE, each};

/// How often one tree is looked at.
const TIMES: usize = 10;

/// `status()` of each child by its reference, each time.
pub(crate) async fn status(children: usize) -> Vec<f64> {
    let running = replicas(children).await;
    let idle: Replicas<Idle> = running.replicas("idle").expect("it is declared");
    let references: Vec<ChildRef<Idle>> = idle.iter().collect();
    let mut times = Vec::new();
    for _ in 0..TIMES {
        tokio::time::sleep(PAUSE).await;
        let begun = Instant::now();
        for reference in &references {
            let _ = black_box(reference.status().expect("it is there"));
        }
        times.push(each(begun.elapsed(), children));
    }
    running.shutdown().await.expect("it stops well");
    times
}

/// `snapshot()` of the tree, for each of its children, each time; with what it takes to drop it.
pub(crate) async fn snapshot(children: usize) -> Vec<f64> {
    let running = replicas(children).await;
    let mut times = Vec::new();
    for _ in 0..TIMES {
        tokio::time::sleep(PAUSE).await;
        let begun = Instant::now();
        drop(black_box(running.snapshot().expect("it runs")));
        times.push(each(begun.elapsed(), children));
    }
    running.shutdown().await.expect("it stops well");
    times
}
