//! Restarts where nobody listens and nothing is logged, and so less is told: what a restart in its place does then, seen from
//! outside while it does it.
//!
//! A program of its own: the other tests keep what is logged.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails, and says where")]

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use supervisor_runtime::{
    Child, ChildRef, Context, Exit, Phase, Running, Service, ServiceResult, State, Supervisor, TreeHandle, What,
};
use tokio::sync::mpsc;

/// A service without a `start`, that fails when it is told to, and tells what happens to it.
struct Plain {
    number: usize,
    fails: Arc<tokio::sync::Notify>,
    tell: mpsc::UnboundedSender<String>,
}

impl Service for Plain {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        let _ = self.tell.send(format!("run {} of incarnation {}", self.number, cx.incarnation()));
        match cx.until_stopped(self.fails.notified()).await {
            Some(()) => Err("a failure".into()),
            None => Ok(()),
        }
    }

    async fn stop(&mut self, _cx: &Context, exit: &Exit) {
        let asked = if exit.was_asked() { ", as it was asked to" } else { "" };
        let _ = self.tell.send(format!("stop {} in {}{asked}", self.number, exit.phase()));
    }
}

/// The child of a tree, what makes it fail, and what it tells.
struct Told {
    tree: Running,
    fails: Arc<tokio::sync::Notify>,
    told: mpsc::UnboundedReceiver<String>,
}

/// A tree with one child, of which each incarnation is made after `made` was called with its number and the tree.
async fn tree_with(made: impl Fn(usize, &TreeHandle) + Send + Sync + 'static) -> Told {
    let (fails, tree) = (Arc::new(tokio::sync::Notify::new()), Arc::new(OnceLock::<TreeHandle>::new()));
    let (tell, told) = mpsc::unbounded_channel();
    let (numbers, wakes, handle) = (AtomicUsize::new(0), Arc::clone(&fails), Arc::clone(&tree));
    let child = Child::new("a", move || {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        if let Some(tree) = handle.get() {
            made(number, tree);
        }
        Plain { number, fails: Arc::clone(&wakes), tell: tell.clone() }
    });
    let tree_of_one = Supervisor::one_for_one("tree").max_restarts(100).over(Duration::MAX).child(child);
    let running = tree_of_one.start().await.unwrap();
    assert!(tree.set(running.handle()).is_ok());
    Told { tree: running, fails, told }
}

impl Told {
    async fn expect(&mut self, lines: &[&str]) {
        for line in lines {
            let told = tokio::time::timeout(Duration::from_secs(20), self.told.recv()).await;
            assert_eq!(
                told.unwrap_or_else(|_| panic!("nothing is told, but should be: {line}")).as_deref(),
                Some(*line)
            );
        }
    }
}

fn a(tree: &TreeHandle) -> ChildRef {
    tree.child("a").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_made_anew_is_not_ready_before_it_is_there() {
    let (is_making, may_go_on) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (makes, goes_on) = (Arc::clone(&is_making), Arc::clone(&may_go_on));
    let mut told = tree_with(move |_, _| {
        makes.store(true, Ordering::Relaxed);
        while !goes_on.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
    })
    .await;
    told.fails.notify_one();
    while !is_making.load(Ordering::Relaxed) {
        tokio::task::yield_now().await;
    }
    let a = a(&told.tree.handle());
    let status = a.status().unwrap();
    let tree = told.tree.handle();
    let mut waits: [Pin<Box<dyn Future<Output = _>>>; 3] =
        [Box::pin(a.wait_ready()), Box::pin(a.start()), Box::pin(tree.wait_ready())];
    let polled = waits.each_mut().map(|waits| waits.as_mut().poll(&mut Task::from_waker(Waker::noop())));
    // Before anything is compared: a test that fails must not leave its thread blocked.
    may_go_on.store(true, Ordering::Relaxed);
    assert_eq!((status.state(), status.is_ready(), status.incarnation()), (State::Starting, false, 2));
    assert!(polled.iter().all(Poll::is_pending), "{polled:?}");
    for waits in waits {
        waits.await.unwrap();
    }
    told.expect(&["run 0 of incarnation 1", "stop 0 in run", "run 1 of incarnation 2"]).await;
    told.tree.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_can_never_be_made_again_is_never_ready() {
    let mut told = tree_with(|_, _| panic!("it cannot be made")).await;
    let a = a(&told.tree.handle());
    told.fails.notify_one();
    told.expect(&["run 0 of incarnation 1", "stop 0 in run"]).await;
    while a.status().is_ok_and(|status| status.restarts() == 0) {
        tokio::task::yield_now().await;
    }
    while a.status().unwrap().state() != State::Stopped {
        assert!(!a.status().unwrap().is_ready(), "{:?}", a.status());
        tokio::task::yield_now().await;
    }
    assert!(told.tree.wait().await.is_err(), "it has reached its limit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_asked_to_stop_while_it_is_made_anew_does_not_run() {
    let is_asked = Arc::new(AtomicBool::new(false));
    let asks = Arc::clone(&is_asked);
    let mut told = tree_with(move |number, tree| {
        while number == 1 && a(tree).status().unwrap().state() != State::Stopping {
            asks.store(true, Ordering::Relaxed);
            std::thread::yield_now();
        }
    })
    .await;
    told.fails.notify_one();
    while !is_asked.load(Ordering::Relaxed) {
        tokio::task::yield_now().await;
    }
    a(&told.tree.handle()).stop().await.unwrap();
    told.expect(&["run 0 of incarnation 1", "stop 0 in run", "stop 1 in start, as it was asked to"]).await;
    a(&told.tree.handle()).start().await.unwrap();
    told.expect(&["run 2 of incarnation 3"]).await;
    told.tree.shutdown().await.unwrap();
}

#[tokio::test]
async fn who_cannot_be_made_anew_has_failed_and_is_restarted() {
    let mut told = tree_with(|number, _| assert!(!(1..3).contains(&number), "it cannot be made")).await;
    told.fails.notify_one();
    told.expect(&["run 0 of incarnation 1", "stop 0 in run", "run 3 of incarnation 4"]).await;
    let status = a(&told.tree.handle()).status().unwrap();
    assert_eq!((status.state(), status.restarts()), (State::Running, 3));
    let exit = status.last_exit().unwrap();
    assert_eq!((exit.phase(), exit.is_failure()), (Phase::Create, true));
    told.tree.shutdown().await.unwrap();
}

#[tokio::test]
async fn who_begins_to_listen_while_it_is_made_anew_hears_of_its_start_and_of_the_next_restart() {
    let events = Arc::new(std::sync::Mutex::new(None));
    let hears = Arc::clone(&events);
    let mut told = tree_with(move |_, tree| {
        hears.lock().unwrap().get_or_insert_with(|| (tree.snapshot().unwrap().to_string(), tree.events()));
    })
    .await;
    told.fails.notify_one();
    told.expect(&["run 0 of incarnation 1", "stop 0 in run", "run 1 of incarnation 2"]).await;
    told.fails.notify_one();
    told.expect(&["stop 1 in run", "run 2 of incarnation 3"]).await;
    let (shown, mut events) = events.lock().unwrap().take().unwrap();
    assert!(shown.contains("starting"), "{shown}");
    let mut page = Vec::new();
    while let Some(event) = events.try_next() {
        page.push(event.unwrap());
    }
    let what: Vec<_> = page.iter().map(|event| event.what()).collect();
    let is_told =
        matches!(what[..], [What::Started, What::Failed(_), What::Restarting { .. }, What::Starting, What::Started]);
    assert!(is_told, "{what:?}");
    told.tree.shutdown().await.unwrap();
}

/// Fails at once, or after a while.
struct Crash(Arc<AtomicUsize>);

impl Service for Crash {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        assert_eq!(self.0.fetch_add(1, Ordering::Relaxed), 0, "there is another incarnation of it");
        if cx.incarnation().is_multiple_of(3) {
            tokio::task::yield_now().await;
        }
        self.0.fetch_sub(1, Ordering::Relaxed);
        Err("a failure".into())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_steered_while_it_crashes_in_a_loop_is_where_it_is_said_to_be() {
    const CHILDREN: usize = 4;
    let alive: Vec<Arc<AtomicUsize>> = (0..CHILDREN).map(|_| Arc::default()).collect();
    let of = alive.clone();
    let crash = Child::replicated("crash", CHILDREN, move |index| Crash(Arc::clone(&of[index])));
    let tree = Supervisor::one_for_one("tree").max_restarts(u32::MAX).child(crash).start().await.unwrap();
    let steered: Vec<_> = (0..CHILDREN)
        .map(|index| {
            let (tree, alive) = (tree.handle(), Arc::clone(&alive[index]));
            tokio::spawn(async move {
                let crash: ChildRef<Crash> = tree.child(&format!("crash[{index}]")).unwrap();
                for turn in 0..200 {
                    crash.stop().await.unwrap();
                    assert_eq!(crash.status().unwrap().state(), State::Stopped, "in turn {turn}");
                    assert_eq!(alive.load(Ordering::Relaxed), 0, "in turn {turn}");
                    crash.start().await.unwrap();
                    assert_ne!(crash.status().unwrap().state(), State::Stopped, "in turn {turn}");
                    crash.restart().await.unwrap();
                }
            })
        })
        .collect();
    for steers in steered {
        tokio::time::timeout(Duration::from_secs(60), steers).await.expect("each order is answered").unwrap();
    }
    tree.shutdown().await.unwrap();
}
