//! How a tree starts, and what happens when it does not.

use supervisor_runtime::{BoxError, Child, Context, Exit, Service, ServiceResult, Supervisor, TreeErrorKind};

use crate::probe::Probe;
use crate::world::{Act, World, not_started, secs, started, task, time_of};

#[tokio::test(start_paused = true)]
async fn each_child_starts_after_the_start_of_the_one_before() {
    let world = World::new();
    world.plan("a", [Act::SlowStart(secs(1.0))]).plan("c", [Act::SlowStart(secs(2.0))]);
    let tree = Supervisor::one_for_one("tree")
        .child(world.child("a"))
        .child(Supervisor::one_for_one("group").child(world.child("b")).child(world.child("c")))
        .child(world.child("d"));
    let (took, tree) = time_of(started(tree)).await;
    assert_eq!(took, secs(3.0));
    world
        .expect_timed(&[
            "0 start a",
            "1000 started a",
            "1000 start b",
            "1000 start c",
            "3000 started c",
            "3000 start d",
        ])
        .await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn replicas_start_together() {
    let world = World::new();
    world
        .plan("w0", [Act::SlowStart(secs(1.0))])
        .plan("w1", [Act::SlowStart(secs(3.0))])
        .plan("w2", [Act::SlowStart(secs(2.0))]);
    let tree = Supervisor::one_for_all("tree").child(world.replicas("w", 3)).child(world.child("after"));
    let tree = started(tree).await;
    world
        .expect_timed(&[
            "0 start w0",
            "0 start w1",
            "0 start w2",
            "1000 started w0",
            "2000 started w2",
            "3000 started w1",
            "3000 start after",
        ])
        .await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn under_dependents_for_one_a_child_starts_as_soon_as_what_it_requires_has_started() {
    let world = World::new();
    world.plan("db", [Act::SlowStart(secs(3.0))]).plan("cache", [Act::SlowStart(secs(1.0))]);
    world.plan("worker", [Act::SlowStart(secs(1.0))]);
    let tree = Supervisor::dependents_for_one("tree")
        .child(world.child("db"))
        .child(world.child("cache"))
        .child(world.child("worker").requires(["cache"]))
        .child(world.child("page").requires(["worker"]))
        .child(world.child("report").requires(["db", "worker"]));
    let tree = started(tree).await;
    world
        .expect_timed(&[
            "0 start db",
            "0 start cache",
            "1000 started cache",
            "1000 start worker",
            "2000 started worker",
            "2000 start page",
            "3000 started db",
            "3000 start report",
        ])
        .await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dependent_waits_for_every_replica_of_what_it_requires() {
    let world = World::new();
    world.plan("db0", [Act::SlowStart(secs(1.0))]).plan("db1", [Act::SlowStart(secs(2.0))]);
    let tree = Supervisor::dependents_for_one("tree")
        .child(world.replicas("db", 2))
        .child(world.child("user").requires(["db"]));
    let tree = started(tree).await;
    world
        .expect_timed(&["0 start db0", "0 start db1", "1000 started db0", "2000 started db1", "2000 start user"])
        .await;
    tree.shutdown().await.unwrap();
    let mut stopped = world.page();
    stopped[1..].sort();
    assert_eq!(stopped, ["stop user", "stop db0", "stop db1"]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_start_in_a_nested_group_is_rolled_back_from_the_inside_out() {
    let world = World::new();
    world.plan("d", [Act::FailStartAfter(secs(1.0))]);
    let tree = Supervisor::one_for_one("tree")
        .child(world.child("a"))
        .child(Supervisor::one_for_one("done").child(world.child("b")))
        .child(
            Supervisor::one_for_one("group").child(world.child("c")).child(world.child("d")).child(world.child("e")),
        );
    let error = not_started(tree).await;
    world.expect(&["start a", "start b", "start c", "start d", "fail d", "stop c", "stop b", "stop a"]).await;
    assert_eq!(
        format!("{error:#}"),
        "supervisor `tree` did not start: `tree/group` failed in start: \
         supervisor `tree/group` did not start: `tree/group/d` failed in start: d start failed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_first_start_is_not_retried_whatever_the_strategy() {
    let strategies: [fn(&'static str) -> Supervisor; 7] = [
        Supervisor::one_for_one,
        Supervisor::one_for_all,
        Supervisor::rest_for_one,
        Supervisor::dependents_for_one,
        Supervisor::forfeit_one_for_one,
        Supervisor::forfeit_one_for_all,
        Supervisor::crashing,
    ];
    for strategy in strategies {
        let world = World::new();
        world.plan("b", [Act::FailStartAfter(secs(1.0))]);
        let tree = strategy("tree").child(world.child("a")).child(world.child("b"));
        let about = format!("{tree:?}");
        let error = not_started(tree).await;
        assert_eq!(error.kind(), TreeErrorKind::StartFailed, "{about}");
        assert_eq!(world.page(), ["start a", "start b", "fail b", "stop a"], "{about}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_fails_while_others_start_is_an_ordinary_failure() {
    let world = World::new();
    world.plan("a", [Act::FailAfter(secs(1.0))]).plan("b", [Act::SlowStart(secs(3.0))]);
    let tree = Supervisor::one_for_one("tree").child(world.child("a")).child(world.child("b")).child(world.child("c"));
    let tree = started(tree).await;
    world
        .expect_timed(&[
            "0 start a",
            "0 start b",
            "1000 fail a",
            "1000 stop a",
            "1000 start a",
            "3000 started b",
            "3000 start c",
        ])
        .await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_children_have_all_started_has_started_though_one_fails_at_once() {
    let world = World::new();
    world.plan("b", [Act::Fail]);
    let group = Supervisor::one_for_one("group").max_restarts(0).child(world.child("a")).child(world.child("b"));
    let tree = started(Supervisor::one_for_one("tree").child(group)).await;
    world.expect(&["start a", "start b", "stop b", "stop a", "start a", "start b"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_during_start_asks_the_starting_child_and_rolls_back() {
    let world = World::new();
    world.plan("b", [Act::BlockStart]);
    let tree = Supervisor::one_for_one("tree")
        .child(world.child("a"))
        .child(task("stopper", stop_after_a_second))
        .child(world.child("b"));
    let (took, end) = time_of(tree.child(world.child("c")).run()).await;
    end.unwrap();
    assert_eq!(took, secs(1.0));
    world.expect(&["start a", "start b", "stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_during_start_drops_the_starting_child_at_its_deadline() {
    let world = World::new();
    world.plan("b", [Act::HangInStart]);
    let tree = Supervisor::one_for_one("tree")
        .child(world.child("a"))
        .child(task("stopper", stop_after_a_second))
        .child(world.child("b"));
    let error = tree.run().await.unwrap_err();
    world.expect_timed(&["0 start a", "0 start b", "6000 drop b", "6000 stop a"]).await;
    assert_eq!(
        format!("{error:?}"),
        "tree `tree` stopped, but `tree/b` had to be dropped by force\n  \
         dropped by force: `tree/b` in start, 5s after it was asked to stop"
    );
}

#[tokio::test(start_paused = true)]
async fn a_start_that_succeeds_after_the_stop_began_is_followed_by_stop_and_not_by_run() {
    struct Slow(World);
    impl Service for Slow {
        async fn start(&mut self, _cx: &Context) -> ServiceResult {
            tokio::time::sleep(secs(3.0)).await;
            self.0.write("started");
            Ok(())
        }
        async fn run(&mut self, _cx: &Context) -> ServiceResult {
            self.0.write("run");
            Ok(())
        }
        async fn stop(&mut self, _cx: &Context, exit: &Exit) {
            self.0.write(format!("stop: {exit}"));
        }
    }
    let world = World::new();
    let w = world.clone();
    let slow = Child::new("slow", move || Slow(w.clone()));
    let tree = Supervisor::one_for_one("tree").child(task("stopper", stop_after_a_second)).child(slow);
    tree.run().await.unwrap();
    world.expect_timed(&["3000 started", "3000 stop: stopped"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_factory_may_be_async_and_may_fail() {
    let world = World::new();
    let (w, v) = (world.clone(), world.clone());
    let tree = Supervisor::one_for_one("tree")
        .child(world.child("a"))
        .child(Child::new("b", move || {
            let w = w.clone();
            async move {
                tokio::time::sleep(secs(1.0)).await;
                Ok::<_, BoxError>(w.service("b"))
            }
        }))
        .child(Child::replicated("c", 2, move |index| match index {
            0 => Ok(v.service("c0")),
            _ => Err("no port is free"),
        }));
    let error = not_started(tree).await;
    assert_eq!(
        format!("{error:#}"),
        "supervisor `tree` did not start: `tree/c[1]` failed while it was created: no port is free"
    );
    world
        .expect_timed(&["0 start a", "1000 start b", "1000 start c0", "1000 stop c0", "1000 stop b", "1000 stop a"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_declines_to_run_is_forfeited_and_the_others_start() {
    let world = World::new();
    world.plan("b", [Act::DeclineStart]);
    let tree = Supervisor::one_for_all("tree").child(world.child("a")).child(world.child("b")).child(world.child("c"));
    let tree = started(tree).await;
    world.expect(&["start a", "start b", "start c"]).await;
    world.fail("a");
    world.expect(&["fail a", "stop a", "stop c", "start a", "start c"]).await;
    tree.shutdown().await.unwrap();
    world.expect(&["stop c", "stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_factory_can_decline_too() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree")
        .child(Child::new("metrics", || Err::<Probe, _>(supervisor_runtime::forfeit("no endpoint is configured"))))
        .child(world.child("a"));
    let tree = started(tree).await;
    world.expect(&["start a"]).await;
    tree.shutdown().await.unwrap();
}

async fn stop_after_a_second(cx: Context) -> ServiceResult {
    tokio::time::sleep(secs(1.0)).await;
    cx.tree().shutdown();
    Ok(cx.stopping().await)
}
