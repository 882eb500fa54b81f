//! What nobody should write: a declaration of it is an error that names the thing, or a tree that runs and ends, and never a
//! panic, an overflow of the stack, or a hang.
//!
//! A binary of its own, because an overflow of the stack would take all other tests along. `PROPTEST_CASES=100000` tries
//! more random declarations.
#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails, and says where")]

mod declaration;
mod deep;
mod edges;
mod mistakes;
mod random;
mod wide;

use std::sync::mpsc;
use std::time::Duration;

use supervisor_runtime::{Child, Context, Running, Service, ServiceResult};
use tokio::runtime::Builder;

/// Runs a test that would hang if it failed, and fails it then; on a paused clock, and on the stack of a usual thread.
fn in_time(test: impl AsyncFnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(test());
        let _ = done.send(());
    });
    match wait.recv_timeout(Duration::from_secs(120)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        _ => thread.join().unwrap(),
    }
}

/// Everything that can be looked at, of a tree that is not too large to be drawn.
async fn look_at(tree: &Running) {
    let snapshot = tree.snapshot().unwrap();
    for row in snapshot.rows() {
        assert_eq!(snapshot.get(&row.path()).map(|found| found.path()), Some(row.path()));
        let _ = (row.status().to_owned(), row.waits_for(), row.restarts_left());
    }
    assert!(!format!("{snapshot}{snapshot:#}{}{}", snapshot.mermaid(), snapshot.dot()).is_empty());
    assert!(tree.which_children().is_ok());
}

/// Waits to be stopped.
#[derive(Debug)]
struct Idle;

impl Service for Idle {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

fn idle(name: impl Into<String>) -> Child<Idle> {
    Child::new(name.into(), || Idle)
}
