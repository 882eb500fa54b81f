//! Which ends lead to a restart, and what a restart does.

use std::sync::{Arc, Mutex};

use supervisor_runtime::{Child, Context, Exit, Restart, Service, ServiceResult, Supervisor};

use crate::world::{Act, Order, World, ended, secs, started};

#[tokio::test(start_paused = true)]
async fn the_restart_type_says_which_end_leads_to_a_restart() {
    let ends = [(Order::Finish, "finish a"), (Order::Fail, "fail a"), (Order::Panic, "panic a")];
    // (restart type, restarted after Ok, after an error, after a panic)
    let table = [
        (Restart::Permanent, [true, true, true]),
        (Restart::Transient, [false, true, true]),
        (Restart::Temporary, [false, false, false]),
    ];
    for (restart, row) in table {
        for ((order, line), restarted) in ends.into_iter().zip(row) {
            let world = World::new();
            let tree = Supervisor::one_for_one("tree").child(world.child("a").restart(restart)).child(world.child("b"));
            let tree = started(tree).await;
            world.page();
            world.order("a", order);
            world.idle().await;
            let mut expected = vec![line, "stop a"];
            expected.extend(restarted.then_some("start a"));
            assert_eq!(world.page(), expected, "{restart} after {order:?}");
            tree.shutdown().await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_ok_of_a_permanent_child_counts_against_the_limit_like_a_failure() {
    let world = World::new();
    let mut tree = started(Supervisor::one_for_one("tree").max_restarts(1).child(world.child("a"))).await;
    world.order("a", Order::Finish);
    world.expect(&["start a", "finish a", "stop a", "start a"]).await;
    world.order("a", Order::Finish);
    let error = ended(&mut tree).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "supervisor `tree` reached its restart limit: more than 1 restart in 1s; \
         last: `tree/a` returned Ok unasked, but is permanent"
    );
}

#[tokio::test(start_paused = true)]
async fn one_for_all_sweeps_again_after_a_failed_restart() {
    let world = World::new();
    world.plan("b", [Act::Run, Act::FailStart, Act::Run]);
    let tree = Supervisor::one_for_all("tree").child(world.child("a")).child(world.child("b")).child(world.child("c"));
    let tree = started(tree).await;
    world.page();
    world.fail("c");
    world
        .expect(&[
            "fail c", "stop c", "stop b", "stop a", "start a", "start b", "stop a", "start a", "start b", "start c",
        ])
        .await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn rest_for_one_continues_from_a_failed_restart() {
    let world = World::new();
    world.plan("b", [Act::Run, Act::FailStart, Act::Run]);
    let tree = Supervisor::rest_for_one("tree").child(world.child("a")).child(world.child("b")).child(world.child("c"));
    let tree = started(tree).await;
    world.page();
    world.fail("a");
    world.expect(&["fail a", "stop a", "stop c", "stop b", "start a", "start b", "start b", "start c"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn dependents_for_one_continues_from_a_failed_restart() {
    let world = World::new();
    world.plan("b", [Act::Run, Act::FailStartAfter(secs(1.0)), Act::Run]);
    let tree = Supervisor::dependents_for_one("tree")
        .child(world.child("a"))
        .child(world.child("b").requires(["a"]))
        .child(world.child("c").requires(["b"]))
        .child(world.child("d").requires(["a"]));
    let tree = started(tree).await;
    world.page();
    world.fail("a");
    let lines = world.lines_until(|lines| lines.iter().any(|(_, line)| line == "start c")).await;
    let mut page: Vec<_> = lines.into_iter().map(|(_, line)| line).collect();
    page[2..5].sort();
    assert_eq!(page[..6], ["fail a", "stop a", "stop b", "stop c", "stop d", "start a"]);
    page[6..8].sort();
    assert_eq!(page[6..], ["start b", "start d", "fail b", "start b", "start c"]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dependent_that_fails_together_with_what_it_requires_starts_after_it() {
    let world = World::new();
    world.plan("db", [Act::Run, Act::SlowStart(secs(1.0))]);
    let tree =
        Supervisor::dependents_for_one("tree").child(world.child("db")).child(world.child("user").requires(["db"]));
    let tree = started(tree).await;
    world.page();
    world.fail("db");
    world.fail("user");
    world
        .expect_timed(&[
            "0 fail db",
            "0 stop db",
            "0 fail user",
            "0 stop user",
            "0 start db",
            "1000 started db",
            "1000 start user",
        ])
        .await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_failure_of_a_new_incarnation_is_a_new_incident_and_interrupts_the_starts_that_remain() {
    let world = World::new();
    world.plan("a", [Act::Run, Act::FailAfter(secs(1.0))]).plan("b", [Act::Run, Act::SlowStart(secs(3.0))]);
    let tree = Supervisor::one_for_all("tree").max_restarts(2).over(secs(60.0));
    let tree = tree.child(world.child("a")).child(world.child("b")).child(world.child("c"));
    let mut tree = started(tree).await;
    world.page();
    world.fail("c");
    world
        .expect_timed(&[
            "0 fail c",
            "0 stop c",
            "0 stop b",
            "0 stop a",
            "0 start a",
            "0 start b",
            "1000 fail a",
            "1000 stop a",
            "3000 started b",
            "3000 stop b",
            "3000 start a",
            "3000 start b",
            "3000 start c",
        ])
        .await;
    // Both have counted.
    world.idle().await;
    world.fail("b");
    ended(&mut tree).await.unwrap_err();
    world.expect(&["fail b", "stop b", "stop c", "stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_an_old_incarnation_in_a_swept_set_says_is_obeyed() {
    // b forfeits between the decision and the sweep: it is not restarted.
    let world = World::new();
    let tree = Supervisor::one_for_all("tree").max_restarts(1).child(world.child("a")).child(world.child("b"));
    let tree = started(tree.child(world.child("c"))).await;
    world.page();
    world.fail("a");
    world.order("b", Order::Forfeit);
    world.expect(&["fail a", "stop a", "forfeit b", "stop b", "stop c", "start a", "start c"]).await;
    tree.shutdown().await.unwrap();

    // b escalates: the supervisor fails, though its limit would allow the restart.
    let world = World::new();
    let tree = Supervisor::one_for_all("tree").max_restarts(1).child(world.child("a")).child(world.child("b"));
    let mut tree = started(tree.child(world.child("c"))).await;
    world.page();
    world.fail("a");
    world.order("b", Order::Escalate);
    let error = ended(&mut tree).await.unwrap_err();
    assert_eq!(format!("{error:#}"), "supervisor `tree` escalated the failure of its child `tree/b`: b needs help");
    world.expect(&["fail a", "stop a", "escalate b", "stop b", "stop c"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_group_restart_starts_what_was_done_but_not_what_is_temporary_or_forfeited() {
    let world = World::new();
    let tree = Supervisor::one_for_all("tree")
        .child(world.child("a"))
        .child(world.child("done").restart(Restart::Transient))
        .child(world.child("gone").restart(Restart::Temporary))
        .child(world.child("swept").restart(Restart::Temporary))
        .child(world.child("forfeited"));
    let tree = started(tree).await;
    world.page();
    world.order("done", Order::Finish);
    world.fail("gone");
    world.order("forfeited", Order::Forfeit);
    world.expect(&["finish done", "stop done", "fail gone", "stop gone", "forfeit forfeited", "stop forfeited"]).await;
    world.fail("a");
    world.expect(&["fail a", "stop a", "stop swept", "start a", "start done"]).await;
    tree.shutdown().await.unwrap();
    world.expect(&["stop done", "stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn an_incarnation_knows_its_number_and_how_the_one_before_ended() {
    struct Diary(Arc<Mutex<Vec<String>>>);
    impl Service for Diary {
        async fn start(&mut self, cx: &Context) -> ServiceResult {
            let last = cx.last_exit().map_or("nothing".to_owned(), |exit| exit.to_string());
            self.0.lock().unwrap().push(format!("{} after: {last}", cx.incarnation()));
            match cx.incarnation() {
                3 => Err("no luck".into()),
                _ => Ok(()),
            }
        }
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            match cx.incarnation() {
                1 => Err("disk full".into()),
                2 => panic!("boom"),
                4 => Ok(()),
                _ => Ok(cx.stopping().await),
            }
        }
        async fn stop(&mut self, _cx: &Context, exit: &Exit) {
            self.0.lock().unwrap().push(format!("stop: {exit}, failure: {}", exit.is_failure()));
        }
    }
    let world = World::new();
    let diary = Arc::new(Mutex::new(Vec::new()));
    let d = Arc::clone(&diary);
    let tree = Supervisor::rest_for_one("tree")
        .no_panic_hook()
        .child(world.child("before"))
        .child(Child::new("a", move || Diary(Arc::clone(&d))));
    let tree = started(tree).await;
    world.idle().await;
    world.fail("before");
    world.idle().await;
    tree.shutdown().await.unwrap();
    let diary: Vec<_> = diary.lock().unwrap().iter().map(|line| without_place(line)).collect();
    assert_eq!(
        diary,
        [
            "1 after: nothing",
            "stop: failed: disk full, failure: true",
            "2 after: failed: disk full",
            "stop: panicked: boom, failure: true",
            "3 after: panicked: boom",
            "4 after: failed in start: no luck",
            "stop: returned Ok, failure: false",
            "5 after: returned Ok",
            "stop: stopped, failure: false",
            "6 after: stopped",
            "stop: stopped, failure: false",
        ]
    );
}

/// The hook is the process's, so another test may have installed it.
fn without_place(line: &str) -> String {
    match line.split_once(" at ") {
        Some((before, after)) => format!("{before}: {}", after.split_once(": ").map_or("", |(_, message)| message)),
        None => line.to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_restarted_group_begins_its_limit_and_its_incarnations_anew() {
    let world = World::new();
    let group = Supervisor::one_for_one("group").max_restarts(1).over(secs(60.0)).child(world.child("a"));
    let tree = started(Supervisor::one_for_one("tree").max_restarts(1).over(secs(60.0)).child(group)).await;
    world.page();
    for _ in 0..3 {
        world.fail("a");
        world.expect(&["fail a", "stop a", "start a"]).await;
    }
    drop(tree);
}
