//! Ten thousand children on several threads that fail at random, for a while: the memory stays flat, every count adds up,
//! and nothing is left at the end.
//!
//! It takes five seconds; `SOAK_SECONDS=3600 cargo test --release --test soak -- --nocapture` takes an hour and prints what it
//! has counted. What no clock and no seed can make the same twice is not tested here but in `tests/supervision`.
#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails, and says where")]

mod counts;
mod memory;
mod operator;
mod service;
mod tree;

use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use supervisor_runtime::{Row, Running, Snapshot, State};
use tokio::runtime::Handle;

use counts::{Counts, Seen};

#[test]
fn ten_thousand_children_that_fail_at_random_leave_nothing_behind() {
    let time = Duration::from_secs(std::env::var("SOAK_SECONDS").map_or(5, |seconds| seconds.parse().unwrap()));
    let (done, wait) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
        runtime.block_on(soak(time));
        let _ = done.send(());
    });
    match wait.recv_timeout(time + Duration::from_secs(120)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        _ => thread.join().unwrap(),
    }
}

async fn soak(time: Duration) {
    let begin = Instant::now();
    let counts = Arc::new(Counts::default());
    let mut tree = tree::tree(&counts).start().await.unwrap();
    let seen = Seen::listen(&tree, &counts);
    counts.begin();
    let operator = tokio::spawn(operator::steer(tree.clone(), Arc::clone(&counts)));

    tokio::time::sleep(time / 2).await;
    let warm = memory::used();
    while begin.elapsed() < time {
        tokio::select! {
            end = tree.wait() => panic!("it ended: {end:?}"),
            () = tokio::time::sleep(time / 50) => {}
        }
    }
    // From here on nothing fails, so that what was counted can be compared.
    counts.calm();
    operator.await.unwrap();
    let snapshot = settled(&tree, &counts).await;
    let used = memory::used();
    compare(&snapshot, &counts);
    let ended = tree.shutdown().await;
    assert!(ended.is_ok(), "{ended:?}");

    // The runtime may take a moment to forget a task that has ended.
    let patience = Instant::now() + Duration::from_secs(10);
    while Handle::current().metrics().num_alive_tasks() > 0 && Instant::now() < patience {
        tokio::task::yield_now().await;
    }
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
    let seen = seen.until_the_end();
    println!("{counts}\n{seen}\nmemory: {warm:?} at half time, {used:?} at the end");
    counts.check_the_end();
    seen.check(&counts);
    memory::check_flat(time, warm, used);
}

/// A snapshot of when every child runs and none has just failed: one that asked whether it may before none was to any more may
/// do so a little later.
async fn settled(tree: &Running, counts: &Counts) -> Snapshot {
    loop {
        all_run(tree).await;
        let before = counts.moves();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let snapshot = tree.snapshot().unwrap();
        if counts.moves() == before {
            return snapshot;
        }
    }
}

/// Waits until every child runs, but those of open groups, which come and go.
async fn all_run(tree: &Running) {
    let patience = Instant::now() + Duration::from_secs(60);
    let is_settled = |row: &Row<'_>| matches!(row.status().state(), State::Running | State::Done);
    loop {
        let snapshot = tree.snapshot().unwrap();
        let rows = snapshot.rows();
        let Some(unsettled) = rows.iter().find(|row| !is_settled(row)) else { return };
        assert!(Instant::now() < patience, "`{}` does not run: {snapshot}", unsettled.path());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What services have counted themselves is what the tree says, while everything runs.
fn compare(snapshot: &Snapshot, counts: &Counts) {
    let (mut running, mut restarts, mut incarnations) = (0, 0, 0);
    for row in snapshot.rows() {
        let status = row.status();
        running += u64::from(!row.is_supervisor() && status.state() == State::Running);
        // Those that no other takes along, nobody steers, and no supervisor makes anew.
        if row.path().starts_with("tree/alone/") {
            restarts += u64::from(status.restarts());
            incarnations += u64::from(status.incarnation());
        }
    }
    let (alone, all) = (&counts.alone, &counts.all);
    assert_eq!(running, all.started.get() - all.ended.get(), "starts are ends and what runs");
    assert_eq!(restarts, alone.failed.get(), "each failure is one restart");
    assert_eq!(incarnations, alone.begun.get(), "each incarnation is one");
}
