//! What of a service survives a restart: nothing, the value itself (`in_place`), or what `replace` makes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use supervisor_runtime::{Child, Context, Exit, Service, ServiceResult, Supervisor};

use crate::world::{Order, World, secs, started, time_of};

/// Counts its own starts in `count`, and is a probe otherwise.
struct Counter {
    probe: crate::probe::Probe,
    world: World,
    count: usize,
}

impl Counter {
    fn new(world: &World, name: &str) -> Self {
        world.write(format!("make {name}"));
        Self { probe: world.service(name), world: world.clone(), count: 0 }
    }
}

impl Service for Counter {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        self.count += 1;
        self.world.write(format!("{}. of {}", self.count, self.probe.name));
        self.probe.start(cx).await
    }
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        self.probe.run(cx).await
    }
    async fn stop(&mut self, cx: &Context, exit: &Exit) {
        self.probe.stop(cx, exit).await;
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_word_every_incarnation_is_made_anew() {
    let world = World::new();
    let w = world.clone();
    let tree = started(Supervisor::one_for_one("tree").child(Child::new("a", move || Counter::new(&w, "a")))).await;
    world.fail("a");
    world.expect(&["make a", "1. of a", "start a", "fail a", "stop a", "make a", "1. of a", "start a"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn in_place_is_evaluated_once_and_keeps_its_value_also_across_a_restart_of_its_group() {
    let world = World::new();
    let counter = Counter::new(&world, "a");
    let group = Supervisor::one_for_one("group").child(Child::in_place("a", move || counter)).child(world.child("b"));
    let tree = started(Supervisor::one_for_all("tree").child(world.child("outer")).child(group)).await;
    world.expect(&["make a", "start outer", "1. of a", "start a", "start b"]).await;
    world.fail("a");
    world.expect(&["fail a", "stop a", "2. of a", "start a"]).await;
    world.order("a", Order::Panic);
    world.expect(&["panic a", "stop a", "3. of a", "start a"]).await;
    world.fail("outer");
    world
        .expect(&["fail outer", "stop outer", "stop b", "stop a", "start outer", "4. of a", "start a", "start b"])
        .await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn in_place_keeps_its_value_also_after_it_was_dropped_by_force() {
    let world = World::new();
    world.plan("a", [crate::world::Act::IgnoreStop]);
    let counter = Counter::new(&world, "a");
    let tree = Supervisor::one_for_all("tree").child(Child::in_place("a", move || counter)).child(world.child("b"));
    let tree = started(tree).await;
    world.page();
    world.fail("b");
    world.expect_timed(&["0 fail b", "0 stop b", "5000 drop a", "5000 2. of a", "5000 start a", "5000 start b"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn replicated_in_place_keeps_each_value_for_its_index() {
    let world = World::new();
    let w = world.clone();
    let workers = Child::replicated_in_place("w", 2, move |index| Counter::new(&w, &format!("w{index}")));
    let tree = started(Supervisor::one_for_one("tree").child(workers)).await;
    world.expect(&["make w0", "1. of w0", "start w0", "make w1", "1. of w1", "start w1"]).await;
    world.fail("w1");
    world.expect(&["fail w1", "stop w1", "2. of w1", "start w1"]).await;
    world.fail("w0");
    world.expect(&["fail w0", "stop w0", "2. of w0", "start w0"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_in_place_child_whose_evaluation_fails_is_a_failed_start() {
    let child = Child::<crate::probe::Probe>::in_place("a", || Err::<crate::probe::Probe, _>("no such file"));
    let error = Supervisor::one_for_one("tree").child(child).run().await.unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "supervisor `tree` did not start: `tree/a` failed while it was created: no such file"
    );
}

#[tokio::test(start_paused = true)]
async fn replace_receives_the_stopped_service_and_its_index_also_when_it_is_swept() {
    let world = World::new();
    let (w, v) = (world.clone(), world.clone());
    let workers = Child::replicated("w", 2, move |index| Counter::new(&w, &format!("w{index}"))).replace(
        move |old: Counter, index| {
            v.write(format!("replace w{index} after {}", old.count));
            Counter { count: old.count + 10, ..old }
        },
    );
    let tree = started(Supervisor::one_for_all("tree").child(workers).child(world.child("b"))).await;
    world.expect(&["make w0", "1. of w0", "start w0", "make w1", "1. of w1", "start w1", "start b"]).await;
    world.fail("b");
    world
        .expect(&[
            "fail b",
            "stop b",
            "stop w1",
            "stop w0",
            "replace w0 after 1",
            "12. of w0",
            "start w0",
            "replace w1 after 1",
            "12. of w1",
            "start w1",
            "start b",
        ])
        .await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn if_replace_fails_the_next_attempt_evaluates_the_expression() {
    let world = World::new();
    let (w, v) = (world.clone(), world.clone());
    let tries = Arc::new(AtomicUsize::new(0));
    let child = Child::new("a", move || Counter::new(&w, "a")).replace(move |old: Counter, _| {
        v.write("replace a");
        match tries.fetch_add(1, Ordering::Relaxed) {
            0 => Err("cannot be saved"),
            1 => panic!("cannot be saved either"),
            _ => Ok(old),
        }
    });
    let mut tree = started(Supervisor::one_for_one("tree").max_restarts(5).child(child)).await;
    world.page();
    for _ in 0..2 {
        world.fail("a");
        world.expect(&["fail a", "stop a", "replace a", "make a", "1. of a", "start a"]).await;
    }
    // Each failed attempt has counted.
    world.fail("a");
    world.expect(&["fail a", "stop a", "replace a", "2. of a", "start a"]).await;
    world.fail("a");
    let (_, end) = time_of(tree.wait()).await;
    end.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn replace_may_be_async_and_counts_for_the_start_timeout() {
    let world = World::new();
    let w = world.clone();
    let child =
        Child::new("a", move || Counter::new(&w, "a")).start_timeout(secs(2.0)).replace(|old: Counter, _| async move {
            tokio::time::sleep(if old.count == 1 { secs(1.0) } else { secs(3.0) }).await;
            old
        });
    let tree = started(Supervisor::one_for_one("tree").child(child)).await;
    world.page();
    world.fail("a");
    world.expect_timed(&["0 fail a", "0 stop a", "1000 2. of a", "1000 start a"]).await;
    world.fail("a");
    world.expect_timed(&["1000 fail a", "1000 stop a", "3000 make a", "3000 1. of a", "3000 start a"]).await;
    tree.shutdown().await.unwrap();
}
