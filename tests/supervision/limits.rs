//! The restart limit and the backoff.

use std::time::Duration;

use supervisor_runtime::{Supervisor, TreeErrorKind};
use tokio::time::Instant;

use crate::world::{Act, World, ended, started};

#[tokio::test(start_paused = true)]
async fn the_window_is_exact_and_includes_its_boundary() {
    // (max_restarts, when a failure happens in ms, which of them is one too many)
    let table: &[(u32, &[u64], Option<usize>)] = &[
        (0, &[5], Some(0)),
        (1, &[5, 1005], Some(1)),
        (1, &[5, 1006, 2007, 3008], None),
        (2, &[0, 900, 1001, 1901, 2002], None),
        (2, &[0, 900, 1001, 1900], Some(3)),
        (3, &[0, 0, 0, 0], Some(3)),
    ];
    for (max, failures, one_too_many) in table {
        let world = World::new();
        let mut tree = started(Supervisor::one_for_one("tree").max_restarts(*max).child(world.child("a"))).await;
        let start = Instant::now();
        let mut gave_up = None;
        for (number, at) in failures.iter().enumerate() {
            tokio::time::sleep_until(start + Duration::from_millis(*at)).await;
            world.page();
            world.fail("a");
            let lines = match *one_too_many == Some(number) {
                true => ["fail a", "stop a"].as_slice(),
                false => &["fail a", "stop a", "start a"],
            };
            world.expect(lines).await;
            if *one_too_many == Some(number) {
                gave_up = Some(ended(&mut tree).await.unwrap_err().kind());
            }
        }
        let expected = one_too_many.map(|_| TreeErrorKind::LimitReached);
        assert_eq!(gave_up, expected, "max {max}, failures at {failures:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_default_limit_is_a_hundred_restarts_in_a_second() {
    let world = World::new();
    world.plan("a", [Act::Fail; 200]);
    let error = Supervisor::one_for_one("tree").child(world.child("a")).run().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "supervisor `tree` reached its restart limit: more than 100 restarts in 1s; last: `tree/a` failed"
    );
    assert_eq!(world.page().iter().filter(|line| *line == "start a").count(), 101);
}

#[tokio::test(start_paused = true)]
async fn all_children_of_a_supervisor_share_its_limit_and_a_nested_one_has_its_own() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree")
        .max_restarts(2)
        .child(world.child("a"))
        .child(world.child("b"))
        .child(Supervisor::one_for_one("group").max_restarts(2).child(world.child("c")));
    let mut tree = started(tree).await;
    for name in ["c", "c", "a", "b"] {
        world.page();
        world.fail(name);
        world.expect(&[&format!("fail {name}"), &format!("stop {name}"), &format!("start {name}")]).await;
    }
    world.fail("a");
    assert_eq!(ended(&mut tree).await.unwrap_err().kind(), TreeErrorKind::LimitReached);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_barely_stable_still_exhausts_its_limit() {
    let world = World::new();
    // It runs for longer than the cap each time, so that its backoff begins anew and no restart is delayed.
    let tree = Supervisor::one_for_one("tree").max_restarts(3).over(60_000 * MS).backoff(1000 * MS..10_000 * MS);
    let mut tree = started(tree.child(world.child("a"))).await;
    for seconds in [11, 22, 33] {
        tokio::time::sleep(11_000 * MS).await;
        world.page();
        world.fail("a");
        let lines = ["fail a", "stop a", "start a"].map(|line| format!("{seconds}000 {line}"));
        world.expect_timed(&lines.each_ref().map(String::as_str)).await;
    }
    tokio::time::sleep(11_000 * MS).await;
    world.fail("a");
    assert_eq!(ended(&mut tree).await.unwrap_err().kind(), TreeErrorKind::LimitReached);
}

/// How long each restart of `a` waited, in milliseconds; its acts are a plan of `world`.
async fn delays(world: &World, backoff: std::ops::Range<Duration>, restarts: usize, seed: u64) -> Vec<u64> {
    let tree = Supervisor::one_for_one("tree").max_restarts(1000).backoff(backoff).jitter_seed(seed);
    let tree = started(tree.child(world.child("a"))).await;
    let lines = world.lines_until(|lines| times(lines, "start a").len() > restarts).await;
    drop(tree);
    let mut ended = Duration::ZERO;
    let mut delays = Vec::new();
    for (time, line) in lines {
        match &*line {
            "start a" => delays.push((time - ended).as_millis() as u64),
            "stop a" => ended = time,
            _ => {}
        }
    }
    delays.remove(0);
    delays
}

/// When a line was written, in milliseconds.
fn times(lines: &[(Duration, String)], wanted: &str) -> Vec<u64> {
    lines.iter().filter(|(_, line)| line == wanted).map(|(time, _)| time.as_millis() as u64).collect()
}

/// Each delay lies in its row, or a millisecond above, to which timers round up.
#[track_caller]
fn assert_between(delays: &[u64], rows: &[(u64, u64)]) {
    let fits = delays.iter().zip(rows).all(|(delay, (least, most))| delay >= least && *delay <= most + 1);
    assert!(fits && delays.len() == rows.len(), "{delays:?} are not within {rows:?}");
}

const MS: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn the_first_restart_is_immediate_and_the_next_ones_wait_twice_as_long_each_time_up_to_a_cap() {
    let rows = [(0, 0), (50, 100), (100, 200), (200, 400), (400, 800), (500, 1000), (500, 1000)];
    for seed in 0..20 {
        let world = World::new();
        world.plan("a", [Act::Fail; 20]);
        assert_between(&delays(&world, 100 * MS..1000 * MS, 7, seed).await, &rows);
    }
}

#[tokio::test(start_paused = true)]
async fn the_jitter_follows_its_seed() {
    let mut seen = Vec::new();
    for seed in [7, 7, 8] {
        let world = World::new();
        world.plan("a", [Act::Fail; 20]);
        seen.push(delays(&world, 1000 * MS..8000 * MS, 5, seed).await);
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0], seen[2]);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_ran_longer_than_the_cap_starts_over() {
    let (cap, longer) = (Act::FailAfter(1000 * MS), Act::FailAfter(1001 * MS));
    let world = World::new();
    world.plan("a", [Act::Fail, Act::Fail, Act::Fail, cap, longer, Act::Fail, Act::Fail]);
    let rows = [(0, 0), (50, 100), (100, 200), (200, 400), (0, 0), (50, 100), (100, 200)];
    assert_between(&delays(&world, 100 * MS..1000 * MS, 7, 3).await, &rows);
}

#[tokio::test(start_paused = true)]
async fn a_failed_start_is_delayed_like_any_failure() {
    let world = World::new();
    world.plan("a", [Act::Fail, Act::FailStart, Act::FailStart, Act::FailStart]);
    let tree = Supervisor::one_for_one("tree").child(world.child("a").backoff(1000 * MS..8000 * MS));
    let tree = started(tree).await;
    world.idle().await;
    let starts = times(&world.lines_until(|lines| times(lines, "start a").len() == 5).await, "start a");
    let delays: Vec<_> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_between(&delays, &[(0, 0), (500, 1000), (1000, 2000), (2000, 4000)]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_s_own_backoff_goes_before_its_supervisor_s() {
    let world = World::new();
    world.plan("a", [Act::Fail; 2]).plan("b", [Act::Fail; 2]);
    let tree = Supervisor::one_for_one("tree")
        .backoff(8000 * MS..8000 * MS)
        .child(world.child("a").backoff(100 * MS..100 * MS))
        .child(world.child("b"));
    let tree = started(tree).await;
    let enough = |lines: &[_]| times(lines, "start a").len() == 3 && times(lines, "start b").len() == 3;
    let lines = world.lines_until(enough).await;
    let (a, b) = (times(&lines, "start a"), times(&lines, "start b"));
    assert_between(&[a[2] - a[1], b[2] - b[1]], &[(50, 100), (4000, 8000)]);
    tree.shutdown().await.unwrap();
}
