//! The delay of a backoff is a pause between two incarnations: it begins when what has to stop has stopped.

use supervisor_runtime::{Child, Context, Exit, Service, ServiceResult, Supervisor};

use crate::probe::Probe;
use crate::world::{Act, World, secs, started};

/// A probe whose `stop` takes 10 s.
struct Slow(Probe, World);

impl Service for Slow {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        self.0.start(cx).await
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        self.0.run(cx).await
    }

    async fn stop(&mut self, cx: &Context, exit: &Exit) {
        self.0.stop(cx, exit).await;
        tokio::time::sleep(secs(10.0)).await;
        self.1.write("stopped a");
    }
}

/// What happens after the second failure of `a`, and when it starts again.
async fn second_failure(world: &World) -> (Vec<String>, f64) {
    world.page();
    world.fail("a");
    let starts = |lines: &[(_, String)]| lines.iter().any(|(_, line)| line == "start a");
    // The first restart is immediate.
    world.lines_until(starts).await;
    world.idle().await;
    world.page();
    let begin = tokio::time::Instant::now();
    world.fail("a");
    let lines = world.lines_until(starts).await;
    (lines.into_iter().map(|(_, line)| line).collect(), begin.elapsed().as_secs_f64())
}

#[tokio::test(start_paused = true)]
async fn a_child_s_delay_begins_after_its_own_stop() {
    let world = World::new();
    let w = world.clone();
    let a = Child::new("a", move || Slow(w.service("a"), w.clone())).shutdown(secs(60.0));
    let tree = Supervisor::one_for_one("tree").child(a.backoff(secs(8.0)..secs(8.0))).child(world.child("b"));
    let tree = started(tree).await;
    let (lines, first) = second_failure(&world).await;
    assert_eq!(lines, ["fail a", "stop a", "stopped a", "start a"]);
    assert!((14.0..=18.1).contains(&first), "half to all of 8 s after the 10 s, not {first}");
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_set_s_delay_begins_after_its_sweep() {
    let world = World::new();
    world.plan("b", [Act::Run, Act::SlowStop(secs(10.0))]);
    let tree = Supervisor::one_for_all("tree")
        .child(world.child("a").backoff(secs(8.0)..secs(8.0)))
        .child(world.child("b").shutdown(secs(60.0)));
    let tree = started(tree).await;
    let (lines, first) = second_failure(&world).await;
    assert_eq!(lines, ["fail a", "stop a", "stop b", "start a", "start b"]);
    assert!((14.0..=18.1).contains(&first), "half to all of 8 s after the 10 s, not {first}");
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_time_in_stop_is_no_running_either_where_the_backoff_is_the_group_s() {
    let world = World::new();
    let w = world.clone();
    let a = Child::new("a", move || Slow(w.service("a"), w.clone())).shutdown(secs(60.0));
    let tree = Supervisor::one_for_one("tree").backoff(secs(8.0)..secs(8.0)).child(a).child(world.child("b"));
    let tree = started(tree).await;
    let (lines, first) = second_failure(&world).await;
    assert_eq!(lines, ["fail a", "stop a", "stopped a", "start a"]);
    assert!((14.0..=18.1).contains(&first), "half to all of 8 s after the 10 s, not {first}");
    tree.shutdown().await.unwrap();
}
