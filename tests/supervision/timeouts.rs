//! How long a start may take.

use supervisor_runtime::testing::{Fault, TestTree};
use supervisor_runtime::{Child, Context, Phase, Service, ServiceResult, Supervisor, TreeError, TreeErrorKind};

use crate::idle::idle;
use crate::probe::Probe;
use crate::world::{Act, World, answered, not_started, secs, time_of, with_tree};

#[tokio::test(start_paused = true)]
async fn a_child_that_takes_longer_than_its_start_timeout_is_dropped_and_the_start_rolled_back() {
    let world = World::new();
    world.plan("b", [Act::HangInStart]);
    let tree = Supervisor::one_for_one("tree").child(world.child("a")).child(world.child("b").start_timeout(secs(2.0)));
    let error = not_started(tree.child(world.child("c"))).await;
    assert_eq!(error.kind(), TreeErrorKind::StartFailed);
    assert_eq!(
        format!("{error:?}"),
        "supervisor `tree` did not start: `tree/b` start took longer than its start_timeout of 2s"
    );
    world.expect_timed(&["0 start a", "0 start b", "2000 drop b", "2000 stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn the_start_timeout_covers_factory_and_start_together() {
    async fn slow(world: World) -> Probe {
        tokio::time::sleep(secs(1.5)).await;
        world.service("a")
    }
    for (timeout, starts) in [(2.0, false), (3.0, true)] {
        let world = World::new();
        world.plan("a", [Act::SlowStart(secs(1.0))]);
        let w = world.clone();
        let tree = Supervisor::one_for_one("tree")
            .child(Child::new("a", move || slow(w.clone())).start_timeout(secs(timeout)));
        let end = tree.start().await;
        if starts {
            world.expect_timed(&["1500 start a", "2500 started a"]).await;
            end.unwrap().shutdown().await.unwrap();
        } else {
            world.expect_timed(&["1500 start a", "2000 drop a"]).await;
            assert_eq!(end.unwrap_err().kind(), TreeErrorKind::StartFailed);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_takes_longer_than_its_start_timeout_is_rolled_back_in_order() {
    let group = Supervisor::one_for_one("group").start_timeout(secs(2.0)).child(idle("a")).child(idle("b"));
    let tree = Supervisor::one_for_one("tree").child(idle("outer")).child(group.child(idle("c")));
    let mut tree = TestTree::new(tree);
    tree.inject(Fault::delay("group/a", secs(1.0)).at(Phase::Stop));
    tree.inject(Fault::hang("group/b").at(Phase::Start));
    tree.expect("start outer, start group/a, +7s, drop group/b, +1s, stop group/a, fail group, stop outer, end").await;
    let error = tree.ended().await.unwrap_err();
    assert_eq!(error.kind(), TreeErrorKind::StartFailed);
    assert_eq!(
        format!("{error:#}"),
        "supervisor `tree` did not start: `tree/group` failed in start: \
         supervisor `tree/group` took longer to start than its start_timeout of 2s"
    );
}

#[tokio::test(start_paused = true)]
async fn the_start_timeout_of_the_outermost_supervisor_is_a_failed_start_too() {
    let world = World::new();
    world.plan("b", [Act::BlockStart]);
    let tree = Supervisor::one_for_one("tree").start_timeout(secs(2.0)).child(world.child("a")).child(world.child("b"));
    let error = not_started(tree).await;
    assert_eq!(error.to_string(), "supervisor `tree` took longer to start than its start_timeout of 2s");
    world.expect_timed(&["0 start a", "0 start b", "2000 stop a"]).await;
    assert_eq!(error.kind(), TreeErrorKind::StartFailed);
}

/// Stops a tree a second after it began to start a child, and says how it ended.
async fn stopped_in_start(world: &World, child: Child<Probe>) -> Result<(), TreeError> {
    let (first, mut told) = with_tree("first");
    let starts = tokio::spawn(Supervisor::one_for_one("tree").child(first).child(child).start());
    let tree = told.recv().await.unwrap();
    tokio::time::sleep(secs(1.0)).await;
    tree.shutdown();
    let answer = answered(starts).await.unwrap();
    world.idle().await;
    match answer {
        Ok(mut tree) => tree.wait().await,
        Err(error) => Err(error),
    }
}

#[tokio::test(start_paused = true)]
async fn once_stopping_began_the_shutdown_keeps_the_time_and_not_the_start_timeout() {
    for (limit, shutdown, drops) in [(60.0, 3.0, "4000 drop a"), (2.0, 10.0, "11000 drop a")] {
        let world = World::new();
        world.plan("a", [Act::HangInStart]);
        let child = world.child("a").start_timeout(secs(limit)).shutdown(secs(shutdown));
        let error = stopped_in_start(&world, child).await.unwrap_err();
        assert_eq!(error.dropped().len(), 1, "{error:?}");
        world.expect_timed(&["0 start a", drops]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_succeeds_after_stopping_began_is_stopped_also_past_its_start_timeout() {
    for limit in [60.0, 2.0] {
        let world = World::new();
        world.plan("a", [Act::SlowStart(secs(3.0))]);
        let child = world.child("a").start_timeout(secs(limit)).shutdown(secs(10.0));
        stopped_in_start(&world, child).await.unwrap();
        assert_eq!(world.page(), ["start a", "started a", "stop a"], "{limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_expression_of_an_embedded_tree_and_its_start_have_one_start_timeout_together() {
    struct Slow;
    impl Service for Slow {
        async fn start(&mut self, cx: &Context) -> ServiceResult {
            let _ = cx.sleep(secs(0.9)).await;
            Ok(())
        }
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            Ok(cx.stopping().await)
        }
    }
    let embedded = Child::new("embedded", || async {
        tokio::time::sleep(secs(0.9)).await;
        Supervisor::one_for_one("embedded").child(Child::new("slow", || Slow))
    });
    let tree = Supervisor::one_for_one("tree").child(embedded.start_timeout(secs(1.0)));
    let (took, error) = time_of(not_started(tree)).await;
    assert_eq!((took, error.kind()), (secs(1.0), TreeErrorKind::StartFailed));
}
