//! The tasks that a service spawns, and the heartbeat that it gives.

use supervisor_runtime::{Child, Context, Exit, Service, ServiceResult, Supervisor, Untyped, service_fn};

use crate::world::{Act, World, ended, secs, started, task};

/// Spawns a probe in a task, runs until it is asked to stop, and tells how it ended.
struct Parent {
    world: World,
    child: &'static str,
    linger: f64,
}

impl Service for Parent {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        self.world.write("run parent");
        let (world, child) = (self.world.clone(), self.child);
        cx.spawn(child, move |cx| async move {
            let mut probe = world.service(child);
            probe.start(&cx).await?;
            probe.run(&cx).await
        });
        let cx = cx.clone();
        self.world.present("parent", async move { Ok(cx.stopping().await) }).await
    }

    async fn stop(&mut self, _cx: &Context, exit: &Exit) {
        tokio::time::sleep(secs(self.linger)).await;
        let because =
            exit.error().map_or_else(|| exit.to_string(), |error| format!("{error}: {}", error.source().unwrap()));
        self.world.write(format!("stop parent: {because}"));
    }
}

fn parent(world: &World, child: &'static str, linger: f64) -> Child<Parent> {
    let world = world.clone();
    Child::new("parent", move || Parent { world: world.clone(), child, linger })
}

#[tokio::test(start_paused = true)]
async fn the_failure_of_a_task_fails_the_service() {
    let world = World::new();
    let tree = started(Supervisor::one_for_one("tree").child(parent(&world, "task", 0.0))).await;
    world.expect(&["run parent", "start task"]).await;
    world.fail("task");
    world
        .expect(&[
            "fail task",
            "drop parent",
            "stop parent: its task `task` failed: task failed on demand",
            "run parent",
            "start task",
        ])
        .await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_task_is_asked_to_stop_when_run_has_ended_and_dropped_when_stop_has() {
    // It stops when it is asked; it takes too long; it does not listen.
    let table: [(Act, f64, &[&str]); 3] = [
        (Act::SlowStop(secs(1.0)), 2.0, &["2000 stop parent: stopped"]),
        (Act::SlowStop(secs(3.0)), 2.0, &["2000 stop parent: stopped", "2000 drop task"]),
        (Act::IgnoreStop, 0.0, &["0 stop parent: stopped", "0 drop task"]),
    ];
    for (act, linger, expected) in table {
        let world = World::new();
        world.plan("task", [act]);
        let tree = started(Supervisor::one_for_one("tree").child(parent(&world, "task", linger))).await;
        world.expect(&["run parent", "start task"]).await;
        tree.shutdown().await.unwrap();
        world.expect_timed(expected).await;
        assert_eq!(world.alive(), 0, "{act:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_hears_of_the_end_of_a_service_that_ended_by_itself() {
    struct Short(World);
    impl Service for Short {
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            let world = self.0.clone();
            cx.spawn("flush", move |cx| async move {
                cx.stopping().await;
                world.write("flushed");
                Ok(())
            });
            tokio::time::sleep(secs(1.0)).await;
            Err("run ended".into())
        }
        async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
            tokio::time::sleep(secs(1.0)).await;
            self.0.write("stop");
        }
    }
    let world = World::new();
    let w = world.clone();
    let tree = Supervisor::one_for_one("tree").max_restarts(0).child(Child::new("a", move || Short(w.clone())));
    let mut tree = started(tree).await;
    ended(&mut tree).await.unwrap_err();
    world.expect_timed(&["1000 flushed", "2000 stop"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_never_outlives_its_incarnation_whatever_ends_it() {
    for order in [crate::world::Order::Fail, crate::world::Order::Panic] {
        let world = World::new();
        world.plan("task", [Act::IgnoreStop; 2]);
        let w = world.clone();
        let tree = Supervisor::one_for_one("tree").child(task("a", move |cx| {
            let world = w.clone();
            async move {
                let v = world.clone();
                cx.spawn("task", move |cx| async move {
                    let mut probe = v.service("task");
                    probe.start(&cx).await?;
                    probe.run(&cx).await
                });
                let mut probe = world.service("a");
                probe.start(&cx).await?;
                probe.run(&cx).await
            }
        }));
        let tree = started(tree).await;
        world.idle().await;
        world.page();
        world.order("a", order);
        world.idle().await;
        let page = world.page();
        let dropped = page.iter().position(|line| line == "drop task").expect("it was dropped");
        let again = page.iter().position(|line| line == "start a").expect("it was restarted");
        assert!(dropped < again, "{page:?}");
        tree.shutdown().await.unwrap();
        assert_eq!(world.alive(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_task_spawns_when_it_is_dropped_is_not_left_behind() {
    /// Spawns another when it is dropped.
    struct Heir(Context, World);

    impl Drop for Heir {
        fn drop(&mut self) {
            let world = self.1.clone();
            world.write("drop task");
            self.0.spawn("heir", move |_| async move {
                world.write("run heir");
                Ok(())
            });
        }
    }

    let world = World::new();
    let theirs = world.clone();
    let parent = Child::new("parent", move || {
        let world = theirs.clone();
        service_fn(move |cx| async move {
            let heir = Heir(cx.clone(), world);
            cx.spawn("task", move |_| async move {
                let _heir = heir;
                std::future::pending().await
            });
            Ok(cx.stopping().await)
        })
    });
    let tree = started(Supervisor::one_for_one("tree").child(parent)).await;
    tree.child::<Untyped>("parent").unwrap().restart().await.unwrap();
    world.expect(&["drop task"]).await;
    tree.shutdown().await.unwrap();
    world.expect(&["drop task"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_done_is_no_failure_and_tasks_may_spawn_tasks() {
    let world = World::new();
    let w = world.clone();
    let tree = Supervisor::one_for_one("tree").child(task("a", move |cx| {
        let world = w.clone();
        async move {
            cx.spawn("outer", move |cx| async move {
                cx.spawn("inner", move |_| async move {
                    world.write("inner");
                    Err("inner failed".into())
                });
                Ok(())
            });
            Ok(cx.stopping().await)
        }
    }));
    let error = tree.max_restarts(0).run().await.unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "supervisor `tree` reached its restart limit: more than 0 restarts in 1s; last: `tree/a` failed: \
         its task `inner` failed: inner failed"
    );
    world.expect(&["inner"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_gives_no_heartbeat_is_dropped_without_stop_and_restarted() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree").child(world.child("a").heartbeat(secs(30.0))).child(world.child("b"));
    let tree = started(tree).await;
    world
        .expect_timed(&["0 start a", "0 start b", "30000 drop a", "30000 start a", "60000 drop a", "60000 start a"])
        .await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn heartbeats_keep_a_service_alive_until_they_end() {
    let world = World::new();
    let w = world.clone();
    let beats = task("a", move |cx| {
        let world = w.clone();
        async move {
            world.write(format!("run after {}", cx.last_exit().map_or("nothing".to_owned(), |exit| exit.to_string())));
            for _ in 0..10 {
                tokio::time::sleep(secs(29.0)).await;
                cx.heartbeat();
            }
            std::future::pending().await
        }
    });
    let tree = started(Supervisor::one_for_one("tree").child(beats.heartbeat(secs(30.0)))).await;
    world.expect_timed(&["0 run after nothing", "320000 run after gave no heartbeat for 30s"]).await;
    // Without the option a heartbeat does nothing.
    drop(tree);
}

#[tokio::test(start_paused = true)]
async fn the_heartbeat_does_not_watch_start_or_stop() {
    let world = World::new();
    world.plan("a", [Act::SlowStart(secs(100.0))]);
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a").heartbeat(secs(30.0)))).await;
    world.expect_timed(&["0 start a", "100000 started a"]).await;
    tokio::time::sleep(secs(29.0)).await;
    tree.shutdown().await.unwrap();
    world.expect_timed(&["129000 stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn once_stopping_began_the_shutdown_keeps_the_time_and_not_the_heartbeat() {
    let world = World::new();
    world.plan("a", [Act::SlowStop(secs(60.0))]);
    let child = world.child("a").heartbeat(secs(30.0)).shutdown(secs(100.0));
    let tree = started(Supervisor::one_for_one("tree").child(child)).await;
    tokio::time::sleep(secs(20.0)).await;
    tree.shutdown().await.unwrap();
    world.expect_timed(&["0 start a", "80000 stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_of_an_earlier_incarnation_does_not_keep_the_current_one_alive() {
    let world = World::new();
    let (w, old) = (world.clone(), std::sync::Arc::new(std::sync::Mutex::new(None::<Context>)));
    let kept = std::sync::Arc::clone(&old);
    let child = task("a", move |cx| {
        w.write(format!("run {}", cx.incarnation()));
        let first = cx.incarnation() == 1;
        if first {
            *kept.lock().unwrap() = Some(cx.clone());
        }
        async move { if first { Err("once".into()) } else { std::future::pending().await } }
    });
    let tree = started(Supervisor::one_for_one("tree").child(child.heartbeat(secs(30.0)))).await;
    let old = old.lock().unwrap().take().unwrap();
    let beats = tokio::spawn(async move {
        loop {
            tokio::time::sleep(secs(10.0)).await;
            old.heartbeat();
        }
    });
    world.expect_timed(&["0 run 1", "0 run 2", "30000 run 3"]).await;
    beats.abort();
    drop(tree);
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_follows_a_failure_may_take_longer_than_the_heartbeat() {
    /// Fails after a second, and takes a minute to clean up.
    struct Slow(World);

    impl Service for Slow {
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            self.0.write("run");
            cx.sleep(secs(1.0)).await;
            Err("broken".into())
        }

        async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
            tokio::time::sleep(secs(60.0)).await;
            self.0.write("stopped");
        }
    }

    let world = World::new();
    let w = world.clone();
    let child = Child::new("a", move || Slow(w.clone())).heartbeat(secs(2.0)).shutdown(secs(100.0));
    let tree = started(Supervisor::one_for_one("tree").child(child)).await;
    world.expect_timed(&["0 run", "61000 stopped", "61000 run"]).await;
    drop(tree);
}

/// Takes a second to clean up; its tasks fail when it is asked to stop, or at once.
struct CleansUp {
    world: World,
    fail_at_once: bool,
}

impl Service for CleansUp {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        let at_once = self.fail_at_once && cx.incarnation() == 1;
        for name in ["reader", "writer"] {
            cx.spawn(name, move |cx| async move {
                if !at_once {
                    cx.stopping().await;
                }
                Err("the connection was closed".into())
            });
        }
        cx.stopping().await;
        tokio::time::sleep(secs(1.0)).await;
        self.world.write(format!("drained {}", cx.incarnation()));
        Ok(())
    }

    async fn stop(&mut self, cx: &Context, _exit: &Exit) {
        self.world.write(format!("stop {}", cx.incarnation()));
        tokio::time::sleep(secs(1.0)).await;
        self.world.write(format!("stopped {}", cx.incarnation()));
    }
}

fn cleans_up(world: &World, fail_at_once: bool) -> Child<CleansUp> {
    let world = world.clone();
    Child::new("a", move || CleansUp { world: world.clone(), fail_at_once })
}

#[tokio::test(start_paused = true)]
async fn tasks_that_fail_while_their_service_stops_cut_off_neither_run_nor_stop() {
    let world = World::new();
    let tree = started(Supervisor::one_for_one("tree").child(cleans_up(&world, false))).await;
    world.idle().await;
    tree.shutdown().await.unwrap();
    assert_eq!(world.page(), ["drained 1", "stop 1", "stopped 1"]);
}

#[tokio::test(start_paused = true)]
async fn stop_is_called_in_full_for_a_service_of_which_two_tasks_fail_together() {
    let world = World::new();
    let tree = started(Supervisor::one_for_one("tree").child(cleans_up(&world, true))).await;
    tokio::time::sleep(secs(10.0)).await;
    tree.shutdown().await.unwrap();
    assert_eq!(world.page(), ["stop 1", "stopped 1", "drained 2", "stop 2", "stopped 2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_task_may_be_spawned_from_a_thread_that_knows_no_runtime() {
    let (tell, told) = tokio::sync::oneshot::channel();
    let tell = std::sync::Mutex::new(Some(tell));
    let child = Child::new("a", move || {
        let tell = tell.lock().unwrap().take().expect("it never fails");
        supervisor_runtime::service_fn(|cx| async move {
            let of_task = cx.clone();
            std::thread::spawn(move || {
                of_task.spawn("task", |cx| async move {
                    let _ = tell.send(());
                    Ok(cx.stopping().await)
                });
            });
            Ok(cx.stopping().await)
        })
    });
    let tree = started(Supervisor::one_for_one("tree").child(child)).await;
    told.await.expect("the task runs");
    tree.shutdown().await.unwrap();
}
