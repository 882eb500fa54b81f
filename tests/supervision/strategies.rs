//! What each strategy does when one child fails.

use supervisor_runtime::{Child, Decision, Failure, Restart, Set, Supervisor, TreeErrorKind};

use crate::world::{Act, World, ended};

#[tokio::test(start_paused = true)]
async fn one_for_one_restarts_the_child_that_failed() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree").child(world.child("a")).child(world.child("b")).child(world.child("c"));
    let tree = tree.start().await.unwrap();
    world.expect(&["start a", "start b", "start c"]).await;
    world.fail("b");
    world.expect(&["fail b", "stop b", "start b"]).await;
    tree.shutdown().await.unwrap();
    world.expect(&["stop c", "stop b", "stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn one_for_all_stops_all_in_reverse_and_starts_all_in_order() {
    let world = World::new();
    let tree = Supervisor::one_for_all("tree").child(world.child("a")).child(world.child("b")).child(world.child("c"));
    let tree = tree.start().await.unwrap();
    world.expect(&["start a", "start b", "start c"]).await;
    world.fail("b");
    world.expect(&["fail b", "stop b", "stop c", "stop a", "start a", "start b", "start c"]).await;
    tree.shutdown().await.unwrap();
    world.expect(&["stop c", "stop b", "stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn rest_for_one_restarts_it_and_what_is_declared_after_it() {
    let world = World::new();
    let tree = Supervisor::rest_for_one("tree").child(world.child("a")).child(world.child("b")).child(world.child("c"));
    let tree = tree.start().await.unwrap();
    world.expect(&["start a", "start b", "start c"]).await;
    world.fail("b");
    world.expect(&["fail b", "stop b", "stop c", "start b", "start c"]).await;
    tree.shutdown().await.unwrap();
    world.expect(&["stop c", "stop b", "stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn dependents_for_one_restarts_exactly_what_depends_on_it() {
    let world = World::new();
    let tree = Supervisor::dependents_for_one("tree")
        .child(world.child("db"))
        .child(world.child("cache"))
        .child(world.child("worker").requires(["db"]))
        .child(world.child("report").requires(["worker"]));
    let tree = tree.start().await.unwrap();
    let mut started = world.page();
    started.sort();
    assert_eq!(started, ["start cache", "start db", "start report", "start worker"]);
    world.fail("db");
    world
        .expect(&["fail db", "stop db", "stop report", "stop worker", "start db", "start worker", "start report"])
        .await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn forfeit_one_for_one_never_restarts_and_leaves_the_others() {
    let world = World::new();
    let tree = Supervisor::forfeit_one_for_one("tree").child(world.child("a")).child(world.child("b"));
    let mut tree = tree.start().await.unwrap();
    world.expect(&["start a", "start b"]).await;
    world.fail("a");
    world.expect(&["fail a", "stop a"]).await;
    world.fail("b");
    let error = ended(&mut tree).await.unwrap_err();
    assert_eq!(error.kind(), TreeErrorKind::Forfeited);
    assert_eq!(error.forfeited().collect::<Vec<_>>(), ["tree/a", "tree/b"]);
    world.expect(&["fail b", "stop b"]).await;
}

#[tokio::test(start_paused = true)]
async fn forfeit_one_for_all_ends_all_in_reverse() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree").child(world.child("other")).child(
        Supervisor::forfeit_one_for_all("group")
            .child(world.child("a"))
            .child(world.child("b"))
            .child(world.child("c")),
    );
    let tree = tree.start().await.unwrap();
    world.expect(&["start other", "start a", "start b", "start c"]).await;
    world.fail("a");
    world.expect(&["fail a", "stop a", "stop c", "stop b"]).await;
    tree.shutdown().await.unwrap();
    world.expect(&["stop other"]).await;
}

#[tokio::test(start_paused = true)]
async fn crashing_stops_the_siblings_and_ends_with_the_child_s_own_error() {
    let world = World::new();
    world.plan("b", [Act::Fail]);
    let tree = Supervisor::crashing("tree").child(world.child("a")).child(world.child("b")).child(world.child("c"));
    let error = tree.run().await.unwrap_err();
    assert_eq!(error.kind(), TreeErrorKind::Failed);
    assert_eq!(format!("{error:#}"), "supervisor `tree` crashed with its child `tree/b`: b failed");
    let log = world.page();
    assert_eq!(log.last().map(String::as_str), Some("stop a"), "{log:?}");
}

#[tokio::test(start_paused = true)]
async fn a_custom_strategy_decides() {
    fn decide(failure: &Failure<'_>) -> Decision {
        match failure.child() {
            "a" => Decision::Restart(Set::All),
            "b" => Decision::Restart(Set::Named(vec!["c".to_owned()])),
            "c" => Decision::Forfeit(Set::Failed),
            _ => Decision::Escalate,
        }
    }
    let world = World::new();
    let mut tree = Supervisor::custom("tree", decide)
        .child(world.child("a"))
        .child(world.child("b"))
        .child(world.child("c"))
        .child(world.child("d"))
        .start()
        .await
        .unwrap();
    world.expect(&["start a", "start b", "start c", "start d"]).await;
    world.fail("b");
    world.expect(&["fail b", "stop b", "stop c", "start b", "start c"]).await;
    world.fail("c");
    world.expect(&["fail c", "stop c"]).await;
    world.fail("a");
    world.expect(&["fail a", "stop a", "stop d", "stop b", "start a", "start b", "start d"]).await;
    world.fail("d");
    let error = ended(&mut tree).await.unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "supervisor `tree` escalated the failure of its child `tree/d`: d failed on demand"
    );
    world.expect(&["fail d", "stop d", "stop b", "stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn of_replicas_only_the_one_that_failed_is_restarted() {
    let world = World::new();
    let tree = Supervisor::rest_for_one("tree").child(world.replicas("w", 3)).child(world.child("after"));
    let tree = tree.start().await.unwrap();
    world.expect(&["start w0", "start w1", "start w2", "start after"]).await;
    world.fail("w1");
    world.expect(&["fail w1", "stop w1", "stop after", "start w1", "start after"]).await;
    tree.shutdown().await.unwrap();
    world.expect(&["stop after", "stop w2", "stop w1", "stop w0"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_temporary_child_that_fails_touches_nobody() {
    let world = World::new();
    let tree = Supervisor::one_for_all("tree")
        .max_restarts(0)
        .child(world.child("a"))
        .child(world.child("b").restart(Restart::Temporary));
    let tree = tree.start().await.unwrap();
    world.expect(&["start a", "start b"]).await;
    world.fail("b");
    world.expect(&["fail b", "stop b"]).await;
    tree.shutdown().await.unwrap();
    world.expect(&["stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_typed_child_is_restarted_like_any_other() {
    let world = World::new();
    let service = world.clone();
    let tree =
        Supervisor::one_for_one("tree").child(Child::<crate::world::Probe>::new("a", move || service.service("a")));
    let tree = tree.start().await.unwrap();
    world.fail("a");
    world.expect(&["start a", "fail a", "stop a", "start a"]).await;
    tree.shutdown().await.unwrap();
}
