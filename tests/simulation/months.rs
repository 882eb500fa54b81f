//! Months of a tree, in which members, restarts, orders and listeners come and go: it takes no more memory for that.

use std::pin::pin;
use std::task::{Context as Task, Waker};
use std::time::Duration;

use allocation_counter::measure;
use supervisor_runtime::{Child, Context, Exit, Restart, Running, Service, ServiceResult, Supervisor, Untyped};
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

const HOUR: Duration = Duration::from_secs(3600);

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

struct Idle;

impl Service for Idle {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        let listening = tokio::spawn(cx.stopping());
        cx.heartbeat();
        cx.stopping().await;
        Ok(listening.await?)
    }
}

/// Fails after a while.
struct Flaky;

impl Service for Flaky {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        match cx.sleep(HOUR).await {
            Some(()) => Err("flaky".into()),
            None => Ok(()),
        }
    }
}

/// Takes until its deadline to stop, so that its supervisor always has a time to wait for.
struct Drains;

impl Service for Drains {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        Ok(cx.stopping().await)
    }

    async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
        std::future::pending().await
    }
}

/// Does not start again in the time that the test takes.
struct SlowToComeBack;

impl Service for SlowToComeBack {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        if cx.incarnation() > 1 {
            cx.stopping().await;
        }
        Ok(())
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        Ok(cx.stopping().await)
    }
}

fn tree() -> Supervisor {
    let conn = Child::<Idle>::open("conn", ..).shutdown(HOUR).start_timeout(24 * HOUR).heartbeat(240 * HOUR);
    let drain = Child::<Drains>::open("drain", ..).shutdown(240 * HOUR);
    let flaky = Child::replicated("flaky", 3, |_| Flaky).start_timeout(24 * HOUR);
    let pool = Supervisor::rest_for_one("pool")
        .child(Child::new("first", || SlowToComeBack))
        .child(Child::new("second", || Idle))
        .child(Child::replicated("worker", 4, |_| Idle));
    let group = Supervisor::one_for_all("group").child(Child::new("a", || Flaky)).child(Child::new("b", || Idle));
    let backing_off = flaky.backoff(Duration::from_secs(1)..HOUR);
    Supervisor::one_for_one("tree").child(conn).child(drain).child(backing_off).child(pool).child(group)
}

/// Begins something, and does not wait for it.
fn begin(future: impl Future) {
    let _ = pin!(future).poll(&mut Task::from_waker(Waker::noop()));
}

async fn a_month(tree: &Running) {
    let (conns, drains) = (tree.children::<Idle>("conn").unwrap(), tree.children::<Drains>("drain").unwrap());
    let [second, a] = ["pool/second", "group/a"].map(|path| tree.child::<Untyped>(path).unwrap());
    let flaky = tree.replicas::<Untyped>("flaky").unwrap();
    for hour in 0..720_usize {
        let mut events = tree.events();
        for _ in 0..8 {
            let conn = conns.add(Idle).await.unwrap();
            conns.discard(conn.index()).await.unwrap();
        }
        if hour % 100 == 0 {
            let drain = drains.add(Drains).await.unwrap();
            begin(drains.discard(drain.index()));
        }
        // What was stopped has no task any more when it is scaled away.
        flaky.get(flaky.len() - 1).unwrap().stop().await.unwrap();
        flaky.scale_to(2 + hour % 3).await.unwrap();
        a.restart().await.unwrap();
        begin(second.start());
        begin(tree.wait_ready());
        begin(events.next());
        tree.snapshot().unwrap();
        sleep(HOUR).await;
        while events.try_next().is_some() {}
    }
    // Those that still drain have come to their end.
    sleep(480 * HOUR).await;
}

#[test]
fn a_tree_that_lives_for_months_does_not_grow() {
    let runtime = runtime();
    let tree = runtime.block_on(async {
        let tree = tree().start().await.unwrap();
        // What comes after it in its group waits for it from here on.
        tree.child::<Untyped>("pool/second").unwrap().stop().await.unwrap();
        begin(tree.child::<Untyped>("pool/first").unwrap().restart());
        tree
    });
    // As much as it ever takes is found in the first.
    let (first, others) = (
        measure(|| runtime.block_on(a_month(&tree))),
        measure(|| {
            (0..3).for_each(|_| runtime.block_on(a_month(&tree)));
        }),
    );
    let most = first.bytes_max + 4096;
    assert!(others.bytes_max < most, "in the first month {first:?}, in others {others:?}");
    assert!(others.bytes_current < 4096, "{others:?}");
    runtime.block_on(tree.shutdown()).unwrap();
}

#[test]
fn members_that_come_and_go_leave_no_timer_behind() {
    /// How long a member may take to start, and to stop.
    type Row = (Duration, Duration);
    let seconds = Duration::from_secs;
    let table: [Row; 2] = [(24 * HOUR, seconds(0)), (seconds(0), 24 * HOUR)];
    for (start, stop) in table {
        let runtime = runtime();
        let mut conn = Child::<Idle>::open("conn", ..).shutdown(stop.max(seconds(1)));
        if !start.is_zero() {
            conn = conn.start_timeout(start);
        }
        let drain = Child::<Drains>::open("drain", ..).shutdown(HOUR);
        let tree = Supervisor::one_for_one("tree").child(conn).child(drain);
        let tree = runtime.block_on(async {
            let tree = tree.start().await.unwrap();
            let drains = tree.children::<Drains>("drain").unwrap();
            let drain = drains.add(Drains).await.unwrap();
            // The first to be looked at: what is after it is not looked at, whatever comes and goes.
            begin(drains.discard(drain.index()));
            tree
        });
        let conns = tree.children::<Idle>("conn").unwrap();
        let left = measure(|| {
            runtime.block_on(async {
                for _ in 0..2000 {
                    let conn = conns.add(Idle).await.unwrap();
                    conns.discard(conn.index()).await.unwrap();
                }
            });
        });
        assert!(left.bytes_current < 8192, "{start:?} and {stop:?}: {left:?}");
        runtime.block_on(tree.shutdown()).unwrap_err();
    }
}

#[test]
fn a_child_that_is_done_keeps_little_in_memory() {
    /// Its future is large, and it ends.
    struct Once;

    impl Service for Once {
        async fn run(&mut self, _cx: &Context) -> ServiceResult {
            let large = [1_u8; 1000];
            tokio::task::yield_now().await;
            std::hint::black_box(&large);
            Ok(())
        }
    }

    let left = |count: usize| {
        let runtime = runtime();
        let once = Child::replicated("once", count, |_| Once).restart(Restart::Transient);
        let tree = Supervisor::one_for_one("tree").child(Child::new("idle", || Idle)).child(once);
        let mut running = None;
        let left = measure(|| {
            running = Some(runtime.block_on(async {
                let running = tree.start().await.unwrap();
                sleep(HOUR).await;
                running
            }));
        });
        runtime.block_on(running.unwrap().shutdown()).unwrap();
        left.bytes_current
    };
    let of_each = (left(1001) - left(1)) / 1000;
    assert!(of_each < 500, "{of_each} bytes");
}
