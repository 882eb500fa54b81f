//! Steering in a `dependents_for_one` group: what uses a child goes down before it and comes up after it.

use supervisor_runtime::{Restart, Running, State, SteerError, Supervisor};

use crate::world::{Act, Order, Probe, World, answered, at, ended, secs, started, state};

/// `cache` and two workers use `db`, `report` uses `cache`; `other` uses nothing.
async fn orders(world: &World) -> Running {
    let tree = Supervisor::dependents_for_one("tree")
        .child(world.child("other"))
        .child(world.child("db"))
        .child(world.child("cache").requires(["db"]))
        .child(world.replicas("w", 2).requires(["db"]))
        .child(world.child("report").requires(["cache"]));
    let tree = started(tree).await;
    world.page();
    tree
}

/// The lines so far, with those that have no order among themselves in the order of the alphabet.
async fn sorted(world: &World) -> Vec<String> {
    world.idle().await;
    let mut page = world.page();
    page.sort();
    page
}

#[track_caller]
fn position(page: &[String], line: &str) -> usize {
    page.iter().position(|each| each == line).unwrap_or_else(|| panic!("no `{line}` in {page:?}"))
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_the_users_along_and_a_start_brings_them_up_again() {
    let world = World::new();
    let tree = orders(&world).await;
    let db = at(&tree, "db");
    db.stop().await.unwrap();
    let page = world.page();
    assert_eq!(page.len(), 5, "{page:?}");
    assert_eq!(position(&page, "stop db"), 4, "{page:?}");
    assert!(position(&page, "stop report") < position(&page, "stop cache"), "{page:?}");
    for name in ["cache", "w[0]", "w[1]", "report"] {
        assert_eq!(state(&tree, name), State::Stopped, "{name}");
    }
    db.start().await.unwrap();
    assert_eq!(state(&tree, "db"), State::Running);
    world.idle().await;
    let page = world.page();
    assert_eq!(page.len(), 5, "{page:?}");
    assert_eq!(position(&page, "start db"), 0, "{page:?}");
    assert!(position(&page, "start cache") < position(&page, "start report"), "{page:?}");
    tree.wait_ready().await.unwrap();
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_restart_stops_the_users_first_and_starts_them_last_and_does_not_count() {
    let world = World::new();
    let tree = orders(&world).await;
    for _ in 0..200 {
        at(&tree, "db").restart().await.unwrap();
        world.idle().await;
        let page = world.page();
        assert_eq!(page.len(), 10, "{page:?}");
        assert_eq!((position(&page, "stop db"), position(&page, "start db")), (4, 5), "{page:?}");
    }
    at(&tree, "cache").restart().await.unwrap();
    world.expect(&["stop report", "stop cache", "start cache", "start report"]).await;
    at(&tree, "report").restart().await.unwrap();
    world.expect(&["stop report", "start report"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_stopped_by_hand_before_does_not_come_up_with_its_provider() {
    let world = World::new();
    let tree = orders(&world).await;
    at(&tree, "cache").stop().await.unwrap();
    world.expect(&["stop report", "stop cache"]).await;
    let db = at(&tree, "db");
    db.stop().await.unwrap();
    assert_eq!(sorted(&world).await, ["stop db", "stop w0", "stop w1"]);
    db.start().await.unwrap();
    assert_eq!(sorted(&world).await, ["start db", "start w0", "start w1"]);
    db.restart().await.unwrap();
    assert_eq!(sorted(&world).await, ["start db", "start w0", "start w1", "stop db", "stop w0", "stop w1"]);
    assert_eq!((state(&tree, "cache"), state(&tree, "report")), (State::Stopped, State::Stopped));
    // What went down with it comes up with it.
    at(&tree, "cache").start().await.unwrap();
    world.expect(&["start cache", "start report"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_that_went_along_and_is_then_stopped_by_hand_stays_down() {
    let world = World::new();
    let tree = orders(&world).await;
    at(&tree, "db").stop().await.unwrap();
    at(&tree, "w[0]").stop().await.unwrap();
    world.page();
    at(&tree, "db").start().await.unwrap();
    assert_eq!(sorted(&world).await, ["start cache", "start db", "start report", "start w1"]);
    assert_eq!(state(&tree, "w[0]"), State::Stopped);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_user_is_not_started_while_its_provider_is_down_and_the_error_names_it() {
    let world = World::new();
    let tree = orders(&world).await;
    at(&tree, "db").stop().await.unwrap();
    world.page();
    for (user, missing) in [("cache", "tree/db"), ("w[1]", "tree/db"), ("report", "tree/cache")] {
        for restart in [false, true] {
            let user = at(&tree, user);
            let error = if restart { user.restart().await } else { user.start().await }.unwrap_err();
            assert!(
                matches!(&error, SteerError::Requires { path, missing: m, .. } if *path == user.path() && m == missing),
                "{error:?}"
            );
        }
    }
    let workers = tree.replicas::<Probe>("w").unwrap();
    assert!(matches!(workers.start().await, Err(SteerError::Requires { .. })));
    assert!(matches!(workers.scale_to(4).await, Err(SteerError::Requires { .. })));
    assert_eq!(workers.len(), 2);
    world.idle().await;
    world.expect(&[]).await;
    at(&tree, "db").start().await.unwrap();
    tree.wait_ready().await.unwrap();
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_start_of_a_provider_that_fails_leaves_the_users_down() {
    let world = World::new();
    let tree = orders(&world).await;
    world.plan("db", [Act::FailStart]);
    let error = answered(at(&tree, "db").restart()).await.unwrap_err();
    assert!(matches!(error, SteerError::StartFailed { .. }), "{error:?}");
    tokio::time::sleep(secs(10.0)).await;
    let page = world.page();
    assert_eq!((page.len(), position(&page, "start db")), (6, 5), "{page:?}");
    for name in ["db", "cache", "w[0]", "w[1]", "report"] {
        assert_eq!(state(&tree, name), State::Stopped, "{name}");
    }
    assert_eq!(state(&tree, "other"), State::Running);
    // The next start brings all of them up.
    at(&tree, "db").start().await.unwrap();
    tree.wait_ready().await.unwrap();
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_user_of_two_providers_comes_up_with_the_last_of_them() {
    let world = World::new();
    let tree = Supervisor::dependents_for_one("tree")
        .child(world.child("a"))
        .child(world.child("b"))
        .child(world.child("c").requires(["a", "b"]));
    let tree = started(tree).await;
    world.page();
    at(&tree, "a").stop().await.unwrap();
    at(&tree, "b").stop().await.unwrap();
    world.expect(&["stop c", "stop a", "stop b"]).await;
    at(&tree, "a").start().await.unwrap();
    world.idle().await;
    world.expect(&["start a"]).await;
    at(&tree, "b").start().await.unwrap();
    world.expect(&["start b", "start c"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_one_provider_leaves_a_user_down_that_another_keeps_down() {
    let world = World::new();
    let tree = Supervisor::dependents_for_one("tree")
        .child(world.child("a"))
        .child(world.child("b"))
        .child(world.child("c").requires(["a", "b"]));
    let tree = started(tree).await;
    world.page();
    at(&tree, "a").stop().await.unwrap();
    at(&tree, "b").restart().await.unwrap();
    world.fail("b");
    world.expect(&["stop c", "stop a", "stop b", "start b", "fail b", "stop b", "start b"]).await;
    at(&tree, "a").start().await.unwrap();
    world.expect(&["start a", "start c"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_provider_of_replicas_takes_all_users_along_when_one_of_them_is_stopped() {
    let world = World::new();
    let tree = Supervisor::dependents_for_one("tree")
        .child(world.replicas("db", 2))
        .child(world.child("user").requires(["db"]));
    let tree = started(tree).await;
    world.page();
    at(&tree, "db[0]").stop().await.unwrap();
    world.expect(&["stop user", "stop db0"]).await;
    at(&tree, "db[1]").restart().await.unwrap();
    world.idle().await;
    world.expect(&["stop db1", "start db1"]).await;
    at(&tree, "db[0]").start().await.unwrap();
    world.expect(&["start db0", "start user"]).await;
    // One that is scaled away is no longer missing.
    at(&tree, "db[1]").stop().await.unwrap();
    world.expect(&["stop user", "stop db1"]).await;
    let dbs = tree.replicas::<Probe>("db").unwrap();
    dbs.scale_to(1).await.unwrap();
    at(&tree, "user").start().await.unwrap();
    world.expect(&["start user"]).await;
    dbs.scale_to(2).await.unwrap();
    world.idle().await;
    // Who uses it is told of the new one, by a restart.
    world.expect(&["stop user", "start db1", "start user"]).await;
    dbs.scale_to(1).await.unwrap();
    world.idle().await;
    world.expect(&["stop user", "stop db1", "start user"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_forfeited_provider_takes_its_users_along_and_a_start_of_it_lets_them_start() {
    let world = World::new();
    let tree = orders(&world).await;
    world.order("cache", Order::Forfeit);
    world.expect(&["forfeit cache", "stop cache", "stop report"]).await;
    assert_eq!((state(&tree, "cache"), state(&tree, "report")), (State::Forfeited, State::Forfeited));
    let error = at(&tree, "report").start().await.unwrap_err();
    assert!(matches!(&error, SteerError::Requires { missing, .. } if missing == "tree/cache"), "{error:?}");
    at(&tree, "cache").start().await.unwrap();
    world.expect(&["start cache"]).await;
    at(&tree, "report").start().await.unwrap();
    world.expect(&["start report"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_of_a_provider_whose_users_are_restarting_takes_them_along() {
    let world = World::new();
    let tree = orders(&world).await;
    world.plan("cache", [Act::SlowStart(secs(2.0))]);
    world.fail("cache");
    world.expect(&["fail cache", "stop cache", "stop report", "start cache"]).await;
    at(&tree, "db").stop().await.unwrap();
    world.idle().await;
    let mut page = world.page();
    assert_eq!(page.pop().as_deref(), Some("stop db"));
    page.sort();
    assert_eq!(page, ["started cache", "stop cache", "stop w0", "stop w1"]);
    at(&tree, "db").start().await.unwrap();
    assert_eq!(sorted(&world).await, ["start cache", "start db", "start report", "start w0", "start w1"]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_fails_while_it_is_being_stopped_by_hand_stays_down() {
    let world = World::new();
    world.plan("w0", [Act::SlowStop(secs(2.0))]);
    let tree = orders(&world).await;
    let db = at(&tree, "db");
    let stop = tokio::spawn(async move { db.stop().await });
    world.idle().await;
    world.fail("db");
    answered(stop).await.unwrap().unwrap();
    tokio::time::sleep(secs(10.0)).await;
    assert_eq!(state(&tree, "db"), State::Stopped);
    assert_eq!(sorted(&world).await, ["fail db", "stop cache", "stop db", "stop report", "stop w0", "stop w1"]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn replicas_added_while_their_provider_is_forfeited_are_refused_and_those_leaving_leave() {
    let world = World::new();
    let tree = Supervisor::dependents_for_one("tree")
        .child(world.child("db"))
        .child(world.replicas("w", 2).requires(["db"]))
        .child(world.child("x"));
    world.plan("w1", [Act::SlowStop(secs(2.0))]);
    let tree = started(tree).await;
    world.page();
    let workers = tree.replicas::<Probe>("w").unwrap();
    let shrink = tokio::spawn({
        let workers = workers.clone();
        async move { workers.scale_to(1).await }
    });
    world.idle().await;
    world.order("db", Order::Forfeit);
    world.expect(&["forfeit db", "stop db", "stop w0"]).await;
    let error = answered(workers.scale_to(3)).await.unwrap_err();
    assert!(matches!(&error, SteerError::Requires { missing, .. } if missing == "tree/db"), "{error:?}");
    answered(shrink).await.unwrap().unwrap();
    world.expect(&["stop w1"]).await;
    assert_eq!(workers.len(), 1);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_temporary_user_is_started_again_with_its_provider_by_hand() {
    // By hand, the user of what was restarted is not left behind; only a failure ends what is temporary.
    let world = World::new();
    let tree = Supervisor::dependents_for_one("tree")
        .child(world.child("db"))
        .child(world.child("t").requires(["db"]).restart(Restart::Temporary));
    let tree = started(tree).await;
    world.page();
    at(&tree, "db").restart().await.unwrap();
    world.idle().await;
    let after_restart = (world.page(), state(&tree, "t"));
    tree.shutdown().await.unwrap();
    assert_eq!(after_restart.0, ["stop t", "stop db", "start db", "start t"]);
    assert_eq!(after_restart.1, State::Running);
}

#[tokio::test(start_paused = true)]
async fn a_stop_by_hand_of_a_provider_that_is_done_changes_nothing() {
    let world = World::new();
    world.plan("a", [Act::FinishAfter(secs(1.0))]);
    let tree = Supervisor::dependents_for_one("tree")
        .child(world.child("a").restart(Restart::Transient))
        .child(world.child("b").requires(["a"]));
    let tree = started(tree).await;
    world.expect(&["start a", "start b", "finish a", "stop a"]).await;
    answered(at(&tree, "a").stop()).await.unwrap();
    world.idle().await;
    assert_eq!((state(&tree, "a"), state(&tree, "b")), (State::Done, State::Running), "{:?}", world.page());
}

#[tokio::test(start_paused = true)]
async fn what_went_along_with_one_provider_is_forfeited_with_another() {
    let world = World::new();
    let tree = Supervisor::dependents_for_one("tree")
        .child(world.child("a").restart(Restart::Transient))
        .child(world.child("b"))
        .child(world.child("user").requires(["a", "b"]));
    let mut tree = started(tree).await;
    at(&tree, "a").stop().await.unwrap();
    world.order("b", Order::Forfeit);
    world.idle().await;
    assert_eq!((state(&tree, "b"), state(&tree, "user")), (State::Forfeited, State::Forfeited));
    at(&tree, "a").start().await.unwrap();
    world.order("a", Order::Finish);
    let error = ended(&mut tree).await.unwrap_err();
    assert_eq!(error.forfeited().collect::<Vec<_>>(), ["tree/b", "tree/user"]);
}
