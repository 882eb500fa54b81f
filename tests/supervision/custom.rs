//! A strategy of one's own.

use supervisor_runtime::{Decision, Failure, Restart, Set, Supervisor, TreeErrorKind};

use crate::world::{Order, World, ended, started};

#[tokio::test(start_paused = true)]
async fn it_is_told_who_failed_how_and_beside_whom() {
    let world = World::new();
    let w = world.clone();
    let decide = move |failure: &Failure<'_>| {
        let siblings = failure.siblings().collect::<Vec<_>>().join(" ");
        w.write(format!("{} {:?} {} of {siblings}", failure.child(), failure.index(), failure.exit()));
        Decision::Restart(Set::Failed)
    };
    let tree = Supervisor::custom("tree", decide).no_panic_hook().child(world.child("a")).child(world.replicas("w", 2));
    let tree = started(tree.child(world.child("b").restart(Restart::Transient))).await;
    world.page();
    world.fail("a");
    world.expect(&["fail a", "stop a", "a None failed: a failed on demand of a w b", "start a"]).await;
    world.order("w1", Order::Finish);
    world.expect(&["finish w1", "stop w1", "w Some(1) returned Ok of a w b", "start w1"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_child_that_failed_belongs_to_every_set_and_names_that_nobody_has_are_ignored() {
    let sets: [(Set, &[&str]); 6] = [
        (Set::Failed, &["fail b", "stop b", "start b"]),
        (Set::Rest, &["fail b", "stop b", "stop c", "start b", "start c"]),
        (Set::All, &["fail b", "stop b", "stop c", "stop a", "start a", "start b", "start c"]),
        (Set::Named(vec!["nobody".to_owned()]), &["fail b", "stop b", "start b"]),
        (Set::Named(vec!["a".to_owned(), "b".to_owned()]), &["fail b", "stop b", "stop a", "start a", "start b"]),
        (Set::Named(vec!["c".to_owned()]), &["fail b", "stop b", "stop c", "start b", "start c"]),
    ];
    for (set, expected) in sets {
        let world = World::new();
        let tree = Supervisor::custom("tree", move |_| Decision::Restart(set.clone()));
        let tree = started(tree.child(world.child("a")).child(world.child("b")).child(world.child("c"))).await;
        world.page();
        world.fail("b");
        world.expect(expected).await;
        world.idle().await;
        assert!(world.page().is_empty());
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_set_that_is_forfeited_is_stopped_in_reverse_and_the_others_go_on() {
    let world = World::new();
    let decide = |_: &Failure<'_>| Decision::Forfeit(Set::Named(vec!["b".to_owned(), "c".to_owned()]));
    let tree =
        Supervisor::custom("tree", decide).child(world.child("a")).child(world.child("b")).child(world.child("c"));
    let mut tree = started(tree.child(world.child("d").restart(Restart::Transient))).await;
    world.page();
    world.fail("a");
    world.expect(&["fail a", "stop a", "stop c", "stop b"]).await;
    world.order("d", Order::Finish);
    let error = ended(&mut tree).await.unwrap_err();
    assert_eq!(error.forfeited().collect::<Vec<_>>(), ["tree/a", "tree/b", "tree/c"]);
}

#[tokio::test(start_paused = true)]
async fn the_limit_and_the_rules_of_one_incident_apply() {
    let world = World::new();
    let tree = Supervisor::custom("tree", |_| Decision::Restart(Set::All)).max_restarts(1);
    let mut tree = started(tree.child(world.replicas("w", 3))).await;
    world.page();
    for name in ["w0", "w1", "w2"] {
        world.fail(name);
    }
    world
        .expect(&["fail w0", "stop w0", "fail w1", "stop w1", "fail w2", "stop w2", "start w0", "start w1", "start w2"])
        .await;
    world.idle().await;
    world.fail("w0");
    assert_eq!(ended(&mut tree).await.unwrap_err().kind(), TreeErrorKind::LimitReached);
}

#[tokio::test(start_paused = true)]
async fn it_is_not_asked_about_a_child_that_was_asked_to_stop() {
    let world = World::new();
    world.plan("a", [crate::world::Act::FailWhenStopped]);
    let w = world.clone();
    let decide = move |failure: &Failure<'_>| {
        w.write(format!("decide about {}", failure.child()));
        Decision::Escalate
    };
    let tree = started(Supervisor::custom("tree", decide).child(world.child("a"))).await;
    tree.shutdown().await.unwrap();
    world.expect(&["start a", "stop a"]).await;
}
