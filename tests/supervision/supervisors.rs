//! Supervisors under supervisors: embedded trees, deep ones, and those without a name.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use supervisor_runtime::{ANONYMOUS, Child, Restart, Supervisor, TreeErrorKind};

use crate::world::{Act, World, ended, not_started, secs, started, task};

#[tokio::test(start_paused = true)]
async fn an_embedded_tree_evaluates_its_parameters_anew_when_it_is_restarted() {
    let world = World::new();
    let (w, made) = (world.clone(), AtomicUsize::new(0));
    let billing = Child::new("billing", move || {
        let number = made.fetch_add(1, Ordering::Relaxed) + 1;
        w.write(format!("billing {number}"));
        let kept = w.service("a");
        Supervisor::one_for_one("any").max_restarts(1).child(Child::in_place("a", move || kept)).child(w.child("b"))
    });
    let tree = started(Supervisor::one_for_one("tree").child(billing).child(world.child("c"))).await;
    world.expect(&["billing 1", "start a", "start b", "start c"]).await;
    world.fail("a");
    world.expect(&["fail a", "stop a", "start a"]).await;
    world.fail("b");
    world.expect(&["fail b", "stop b", "stop a", "billing 2", "start a", "start b"]).await;
    tree.shutdown().await.unwrap();
    world.expect(&["stop c", "stop b", "stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn the_paths_of_an_embedded_tree_continue_those_around_it_and_its_tree_is_the_outermost() {
    let world = World::new();
    let w = world.clone();
    let shards = Child::replicated("shard", 2, move |_| {
        let world = w.clone();
        Supervisor::one_for_one("any").child(task("a", move |cx| {
            world.write(format!("{} of {:?}", cx.path(), cx.tree()));
            async move { Ok(cx.stopping().await) }
        }))
    });
    let tree = started(Supervisor::one_for_one("tree").child(shards)).await;
    world.expect(&["tree/shard[0]/a of TreeHandle(\"tree\")", "tree/shard[1]/a of TreeHandle(\"tree\")"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_embedded_tree_that_is_not_valid_is_a_failed_start() {
    let tree = Supervisor::one_for_one("tree").child(Child::new("billing", || Supervisor::one_for_one("any")));
    let error = not_started(tree).await;
    assert_eq!(error.kind(), TreeErrorKind::StartFailed);
    assert_eq!(
        format!("{error:#}"),
        "supervisor `tree` did not start: `tree/billing` failed in start: \
         tree `tree/billing` is not valid: supervisor `any` has no children: add one with `.child(..)`"
    );
}

#[tokio::test(start_paused = true)]
async fn an_embedded_tree_takes_the_options_of_the_child_that_it_is() {
    let world = World::new();
    world.plan("a", [Act::IgnoreStop]);
    let w = world.clone();
    let billing = Child::new("billing", move || Supervisor::one_for_one("any").child(w.child("a")).child(w.child("b")));
    let tree = Supervisor::one_for_one("tree").child(billing.shutdown(secs(2.0)).restart(Restart::Temporary));
    let tree = started(tree).await;
    world.page();
    tree.shutdown().await.unwrap_err();
    world.expect_timed(&["0 stop b", "2000 drop a"]).await;
}

/// `levels` supervisors, one in the other, around a child.
fn nested(world: &World, levels: usize, max_restarts: u32) -> Supervisor {
    let innermost = Supervisor::one_for_one(format!("s{levels}")).max_restarts(max_restarts).child(world.child("a"));
    (1..levels).rev().fold(innermost, |inner, level| {
        Supervisor::one_for_one(format!("s{level}")).max_restarts(max_restarts).child(inner)
    })
}

#[tokio::test(start_paused = true)]
async fn a_hundred_levels_work_like_one() {
    let world = World::new();
    let tree = started(nested(&world, 100, 1)).await;
    world.expect(&["start a"]).await;
    world.fail("a");
    world.expect(&["fail a", "stop a", "start a"]).await;
    tree.shutdown().await.unwrap();
    world.expect(&["stop a"]).await;

    let mut tree = started(nested(&world, 100, 0)).await;
    world.expect(&["start a"]).await;
    world.fail("a");
    let error = ended(&mut tree).await.unwrap_err();
    world.expect(&["fail a", "stop a"]).await;
    let levels = std::iter::successors(std::error::Error::source(&error), |error| (*error).source());
    assert_eq!(levels.count(), 100, "every supervisor below, and the child's own error");

    let tree = started(nested(&world, 100, 0)).await;
    world.idle().await;
    drop(tree);
    world.idle().await;
    world.expect(&["start a", "drop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_deep_restart_goes_through_every_level_s_own_limit() {
    // Each of 4 levels restarts once before it gives up: the child fails 2^4 times before the tree does.
    let world = World::new();
    let mut tree = started(nested(&world, 4, 1).over(secs(3600.0))).await;
    let failures = Arc::new(AtomicUsize::new(0));
    let (w, count) = (world.clone(), Arc::clone(&failures));
    let failing = async move {
        loop {
            w.idle().await;
            w.fail("a");
            count.fetch_add(1, Ordering::Relaxed);
        }
    };
    let end = tokio::select! {
        end = tree.wait() => end,
        () = failing => unreachable!("it loops"),
    };
    assert_eq!(end.unwrap_err().kind(), TreeErrorKind::LimitReached);
    assert_eq!(failures.load(Ordering::Relaxed), 16);
    assert_eq!(world.page().iter().filter(|line| *line == "start a").count(), 16);
}

#[tokio::test(start_paused = true)]
async fn an_anonymous_group_is_named_by_its_strategy_and_lends_its_children_the_path_above() {
    let world = World::new();
    let inner =
        Supervisor::rest_for_one(ANONYMOUS).max_restarts(0).child(world.child("a")).child(world.replicas("w", 2));
    let tree = Supervisor::crashing("tree").child(Supervisor::crashing(ANONYMOUS).child(inner));
    let mut tree = started(tree).await;
    world.fail("w1");
    let error = ended(&mut tree).await.unwrap_err();
    assert_eq!(
        format!("{error:?}"),
        "supervisor `tree` crashed with its child `tree/(crashing)`\n  \
         caused by: supervisor `tree/(crashing)` crashed with its child `tree/(rest_for_one)`\n  \
         caused by: supervisor `tree/(rest_for_one)` reached its restart limit: more than 0 restarts in 1s; \
         last: `tree/w[1]` failed\n  \
         caused by: w1 failed on demand"
    );
}

#[tokio::test(start_paused = true)]
async fn many_trees_live_in_one_process() {
    let worlds: Vec<_> = (0..10).map(|_| World::new()).collect();
    let mut trees = Vec::new();
    for world in &worlds {
        trees.push(started(Supervisor::one_for_all("tree").child(world.child("a")).child(world.child("b"))).await);
    }
    worlds[3].fail("a");
    for (number, (world, tree)) in worlds.iter().zip(trees).enumerate() {
        world.idle().await;
        tree.shutdown().await.unwrap();
        let expected: &[_] = match number {
            3 => &["start a", "start b", "fail a", "stop a", "stop b", "start a", "start b", "stop b", "stop a"],
            _ => &["start a", "start b", "stop b", "stop a"],
        };
        world.expect(expected).await;
    }
}
