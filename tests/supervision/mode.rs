//! What `mode` gets wrong is right here: a test for each.

use std::sync::{Arc, Mutex};

use supervisor_runtime::{Child, Restart, Supervisor, TreeErrorKind};

use crate::world::{Act, World, ended, secs, started, time_of};

#[tokio::test(start_paused = true)]
async fn the_limit_means_what_it_says_and_one_incident_counts_once() {
    let world = World::new();
    let tree = Supervisor::one_for_all("tree").max_restarts(1).child(world.replicas("w", 10));
    let mut tree = started(tree).await;
    world.page();
    for index in 0..10 {
        world.fail(&format!("w{index}"));
    }
    let mut expected: Vec<String> = (0..10).flat_map(|i| [format!("fail w{i}"), format!("stop w{i}")]).collect();
    expected.extend((0..10).map(|i| format!("start w{i}")));
    world.expect(&expected.iter().map(String::as_str).collect::<Vec<_>>()).await;
    world.idle().await;
    world.fail("w3");
    let error = ended(&mut tree).await.unwrap_err();
    assert_eq!(error.kind(), TreeErrorKind::LimitReached);
    assert_eq!(
        error.to_string(),
        "supervisor `tree` reached its restart limit: more than 1 restart in 1s; last: `tree/w[3]` failed"
    );
    let stopped = (0..10).rev().filter(|i| *i != 3).map(|i| format!("stop w{i}"));
    let expected: Vec<_> = ["fail w3".to_owned(), "stop w3".to_owned()].into_iter().chain(stopped).collect();
    assert_eq!(world.page(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_failure_while_the_supervisor_is_busy_is_handled_at_once() {
    let world = World::new();
    world.plan("a", [Act::Run, Act::SlowStart(secs(60.0))]).plan("b", [Act::SlowStop(secs(4.0))]);
    let tree = Supervisor::one_for_one("tree")
        .child(world.child("a"))
        .child(Supervisor::one_for_all("group").child(world.child("b")).child(world.child("c")));
    let tree = started(tree.child(world.child("d"))).await;
    world.page();
    world.fail("a");
    world.fail("c");
    world.fail("d");
    world
        .expect_timed(&[
            "0 fail a",
            "0 stop a",
            "0 start a",
            "0 fail c",
            "0 stop c",
            "0 fail d",
            "0 stop d",
            "0 start d",
            "4000 stop b",
            "4000 start b",
            "4000 start c",
            "60000 started a",
        ])
        .await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_nested_supervisor_that_restarts_brings_its_children_up_again() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree")
        .child(Supervisor::one_for_one("group").max_restarts(0).child(world.child("a")).child(world.child("b")));
    let tree = started(tree).await;
    world.page();
    world.fail("a");
    world.expect(&["fail a", "stop a", "stop b", "start a", "start b"]).await;
    world.fail("b");
    world.expect(&["fail b", "stop b", "stop a", "start a", "start b"]).await;
    tree.shutdown().await.unwrap();
    world.expect(&["stop b", "stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn an_index_belongs_to_its_child_for_life() {
    let world = World::new();
    let (w, made) = (world.clone(), Arc::new(Mutex::new(Vec::new())));
    let seen = Arc::clone(&made);
    let tree = Supervisor::one_for_one("tree").child(Child::replicated("w", 3, move |index| {
        seen.lock().unwrap().push(index);
        w.service(&format!("w{index}"))
    }));
    let tree = started(tree).await;
    world.expect(&["start w0", "start w1", "start w2"]).await;
    for name in ["w1", "w0", "w1", "w2"] {
        world.fail(name);
        world.expect(&[&format!("fail {name}"), &format!("stop {name}"), &format!("start {name}")]).await;
    }
    assert_eq!(*made.lock().unwrap(), [0, 1, 2, 1, 0, 1, 2]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_replaced_service_has_been_stopped_first() {
    let world = World::new();
    let w = world.clone();
    let child = world.child("a").replace(move |old, _| {
        w.write("replace a");
        old
    });
    let tree = started(Supervisor::one_for_one("tree").child(child)).await;
    world.fail("a");
    world.expect(&["start a", "fail a", "stop a", "replace a", "start a"]).await;
    tree.shutdown().await.unwrap();
    world.expect(&["stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn stop_is_the_reverse_of_start() {
    let world = World::new();
    for name in ["a", "b", "c"] {
        world.plan(name, [Act::SlowStop(secs(1.0))]);
    }
    let tree = Supervisor::one_for_one("tree").child(world.child("a")).child(world.child("b")).child(world.child("c"));
    started(tree).await.shutdown().await.unwrap();
    world.expect_timed(&["0 start a", "0 start b", "0 start c", "1000 stop c", "2000 stop b", "3000 stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_first_start_is_rolled_back() {
    let world = World::new();
    world.plan("c", [Act::FailStart]);
    let error = Supervisor::one_for_one("tree")
        .child(world.child("a"))
        .child(world.child("b"))
        .child(world.child("c"))
        .child(world.child("d"))
        .run()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), TreeErrorKind::StartFailed);
    assert_eq!(format!("{error:#}"), "supervisor `tree` did not start: `tree/c` failed in start: c start failed");
    assert_eq!(world.page(), ["start a", "start b", "start c", "stop b", "stop a"]);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_during_a_restart_is_a_failure_like_any_other() {
    let world = World::new();
    world.plan("a", [Act::Run, Act::FailStart, Act::PanicStart, Act::Run]);
    let tree = Supervisor::one_for_one("tree").max_restarts(3).child(world.child("a")).child(world.child("b"));
    let mut tree = started(tree).await;
    world.page();
    world.fail("a");
    world.expect(&["fail a", "stop a", "start a", "start a", "start a"]).await;
    world.fail("a");
    let error = ended(&mut tree).await.unwrap_err();
    assert_eq!(error.kind(), TreeErrorKind::LimitReached, "a failed restart counts: {error:?}");
    world.expect(&["fail a", "stop a", "stop b"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_fails_or_hangs_holds_nobody_up() {
    let world = World::new();
    world.plan("b", [Act::HangInStop]).plan("c", [Act::PanicInStop]).plan("d", [Act::FailWhenStopped]);
    let tree = Supervisor::one_for_one("tree")
        .child(world.child("a"))
        .child(world.child("b").shutdown(secs(2.0)))
        .child(world.child("c"))
        .child(world.child("d"));
    let tree = started(tree).await;
    world.page();
    let error = tree.shutdown().await.unwrap_err();
    world.expect_timed(&["0 stop d", "0 stop c", "0 stop b", "2000 drop b", "2000 stop a"]).await;
    assert_eq!(error.dropped().iter().map(|left| left.path()).collect::<Vec<_>>(), ["tree/b"]);
}

#[tokio::test(start_paused = true)]
async fn stopping_while_a_restart_is_under_way_leaves_nothing_running() {
    // (what is under way when the tree is asked to stop, what happens then)
    let table: &[(&str, f64, &[&str])] = &[
        ("the sweep", 0.5, &["0 fail c", "0 stop c", "1000 stop b", "2000 stop a"]),
        (
            "a start",
            2.5,
            &["0 fail c", "0 stop c", "1000 stop b", "2000 stop a", "2000 start a", "3000 started a", "3000 stop a"],
        ),
    ];
    for (when, after, expected) in table {
        let world = World::new();
        world.plan("a", [Act::SlowStop(secs(1.0)), Act::SlowStart(secs(1.0))]).plan("b", [Act::SlowStop(secs(1.0))]);
        let tree =
            Supervisor::one_for_all("tree").child(world.child("a")).child(world.child("b")).child(world.child("c"));
        let tree = started(tree).await;
        world.page();
        world.fail("c");
        tokio::time::sleep(secs(*after)).await;
        tree.shutdown().await.unwrap();
        assert_eq!(world.alive(), 0, "during {when}");
        world.expect_timed(expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_fails_has_stopped_its_children() {
    let world = World::new();
    world.plan("b", [Act::SlowStop(secs(3.0))]);
    let tree = Supervisor::rest_for_one("tree")
        .child(Supervisor::one_for_one("group").max_restarts(0).child(world.child("a")).child(world.child("b")))
        .child(world.child("after"));
    let tree = started(tree).await;
    world.page();
    world.fail("a");
    world
        .expect_timed(&[
            "0 fail a",
            "0 stop a",
            "3000 stop b",
            "3000 stop after",
            "3000 start a",
            "3000 start b",
            "3000 start after",
        ])
        .await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn crashing_under_run_ends_with_the_child_s_error() {
    #[derive(Debug)]
    struct DiskFull;
    impl std::fmt::Display for DiskFull {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("disk full")
        }
    }
    impl std::error::Error for DiskFull {}

    let world = World::new();
    let tree = Supervisor::crashing("tree")
        .child(world.child("a"))
        .child(crate::world::task("db", |_| async { Err(DiskFull.into()) }));
    let error = tree.run().await.unwrap_err();
    assert!(std::error::Error::source(&error).is_some_and(|source| source.is::<DiskFull>()), "{error:?}");
    assert_eq!(world.page(), ["start a", "stop a"]);
}

#[tokio::test(start_paused = true)]
async fn giving_up_is_never_silent() {
    let log = crate::capture::log();
    let world = World::new();
    world.plan("a", [Act::Fail]);
    let error = Supervisor::one_for_one("tree").max_restarts(0).child(world.child("a")).run().await.unwrap_err();
    assert_eq!(error.kind(), TreeErrorKind::LimitReached);
    let said: Vec<_> = log.page().into_iter().filter(|line| line.starts_with("ERROR")).collect();
    assert_eq!(
        said,
        [
            "ERROR gave up: the restart limit is reached supervisor=tree child=tree/a max_restarts=0 over=1s",
            "ERROR the tree has failed child=tree error=supervisor `tree` reached its restart limit: more than 0 restarts in \
             1s; last: `tree/a` failed: a failed",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn run_waits_for_the_end() {
    let world = World::new();
    world.plan("a", [Act::FinishAfter(secs(60.0))]).plan("b", [Act::FinishAfter(secs(90.0))]);
    let tree = Supervisor::one_for_one("tree")
        .child(world.child("a").restart(Restart::Transient))
        .child(world.child("b").restart(Restart::Transient));
    let (took, end) = time_of(tree.run()).await;
    end.unwrap();
    assert_eq!(took, secs(90.0));
    world
        .expect_timed(&["0 start a", "0 start b", "60000 finish a", "60000 stop a", "90000 finish b", "90000 stop b"])
        .await;
}
