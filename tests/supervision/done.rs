//! What is done is done: no slow `stop` and no group around it makes it run again.

use supervisor_runtime::testing::TestTree;
use supervisor_runtime::{ANONYMOUS, AutoShutdown, Child, Phase, Restart, Shutdown, Supervisor};

use crate::capture;
use crate::idle::{Idle, idle};
use crate::world::{Act, Order, World, secs, started};

#[tokio::test(start_paused = true)]
async fn a_transient_child_that_returned_ok_is_done_though_its_stop_is_dropped() {
    for (shutdown, dropped) in [(Shutdown::BrutalKill, 0), (Shutdown::Within(secs(2.0)), 2000)] {
        let world = World::new();
        world.plan("a", [Act::HangInStop]);
        let a = world.child("a").restart(Restart::Transient).shutdown(shutdown);
        let tree = started(Supervisor::one_for_one("tree").child(a).child(world.child("b"))).await;
        world.page();
        world.order("a", Order::Finish);
        world.expect_timed(&["0 finish a", "0 stop a", &format!("{dropped} drop a")]).await;
        tokio::time::sleep(secs(10.0)).await;
        tree.shutdown().await.unwrap();
        assert_eq!(world.page(), ["stop b"], "{shutdown:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_after_a_failure_that_is_dropped_while_the_tree_is_stopping_is_listed() {
    let world = World::new();
    world.plan("a", [Act::HangInStop]);
    let tree = Supervisor::one_for_one("tree").child(world.child("a").shutdown(secs(4.0))).child(world.child("b"));
    let tree = started(tree).await;
    world.page();
    world.fail("a");
    tokio::time::sleep(secs(1.0)).await;
    let error = tree.shutdown().await.unwrap_err();
    world.expect_timed(&["0 fail a", "0 stop a", "1000 stop b", "4000 drop a"]).await;
    let dropped: Vec<_> = error.dropped().iter().map(|left| (left.path(), left.phase(), left.after())).collect();
    assert_eq!(dropped, [("tree/a", Some(Phase::Stop), secs(4.0))]);
}

#[tokio::test(start_paused = true)]
async fn a_permanent_group_whose_children_are_done_is_done_and_its_siblings_go_on() {
    // Named, anonymous, one in the other, and an embedded tree.
    let groups: [fn(Supervisor, World) -> Supervisor; 4] = [
        |tree, world| tree.child(Supervisor::one_for_one("group").child(job(&world))),
        |tree, world| tree.child(Supervisor::one_for_one(ANONYMOUS).child(job(&world))),
        |tree, world| {
            let inner = Supervisor::one_for_one(ANONYMOUS).child(job(&world));
            tree.child(Supervisor::one_for_all(ANONYMOUS).child(inner))
        },
        |tree, world| tree.child(Child::new("group", move || Supervisor::one_for_one("group").child(job(&world)))),
    ];
    for (row, with_group) in groups.into_iter().enumerate() {
        let log = capture::log();
        let world = World::new();
        let tree = with_group(Supervisor::one_for_one("tree").child(world.child("a")), world.clone());
        let tree = started(tree).await;
        world.page();
        log.page();
        world.order("job", Order::Finish);
        tokio::time::sleep(secs(10.0)).await;
        assert_eq!(world.page(), ["finish job", "stop job"], "row {row}");
        let told = log.page();
        assert!(told.iter().all(|line| line.starts_with("INFO done child=tree")), "row {row}: {told:?}");
        tree.shutdown().await.unwrap();
        assert_eq!(world.page(), ["stop a"], "row {row}");
    }
}

fn job(world: &World) -> Child<crate::probe::Probe> {
    world.child("job").restart(Restart::Transient)
}

fn idle_job() -> Child<Idle> {
    idle("job").restart(Restart::Transient)
}

#[tokio::test(start_paused = true)]
async fn a_permanent_group_that_auto_shutdown_ends_is_done() {
    let group = Supervisor::one_for_one("group")
        .auto_shutdown(AutoShutdown::AnySignificant)
        .child(idle("b"))
        .child(idle_job().significant());
    let mut tree = TestTree::new(Supervisor::one_for_one("tree").child(idle("a")).child(group));
    tree.expect("start a, start group/b, start group/job").await;
    tree.finish("group/job");
    tree.expect("done group/job, stop group/b, done group").await;
    tree.advance(secs(10.0)).await;
    tree.shutdown();
    tree.expect("stop a, end").await;
}

#[tokio::test(start_paused = true)]
async fn a_permanent_group_may_be_significant_and_ends_its_parent_when_it_is_done() {
    let group = Supervisor::one_for_one("group").restart(Restart::Permanent).significant().child(idle_job());
    let tree = Supervisor::one_for_one("tree").auto_shutdown(AutoShutdown::AnySignificant);
    let mut tree = TestTree::new(tree.child(idle("a")).child(group));
    tree.expect("start a, start group/job").await;
    tree.finish("group/job");
    tree.expect("done group/job, done group, stop a, end").await;
    tree.ended().await.unwrap();
}
