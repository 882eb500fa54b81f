//! A panic is a failure like any other, wherever it happens.

use supervisor_runtime::{
    Cause, Child, Context, Exit, Phase, Restart, Service, ServiceResult, State, Supervisor, Untyped, service_fn,
};

use crate::probe::Probe;
use crate::world::{Act, Mistake, Order, World, at, ended, secs, started, task, with_tree};

/// The line of the panic below.
const EMPTY_QUEUE: u32 = line!() + 3;

fn empty_queue() -> ServiceResult {
    panic!("the {} is empty", "queue")
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_told_with_its_message_and_place() {
    let tree = Supervisor::crashing("tree").child(task("a", |_| async { empty_queue() }));
    let error = tree.run().await.unwrap_err();
    let said = error.to_string();
    let place = said
        .strip_prefix("supervisor `tree` crashed with its child `tree/a`, which panicked at ")
        .and_then(|rest| rest.strip_suffix(": the queue is empty"));
    let (file, _column) = place.and_then(|place| place.rsplit_once(':')).unwrap_or_else(|| panic!("{said}"));
    assert!(file.ends_with(&format!("supervision/panics.rs:{EMPTY_QUEUE}")), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_factory_is_a_failed_start_and_a_failed_restart() {
    let error = Supervisor::one_for_one("tree").child(Child::new("a", || -> Probe { panic!("no factory") })).run();
    let error = tokio::time::timeout(crate::world::secs(60.0), error)
        .await
        .expect("nobody waits for what panicked")
        .unwrap_err();
    assert_ends(
        &error.to_string(),
        "supervisor `tree` did not start: `tree/a` panicked while it was created at ",
        ": no factory",
    );

    let world = World::new();
    let (w, made) = (world.clone(), std::sync::atomic::AtomicUsize::new(0));
    let child = Child::new("a", move || match made.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        1 => panic!("no factory"),
        _ => w.service("a"),
    });
    let tree = started(Supervisor::one_for_one("tree").child(child)).await;
    world.fail("a");
    world.expect(&["start a", "fail a", "stop a", "start a"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_an_async_factory_is_a_failed_start() {
    let child =
        Child::new("a", || async { if true { panic!("no factory") } else { service_fn(|_| async { Ok(()) }) } });
    let error = Supervisor::one_for_one("tree").child(child).run().await.unwrap_err();
    assert_ends(
        &error.to_string(),
        "supervisor `tree` did not start: `tree/a` panicked while it was created at ",
        ": no factory",
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_start_is_a_failed_start() {
    let world = World::new();
    world.plan("b", [Act::PanicStart]);
    let tree = Supervisor::one_for_one("tree").child(world.child("a")).child(world.child("b"));
    let error = tree.run().await.unwrap_err();
    assert_ends(
        &error.to_string(),
        "supervisor `tree` did not start: `tree/b` panicked in start at ",
        ": b panics in start",
    );
    world.expect(&["start a", "start b", "stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_run_is_seen_by_stop_and_by_the_next_incarnation() {
    struct Witness(World);
    impl Service for Witness {
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            match cx.last_exit().as_deref().map(Exit::cause) {
                None => panic!("boom"),
                Some(Cause::Panic(panic)) => self.0.write(format!("after {}", panic.message())),
                Some(_) => self.0.write("after something else"),
            }
            Ok(cx.stopping().await)
        }
        async fn stop(&mut self, _cx: &Context, exit: &Exit) {
            if let Cause::Panic(panic) = exit.cause() {
                self.0.write(format!("stop after {}, at a place: {}", panic.message(), panic.place().is_some()));
            }
        }
    }
    let world = World::new();
    let w = world.clone();
    let tree = Supervisor::one_for_one("tree").child(Child::new("a", move || Witness(w.clone())));
    let tree = started(tree).await;
    world.expect(&["stop after boom, at a place: true", "after boom"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_stop_does_not_hide_why_the_service_ended() {
    let world = World::new();
    world.plan("a", [Act::PanicInStop]);
    let mut tree = started(Supervisor::crashing("tree").child(world.child("a"))).await;
    world.fail("a");
    let error = ended(&mut tree).await.unwrap_err();
    assert_eq!(format!("{error:#}"), "supervisor `tree` crashed with its child `tree/a`: a failed on demand");
}

#[tokio::test(start_paused = true)]
async fn a_panic_before_the_first_await_of_a_hand_written_future_is_caught() {
    struct Eager(&'static str);
    impl Service for Eager {
        fn start(&mut self, _cx: &Context) -> impl Future<Output = ServiceResult> + Send {
            assert!(self.0 != "start", "eager in start");
            std::future::ready(Ok(()))
        }
        fn run(&mut self, _cx: &Context) -> impl Future<Output = ServiceResult> + Send {
            assert!(self.0 != "run", "eager in run");
            std::future::ready(Err("ran".into()))
        }
        fn stop(&mut self, _cx: &Context, _exit: &Exit) -> impl Future<Output = ()> + Send {
            assert!(self.0 != "stop", "eager in stop");
            std::future::ready(())
        }
    }
    for (phase, expected) in [("start", "eager in start"), ("run", "eager in run"), ("stop", "ran")] {
        let tree = Supervisor::crashing("tree").child(Child::new("a", move || Eager(phase)));
        let end = tokio::time::timeout(crate::world::secs(60.0), tree.run()).await;
        let error = end.expect("nobody waits for what panicked").unwrap_err();
        let said = format!("{error:#}");
        assert!(said.ends_with(&format!(": {expected}")), "{phase}: {said}");
    }
}

/// Panics when it is dropped.
struct Grenade(&'static str, World);

impl Drop for Grenade {
    fn drop(&mut self) {
        self.1.write(format!("drop {}", self.0));
        if !std::thread::panicking() {
            panic!("{} panics when dropped", self.0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_drop_of_a_service_or_of_its_future_holds_nobody_up() {
    struct Bomb(#[allow(dead_code, reason = "dropped")] Grenade, Probe);
    impl Service for Bomb {
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            self.1.run(cx).await
        }
    }
    let world = World::new();
    let (w, v) = (world.clone(), world.clone());
    let tree = Supervisor::one_for_one("tree")
        .child(world.child("a"))
        .child(Child::new("bomb", move || Bomb(Grenade("service", w.clone()), w.service("bomb"))))
        .child(task("held", move |cx| {
            let world = v.clone();
            async move {
                let _grenade = Grenade("future", world.clone());
                Ok(cx.stopping().await)
            }
        }));
    let tree = started(tree).await;
    world.fail("bomb");
    world.expect(&["start a", "fail bomb", "drop service"]).await;
    world.idle().await;
    world.order("bomb", Order::Panic);
    world.expect(&["panic bomb", "drop service"]).await;
    world.idle().await;
    tree.shutdown().await.unwrap();
    world.expect(&["drop future", "drop service", "stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_drop_of_a_future_does_not_hide_why_it_was_dropped() {
    /// Waits for ever in a phase, with something that cannot be dropped without a panic.
    struct Waits(Phase, World);
    impl Waits {
        async fn wait(&self, phase: Phase) {
            if self.0 == phase {
                let _grenade = Grenade("future", self.1.clone());
                std::future::pending().await
            }
        }
    }
    impl Service for Waits {
        async fn start(&mut self, _cx: &Context) -> ServiceResult {
            self.wait(Phase::Start).await;
            Ok(())
        }
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            self.wait(Phase::Run).await;
            cx.stopping().await;
            Ok(())
        }
        async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
            self.1.write("stop");
            self.wait(Phase::Stop).await;
        }
    }
    for phase in [Phase::Start, Phase::Run, Phase::Stop] {
        let (world, (first, mut tree)) = (World::new(), with_tree("first"));
        let w = world.clone();
        let waits = Child::new("waits", move || Waits(phase, w.clone())).shutdown(secs(0.1));
        let running = tokio::spawn(Supervisor::one_for_one("tree").child(first).child(waits).run());
        let tree = tree.recv().await.expect("it runs");
        world.idle().await;
        tree.shutdown();
        let error = running.await.unwrap().unwrap_err();
        let dropped: Vec<_> = error.dropped().iter().map(|left| (left.path(), left.phase())).collect();
        assert_eq!(dropped, [("tree/waits", Some(phase))], "{error:#}");
    }
    let world = World::new();
    let w = world.clone();
    let late = Child::new("late", move || Waits(Phase::Run, w.clone())).heartbeat(secs(0.1));
    let error = Supervisor::crashing("tree").child(late).run().await.unwrap_err();
    assert!(format!("{error:#}").ends_with("which gave no heartbeat for 100ms"), "{error:#}");
    // What was dropped for its silence is not asked to stop.
    world.expect(&["drop future"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_drop_of_a_future_does_not_hide_that_a_task_has_failed() {
    let world = World::new();
    let tree = Supervisor::crashing("tree").child(task("a", move |cx| {
        let world = world.clone();
        async move {
            let _grenade = Grenade("future", world);
            cx.spawn("refresh", |_| async { Err("no route".into()) });
            Ok(cx.stopping().await)
        }
    }));
    let error = tree.run().await.unwrap_err();
    assert!(format!("{error:#}").ends_with("its task `refresh` failed: no route"), "{error:#}");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_with_what_panics_when_its_service_ends_holds_nobody_up() {
    /// Panics with a payload that panics.
    struct Armed(World);
    impl Drop for Armed {
        fn drop(&mut self) {
            std::panic::panic_any(Grenade("payload", self.0.clone()));
        }
    }
    let world = World::new();
    let w = world.clone();
    let child = task("a", move |cx| {
        let world = w.clone();
        async move {
            cx.spawn("refresh", |_| async move {
                let _armed = Armed(world);
                std::future::pending().await
            });
            tokio::task::yield_now().await;
            if cx.incarnation() == 1 {
                return Err("boom".into());
            }
            Ok(cx.stopping().await)
        }
    });
    let tree = started(Supervisor::one_for_one("tree").child(child)).await;
    world.idle().await;
    assert_eq!(at(&tree, "a").status().unwrap().incarnation(), 2);
    tree.shutdown().await.unwrap();
    world.expect(&["drop payload", "drop payload"]).await;
}

/// Does nothing, and cannot be dropped without a panic.
struct Armed(#[expect(dead_code, reason = "it is dropped")] Grenade);

impl Service for Armed {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_panics_when_another_takes_its_place_does_not_take_that_along() {
    let world = World::new();
    let w = world.clone();
    let a = Child::in_place("a", move || Armed(Grenade("first", w)));
    let tree = started(Supervisor::one_for_one("tree").child(a)).await;
    let a = tree.child::<Armed>("a").unwrap();
    a.replace(Armed(Grenade("second", world.clone()))).await.unwrap();
    a.restart().await.unwrap();
    assert_eq!(world.page(), ["drop first"]);
    tree.shutdown().await.unwrap();
    assert_eq!(world.page(), ["drop second"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_spawned_task_fails_the_service() {
    let tree = Supervisor::crashing("tree").child(task("a", |cx| async move {
        cx.spawn("refresh", |_| async { panic!("no route") });
        Ok(cx.stopping().await)
    }));
    let error = tree.run().await.unwrap_err();
    assert_ends(
        &format!("{error:#}"),
        "supervisor `tree` crashed with its child `tree/a`: its task `refresh` panicked at ",
        ": no route",
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_custom_strategy_escalates_the_failure() {
    let world = World::new();
    let tree = Supervisor::custom("tree", |_| panic!("cannot decide")).child(world.child("a")).child(world.child("b"));
    let mut tree = started(tree).await;
    world.fail("b");
    let error = ended(&mut tree).await.unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "supervisor `tree` escalated the failure of its child `tree/b`: b failed on demand"
    );
    world.expect(&["start a", "start b", "fail b", "stop b", "stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_raises_leaves_the_report() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree")
        .max_restarts(0)
        .raises(|_| -> supervisor_runtime::BoxError { panic!("cannot raise") });
    let mut tree = started(tree.child(world.child("a"))).await;
    world.fail("a");
    let error = ended(&mut tree).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "supervisor `tree` reached its restart limit: more than 0 restarts in 1s; last: `tree/a` failed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_payload_that_is_no_text_is_told_as_such() {
    let tree = Supervisor::crashing("tree").child(task("a", |_| async { std::panic::panic_any(7_u32) }));
    let error = tree.run().await.unwrap_err();
    assert_ends(
        &error.to_string(),
        "supervisor `tree` crashed with its child `tree/a`, which panicked at ",
        ": a panic whose payload is not text",
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_that_is_passed_on_has_not_the_place_of_another() {
    let tree = Supervisor::crashing("tree").child(task("a", |_| async {
        let caught = std::panic::catch_unwind(|| panic!("{}", "x".repeat(100)));
        // Its text may come to lie where that of the other one was.
        drop(caught);
        std::panic::resume_unwind(Box::new("y".repeat(100)))
    }));
    let said = tree.run().await.unwrap_err().to_string();
    assert!(said.contains("which panicked: yyy"), "{said}");
}

#[track_caller]
fn assert_ends(text: &str, start: &str, end: &str) {
    assert!(text.starts_with(start) && text.ends_with(end), "{text:?} is not {start:?} .. {end:?}");
}

#[tokio::test(start_paused = true)]
async fn an_error_that_panics_when_it_is_dropped_leaves_nothing_stuck_when_the_stop_after_it_is_dropped() {
    struct Slow;
    impl Service for Slow {
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            cx.stopping().await;
            let grenade = || {
                if !std::thread::panicking() {
                    panic!("dropped");
                }
            };
            Err(Mistake(grenade).into())
        }
        async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
            std::future::pending().await
        }
    }
    let tree = started(Supervisor::one_for_one("tree").child(Child::new("a", || Slow))).await;
    let error = tree.shutdown().await.unwrap_err();
    assert_eq!(error.stuck().len(), 0, "{error:#}");
}

/// A service that fails, with an error that panics when it is dropped.
fn fails() -> impl Service {
    service_fn(|_cx| async { Err(Mistake(|| panic!("dropped")).into()) })
}

#[tokio::test(start_paused = true)]
async fn errors_that_panic_when_they_are_dropped_may_belong_to_a_group_that_is_dropped() {
    let world = World::new();
    let [a, b] = ["a", "b"].map(|name| Child::new(name, fails).restart(Restart::Temporary));
    let pool = Supervisor::one_for_one("pool").child(a).child(b).child(world.child("c"));
    let tree = started(Supervisor::one_for_one("tree").child(pool)).await;
    for child in ["pool/a", "pool/b"] {
        at(&tree, child).wait_for(State::Gone).await.unwrap();
    }
    at(&tree, "pool").restart().await.unwrap();
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn errors_that_panic_when_they_are_dropped_may_belong_to_replicas_that_are_scaled_away() {
    let world = World::new();
    let w = Child::replicated("w", 3, |_| fails()).restart(Restart::Temporary);
    let tree = started(Supervisor::one_for_one("tree").child(w).child(world.child("c"))).await;
    for replica in ["w[1]", "w[2]"] {
        at(&tree, replica).wait_for(State::Gone).await.unwrap();
    }
    tree.replicas::<Untyped>("w").unwrap().scale_to(1).await.unwrap();
    tree.shutdown().await.unwrap();
}
