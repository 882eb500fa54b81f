//! What each strategy does when one child fails.

use supervisor_runtime::testing::{Fault, TestTree};
use supervisor_runtime::{Child, Decision, Failure, Restart, Set, Supervisor, TreeErrorKind};

use crate::idle::{idle, idles};
use crate::world::World;

/// A tree of `a`, `b` and `c` that has started.
async fn abc(tree: Supervisor) -> TestTree {
    let mut tree = TestTree::new(tree.child(idle("a")).child(idle("b")).child(idle("c")));
    tree.expect("start a, start b, start c").await;
    tree
}

#[tokio::test(start_paused = true)]
async fn one_for_one_restarts_the_child_that_failed() {
    let mut tree = abc(Supervisor::one_for_one("tree")).await;
    tree.fail("b");
    tree.expect("fail b, start b").await;
    tree.shutdown();
    tree.expect("stop c, stop b, stop a, end").await;
}

#[tokio::test(start_paused = true)]
async fn one_for_all_stops_all_in_reverse_and_starts_all_in_order() {
    let mut tree = abc(Supervisor::one_for_all("tree")).await;
    tree.fail("b");
    tree.expect("fail b, stop c, stop a, start a, start b, start c").await;
    tree.shutdown();
    tree.expect("stop c, stop b, stop a, end").await;
}

#[tokio::test(start_paused = true)]
async fn rest_for_one_restarts_it_and_what_is_declared_after_it() {
    let mut tree = abc(Supervisor::rest_for_one("tree")).await;
    tree.fail("b");
    tree.expect("fail b, stop c, start b, start c").await;
    tree.shutdown();
    tree.expect("stop c, stop b, stop a, end").await;
}

#[tokio::test(start_paused = true)]
async fn dependents_for_one_restarts_exactly_what_depends_on_it() {
    let tree = Supervisor::dependents_for_one("tree")
        .child(idle("db"))
        .child(idle("cache"))
        .child(idle("worker").requires(["db"]))
        .child(idle("report").requires(["worker"]));
    let mut tree = TestTree::new(tree);
    tree.expect("start db, start cache, start worker, start report").await;
    tree.fail("db");
    tree.expect("fail db, stop report, stop worker, start db, start worker, start report").await;
}

#[tokio::test(start_paused = true)]
async fn forfeit_one_for_one_never_restarts_and_leaves_the_others() {
    let mut tree = abc(Supervisor::forfeit_one_for_one("tree")).await;
    tree.fail("a");
    tree.expect("fail a, forfeit a").await;
    tree.fail("b");
    tree.fail("c");
    tree.expect("fail b, forfeit b, fail c, forfeit c, end").await;
    let error = tree.ended().await.unwrap_err();
    assert_eq!(error.kind(), TreeErrorKind::Forfeited);
    assert_eq!(error.forfeited().collect::<Vec<_>>(), ["tree/a", "tree/b", "tree/c"]);
}

#[tokio::test(start_paused = true)]
async fn forfeit_one_for_all_ends_all_in_reverse() {
    let group = Supervisor::forfeit_one_for_all("group").child(idle("a")).child(idle("b")).child(idle("c"));
    let mut tree = TestTree::new(Supervisor::one_for_one("tree").child(idle("other")).child(group));
    tree.expect("start other, start group/a, start group/b, start group/c").await;
    tree.fail("group/a");
    tree.expect(
        "fail group/a, forfeit group/a,
         stop group/c, forfeit group/c,
         stop group/b, forfeit group/b,
         fail group, forfeit group",
    )
    .await;
    tree.shutdown();
    tree.expect("stop other, end").await;
}

#[tokio::test(start_paused = true)]
async fn crashing_stops_the_siblings_and_ends_with_the_child_s_own_error() {
    let mut tree = abc(Supervisor::crashing("tree")).await;
    tree.inject(Fault::fail_with("b", || "disk full".into()));
    tree.expect("fail b, crash tree, stop c, stop a, end").await;
    let error = tree.ended().await.unwrap_err();
    assert_eq!(error.kind(), TreeErrorKind::Failed);
    assert_eq!(format!("{error:#}"), "supervisor `tree` crashed with its child `tree/b`: disk full");
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
    let tree = Supervisor::custom("tree", decide).child(idle("a")).child(idle("b")).child(idle("c")).child(idle("d"));
    let mut tree = TestTree::new(tree);
    tree.expect("start a, start b, start c, start d").await;
    tree.fail("b");
    tree.expect("fail b, stop c, start b, start c").await;
    tree.fail("c");
    tree.expect("fail c, forfeit c").await;
    tree.fail("a");
    tree.expect("fail a, stop d, stop b, start a, start b, start d").await;
    tree.fail("d");
    tree.expect("fail d, escalate tree, stop b, stop a, end").await;
    assert_eq!(
        format!("{:#}", tree.ended().await.unwrap_err()),
        "supervisor `tree` escalated the failure of its child `tree/d`: injected failure"
    );
}

#[tokio::test(start_paused = true)]
async fn of_replicas_only_the_one_that_failed_is_restarted() {
    let mut tree = TestTree::new(Supervisor::rest_for_one("tree").child(idles("w", 3)).child(idle("after")));
    tree.expect("start w[0..3], start after").await;
    tree.fail("w[1]");
    tree.expect("fail w[1], stop after, start w[1], start after").await;
    tree.shutdown();
    tree.expect("stop after, stop w[0..3], end").await;
}

#[tokio::test(start_paused = true)]
async fn a_temporary_child_that_fails_touches_nobody() {
    let tree = Supervisor::one_for_all("tree").max_restarts(0);
    let mut tree = TestTree::new(tree.child(idle("a")).child(idle("b").restart(Restart::Temporary)));
    tree.expect("start a, start b").await;
    tree.fail("b");
    tree.expect("fail b").await;
    tree.shutdown();
    tree.expect("stop a, end").await;
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
