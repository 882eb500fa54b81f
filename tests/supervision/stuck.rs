//! A child that blocks its thread cannot be dropped. Needs real threads, and so the real clock.

use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use supervisor_runtime::{
    Child, Context, Restart, ServiceResult, State, SteerError, Supervisor, TreeErrorKind, Untyped,
};
use tokio::sync::Notify;

use crate::capture::overheard;
use crate::world::{World, at, secs, started, task};

/// A child that blocks its thread until the sender is dropped, and says when it begins to.
fn blocker(world: &World) -> (Child<impl supervisor_runtime::Service>, mpsc::Sender<()>) {
    let (release, blocked) = mpsc::channel::<()>();
    let (blocked, world) = (Arc::new(Mutex::new(blocked)), world.clone());
    let child = task("blocker", move |_| {
        let (blocked, world) = (Arc::clone(&blocked), world.clone());
        async move {
            world.write("block");
            let _ = blocked.lock().unwrap().recv();
            Ok(())
        }
    });
    (child.shutdown(secs(0.05)), release)
}

/// What never ends would hold up all tests.
async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(secs(20.0), future).await.expect("it ends in time")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_returns_with_an_error_that_lists_the_stuck_and_nothing_else_is_alive() {
    let world = World::in_real_time();
    let (blocker, release) = blocker(&world);
    let group = Supervisor::one_for_one("group").child(world.child("b")).child(blocker);
    let tree = Supervisor::one_for_one("tree").child(world.child("a")).child(group);
    let tree = within(started(tree)).await;
    world.expect(&["start a", "start b", "block"]).await;
    let begin = Instant::now();
    let error = within(tree.shutdown()).await.unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(4), "it took {:?}", begin.elapsed());
    assert_eq!(world.alive(), 0);
    world.expect(&["stop b", "stop a"]).await;
    drop(release);
    assert_eq!(error.kind(), TreeErrorKind::Stuck);
    assert_eq!(error.stuck().iter().map(|left| left.path()).collect::<Vec<_>>(), ["tree/group/blocker"]);
    assert!(error.stuck()[0].after() >= Duration::from_millis(50));
    assert_eq!(error.to_string(), "tree `tree` left `tree/group/blocker` running: stuck");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stuck_child_is_never_started_beside_itself_and_its_group_fails_at_every_level() {
    let world = World::in_real_time();
    let (blocker, release) = blocker(&world);
    let group = Supervisor::one_for_all("group").child(world.child("b")).child(blocker);
    let tree = Supervisor::one_for_one("tree").child(world.child("a")).child(group);
    let mut tree = within(started(tree)).await;
    world.expect(&["start a", "start b", "block"]).await;
    world.fail("b");
    let error = within(tree.wait()).await.unwrap_err();
    assert_eq!(world.alive(), 0);
    world.expect(&["fail b", "stop b", "stop a"]).await;
    drop(release);
    assert_eq!(error.kind(), TreeErrorKind::Stuck);
    assert_eq!(error.stuck().iter().map(|left| left.path()).collect::<Vec<_>>(), ["tree/group/blocker"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_blocks_for_a_while_is_dropped_and_not_stuck() {
    let world = World::in_real_time();
    let (blocker, release) = blocker(&world);
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a")).child(blocker)).await;
    world.expect(&["start a", "block"]).await;
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        drop(release);
    });
    // Its `run` returns `Ok`, late: it was told to be dropped by then, but ended first.
    let _ = tree.shutdown().await;
    assert_eq!(world.alive(), 0);
    world.expect(&["stop a"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stress_of_failures_and_restarts_on_two_threads_loses_nothing() {
    // Every child fails as fast as it can under each strategy; then the tree is stopped in the middle of it.
    let strategies: [fn(&'static str) -> Supervisor; 4] =
        [Supervisor::one_for_one, Supervisor::one_for_all, Supervisor::rest_for_one, Supervisor::dependents_for_one];
    for strategy in strategies {
        let world = World::in_real_time();
        let tree = strategy("tree").max_restarts(u32::MAX);
        let about = format!("{tree:?}");
        let dependents = about.contains("dependents");
        let c = world.child("c").restart(Restart::Transient);
        let c = if dependents { c.requires(["w"]) } else { c };
        let tree = started(tree.child(world.child("a")).child(world.replicas("w", 4)).child(c)).await;
        for round in 0..200 {
            for name in ["a", "w0", "w1", "w2", "w3", "c"].iter().skip(round % 3) {
                world.fail(name);
            }
            tokio::task::yield_now().await;
        }
        tree.shutdown().await.unwrap();
        assert_eq!(world.alive(), 0, "{about}");
        let log = world.page();
        assert!(!log.iter().any(|line| line.starts_with("two of")), "{about}: two incarnations at once");
        for name in ["a", "w0", "w1", "w2", "w3", "c"] {
            let count = |word: &str| log.iter().filter(|line| **line == format!("{word} {name}")).count();
            assert_eq!(count("start"), count("stop"), "{about}: {name} is stopped as often as it has started");
        }
    }
}

/// Fails, while a task of its own blocks its thread until `blocked` says otherwise.
async fn fail_with_a_task_that_blocks(cx: Context, blocked: Arc<Mutex<mpsc::Receiver<()>>>) -> ServiceResult {
    cx.spawn("block", move |_| async move {
        let _ = blocked.lock().unwrap().recv();
        Ok(())
    });
    tokio::time::sleep(secs(0.05)).await;
    Err("failed".into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn how_long_ago_one_was_asked_is_known_of_what_is_stuck_with_its_tasks() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(Mutex::new(blocked));
    let child = task("a", move |cx| fail_with_a_task_that_blocks(cx, Arc::clone(&blocked)));
    let tree = within(started(Supervisor::one_for_one("tree").child(child.shutdown(secs(0.5))))).await;
    // It fails after 50 ms and is given up 1.5 s later: asked to stop 200 ms before that.
    tokio::time::sleep(secs(1.35)).await;
    let error = within(tree.shutdown()).await.unwrap_err();
    drop(release);
    assert_eq!(error.stuck().len(), 1);
    assert!(error.stuck()[0].after() >= Duration::from_millis(100), "{:?}", error.stuck()[0].after());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_is_stuck_was_not_asked_because_the_incarnation_before_was() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(Mutex::new(blocked));
    let child = task("a", move |cx| {
        let blocked = Arc::clone(&blocked);
        async move {
            if cx.incarnation() == 1 {
                std::future::pending::<()>().await;
            }
            fail_with_a_task_that_blocks(cx, blocked).await
        }
    });
    let mut tree = within(started(Supervisor::one_for_one("tree").child(child.shutdown(secs(0.1))))).await;
    tree.child::<Untyped>("a").unwrap().restart().await.unwrap();
    let error = within(tree.wait()).await.unwrap_err();
    drop(release);
    assert_eq!(error.stuck().len(), 1);
    assert_eq!(error.stuck()[0].after(), Duration::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn how_long_ago_one_was_asked_is_known_of_what_was_stuck_and_went_after_all() {
    let world = World::in_real_time();
    let (blocker, release) = blocker(&world);
    let slow = task("slow", |cx| async move {
        cx.stopping().await;
        tokio::time::sleep(secs(1.0)).await;
        Ok(())
    });
    let tree = within(started(Supervisor::one_for_one("tree").child(slow).child(blocker))).await;
    world.expect(&["block"]).await;
    let releasing = tokio::spawn(async move {
        tokio::time::sleep(secs(1.4)).await;
        drop(release);
    });
    let error = within(tree.shutdown()).await.unwrap_err();
    releasing.await.unwrap();
    assert_eq!(error.stuck().len(), 1);
    assert!(error.stuck()[0].after() >= Duration::from_millis(100), "{:?}", error.stuck()[0].after());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stops_by_hand_what_blocks_its_thread_is_told_that_it_is_stuck() {
    let world = World::in_real_time();
    let (blocker, release) = blocker(&world);
    let tree = within(started(Supervisor::one_for_one("tree").child(blocker))).await;
    world.expect(&["block"]).await;
    let answer = within(at(&tree, "blocker").stop()).await;
    drop(release);
    assert!(matches!(answer, Err(SteerError::Stuck { .. })), "{answer:?}");
}

#[test]
fn what_is_stuck_in_a_group_that_was_asked_to_stop_as_it_had_started_is_never_started_beside_itself() {
    let world = World::in_real_time();
    let (blocker, release) = blocker(&world);
    let (fail, (asks, is_asked)) = (Arc::new(Notify::new()), mpsc::channel());
    let gate = Mutex::new(Some((Arc::clone(&fail), is_asked)));
    // The last of the group has started, and nobody has heard of it yet: then another child fails, and the group is asked to stop.
    let runtime = overheard(4, move |line| {
        if line.ends_with(" stopping child=tree/group") {
            let _ = asks.send(());
        }
        if line.contains(" started child=tree/group/last") {
            let gate = gate.lock().unwrap().take();
            let Some((fail, is_asked)) = gate else { return };
            // From a thread of its own: what this one wakes might wait for it.
            std::thread::spawn(move || fail.notify_one());
            let _ = is_asked.recv();
        }
    });
    let error = runtime.block_on(async {
        // Released before the runtime waits for it, also if this fails.
        let _release = release;
        let first = task("first", move |cx| {
            let fail = Arc::clone(&fail);
            async move {
                if cx.incarnation() == 1 {
                    fail.notified().await;
                    return Err("boom".into());
                }
                Ok(cx.stopping().await)
            }
        });
        let group = Supervisor::one_for_one("group").child(blocker).child(world.child("last"));
        let tree = Supervisor::one_for_all("tree").child(first).child(group);
        within(async { tree.start().await?.wait().await }).await.unwrap_err()
    });
    assert_eq!(world.page().iter().filter(|line| *line == "block").count(), 1);
    assert_eq!(error.kind(), TreeErrorKind::Stuck);
    assert_eq!(error.stuck().iter().map(|left| left.path()).collect::<Vec<_>>(), ["tree/group/blocker"]);
}

#[test]
fn an_error_that_panics_when_it_is_told_leaves_the_end_of_a_tree_that_is_stuck() {
    #[derive(Debug)]
    struct Mute;
    impl std::fmt::Display for Mute {
        fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("not a word")
        }
    }
    impl std::error::Error for Mute {}
    let world = World::in_real_time();
    let (blocker, release) = blocker(&world);
    let fails = task("fails", |cx| async move {
        // Once the other one blocks.
        cx.supervisor()?.child::<Untyped>("blocker")?.wait_for(State::Running).await?;
        Err(Mute.into())
    });
    // Somebody reads the log.
    let end = overheard(4, |_| {}).block_on(async {
        let _release = release;
        within(tokio::spawn(Supervisor::crashing("tree").child(fails).child(blocker).run())).await
    });
    let error = end.expect("it tells the end").unwrap_err();
    assert_eq!((error.kind(), error.stuck().len()), (TreeErrorKind::Stuck, 1));
}
