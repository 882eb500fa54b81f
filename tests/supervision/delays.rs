//! Backoff where a restart concerns several children: sweep first, then wait; overlapping incidents merge.

use std::time::Duration;

use supervisor_runtime::Supervisor;

use crate::world::{Act, World, ended, secs, started};

const LONG: std::ops::Range<Duration> = Duration::from_secs(8)..Duration::from_secs(8);

/// The lines up to the first `start`, and how long the first start waited, in seconds.
async fn until_the_first_start(world: &World) -> (Vec<String>, f64) {
    let lines = world.lines_until(|lines| lines.iter().any(|(_, line)| line.starts_with("start "))).await;
    let first = lines.iter().position(|(_, line)| line.starts_with("start ")).unwrap();
    (lines[..first].iter().map(|(_, line)| line.clone()).collect(), lines[first].0.as_secs_f64())
}

#[tokio::test(start_paused = true)]
async fn the_set_is_swept_first_and_waits_then() {
    let world = World::new();
    world.plan("a", [Act::Run, Act::SlowStop(secs(3.0))]).plan("b", [Act::Fail, Act::Run]);
    let tree = Supervisor::one_for_all("tree").child(world.child("a")).child(world.child("b").backoff(LONG));
    let tree = started(tree.child(world.child("c"))).await;
    // The first restart is immediate.
    world.idle().await;
    world.page();
    world.fail("b");
    world.expect_timed(&["1 fail b", "1 stop b", "1 stop c", "3001 stop a"]).await;
    let (_, first) = until_the_first_start(&world).await;
    assert!((7.0..=11.1).contains(&first), "half to all of 8 s after the sweep, not {first}");
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_that_waits_alone_and_a_later_incident_merge_and_the_later_delay_counts() {
    let strategies: [fn(&'static str) -> Supervisor; 2] = [Supervisor::rest_for_one, Supervisor::dependents_for_one];
    for strategy in strategies {
        let world = World::new();
        world.plan("c", [Act::Fail, Act::Fail]);
        let tree = strategy("tree");
        let about = format!("{tree:?}");
        let dependents = about.contains("dependents");
        let (b, c) = (world.child("b"), world.child("c").backoff(LONG));
        let (b, c) = if dependents { (b.requires(["a"]), c.requires(["b"])) } else { (b, c) };
        let tree = started(tree.child(world.child("a")).child(b).child(c)).await;
        world.idle().await;
        world.page();
        // c waits for its second restart; a fails for the first time, so that alone it would not wait.
        world.fail("a");
        let (lines, first) = until_the_first_start(&world).await;
        assert_eq!(lines, ["fail a", "stop a", "stop b"], "{about}");
        assert!(
            (4.0..=8.1).contains(&first),
            "{about}: nothing of the union starts before the later delay, not at {first}"
        );
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_incident_during_the_starts_of_another_merges_with_it() {
    let world = World::new();
    world.plan("a", [Act::Run, Act::FailAfter(secs(1.0))]).plan("b", [Act::Run, Act::SlowStart(secs(3.0))]);
    let tree = Supervisor::one_for_all("tree").child(world.child("a").backoff(LONG)).child(world.child("b"));
    let tree = started(tree.child(world.child("c"))).await;
    world.page();
    world.fail("a");
    world
        .expect_timed(&[
            "0 fail a",
            "0 stop a",
            "0 stop c",
            "0 stop b",
            "0 start a",
            "0 start b",
            "1000 fail a",
            "1000 stop a",
            "3000 started b",
            "3000 stop b",
        ])
        .await;
    let (_, first) = until_the_first_start(&world).await;
    assert!((7.0..=11.1).contains(&first), "half to all of 8 s after the sweep, not {first}");
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_incident_while_a_set_waits_counts_and_the_later_delay_holds() {
    let world = World::new();
    let tree = Supervisor::rest_for_one("tree")
        .max_restarts(3)
        .over(secs(600.0))
        .child(world.child("a"))
        .child(world.child("b").backoff(LONG))
        .child(world.child("c"));
    let mut tree = started(tree).await;
    world.page();
    world.fail("b");
    world.expect(&["fail b", "stop b", "stop c", "start b", "start c"]).await;
    world.fail("b");
    world.expect(&["fail b", "stop b", "stop c"]).await;
    // b and c wait; a fails for the first time, so that alone it would not wait.
    world.fail("a");
    let (lines, first) = until_the_first_start(&world).await;
    assert_eq!(lines, ["fail a", "stop a"]);
    assert!((4.0..=8.1).contains(&first), "{first}");
    world.idle().await;
    world.page();
    // Three restarts have been counted: b twice, a once.
    world.fail("c");
    ended(&mut tree).await.unwrap_err();
    world.expect(&["fail c", "stop c", "stop b", "stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_touches_nobody_else_under_one_for_one() {
    let world = World::new();
    world.plan("a", [Act::Fail, Act::Fail]);
    let tree = Supervisor::one_for_one("tree").child(world.child("a").backoff(LONG)).child(world.child("b"));
    let tree = started(tree).await;
    world.idle().await;
    world.page();
    world.fail("b");
    world.expect_timed(&["1 fail b", "1 stop b", "1 start b"]).await;
    let (_, first) = until_the_first_start(&world).await;
    assert!((4.0..=8.1).contains(&first), "{first}");
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_during_a_wait_is_immediate() {
    // One waits alone, the other with its group.
    let strategies: [fn(&'static str) -> Supervisor; 2] = [Supervisor::one_for_one, Supervisor::one_for_all];
    for strategy in strategies {
        let world = World::new();
        let tree = started(strategy("tree").child(world.child("a").backoff(LONG)).child(world.child("b"))).await;
        for _ in 0..2 {
            world.idle().await;
            world.fail("a");
        }
        world.idle().await;
        world.page();
        let (took, end) = crate::world::time_of(tree.shutdown()).await;
        end.unwrap();
        assert_eq!(took, Duration::ZERO);
        world.idle().await;
        assert!(world.page().iter().all(|line| line == "stop b"), "a was not running");
        assert_eq!(world.alive(), 0);
    }
}
