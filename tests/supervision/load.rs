//! What a tree costs others: one that is busy leaves room, one that is idle costs nothing.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context as Task, Wake, Waker};
use std::time::Duration;

use supervisor_runtime::{BoxError, Child, ServiceFn, State, Supervisor, Untyped, service_fn};
use tokio::runtime::Handle;

use crate::world::{World, secs, started, task};

/// Runs a test that would never end if it failed, and fails it then.
fn within_time(test: impl AsyncFnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test());
        let _ = done.send(());
    });
    wait.recv_timeout(Duration::from_secs(30)).expect("somebody starves");
}

/// Lets others run a thousand times, then ends.
async fn others() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[test]
fn a_child_that_fails_without_ever_waiting_starves_nobody() {
    within_time(async || {
        let hot = || task("hot", |_| async { Err("at once".into()) });
        let tree = started(Supervisor::one_for_one("tree").max_restarts(u32::MAX).child(hot())).await;
        tokio::spawn(others()).await.unwrap();
        tree.shutdown().await.unwrap();
    });
}

#[test]
fn a_child_that_computes_before_it_fails_lets_others_run_after_each_time_also_if_somebody_listens() {
    within_time(async || {
        for listens in [false, true] {
            let runs = Arc::new(AtomicU32::new(0));
            let counted = Arc::clone(&runs);
            let hot = task("hot", move |_| {
                counted.fetch_add(1, Ordering::Relaxed);
                // As good as computing: nobody else runs.
                std::thread::sleep(Duration::from_millis(1));
                async { Err("after a while".into()) }
            });
            let tree = started(Supervisor::one_for_one("tree").max_restarts(u32::MAX).child(hot)).await;
            let listener = listens.then(|| tree.events());
            for _ in 0..20 {
                let before = runs.load(Ordering::Relaxed);
                tokio::task::yield_now().await;
                assert!(runs.load(Ordering::Relaxed) - before < 10, "others wait, listening: {listens}");
            }
            tree.shutdown().await.unwrap();
            drop(listener);
        }
    });
}

#[test]
fn a_child_whose_factory_fails_without_ever_waiting_starves_nobody() {
    within_time(async || {
        let first = std::sync::atomic::AtomicBool::new(true);
        let hot = Child::new("hot", move || match first.swap(false, std::sync::atomic::Ordering::Relaxed) {
            true => Ok::<ServiceFn<_>, BoxError>(service_fn(|_| async { Err("at once".into()) })),
            false => Err("at once".into()),
        });
        let tree = started(Supervisor::one_for_one("tree").max_restarts(u32::MAX).child(hot)).await;
        tokio::spawn(others()).await.unwrap();
        tree.shutdown().await.unwrap();
    });
}

#[test]
fn a_group_that_restarts_without_ever_waiting_starves_nobody() {
    within_time(async || {
        let hot = |name| task(name, |_| async { Err("at once".into()) });
        let group = Supervisor::one_for_all("group").max_restarts(u32::MAX).child(hot("a")).child(hot("b"));
        let tree = Supervisor::forfeit_one_for_one("tree").child(group);
        let mut tree = Box::pin(tree.run());
        tokio::select! {
            biased;
            () = async { tokio::spawn(others()).await.unwrap() } => {}
            end = &mut tree => panic!("it ended: {end:?}"),
        }
    });
}

#[tokio::test(start_paused = true)]
async fn an_idle_tree_of_ten_thousand_children_sleeps() {
    let parks_in_a_day = async || {
        let before = Handle::current().metrics().worker_park_count(0);
        tokio::time::sleep(Duration::from_secs(86_400)).await;
        Handle::current().metrics().worker_park_count(0) - before
    };
    let alone = parks_in_a_day().await;
    let idle = |_| service_fn(|cx| async move { Ok(cx.stopping().await) });
    let pool = |name: &'static str| Supervisor::rest_for_one(name).child(Child::replicated("w", 2_500, idle));
    let tree = Supervisor::one_for_all("tree").child(pool("a")).child(pool("b")).child(pool("c")).child(pool("d"));
    let tree = started(tree).await;
    parks_in_a_day().await;
    // A timer that is a day away may take a few looks, more or less; a tree that polls would take thousands.
    let parks = parks_in_a_day().await;
    assert!(parks <= alone + 4, "{parks} wake-ups in a day, {alone} without a tree");
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_a_tree_that_has_ended() {
    let world = World::new();
    let alone = Handle::current().metrics().num_alive_tasks();
    let group = Supervisor::one_for_all("group").child(world.replicas("w", 10)).child(world.child("b"));
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a")).child(group)).await;
    world.fail("w3");
    world.idle().await;
    tree.shutdown().await.unwrap();
    tokio::time::sleep(secs(0.001)).await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), alone);
}

#[tokio::test(start_paused = true)]
async fn who_has_waited_for_an_idle_tree_is_not_kept() {
    let world = World::new();
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a"))).await;
    let a = tree.child::<Untyped>("a").unwrap();
    // What a task's waker keeps alive is told by what the task owns.
    let owned = Arc::new(());
    for _ in 0..10 {
        let (a, owned) = (a.clone(), Arc::clone(&owned));
        let waits = async move { tokio::time::timeout(secs(1.0), a.wait_for(State::Stopped)).await.unwrap_err() };
        let woken = Arc::new(Bell(owned));
        let waker = Waker::from(Arc::clone(&woken));
        let mut waits = Box::pin(waits);
        assert!(waits.as_mut().poll(&mut Task::from_waker(&waker)).is_pending());
    }
    assert_eq!(Arc::strong_count(&owned), 1, "wakers are kept");
    tree.shutdown().await.unwrap();
}

struct Bell(#[expect(dead_code, reason = "only counted")] Arc<()>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {}
}
