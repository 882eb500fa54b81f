//! The program under test: a `main` that runs a tree, in one of many ways.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use supervisor_runtime::{
    Child, Context, Exit, Restart, Service, ServiceResult, Shutdown, Supervisor, TreeError, service_fn,
};
use tokio::runtime::{Builder, Runtime};

/// How long what does not listen may take to stop.
pub(crate) const SHUTDOWN: Duration = Duration::from_millis(100);

/// Not a test: the program that the tests start.
#[test]
#[ignore = "the program under test, which the other tests start"]
fn the_program() {
    let Ok(mode) = std::env::var("PROGRAM") else { return };
    // The test runner's own line has no end yet.
    println!();
    let runtime = if mode.contains("two threads") || mode == "blocked" {
        Builder::new_multi_thread().worker_threads(2).enable_time().build()
    } else {
        Builder::new_current_thread().enable_time().build()
    };
    let runtime = runtime.unwrap();
    match &*mode {
        "before" => {
            println!("no tree runs");
            park();
        }
        "two trees" => {
            let both = async { tokio::join!(tree_of("a").run(), tree_of("b").run()) };
            let (one, other) = runtime.block_on(both);
            end(one.and(other));
        }
        "done" => {
            let done = Child::new("done", || service_fn(|_| async { Ok(()) })).restart(Restart::Transient);
            runtime.block_on(Supervisor::one_for_one("program").child(done).run()).unwrap();
            println!("run returned Ok(())");
            park();
        }
        "dropped" => {
            let ended = runtime.block_on(async { tokio::time::timeout(SHUTDOWN, tree_of("a").run()).await });
            assert!(ended.is_err());
            println!("run was dropped");
            park();
        }
        "blocking call, and a runtime that waits" => {
            assert!(runtime.block_on(tree(&mode).run()).is_err());
            println!("run returned an error");
            // As `#[tokio::main]` does.
            drop(runtime);
            println!("it has not waited");
        }
        mode => run(&runtime, tree(mode)),
    }
}

/// As `main` does, but without waiting for threads that are blocked.
fn run(runtime: &Runtime, tree: Supervisor) -> ! {
    end(runtime.block_on(tree.run()))
}

fn end(end: Result<(), TreeError>) -> ! {
    if let Err(error) = end {
        // As `main` does with an error that it returns.
        eprintln!("Error: {error:?}");
        std::process::exit(1);
    }
    println!("run returned Ok(())");
    std::process::exit(0);
}

fn park() -> ! {
    loop {
        std::thread::park();
    }
}

fn tree_of(name: &'static str) -> Supervisor {
    Supervisor::one_for_one("program").child(Child::new(name, move || Told(name)))
}

fn tree(mode: &str) -> Supervisor {
    let crashing = || Supervisor::crashing("program").child(Child::new("a", || Told("a")));
    let restarting = || Supervisor::one_for_one("program").max_restarts(u32::MAX).child(Child::new("a", || Told("a")));
    match mode {
        "graceful" | "graceful on two threads" => crashing().child(Child::new("b", || Told("b"))),
        "deaf" => crashing().child(Child::new("deaf", || Deaf).shutdown(Shutdown::Infinity)),
        "slow stop" => crashing().child(Child::new("b", || Slow).shutdown(Shutdown::Infinity)),
        "wedged" => crashing().child(Child::new("wedge", || Wedge)),
        "wedged on two threads" => crashing().child(Child::replicated("wedge", 2, |_| Wedge)),
        "blocked" => crashing().child(Child::new("blocked", || Blocked).shutdown(SHUTDOWN)),
        "blocking call" | "blocking call, and a runtime that waits" => {
            crashing().child(Child::new("caller", || Caller).shutdown(SHUTDOWN))
        }
        "starting" => crashing().child(Child::new("c", || Starting)),
        "starting, deaf" => crashing().child(Child::new("c", || StartingDeaf).shutdown(SHUTDOWN)),
        "restarting" | "restarting on two threads" => restarting().child(Child::new("failing", || Failing)),
        "restarting all" => Supervisor::one_for_all("program")
            .max_restarts(u32::MAX)
            .child(Supervisor::one_for_all("group").max_restarts(0).child(Child::new("failing", || Failing))),
        "restarting in an hour" => {
            let hour = Duration::from_secs(3600);
            restarting().child(Child::new("failing", || Failing).backoff(hour..hour))
        }
        "crashing" => crashing().child(Child::new("broken", || service_fn(|_| async { Err("disk full".into()) }))),
        other => panic!("unknown mode {other}"),
    }
}

/// Fails at once, however often it is started.
struct Failing;

impl Service for Failing {
    async fn run(&mut self, _cx: &Context) -> ServiceResult {
        static FAILED: AtomicU32 = AtomicU32::new(0);
        // The first restart waits for nothing, even with `backoff`.
        if FAILED.fetch_add(1, Ordering::Relaxed) == 1 {
            println!("restarting");
        }
        Err("at once".into())
    }
}

struct Told(&'static str);

impl Service for Told {
    /// Says so here, where no later child can say anything before.
    async fn start(&mut self, _cx: &Context) -> ServiceResult {
        println!("{} started", self.0);
        Ok(())
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }

    async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
        println!("{} stopped", self.0);
    }
}

/// Does not care that it was asked to stop.
struct Deaf;

impl Service for Deaf {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        println!("deaf started");
        cx.stopping().await;
        println!("deaf was asked");
        std::future::pending().await
    }
}

/// Never comes to the end of its `stop`.
struct Slow;

impl Service for Slow {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        println!("b started");
        cx.stopping().await;
        Ok(())
    }

    async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
        println!("b is stopping");
        std::future::pending::<()>().await;
        println!("b stopped");
    }
}

/// Blocks a thread; as many of them as there are threads leave none.
struct Wedge;

impl Service for Wedge {
    async fn run(&mut self, _cx: &Context) -> ServiceResult {
        static LEFT: AtomicU32 = AtomicU32::new(u32::MAX);
        let threads = tokio::runtime::Handle::current().metrics().num_workers() as u32;
        let _ = LEFT.compare_exchange(u32::MAX, threads, Ordering::Relaxed, Ordering::Relaxed);
        if LEFT.fetch_sub(1, Ordering::Relaxed) == 1 {
            println!("the last thread is blocked");
        }
        park()
    }
}

/// Blocks the thread that has waited for the time, and for io.
struct Blocked;

impl Service for Blocked {
    async fn run(&mut self, _cx: &Context) -> ServiceResult {
        // Until then all others have gone to sleep.
        tokio::time::sleep(Duration::from_millis(50)).await;
        println!("one of two threads is blocked");
        park()
    }
}

/// Waits for a call that never returns.
struct Caller;

impl Service for Caller {
    async fn run(&mut self, _cx: &Context) -> ServiceResult {
        let blocking = || {
            println!("the call blocks");
            park()
        };
        tokio::task::spawn_blocking(blocking).await?
    }
}

/// Gives its start up when it is asked to stop.
struct Starting;

impl Service for Starting {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        println!("c is starting");
        cx.stopping().await;
        Err("interrupted".into())
    }

    async fn run(&mut self, _cx: &Context) -> ServiceResult {
        Ok(())
    }
}

/// Never comes to the end of its `start`.
struct StartingDeaf;

impl Service for StartingDeaf {
    async fn start(&mut self, _cx: &Context) -> ServiceResult {
        println!("c is starting");
        std::future::pending().await
    }

    async fn run(&mut self, _cx: &Context) -> ServiceResult {
        Ok(())
    }
}
