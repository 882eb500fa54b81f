//! A runtime is dropped with the tree that runs in it: who waits in a thread or a runtime of its own does not wait for ever.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use supervisor_runtime::{
    Child, Context, Exit, Running, Service, ServiceResult, State, Supervisor, Untyped, service_fn,
};
use tokio::runtime::{Builder, Runtime};

use crate::world::started;

/// What never ends would hold up all tests.
const PATIENCE: Duration = Duration::from_secs(20);

/// Is not ready, and stays in its `stop`.
struct Stays(mpsc::Sender<Context>);

impl Service for Stays {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.not_ready("it never is");
        let _ = self.0.send(cx.clone());
        cx.stopping().await;
        Ok(())
    }

    async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
        std::future::pending().await
    }
}

fn runtimes() -> [Runtime; 2] {
    [Builder::new_current_thread(), Builder::new_multi_thread()].map(|mut it| it.enable_all().build().unwrap())
}

/// A tree with a child `a` inside a supervisor, that has come to its `run`, and that child's context.
fn tree(runtime: &Runtime) -> (Running, Context) {
    let (tell, told) = mpsc::channel();
    let child = Child::new("a", move || Stays(tell.clone())).shutdown(Duration::from_secs(1000));
    let inner = Supervisor::one_for_one("inner").child(child);
    let running = runtime.block_on(async {
        let running = started(Supervisor::one_for_one("tree").child(inner)).await;
        tokio::task::yield_now().await;
        running
    });
    let cx = told.recv_timeout(PATIENCE).expect("it runs");
    (running, cx)
}

/// What it answers, in a thread and a runtime of its own, once it has waited.
fn aside(wait: impl Future<Output = &'static str> + Send + 'static) -> mpsc::Receiver<&'static str> {
    let (tell, told) = mpsc::channel();
    let (begin, begun) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().build().unwrap();
        let mut wait = Box::pin(wait);
        // Once it is polled, it waits.
        let first = runtime
            .block_on(async { std::future::poll_fn(|task| std::task::Poll::Ready(wait.as_mut().poll(task))).await });
        assert!(first.is_pending());
        let _ = begin.send(());
        let _ = tell.send(runtime.block_on(wait));
    });
    begun.recv_timeout(PATIENCE).expect("it waits");
    told
}

#[test]
fn who_waits_elsewhere_is_told_when_the_runtime_of_the_tree_is_dropped() {
    for runtime in runtimes() {
        let (mut running, cx) = tree(&runtime);
        let tree = running.handle();
        let child = tree.child::<Untyped>("inner/a").unwrap();
        let mut events = tree.events();
        let stopping = aside(async move {
            cx.stopping().await;
            "stopping"
        });
        let ready = aside(async move { if tree.wait_ready().await.is_err() { "never ready" } else { "ready" } });
        let restart = aside(async move { if child.restart().await.is_err() { "not restarted" } else { "restarted" } });
        let ended = aside(async move { if running.wait().await.is_err() { "cancelled" } else { "ended" } });
        // Those that have been told already.
        while events.try_next().is_some() {}
        let told = aside(async move {
            while events.next().await.is_some() {}
            "all told"
        });
        drop(runtime);
        let answers = [stopping, ready, restart, ended, told].map(|it| it.recv_timeout(PATIENCE));
        assert_eq!(answers, ["stopping", "never ready", "not restarted", "cancelled", "all told"].map(Ok));
    }
}

#[test]
fn a_blocking_thread_that_waits_for_its_service_to_stop_lets_the_runtime_end() {
    for runtime in runtimes() {
        let blocking = Child::new("blocking", || {
            service_fn(|cx| async move {
                let (stopping, runtime) = (cx.stopping(), tokio::runtime::Handle::current());
                tokio::task::spawn_blocking(move || runtime.block_on(stopping)).await?;
                Ok(())
            })
        });
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            runtime.block_on(async {
                let running = started(Supervisor::one_for_one("tree").child(blocking)).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
                drop(running);
            });
            drop(runtime);
            let _ = tell.send(());
        });
        assert_eq!(told.recv_timeout(PATIENCE), Ok(()));
    }
}

#[test]
fn an_order_in_a_tree_that_is_dropped_is_answered_though_the_child_blocks_its_thread() {
    let (unblock, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(Mutex::new(blocked));
    let (tell, told) = mpsc::channel();
    let blocking = Child::new("blocking", move || {
        let (blocked, tell) = (Arc::clone(&blocked), tell.clone());
        service_fn(move |_| async move {
            let _ = tell.send(());
            let _ = blocked.lock().unwrap().recv();
            Ok(())
        })
    });
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let running = runtime.block_on(started(Supervisor::one_for_one("tree").child(blocking)));
    told.recv_timeout(PATIENCE).expect("it runs");
    let child = running.child::<Untyped>("blocking").unwrap();
    let stop = aside(async move { if child.stop().await.is_err() { "overtaken" } else { "stopped" } });
    drop(running);
    let answer = stop.recv_timeout(PATIENCE);
    // Before the runtime waits for its threads.
    drop(unblock);
    assert_eq!(answer, Ok("overtaken"));
}

#[test]
fn what_waits_for_its_next_incarnation_is_dropped_with_the_runtime() {
    /// Keeps its own context, which keeps the tree.
    struct Keeps {
        cx: Option<Context>,
        _kept: Arc<()>,
    }

    impl Service for Keeps {
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            self.cx = Some(cx.clone());
            Err("it waits for its restart".into())
        }
    }

    for runtime in runtimes() {
        let kept = Arc::new(());
        let theirs = Arc::clone(&kept);
        let hour = Duration::from_secs(3600);
        let keeps = Child::in_place("keeps", move || Keeps { cx: None, _kept: theirs }).backoff(hour..hour);
        let inner = Supervisor::one_for_one("inner").child(keeps);
        runtime.block_on(async {
            let running = started(Supervisor::one_for_one("tree").child(inner)).await;
            let keeps = running.child::<Untyped>("inner/keeps").unwrap();
            keeps.wait_for(State::Delayed).await.unwrap();
            // Its task has come to wait, too.
            tokio::task::yield_now().await;
            std::mem::forget(running);
        });
        drop(runtime);
        assert_eq!(Arc::strong_count(&kept), 1);
    }
}
