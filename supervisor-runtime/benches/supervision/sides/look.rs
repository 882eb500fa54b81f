//! Looking at a tree while it runs. There is nothing to compare with: by hand, nobody could.

use std::hint::black_box;
use std::time::Instant;

use supervisor_runtime::{ChildRef, Replicas};

use super::start::replicas;
use super::{Idle, each};

/// `status()` of each child by its reference.
pub(crate) async fn status(children: usize) -> f64 {
    let running = replicas(children).await;
    let idle: Replicas<Idle> = running.replicas("idle").expect("it is declared");
    let references: Vec<ChildRef<Idle>> = idle.iter().collect();
    let begun = Instant::now();
    for reference in &references {
        let _ = black_box(reference.status().expect("it is there"));
    }
    let took = begun.elapsed();
    running.shutdown().await.expect("it stops well");
    each(took, children)
}

/// `snapshot()` of the tree, for each of its children; with what it takes to drop it.
pub(crate) async fn snapshot(children: usize) -> f64 {
    let running = replicas(children).await;
    let begun = Instant::now();
    drop(black_box(running.snapshot().expect("it runs")));
    let took = begun.elapsed();
    running.shutdown().await.expect("it stops well");
    each(took, children)
}
