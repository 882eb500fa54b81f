//! What the log says: every line of an incident, and none twice.

use supervisor_runtime::{Restart, Supervisor};

use crate::capture;
use crate::world::{Act, Order, World, ended, secs, started};

#[tokio::test(start_paused = true)]
async fn a_restart_is_told_from_the_failure_to_the_new_start() {
    let log = capture::log();
    let world = World::new();
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a")).child(world.child("b"))).await;
    assert_eq!(
        log.page(),
        [
            "DEBUG starting child=tree incarnation=1",
            "DEBUG initialized supervisor=tree",
            "DEBUG starting child=tree/a incarnation=1",
            "INFO started child=tree/a incarnation=1",
            "DEBUG starting child=tree/b incarnation=1",
            "INFO started child=tree/b incarnation=1",
            "INFO started child=tree incarnation=1",
        ]
    );
    world.idle().await;
    world.fail("a");
    world.idle().await;
    assert_eq!(
        log.page(),
        [
            "WARN failed child=tree/a phase=run error=a failed on demand",
            "INFO restarting child=tree/a attempt=1 restarts_left=99",
            "DEBUG starting child=tree/a incarnation=2",
            "INFO started child=tree/a incarnation=2",
        ]
    );
    tree.shutdown().await.unwrap();
    assert_eq!(
        log.page(),
        [
            "INFO shutting down child=tree",
            "DEBUG stopping child=tree/b",
            "INFO stopped child=tree/b",
            "DEBUG stopping child=tree/a",
            "INFO stopped child=tree/a",
            "INFO shut down child=tree",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_group_restart_is_told_once_with_how_many_it_takes_along() {
    let log = capture::log();
    let world = World::new();
    world.plan("b", [Act::FailWhenStopped]);
    let tree = Supervisor::one_for_all("tree").max_restarts(5).child(world.child("a")).child(world.child("b"));
    let tree = started(tree.child(world.child("c"))).await;
    log.page();
    world.fail("a");
    world.fail("c");
    world.idle().await;
    assert_eq!(
        log.page(),
        [
            "WARN failed child=tree/a phase=run error=a failed on demand",
            "INFO restarting child=tree/a attempt=1 restarts_left=4 others=2",
            "WARN failed child=tree/c phase=run error=c failed on demand",
            "DEBUG stopping child=tree/b",
            "INFO stopped with an error child=tree/b error=b failed when stopped",
            "DEBUG starting child=tree/a incarnation=2",
            "INFO started child=tree/a incarnation=2",
            "DEBUG starting child=tree/b incarnation=2",
            "INFO started child=tree/b incarnation=2",
            "DEBUG starting child=tree/c incarnation=2",
            "INFO started child=tree/c incarnation=2",
        ]
    );
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn giving_up_is_told_once_at_the_level_where_it_happens_and_answered_at_the_next() {
    let log = capture::log();
    let world = World::new();
    let group = Supervisor::one_for_one("group").max_restarts(0).child(world.child("a")).child(world.child("b"));
    let tree = started(Supervisor::one_for_one("tree").child(group)).await;
    world.idle().await;
    log.page();
    world.fail("a");
    world.idle().await;
    assert_eq!(
        log.notable(),
        [
            "WARN failed child=tree/group/a phase=run error=a failed on demand",
            "ERROR gave up: the restart limit is reached supervisor=tree/group child=tree/group/a max_restarts=0 over=1s",
            "INFO stopped child=tree/group/b",
            "INFO restarting child=tree/group attempt=1 restarts_left=99",
            "INFO started child=tree/group/a incarnation=1",
            "INFO started child=tree/group/b incarnation=1",
            "INFO started child=tree/group incarnation=2",
        ]
    );
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_escalation_and_a_crash_are_told_at_each_level_once() {
    let log = capture::log();
    let world = World::new();
    let group = Supervisor::one_for_one("group").child(world.child("a"));
    let mut tree = started(Supervisor::crashing("tree").child(group)).await;
    world.idle().await;
    log.page();
    world.order("a", Order::Escalate);
    ended(&mut tree).await.unwrap_err();
    assert_eq!(
        log.notable(),
        [
            "WARN failed child=tree/group/a phase=run error=a needs help",
            "ERROR escalating the failure supervisor=tree/group child=tree/group/a",
            "ERROR crashing with its child supervisor=tree child=tree/group",
            "ERROR the tree has failed child=tree error=supervisor `tree` crashed with its child `tree/group`: supervisor \
             `tree/group` escalated the failure of its child `tree/group/a`: a needs help",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_by_force_is_told_with_its_phase() {
    let log = capture::log();
    let world = World::new();
    world.plan("a", [Act::HangInStop]).plan("b", [Act::IgnoreStop]).plan("c", [Act::HangInStop]);
    let tree = Supervisor::one_for_one("tree").child(world.child("a")).child(world.child("b")).child(world.child("c"));
    let tree = started(tree).await;
    log.page();
    world.fail("c");
    tokio::time::sleep(secs(5.5)).await;
    assert_eq!(
        log.notable(),
        [
            "WARN failed child=tree/c phase=run error=c failed on demand",
            "WARN dropped by force child=tree/c phase=stop",
            "INFO restarting child=tree/c attempt=1 restarts_left=99",
            "INFO started child=tree/c incarnation=2",
        ]
    );
    tree.shutdown().await.unwrap_err();
    assert_eq!(
        log.notable(),
        [
            "INFO shutting down child=tree",
            "INFO stopped child=tree/c",
            "WARN dropped by force child=tree/b phase=run",
            "WARN dropped by force child=tree/a phase=stop",
            "INFO shut down child=tree",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_will_not_be_started_again_is_told_in_its_own_words() {
    let log = capture::log();
    let world = World::new();
    let tree = Supervisor::one_for_one("tree")
        .child(world.child("a").restart(Restart::Transient))
        .child(world.child("b").restart(Restart::Temporary))
        .child(world.child("c"))
        .child(world.child("d"));
    let tree = started(tree).await;
    log.page();
    world.order("a", Order::Finish);
    world.fail("b");
    world.order("c", Order::Forfeit);
    world.order("d", Order::Finish);
    world.idle().await;
    assert_eq!(
        log.notable(),
        [
            "INFO done child=tree/a",
            "WARN failed child=tree/b phase=run error=b failed on demand",
            "INFO not restarted: it is temporary child=tree/b",
            "WARN failed child=tree/c phase=run error=c gives up on itself",
            "ERROR forfeited: it will not be started again child=tree/c",
            "WARN returned Ok unasked, but is permanent child=tree/d",
            "INFO restarting child=tree/d attempt=1 restarts_left=99",
            "INFO started child=tree/d incarnation=2",
        ]
    );
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_told_with_its_place_and_a_timeout_with_its_limit() {
    let log = capture::log();
    let world = World::new();
    world.plan("a", [Act::Run, Act::HangInStart]);
    let child = world.child("a").start_timeout(secs(2.0)).heartbeat(secs(3.0));
    let tree = started(Supervisor::one_for_one("tree").child(child)).await;
    log.page();
    world.order("a", Order::Panic);
    world.idle().await;
    let page = log.page();
    let place = page[0].strip_prefix("WARN panicked child=tree/a phase=run place=").expect("it begins like this");
    assert!(place.contains("supervision/probe.rs:") && place.ends_with(" panic=a panics on demand"), "{page:?}");
    tokio::time::sleep(secs(2.0)).await;
    assert_eq!(
        log.page()[..1],
        ["WARN failed child=tree/a phase=start cause=start took longer than its start_timeout of 2s"]
    );
    tokio::time::sleep(secs(3.0)).await;
    assert_eq!(log.page()[..1], ["WARN failed child=tree/a phase=run cause=gave no heartbeat for 3s"]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_failed_first_start_is_told_with_the_child_and_its_supervisor() {
    let log = capture::log();
    let world = World::new();
    world.plan("b", [Act::FailStart]);
    let group = Supervisor::one_for_one("group").child(world.child("a")).child(world.child("b"));
    Supervisor::one_for_one("tree").child(group).run().await.unwrap_err();
    assert_eq!(
        log.notable(),
        [
            "INFO started child=tree/group/a incarnation=1",
            "WARN failed child=tree/group/b phase=start error=b start failed",
            "ERROR did not start: stopping what had started supervisor=tree/group child=tree/group/b",
            "INFO stopped child=tree/group/a",
            "ERROR did not start: stopping what had started supervisor=tree child=tree/group",
            "ERROR the tree has failed child=tree error=supervisor `tree` did not start: `tree/group` failed in start: \
             supervisor `tree/group` did not start: `tree/group/b` failed in start: b start failed",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn dropping_the_owner_is_told() {
    let log = capture::log();
    let world = World::new();
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a"))).await;
    log.page();
    drop(tree);
    world.idle().await;
    assert_eq!(
        log.notable(),
        [
            "WARN the owner of the running tree was dropped: dropping what still runs tree=tree",
            "WARN dropped by force child=tree/a phase=run",
        ]
    );
}
