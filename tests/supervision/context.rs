//! What a service can do with its context.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Poll, Wake, Waker};

use supervisor_runtime::{Child, Context, Exit, Restart, Service, ServiceResult, Supervisor};
use tokio::time::Instant;

use crate::world::{World, at, secs, started, task, time_of};

/// Polls a future with a waker of its own, as `FuturesUnordered` does.
struct OwnWaker<F>(Pin<Box<F>>, Arc<Flag>);

#[derive(Default)]
struct Flag(Mutex<(bool, Option<Waker>)>);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        let mut flag = self.0.lock().unwrap();
        flag.0 = true;
        if let Some(waker) = flag.1.take() {
            waker.wake();
        }
    }
}

impl<F: Future> OwnWaker<F> {
    fn new(future: F) -> Self {
        let flag = Flag::default();
        flag.0.lock().unwrap().0 = true;
        Self(Box::pin(future), Arc::new(flag))
    }
}

impl<F: Future> Future for OwnWaker<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<F::Output> {
        let flag = Arc::clone(&self.1);
        {
            let mut flag = flag.0.lock().unwrap();
            flag.1 = Some(task.waker().clone());
            // It is polled only when it was woken itself.
            if !std::mem::take(&mut flag.0) {
                return Poll::Pending;
            }
        }
        self.0.as_mut().poll(&mut Task::from_waker(&Waker::from(flag)))
    }
}

#[tokio::test(start_paused = true)]
async fn stopping_is_heard_in_the_own_task_in_other_tasks_and_under_other_wakers() {
    let world = World::new();
    let w = world.clone();
    let tree = Supervisor::one_for_one("tree").child(task("a", move |cx| {
        let world = w.clone();
        async move {
            let (other, spawned, w) = (cx.stopping(), cx.clone(), world.clone());
            let (v, u) = (world.clone(), world.clone());
            tokio::spawn(async move {
                other.await;
                w.write("in another task");
            });
            cx.spawn("own", move |cx| async move {
                cx.stopping().await;
                v.write("in its own task");
                Ok(())
            });
            OwnWaker::new(async move {
                tokio::select! {
                    () = std::future::pending() => {}
                    () = spawned.stopping() => u.write("under another waker"),
                }
            })
            .await;
            cx.stopping().await;
            world.write("stopped");
            tokio::task::yield_now().await;
            Ok(())
        }
    }));
    let tree = started(tree).await;
    world.idle().await;
    assert_eq!(world.page(), [""; 0]);
    tree.shutdown().await.unwrap();
    world.idle().await;
    let mut page = world.page();
    page.sort();
    assert_eq!(page, ["in another task", "in its own task", "stopped", "under another waker"]);
}

#[tokio::test(start_paused = true)]
async fn sleep_interval_and_until_stopped_end_when_stopping_begins() {
    let world = World::new();
    let w = world.clone();
    let tree = Supervisor::one_for_one("tree").child(task("a", move |cx| {
        let world = w.clone();
        async move {
            world.write(format!("slept: {:?}", cx.sleep(secs(1.0)).await));
            world.write(format!("waited: {:?}", cx.until_stopped(async { 7 }).await));
            let mut ticks = cx.interval(secs(1.0));
            while ticks.tick().await.is_some() {
                world.write("tick");
            }
            world.write(format!("stopping: {}", cx.is_stopping()));
            world.write(format!("slept: {:?}", cx.sleep(secs(1000.0)).await));
            world.write(format!("waited: {:?}", cx.until_stopped(std::future::pending::<()>()).await));
            Ok(cx.stopping().await)
        }
    }));
    let tree = started(tree).await;
    tokio::time::sleep(secs(3.5)).await;
    tree.shutdown().await.unwrap();
    world
        .expect_timed(&[
            "1000 slept: Some(())",
            "1000 waited: Some(7)",
            "1000 tick",
            "2000 tick",
            "3000 tick",
            "3500 stopping: true",
            "3500 slept: None",
            "3500 waited: None",
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_interval_skips_the_ticks_that_were_missed() {
    let world = World::new();
    let w = world.clone();
    let tree = Supervisor::one_for_one("tree").child(task("a", move |cx| {
        let world = w.clone();
        async move {
            let (mut ticks, mut busy) = (cx.interval(secs(1.0)), true);
            while ticks.tick().await.is_some() {
                world.write("tick");
                if std::mem::take(&mut busy) {
                    tokio::time::sleep(secs(2.5)).await;
                }
            }
            Ok(())
        }
    }));
    let tree = started(tree).await;
    world.expect_timed(&["0 tick", "2500 tick", "3000 tick", "4000 tick"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_service_knows_its_path_and_its_index() {
    let world = World::new();
    let tell = |world: &World| {
        let world = world.clone();
        move |cx: Context| {
            world.write(format!("{} {} {cx:?}", cx.path(), cx.index()));
            async move { Ok(cx.stopping().await) }
        }
    };
    let (worker, w) = (tell(&world), world.clone());
    let pool = Supervisor::one_for_one("pool")
        .child(Child::replicated("w", 2, move |_| supervisor_runtime::service_fn(worker.clone())));
    let inner = Supervisor::one_for_all(supervisor_runtime::ANONYMOUS).child(task("b", tell(&w))).child(pool);
    let tree = started(Supervisor::one_for_one("orders").child(task("a", tell(&w))).child(inner)).await;
    world
        .expect(&[
            "orders/a 0 Context { path: \"orders/a\", incarnation: 1 }",
            "orders/b 0 Context { path: \"orders/b\", incarnation: 1 }",
            "orders/pool/w[0] 0 Context { path: \"orders/pool/w[0]\", incarnation: 1 }",
            "orders/pool/w[1] 1 Context { path: \"orders/pool/w[1]\", incarnation: 1 }",
        ])
        .await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_service_can_shut_the_tree_down_and_is_stopped_with_it() {
    let world = World::new();
    let inner = Supervisor::one_for_one("group").child(task("stopper", |cx| async move {
        tokio::time::sleep(secs(1.0)).await;
        cx.tree().shutdown();
        cx.stopping().await;
        Err("asked, so that this is no failure".into())
    }));
    let tree = Supervisor::one_for_one("tree").child(world.child("a")).child(inner).child(world.child("b"));
    let (took, end) = time_of(tree.run()).await;
    end.unwrap();
    assert_eq!(took, secs(1.0));
    world.expect(&["start a", "start b", "stop b", "stop a"]).await;
}

/// Gives its context away and then does as it is told.
struct Leaky(crate::probe::Probe, Arc<Mutex<Option<Context>>>);

impl Service for Leaky {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        *self.1.lock().unwrap() = Some(cx.clone());
        self.0.start(cx).await
    }
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        self.0.run(cx).await
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_context_says_stopping_for_good_and_spawns_nothing() {
    use crate::world::Order;
    // (how the incarnation ends, its restart type, its backoff): restarted, waiting, done, stopped with its tree
    let table = [
        (Some(Order::Fail), Restart::Permanent, false),
        (Some(Order::Fail), Restart::Permanent, true),
        (Some(Order::Finish), Restart::Transient, false),
        (Some(Order::Fail), Restart::Temporary, false),
        (Some(Order::Forfeit), Restart::Permanent, false),
        (None, Restart::Permanent, false),
    ];
    for row in table {
        let (order, restart, waits) = row;
        let world = World::new();
        let given = Arc::new(Mutex::new(None));
        let (w, g) = (world.clone(), Arc::clone(&given));
        let mut child = Child::new("a", move || Leaky(w.service("a"), Arc::clone(&g))).restart(restart);
        if waits {
            world.plan("a", [crate::world::Act::Fail]);
            child = child.backoff(secs(1000.0)..secs(1000.0));
        }
        let tree = started(Supervisor::one_for_one("tree").child(child).child(world.child("b"))).await;
        world.idle().await;
        let cx: Context = given.lock().unwrap().take().unwrap();
        let (stopping, running) = (cx.stopping(), !cx.is_stopping());
        assert!(running, "{row:?}");
        let tree = match order {
            Some(order) => {
                world.order("a", order);
                world.idle().await;
                Some(tree)
            }
            None => {
                tree.shutdown().await.unwrap();
                None
            }
        };
        assert!(cx.is_stopping(), "{row:?}");
        tokio::time::timeout(secs(1.0), stopping).await.unwrap_or_else(|_| panic!("{row:?}: nobody told it"));
        let w = world.clone();
        cx.spawn("late", move |_| async move {
            w.write("spawned after the end");
            Ok(())
        });
        world.idle().await;
        assert!(!world.page().contains(&"spawned after the end".to_owned()), "{row:?}");
        drop(tree);
    }
}

#[tokio::test(start_paused = true)]
async fn the_clock_of_a_tree_is_the_runtime_s() {
    let start = Instant::now();
    let tree = Supervisor::one_for_one("tree").child(task("a", |cx| async move {
        let _ = cx.sleep(secs(3600.0)).await;
        cx.tree().shutdown();
        Ok(cx.stopping().await)
    }));
    tree.run().await.unwrap();
    assert_eq!(start.elapsed(), secs(3600.0));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_one_incarnation_after_the_other_to_stop_and_then_lets_go_of_the_first_hears_of_the_second() {
    let (give, mut given) = tokio::sync::mpsc::unbounded_channel();
    let child = task("a", move |cx| {
        give.send(cx.clone()).unwrap();
        async move { Ok(cx.stopping().await) }
    });
    let tree = started(Supervisor::one_for_one("tree").child(child)).await;
    let restart = async || at(&tree, "a").restart().await.unwrap();
    let (says, mut waits) = tokio::sync::mpsc::unbounded_channel();
    let waiter = tokio::spawn(async move {
        let first = given.recv().await.unwrap();
        let mut first = Box::pin(first.stopping());
        poll_fn(|task| Poll::Ready(assert!(first.as_mut().poll(task).is_pending()))).await;
        says.send(()).unwrap();
        let second = given.recv().await.unwrap();
        let mut second = Box::pin(second.stopping());
        poll_fn(|task| Poll::Ready(assert!(second.as_mut().poll(task).is_pending()))).await;
        drop(first);
        says.send(()).unwrap();
        second.await;
    });
    waits.recv().await.unwrap();
    restart().await;
    waits.recv().await.unwrap();
    restart().await;
    tokio::time::timeout(secs(60.0), waiter).await.expect("it is woken").unwrap();
    tree.shutdown().await.unwrap();
}

/// Fails, and sleeps in its `stop`.
struct SleepsInStop {
    world: World,
    says_ready: bool,
}

impl Service for SleepsInStop {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        if self.says_ready {
            cx.not_ready("warming up");
            cx.ready();
        }
        if cx.incarnation() == 1 { Err("failed".into()) } else { Ok(cx.stopping().await) }
    }

    async fn stop(&mut self, cx: &Context, exit: &Exit) {
        if !exit.was_asked() {
            self.world.write(format!("{:?} {}", cx.sleep(secs(1.0)).await, cx.is_stopping()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn in_the_stop_after_a_failure_stopping_has_begun_as_in_any_other() {
    for says_ready in [false, true] {
        let world = World::new();
        let w = world.clone();
        let child = Child::new("a", move || SleepsInStop { world: w.clone(), says_ready });
        let tree = started(Supervisor::one_for_one("tree").child(child)).await;
        tokio::time::sleep(secs(10.0)).await;
        tree.shutdown().await.unwrap();
        assert_eq!(world.page(), ["None true"], "{says_ready}");
    }
}
