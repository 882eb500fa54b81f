//! Replicas come and go while the tree runs: up, down, to zero and back, and in the middle of something else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use supervisor_runtime::{
    Child, Context, Exit, Provide, Replicas, Restart, Running, Service, ServiceResult, StableHandle, State, SteerError,
    Supervisor, Wires,
};

use crate::world::{Act, Order, Probe, World, answered, at, ended, secs, started, state};

fn workers(tree: &Running, path: &str) -> Replicas<Probe> {
    tree.replicas(path).unwrap()
}

fn indices(workers: &Replicas<Probe>) -> Vec<usize> {
    workers.iter().map(|worker| worker.index()).collect()
}

#[tokio::test(start_paused = true)]
async fn up_and_down_and_to_zero_and_back() {
    let strategies: [fn(&'static str) -> Supervisor; 5] = [
        Supervisor::one_for_one,
        Supervisor::one_for_all,
        Supervisor::rest_for_one,
        Supervisor::dependents_for_one,
        Supervisor::crashing,
    ];
    for strategy in strategies {
        let world = World::new();
        let tree = strategy("tree").child(world.child("a")).child(world.replicas("w", 2)).child(world.child("z"));
        let mut tree = started(tree).await;
        world.page();
        let w = workers(&tree, "w");
        w.scale_to(4).await.unwrap();
        world.expect(&["start w2", "start w3"]).await;
        assert_eq!(indices(&w), [0, 1, 2, 3]);
        w.scale_to(4).await.unwrap();
        w.scale_to(1).await.unwrap();
        world.expect(&["stop w3", "stop w2", "stop w1"]).await;
        assert_eq!((w.len(), w.get(1).is_none(), indices(&w)), (1, true, vec![0]));
        assert!(matches!(tree.child::<Probe>("w[1]").unwrap().status(), Err(SteerError::NotThere { .. })));
        w.scale_to(0).await.unwrap();
        world.expect(&["stop w0"]).await;
        assert!(w.is_empty());
        tokio::time::sleep(secs(10.0)).await;
        assert_eq!(state(&tree, "a"), State::Running, "it is not the end");
        w.scale_to(2).await.unwrap();
        world.expect(&["start w0", "start w1"]).await;
        assert_eq!(at(&tree, "w[0]").status().unwrap().incarnation(), 2, "an index is its own for life");
        // They are supervised as those before.
        at(&tree, "w[1]").restart().await.unwrap();
        world.expect(&["stop w1", "start w1"]).await;
        tree.handle().shutdown();
        ended(&mut tree).await.unwrap();
        let mut page = world.page();
        page.sort();
        assert_eq!(page, ["stop a", "stop w0", "stop w1", "stop z"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_tree_of_nothing_but_replicas_scaled_to_zero_does_not_end() {
    let world = World::new();
    let mut tree =
        started(Supervisor::one_for_one("tree").child(world.replicas("w", 1).restart(Restart::Transient))).await;
    let w = workers(&tree, "w");
    w.scale_to(0).await.unwrap();
    tokio::time::timeout(secs(100.0), tree.wait()).await.unwrap_err();
    w.scale_to(1).await.unwrap();
    world.idle().await;
    world.order("w0", Order::Finish);
    ended(&mut tree).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_is_added_and_fails_is_restarted_as_the_others() {
    let world = World::new();
    let tree = Supervisor::one_for_all("tree").child(world.child("a")).child(world.replicas("w", 1));
    let tree = started(tree).await;
    workers(&tree, "w").scale_to(2).await.unwrap();
    world.page();
    world.fail("w1");
    world.expect(&["fail w1", "stop w1", "stop w0", "stop a", "start a", "start w0", "start w1"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn scaling_while_a_restart_is_under_way_waits_for_it() {
    let world = World::new();
    world.plan("a", [Act::SlowStop(secs(2.0)), Act::SlowStart(secs(1.0))]);
    let tree = Supervisor::one_for_all("tree").child(world.child("a")).child(world.replicas("w", 2));
    let tree = started(tree.child(world.child("z"))).await;
    let w = workers(&tree, "w");
    world.page();
    world.fail("z");
    world.expect(&["fail z", "stop z", "stop w1", "stop w0"]).await;
    w.scale_to(3).await.unwrap();
    let page = world.page();
    assert!(page.contains(&"start w2".to_owned()), "{page:?}");
    tree.wait_ready().await.unwrap();
    world.idle().await;
    let mut all = page;
    all.extend(world.page());
    assert_eq!(all.iter().filter(|line| *line == "start w2").count(), 1, "{all:?}");
    let place = |line: &str| all.iter().position(|each| each == line).unwrap();
    assert!(place("started a") < place("start w2"), "{all:?}");
    assert_eq!(indices(&w), [0, 1, 2]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn shrinking_cancels_restarts_that_are_pending() {
    let world = World::new();
    world.plan("a", [Act::SlowStop(secs(2.0))]);
    let tree = Supervisor::one_for_all("tree").child(world.child("a")).child(world.replicas("w", 3));
    let tree = started(tree).await;
    let w = workers(&tree, "w");
    world.page();
    world.fail("w0");
    world.expect(&["fail w0", "stop w0", "stop w2", "stop w1"]).await;
    w.scale_to(1).await.unwrap();
    world.expect(&["stop a", "start a", "start w0"]).await;
    world.idle().await;
    world.expect(&[]).await;
    assert_eq!(indices(&w), [0]);
    // Also one that waits for its backoff.
    let tree2 = Supervisor::one_for_one("tree").backoff(secs(100.0)..secs(100.0)).child(world.replicas("v", 2));
    let tree2 = started(tree2).await;
    world.plan("v1", [Act::Fail]);
    world.fail("v1");
    at(&tree2, "v[1]").wait_for(State::Delayed).await.unwrap();
    world.page();
    workers(&tree2, "v").scale_to(1).await.unwrap();
    tokio::time::sleep(secs(500.0)).await;
    world.expect(&[]).await;
    tree2.shutdown().await.unwrap();
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn scaling_during_the_first_start() {
    for (count, log) in [
        (3, &["started a", "start w0", "start w1", "start w2", "start z"][..]),
        (1, &["started a", "start w0", "start z"]),
        (0, &["started a", "start z"]),
    ] {
        let world = World::new();
        let pool = Supervisor::one_for_one("pool");
        let pool = pool.child(world.child("a")).child(world.replicas("w", 2)).child(world.child("z"));
        let tree = started(Supervisor::one_for_one("tree").child(pool)).await;
        let group = tree.group("pool").unwrap();
        group.stop().await.unwrap();
        world.plan("a", [Act::SlowStart(secs(2.0))]);
        world.page();
        let start = tokio::spawn(async move { group.start().await });
        world.expect(&["start a"]).await;
        answered(workers(&tree, "pool/w").scale_to(count)).await.unwrap();
        answered(start).await.unwrap().unwrap();
        world.idle().await;
        let mut page = world.page();
        page.sort();
        let mut log = log.to_vec();
        log.sort_unstable();
        assert_eq!(page, log, "{count}");
        assert_eq!(workers(&tree, "pool/w").len(), count);
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_replica_that_does_not_start_is_told_and_counts_and_touches_no_other() {
    for strategy in [Supervisor::one_for_one as fn(&'static str) -> Supervisor, Supervisor::one_for_all] {
        let world = World::new();
        let tree = started(strategy("tree").child(world.child("a")).child(world.replicas("w", 1))).await;
        let w = workers(&tree, "w");
        world.page();
        world.plan("w2", [Act::FailStart]);
        let error = answered(w.scale_to(4)).await.unwrap_err();
        assert!(matches!(&error, SteerError::StartFailed { path, .. } if path == "tree/w[2]"), "{error:?}");
        tokio::time::sleep(secs(10.0)).await;
        world.expect(&["start w1", "start w2", "start w3"]).await;
        assert_eq!((w.len(), state(&tree, "w[2]"), state(&tree, "w[3]")), (4, State::Stopped, State::Running));
        w.scale_to(4).await.unwrap();
        world.expect(&[]).await;
        w.start().await.unwrap();
        world.expect(&["start w2"]).await;
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_replica_that_does_not_start_during_the_first_start_of_the_group_does_not_fail_it() {
    let world = World::new();
    let pool = Supervisor::one_for_one("pool").child(world.child("a")).child(world.replicas("w", 1));
    let tree = started(Supervisor::one_for_one("tree").child(pool)).await;
    let group = tree.group("pool").unwrap();
    group.stop().await.unwrap();
    world.plan("a", [Act::SlowStart(secs(2.0))]).plan("w1", [Act::FailStart]);
    let start = tokio::spawn(async move { group.start().await });
    world.idle().await;
    let error = answered(workers(&tree, "pool/w").scale_to(2)).await.unwrap_err();
    assert!(matches!(&error, SteerError::StartFailed { .. }), "{error:?}");
    answered(start).await.unwrap().unwrap();
    assert_eq!((state(&tree, "pool/w[0]"), state(&tree, "pool/w[1]")), (State::Running, State::Stopped));
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_number_lives_as_long_as_the_tree() {
    let world = World::new();
    let pool = Supervisor::one_for_one("pool").child(world.replicas("w", 1)).child(world.replicas("v", 2));
    let tree = Supervisor::one_for_one("tree").child(pool);
    let tree = started(tree).await;
    let w = workers(&tree, "pool/w");
    w.scale_to(3).await.unwrap();
    workers(&tree, "pool/v").scale_to(0).await.unwrap();
    world.page();
    tree.group("pool").unwrap().restart().await.unwrap();
    world.expect(&["stop w2", "stop w1", "stop w0", "start w0", "start w1", "start w2"]).await;
    world.order("w1", Order::Escalate);
    world.idle().await;
    assert_eq!((w.len(), workers(&tree, "pool/v").len()), (3, 0));
    w.scale_to(0).await.unwrap();
    tree.group("pool").unwrap().restart().await.unwrap();
    assert_eq!(w.len(), 0);
    w.scale_to(1).await.unwrap();
    assert_eq!(state(&tree, "pool/w[0]"), State::Running);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn scaling_up_again_while_the_surplus_is_still_stopping_brings_it_back() {
    let world = World::new();
    world.plan("w2", [Act::SlowStop(secs(2.0))]).plan("w3", [Act::SlowStop(secs(2.0))]);
    let tree = started(Supervisor::one_for_one("tree").child(world.replicas("w", 4))).await;
    let w = workers(&tree, "w");
    world.page();
    let shrink = tokio::spawn({
        let w = w.clone();
        async move { w.scale_to(2).await }
    });
    world.idle().await;
    assert_eq!(w.len(), 2);
    w.scale_to(4).await.unwrap();
    world.expect(&["stop w3", "stop w2", "start w2", "start w3"]).await;
    answered(shrink).await.unwrap().unwrap();
    assert_eq!(indices(&w), [0, 1, 2, 3]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn scaling_up_by_less_than_is_still_stopping_brings_back_as_many() {
    let world = World::new();
    for name in ["w1", "w2", "w3"] {
        world.plan(name, [Act::SlowStop(secs(2.0))]);
    }
    let tree = started(Supervisor::one_for_one("tree").child(world.replicas("w", 4))).await;
    let w = workers(&tree, "w");
    world.page();
    let shrink = tokio::spawn({
        let w = w.clone();
        async move { w.scale_to(1).await }
    });
    world.idle().await;
    answered(w.scale_to(2)).await.unwrap();
    answered(shrink).await.unwrap().unwrap();
    world.idle().await;
    world.expect(&["stop w3", "stop w2", "stop w1", "start w1"]).await;
    assert_eq!(indices(&w), [0, 1]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_scaled_away_is_not_brought_back_by_steering_the_others() {
    for restart in [false, true] {
        let world = World::new();
        world.plan("w1", [Act::SlowStop(secs(2.0))]);
        let tree = started(Supervisor::one_for_one("tree").child(world.replicas("w", 2))).await;
        let w = workers(&tree, "w");
        world.page();
        let shrink = tokio::spawn({
            let w = w.clone();
            async move { w.scale_to(1).await }
        });
        world.idle().await;
        if restart {
            answered(w.restart()).await.unwrap()
        } else {
            answered(w.start()).await.unwrap()
        }
        answered(shrink).await.unwrap().unwrap();
        world.idle().await;
        let mut page = world.page();
        page.sort();
        assert_eq!(page, if restart { vec!["start w0", "stop w0", "stop w1"] } else { vec!["stop w1"] });
        assert_eq!(indices(&w), [0]);
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_on_its_way_out_cannot_be_started_by_its_reference() {
    let world = World::new();
    world.plan("w1", [Act::SlowStop(secs(2.0))]);
    let tree = started(Supervisor::one_for_one("tree").child(world.replicas("w", 2))).await;
    let w = workers(&tree, "w");
    let last = w.get(1).unwrap();
    world.page();
    let shrink = tokio::spawn({
        let w = w.clone();
        async move { w.scale_to(1).await }
    });
    world.idle().await;
    let error = answered(last.start()).await;
    answered(shrink).await.unwrap().unwrap();
    world.idle().await;
    assert_eq!(world.page(), ["stop w1"], "{error:?}");
    assert!(matches!(error, Err(SteerError::NotThere { .. } | SteerError::Overtaken { .. })), "{error:?}");
    assert_eq!(w.len(), 1);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_that_is_on_its_way_out_leaves_though_it_says_forfeit() {
    let world = World::new();
    world.plan("user", [Act::SlowStop(secs(2.0))]);
    let tree = Supervisor::dependents_for_one("tree")
        .child(world.replicas("db", 2))
        .child(world.child("user").requires(["db"]));
    let tree = started(tree).await;
    let dbs = workers(&tree, "db");
    world.page();
    let shrink = tokio::spawn({
        let dbs = dbs.clone();
        async move { dbs.scale_to(1).await }
    });
    world.idle().await;
    world.order("db1", Order::Forfeit);
    answered(shrink).await.unwrap().unwrap();
    world.expect(&["forfeit db1", "stop db1", "stop user", "start user"]).await;
    assert_eq!(indices(&dbs), [0]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_value_in_place_is_kept_for_as_long_as_the_tree_also_when_its_replica_is_scaled_away() {
    let world = World::new();
    let made = Arc::new(AtomicUsize::new(0));
    let child = {
        let (world, made) = (world.clone(), Arc::clone(&made));
        Child::replicated_in_place("w", 2, move |index| {
            made.fetch_add(1, Ordering::Relaxed);
            world.service(&format!("w{index}"))
        })
    };
    let tree = started(Supervisor::one_for_all("tree").child(child)).await;
    let w = workers(&tree, "w");
    w.restart().await.unwrap();
    w.scale_to(3).await.unwrap();
    assert_eq!(made.load(Ordering::Relaxed), 3);
    world.fail("w0");
    world.idle().await;
    assert_eq!(made.load(Ordering::Relaxed), 3);
    w.scale_to(1).await.unwrap();
    w.scale_to(3).await.unwrap();
    assert_eq!(made.load(Ordering::Relaxed), 3, "it lives as long as the tree");
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn scaling_many_is_parallel_and_too_many_is_refused() {
    let world = World::new();
    let tree = started(Supervisor::one_for_one("tree").child(world.replicas("w", 1))).await;
    let w = workers(&tree, "w");
    for index in 1..100 {
        world.plan(&format!("w{index}"), [Act::SlowStart(secs(1.0))]);
    }
    let begin = tokio::time::Instant::now();
    w.scale_to(100).await.unwrap();
    assert!(begin.elapsed() < secs(1.5), "{:?}", begin.elapsed());
    let error = w.scale_to(usize::MAX).await.unwrap_err();
    assert!(matches!(&error, SteerError::TooMany { path, .. } if path == "tree/w"), "{error:?}");
    assert_eq!(w.len(), 100);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_forfeited_or_stopped_replica_that_is_scaled_away_no_longer_counts() {
    let world = World::new();
    let tree = started(Supervisor::one_for_one("tree").child(world.replicas("w", 3))).await;
    let w = workers(&tree, "w");
    world.idle().await;
    world.order("w2", Order::Forfeit);
    w.get(1).unwrap().stop().await.unwrap();
    world.idle().await;
    assert!(matches!(tree.wait_ready().await, Err(SteerError::Never { .. })));
    w.scale_to(1).await.unwrap();
    tree.wait_ready().await.unwrap();
    w.scale_to(3).await.unwrap();
    tree.wait_ready().await.unwrap();
    assert_eq!((state(&tree, "w[1]"), state(&tree, "w[2]")), (State::Running, State::Running));
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn supervisors_are_scaled_too_where_they_are_replicated() {
    let world = World::new();
    let shard = {
        let world = world.clone();
        Child::replicated("shard", 1, move |index| {
            let world = world.clone();
            Supervisor::one_for_one("shard").child(Child::new("a", move || world.service(&format!("a{index}"))))
        })
    };
    let tree = started(Supervisor::one_for_one("tree").child(shard)).await;
    let shards = tree.replicas::<Supervisor>("shard").unwrap();
    world.page();
    shards.scale_to(2).await.unwrap();
    world.expect(&["start a1"]).await;
    assert_eq!(state(&tree, "shard[1]/a"), State::Running);
    shards.scale_to(1).await.unwrap();
    world.expect(&["stop a1"]).await;
    assert!(tree.child::<Probe>("shard[1]/a").is_err());
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn scaling_waits_for_a_restart_of_the_whole_group_but_not_for_one_that_is_stopped() {
    let world = World::new();
    world.plan("a", [Act::SlowStop(secs(3.0))]);
    let pool = Supervisor::one_for_one("pool").child(world.child("a")).child(world.replicas("w", 1));
    let tree = started(Supervisor::one_for_one("tree").child(pool)).await;
    let (group, w) = (tree.group("pool").unwrap(), tree.replicas::<Probe>("pool/w").unwrap());
    let restarts = tokio::spawn({
        let group = group.clone();
        async move { group.restart().await }
    });
    tokio::time::sleep(secs(1.0)).await;
    answered(w.scale_to(3)).await.unwrap();
    answered(restarts).await.unwrap().unwrap();
    assert_eq!(w.len(), 3);
    group.stop().await.unwrap();
    assert!(matches!(answered(w.scale_to(1)).await, Err(SteerError::NotRunning { .. })));
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn scaling_does_not_wait_for_a_group_that_is_stopped_in_one_that_runs() {
    let world = World::new();
    let pool = Supervisor::one_for_one("pool").child(world.replicas("w", 1));
    let zone = Supervisor::one_for_one("zone").child(world.child("a")).child(pool);
    let tree = started(Supervisor::one_for_one("tree").child(zone)).await;
    let w = tree.replicas::<Probe>("zone/pool/w").unwrap();
    tree.group("zone/pool").unwrap().stop().await.unwrap();
    assert!(matches!(answered(w.scale_to(2)).await, Err(SteerError::NotRunning { .. })));
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn scaling_does_not_wait_for_a_group_that_was_scaled_away() {
    let world = World::new();
    let pool = {
        let world = world.clone();
        Child::replicated("pool", 2, move |_| Supervisor::one_for_one("pool").child(world.replicas("w", 1)))
    };
    let tree = started(Supervisor::one_for_one("tree").child(pool)).await;
    let w = tree.replicas::<Probe>("pool[1]/w").unwrap();
    tree.replicas::<Supervisor>("pool").unwrap().scale_to(1).await.unwrap();
    assert!(matches!(answered(w.scale_to(2)).await, Err(SteerError::NotRunning { .. })));
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_handle_of_a_replica_that_was_scaled_away_is_gone_also_if_it_works_across_restarts() {
    for is_stable in [false, true] {
        let (world, wires) = (World::new(), Wires::new());
        let numbered = Child::replicated_in_place("numbered", 2, Numbered);
        let numbered = if is_stable { numbered.provides_each_stable(&wires) } else { numbered.provides_each(&wires) };
        let w = world.clone();
        let user = Child::using("user", &wires, move |numbers: Vec<usize>| {
            w.write(format!("{numbers:?}"));
            Numbered(7)
        });
        let tree = started(Supervisor::rest_for_one("tree").child(numbered).child(user)).await;
        let numbered = tree.replicas::<Numbered>("numbered").unwrap();
        let gone = numbered.get(1).unwrap();
        // A handle that works across restarts is there in between.
        gone.restart().await.unwrap();
        world.idle().await;
        numbered.scale_to(1).await.unwrap();
        world.idle().await;
        numbered.scale_to(2).await.unwrap();
        world.idle().await;
        assert_eq!(world.page(), ["[0, 1]", "[0, 1]", "[0]", "[0, 1]"], "{is_stable}");
        numbered.scale_to(1).await.unwrap();
        assert!(gone.handle().is_err(), "{is_stable}");
        tree.shutdown().await.unwrap();
    }
}

/// Offers its index.
struct Numbered(usize);

impl Service for Numbered {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

impl Provide for Numbered {
    type Handle = usize;

    fn handle(&self) -> usize {
        self.0
    }
}

impl StableHandle for Numbered {}

// On one worker, so that what is woken last comes before what tidies up.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_handle_of_a_replica_that_comes_back_at_once_is_not_taken_for_that_of_the_one_that_has_left() {
    let comes_back = async {
        let wires = Wires::new();
        let numbered = Child::replicated("numbered", 2, Numbered).provides_each(&wires);
        let user = Child::using("user", &wires, |numbers: Vec<usize>| Numbered(numbers.len()));
        let tree = started(Supervisor::rest_for_one("tree").child(numbered).child(user)).await;
        tree.child::<Numbered>("user").unwrap().stop().await.unwrap();
        let numbered = tree.replicas::<Numbered>("numbered").unwrap();
        numbered.get(1).unwrap().stop().await.unwrap();
        numbered.scale_to(1).await.unwrap();
        numbered.scale_to(2).await.unwrap();
        // Whatever is late has come by then.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(numbered.get(1).unwrap().handle().unwrap(), 1);
        tree.shutdown().await.unwrap();
    };
    tokio::spawn(comes_back).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_comes_back_at_once_has_nothing_of_the_one_that_has_left_and_keeps_its_own() {
    let world = World::new();
    world.plan("w1", [Act::Fail, Act::Fail, Act::Fail, Act::Run]);
    let w = world.clone();
    let replicas = world.replicas("w", 2).backoff(secs(10.0)..secs(10.0)).replace(move |_, index| {
        w.write(format!("replace w{index}"));
        w.service(&format!("w{index}"))
    });
    let tree = started(Supervisor::one_for_one("tree").child(replicas)).await;
    world.idle().await;
    assert_eq!(world.page(), ["start w0", "start w1", "stop w1", "replace w1", "start w1", "stop w1"]);
    let replicas = workers(&tree, "w");
    replicas.scale_to(1).await.unwrap();
    replicas.scale_to(2).await.unwrap();
    world.idle().await;
    assert_eq!(world.page(), ["start w1", "stop w1", "replace w1", "start w1"]);
    // Nor if it was down, and comes back later.
    at(&tree, "w[1]").stop().await.unwrap();
    replicas.scale_to(1).await.unwrap();
    world.idle().await;
    replicas.scale_to(2).await.unwrap();
    assert_eq!(world.page(), ["stop w1", "start w1"]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_it_waits_or_stops_after_it_was_done_takes_its_handle_along() {
    /// Returns this, and takes its time to stop.
    struct Ends(bool);
    impl Service for Ends {
        async fn run(&mut self, _cx: &Context) -> ServiceResult {
            tokio::time::sleep(secs(1.0)).await;
            if self.0 { Ok(()) } else { Err("broken".into()) }
        }
        async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
            tokio::time::sleep(secs(1.0)).await;
        }
    }
    impl Provide for Ends {
        type Handle = ();
        fn handle(&self) {}
    }
    impl StableHandle for Ends {}
    // In its backoff, with a handle that works across restarts; in the stop after it has returned `Ok`.
    for (is_ok, after) in [(false, 5.0), (true, 1.5)] {
        let wires = Wires::new();
        let ends = Child::replicated_in_place("ends", 2, move |_| Ends(is_ok)).restart(Restart::Transient);
        let ends = ends.backoff(secs(60.0)..secs(60.0));
        let ends = if is_ok { ends.provides_each(&wires) } else { ends.provides_each_stable(&wires) };
        let user = Child::using("user", &wires, |handles: Vec<()>| Numbered(handles.len()));
        let tree = started(Supervisor::rest_for_one("tree").child(ends).child(user)).await;
        let ends = tree.replicas::<Ends>("ends").unwrap();
        let [stays, goes] = [0, 1].map(|index| ends.get(index).unwrap());
        tokio::time::sleep(secs(after)).await;
        assert!(stays.handle().is_ok() && goes.handle().is_ok(), "{is_ok}");
        let (scaled, stopped) = tokio::join!(ends.scale_to(1), stays.stop());
        assert!(scaled.is_ok() && stopped.is_ok(), "{is_ok}");
        tokio::time::sleep(secs(5.0)).await;
        assert!(goes.handle().is_err(), "{is_ok}");
        assert_eq!(stays.handle().is_err(), is_ok, "what works across restarts stays until it has left");
        tree.shutdown().await.unwrap();
    }
}
