//! How a tree stops: order, deadlines, what has to be dropped.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use supervisor_runtime::testing::{Fault, TestTree};
use supervisor_runtime::{
    Child, Context, Phase, Restart, Service, ServiceResult, Shutdown, State, Supervisor, TreeError, TreeErrorKind,
};

use crate::idle::{idle, idles};
use crate::world::{Act, Order, World, at, secs, started, task, time_of};

#[tokio::test(start_paused = true)]
async fn children_stop_in_reverse_and_replicas_together() {
    let tree = Supervisor::one_for_one("tree").child(idle("a")).child(idles("w", 3)).child(idle("b"));
    let mut tree = TestTree::new(tree);
    for (child, time) in [("a", 1.0), ("w[0]", 3.0), ("w[1]", 1.0), ("w[2]", 2.0), ("b", 1.0)] {
        tree.inject(Fault::delay(child, secs(time)).at(Phase::Stop));
    }
    tree.expect("start a, start w[0..3], start b").await;
    tree.shutdown();
    tree.expect("+1s, stop b, +1s, stop w[1], +1s, stop w[2], +1s, stop w[0], +1s, stop a, end").await;
}

#[tokio::test(start_paused = true)]
async fn under_dependents_for_one_a_child_stops_as_soon_as_nothing_depends_on_it() {
    let tree = Supervisor::dependents_for_one("tree")
        .child(idle("db"))
        .child(idle("cache"))
        .child(idle("worker").requires(["db"]))
        .child(idle("report").requires(["worker", "db"]));
    let mut tree = TestTree::new(tree);
    for (child, time) in [("db", 1.0), ("cache", 4.0), ("worker", 1.0), ("report", 1.0)] {
        tree.inject(Fault::delay(child, secs(time)).at(Phase::Stop));
    }
    tree.expect("start db, start cache, start worker, start report").await;
    tree.shutdown();
    tree.expect("+1s, stop report, +1s, stop worker, +1s, stop db, +1s, stop cache, end").await;
}

#[tokio::test(start_paused = true)]
async fn one_deadline_covers_run_and_stop_and_what_is_late_is_dropped() {
    // (act, shutdown, what happens, what it was doing)
    let default = Shutdown::DEFAULT;
    let two = Shutdown::Within(secs(2.0));
    let table: &[(Act, Shutdown, &[&str], Option<(Phase, f64)>)] = &[
        (Act::IgnoreStop, default, &["5000 drop a"], Some((Phase::Run, 5.0))),
        (Act::IgnoreStop, two, &["2000 drop a"], Some((Phase::Run, 2.0))),
        (Act::HangInStop, two, &["0 stop a", "2000 drop a"], Some((Phase::Stop, 2.0))),
        (Act::SlowStopAndHang(secs(1.5)), two, &["1500 stop a", "2000 drop a"], Some((Phase::Stop, 2.0))),
        (Act::SlowStop(secs(1.5)), two, &["1500 stop a"], None),
        (Act::SlowStop(secs(80_000.0)), Shutdown::Infinity, &["80000000 stop a"], None),
        (Act::Run, Shutdown::BrutalKill, &["0 drop a"], Some((Phase::Run, 0.0))),
    ];
    for (act, shutdown, expected, left) in table {
        let world = World::new();
        world.plan("a", [*act]);
        let tree = started(Supervisor::one_for_one("tree").child(world.child("a").shutdown(*shutdown))).await;
        world.page();
        let end = tree.shutdown().await;
        world.expect_timed(expected).await;
        let dropped = end.as_ref().err().map_or(&[][..], TreeError::dropped);
        let dropped: Vec<_> = dropped.iter().map(|left| (left.path(), left.phase(), left.after())).collect();
        let left: Vec<_> = left.iter().map(|(phase, after)| ("tree/a", Some(*phase), secs(*after))).collect();
        assert_eq!(dropped, left, "{act:?} within {shutdown:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_gets_the_lesser_of_its_own_deadline_and_what_is_left_of_its_group_s() {
    let world = World::new();
    for name in ["a", "b", "c", "d"] {
        world.plan(name, [Act::IgnoreStop]);
    }
    let group = Supervisor::one_for_one("group")
        .shutdown(secs(5.0))
        .child(world.child("a"))
        .child(world.child("b").shutdown(secs(2.0)))
        .child(world.child("c").shutdown(secs(4.0)))
        .child(world.child("d").shutdown(secs(2.0)));
    let tree = Supervisor::one_for_one("tree").child(world.child("outer")).child(group);
    let tree = started(tree).await;
    world.page();
    let error = tree.shutdown().await.unwrap_err();
    let page = world.timed_page();
    let times: Vec<_> = page.iter().map(|(time, _)| time.as_secs()).collect();
    // At the group's deadline the rest is dropped in no order, asked or not.
    let mut lines: Vec<_> = page.iter().map(|(_, line)| &**line).collect();
    lines[1..4].sort();
    assert_eq!(times, [2, 5, 5, 5, 5]);
    assert_eq!(lines, ["drop d", "drop a", "drop b", "drop c", "stop outer"]);
    assert_eq!(error.kind(), TreeErrorKind::Dropped);
    let mut told = format!("{error:?}").lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    told.sort();
    assert_eq!(
        told,
        [
            "  dropped by force: `tree/group/a` in run, 0ns after it was asked to stop",
            "  dropped by force: `tree/group/b` in run, 0ns after it was asked to stop",
            "  dropped by force: `tree/group/c` in run, 3s after it was asked to stop",
            "  dropped by force: `tree/group/d` in run, 2s after it was asked to stop",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_outermost_supervisor_holds_for_a_shutdown() {
    let world = World::new();
    world.plan("a", [Act::SlowStop(secs(1.0))]).plan("b", [Act::IgnoreStop]);
    let tree = Supervisor::one_for_one("tree").shutdown(secs(2.0)).child(world.child("a")).child(world.child("b"));
    let tree = started(tree).await;
    world.page();
    let (took, end) = time_of(tree.shutdown()).await;
    end.unwrap_err();
    assert_eq!(took, secs(2.0));
    let mut page = world.page();
    page.sort();
    assert_eq!(page, ["drop a", "drop b"]);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_group_holds_for_the_groups_in_it() {
    let a = idle("a").shutdown(Shutdown::Infinity);
    let inner = Supervisor::one_for_one("inner").shutdown(secs(60.0)).child(a);
    let outer = Supervisor::one_for_one("outer").shutdown(secs(1.5)).child(inner).child(idle("b"));
    let mut tree = TestTree::new(Supervisor::one_for_one("tree").child(outer));
    tree.expect("start outer/inner/a, start outer/b").await;
    tree.hang("outer/inner/a");
    tree.shutdown();
    tree.expect("stop outer/b, +1.5s, drop outer/inner/a, end").await;
    tree.ended().await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_killed_at_once_drops_everything_in_it() {
    let world = World::new();
    let group =
        Supervisor::one_for_one("group").shutdown(Shutdown::BrutalKill).child(world.child("a")).child(world.child("b"));
    let tree = started(Supervisor::one_for_one("tree").child(world.child("outer")).child(group)).await;
    world.page();
    let error = tree.shutdown().await.unwrap_err();
    let mut page = world.page();
    page[..2].sort();
    assert_eq!(page, ["drop a", "drop b", "stop outer"]);
    assert_eq!(error.dropped().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_fails_keeps_to_its_own_deadline() {
    let group = Supervisor::one_for_one("group").max_restarts(0).shutdown(secs(2.0)).child(idle("a")).child(idle("b"));
    let mut tree = TestTree::new(Supervisor::one_for_one("tree").child(group));
    tree.expect("start group/a, start group/b").await;
    tree.hang("group/a");
    tree.fail("group/b");
    tree.expect("fail group/b, give up group, +2s, drop group/a, fail group, start group/a, start group/b").await;
    tree.shutdown();
    // What was dropped in a restart does not spoil the end.
    tree.ended().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn stop_is_called_once_for_each_successful_start_also_after_a_panic() {
    for (order, line) in [(Order::Fail, "fail a"), (Order::Panic, "panic a"), (Order::Finish, "finish a")] {
        let world = World::new();
        let tree = started(Supervisor::one_for_one("tree").child(world.child("a"))).await;
        world.order("a", order);
        world.expect(&["start a", line, "stop a", "start a"]).await;
        tree.shutdown().await.unwrap();
        world.expect(&["stop a"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_hangs_after_a_failure_is_dropped_at_its_deadline_and_the_child_restarted() {
    let a = idle("a").shutdown(secs(3.0));
    let mut tree = TestTree::new(Supervisor::one_for_one("tree").child(a).child(idle("b")));
    tree.expect("start a, start b").await;
    tree.inject(Fault::hang("a").at(Phase::Stop));
    tree.inject(Fault::panic("b").at(Phase::Stop));
    tree.fail("a");
    tree.fail("b");
    tree.expect("fail a, fail b, start b, +3s, drop a, start a").await;
    tree.shutdown();
    tree.ended().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_happens_after_stopping_began_is_not_a_failure() {
    let world = World::new();
    world.plan("a", [Act::FailWhenStopped]).plan("b", [Act::PanicInStop]).plan("c", [Act::FailWhenStopped]);
    let tree = Supervisor::crashing("tree").child(world.child("a")).child(world.child("b")).child(world.child("c"));
    started(tree).await.shutdown().await.unwrap();
    world.expect(&["start a", "start b", "start c", "stop c", "stop b", "stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn dropping_the_owner_drops_everything_without_stop() {
    let world = World::new();
    let inner = Supervisor::rest_for_one("inner").child(world.child("c")).child(world.replicas("w", 2));
    let tree = Supervisor::one_for_all("tree")
        .child(world.child("a"))
        .child(Supervisor::one_for_one("group").child(world.child("b")).child(inner));
    let tree = started(tree).await;
    world.idle().await;
    world.page();
    drop(tree);
    world.idle().await;
    let mut page = world.page();
    page.sort();
    assert_eq!(page, ["drop a", "drop b", "drop c", "drop w0", "drop w1"]);
    assert_eq!(world.alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_owner_in_the_middle_of_a_restart_leaves_no_task() {
    for strategy in [Supervisor::one_for_all, Supervisor::rest_for_one] {
        for after in [0, 500, 1500, 2500, 3500] {
            let world = World::new();
            world.plan("a", [Act::Run, Act::SlowStart(secs(2.0))]).plan("b", [Act::SlowStop(secs(1.0))]);
            let group = strategy("group").child(world.child("a")).child(world.child("b")).child(world.replicas("w", 2));
            let tree = started(Supervisor::one_for_one("tree").child(group)).await;
            world.idle().await;
            world.fail("a");
            tokio::time::sleep(Duration::from_millis(after)).await;
            drop(tree);
            tokio::time::sleep(secs(100.0)).await;
            assert_eq!(world.alive(), 0);
            let left = tokio::runtime::Handle::current().metrics().num_alive_tasks();
            assert_eq!(left, 0, "{:?}, dropped after {after} ms", strategy("group"));
        }
    }
}

/// A service with a value that is counted from outside.
struct Keeper {
    _kept: Arc<()>,
}

impl Service for Keeper {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        Ok(cx.stopping().await)
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_owner_drops_what_was_kept_in_place_though_somebody_holds_a_context() {
    let kept = Arc::new(());
    let (context, mut contexts) = tokio::sync::mpsc::channel(1);
    let (one, two) = (Keeper { _kept: Arc::clone(&kept) }, Keeper { _kept: Arc::clone(&kept) });
    let group = Supervisor::one_for_one("group").child(Child::in_place("a", move || one));
    let tree = Supervisor::one_for_one("tree").child(group).child(Child::in_place("b", move || two)).child(task(
        "c",
        move |cx| {
            let _ = context.try_send(cx.clone());
            async move { Ok(cx.stopping().await) }
        },
    ));
    let tree = started(tree).await;
    let context = contexts.recv().await.unwrap();
    drop(tree);
    tokio::time::sleep(secs(1.0)).await;
    assert_eq!(Arc::strong_count(&kept), 1);
    drop(context);
}

/// An error that keeps the tree that keeps it.
struct Holds {
    _cx: Context,
    _kept: Arc<()>,
}

impl fmt::Debug for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Holds")
    }
}

impl fmt::Display for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Holds {}

#[tokio::test(start_paused = true)]
async fn an_error_that_holds_a_context_goes_with_its_group_and_with_the_tree() {
    let kept = Arc::new(());
    let theirs = Arc::clone(&kept);
    let fails = move |cx: Context| {
        let error = Holds { _cx: cx, _kept: Arc::clone(&theirs) };
        async move { Err(error.into()) }
    };
    let group = Supervisor::one_for_one("group").child(idle("a")).child(task("b", fails).restart(Restart::Temporary));
    let tree = started(Supervisor::one_for_one("tree").child(group)).await;
    let (group, b) = (at(&tree, "group"), at(&tree, "group/b"));
    for _ in 0..10 {
        b.wait_for(State::Gone).await.unwrap();
        group.restart().await.unwrap();
    }
    b.wait_for(State::Gone).await.unwrap();
    let alive = Arc::strong_count(&kept);
    assert!(alive <= 3, "the test, the closure and the last: {alive}");
    drop((group, b));
    tree.shutdown().await.unwrap();
    assert_eq!(Arc::strong_count(&kept), 1);
}

#[tokio::test(start_paused = true)]
async fn cancelling_run_or_start_drops_everything_without_stop() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree").child(world.child("a")).child(world.child("b"));
    tokio::time::timeout(secs(1.0), tree.run()).await.unwrap_err();
    world.idle().await;
    let mut page = world.page();
    page[2..].sort();
    assert_eq!(page, ["start a", "start b", "drop a", "drop b"]);

    let world = World::new();
    world.plan("b", [Act::HangInStart]);
    let tree = Supervisor::one_for_one("tree").child(world.child("a")).child(world.child("b")).child(world.child("c"));
    tokio::time::timeout(secs(1.0), tree.start()).await.unwrap_err();
    world.idle().await;
    let mut page = world.page();
    page[2..].sort();
    assert_eq!(page, ["start a", "start b", "drop a", "drop b"]);
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_shutdown_drops_what_still_runs() {
    let world = World::new();
    world.plan("a", [Act::SlowStop(secs(10.0))]);
    let tree =
        Supervisor::one_for_one("tree").child(world.child("a").shutdown(Shutdown::Infinity)).child(world.child("b"));
    let tree = started(tree).await;
    world.page();
    tokio::time::timeout(secs(1.0), tree.shutdown()).await.unwrap_err();
    world.idle().await;
    world.expect_timed(&["0 stop b", "1000 drop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn asking_twice_or_after_the_end_changes_nothing() {
    let world = World::new();
    world.plan("a", [Act::SlowStop(secs(1.0))]);
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a"))).await;
    let handle = tree.handle();
    handle.shutdown();
    handle.shutdown();
    let (took, end) = time_of(tree.shutdown()).await;
    end.unwrap();
    assert_eq!(took, Duration::from_secs(1));
    handle.shutdown();
    world.idle().await;
    world.expect(&["start a", "stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_being_stopped_by_hand_does_not_keep_those_that_stop_before_it_from_being_asked() {
    for strategy in [Supervisor::one_for_one, Supervisor::one_for_all, Supervisor::rest_for_one] {
        let world = World::new();
        world.plan("b", [Act::SlowStop(secs(4.0))]);
        let tree = strategy("tree").shutdown(secs(3.0));
        let tree = tree.child(world.child("a")).child(world.child("b")).child(world.child("c")).child(world.child("d"));
        let tree = started(tree).await;
        let b = at(&tree, "b");
        tokio::spawn(async move { b.restart().await });
        tokio::time::sleep(secs(2.0)).await;
        world.page();
        tree.shutdown().await.unwrap();
        world.expect_timed(&["2000 stop d", "2000 stop c", "4000 stop b", "4000 stop a"]).await;
    }
}
