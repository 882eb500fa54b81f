//! Every order in which threads may come to what they share, by `loom`: small trees, in which each task is a thread.
//!
//! ```text
//! RUSTFLAGS="--cfg interleavings" cargo test --release -p supervisor-runtime --lib --target-dir target/interleavings interleavings
//! ```
//!
//! All orders of a whole tree would be too many: those are tried in which a thread is interrupted, where it could go on, so
//! often as the test says, or `LOOM_MAX_PREEMPTIONS`; few mistakes need more than one or two. After half a minute, or
//! `LOOM_MAX_DURATION`, a test is content with those that it has tried. A wake-up that is lost is found, too: then all are
//! asleep.

use std::future::poll_fn;
use std::sync::Arc;
// Not those that are modelled: what a test counts is to add no orders.
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use loom::future::block_on;
use tokio::sync::oneshot;

use crate::sync::{Mutex, MutexExt};
use crate::view::{EventLog, Events, Names, Subject, Told, What};
use crate::{Child, Context, Exit, Restart, Service, ServiceResult, Shutdown, State, Supervisor, Untyped};

/// Tries every order of a test with so many interruptions.
fn in_every_order(interruptions: usize, test: impl Fn() + Send + Sync + 'static) {
    // Time stands still, and nobody waits for it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    let _inside = runtime.enter();
    let mut model = loom::model::Builder::new();
    model.preemption_bound = model.preemption_bound.or(Some(interruptions));
    model.max_branches = 100_000;
    model.max_duration = model.max_duration.or(Some(Duration::from_secs(30)));
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    model.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        test();
    });
    println!("{} orders", runs.load(Ordering::Relaxed));
}

/// What has happened to the incarnations of one child.
#[derive(Default)]
struct Seen {
    made: AtomicUsize,
    started: AtomicUsize,
    stopped: AtomicUsize,
    alive: AtomicI32,
}

impl Seen {
    fn count(&self) -> (usize, usize, usize) {
        let [made, started, stopped] =
            [&self.made, &self.started, &self.stopped].map(|count| count.load(Ordering::Relaxed));
        (made, started, stopped)
    }

    /// Nothing of it is left, and each that has started has stopped.
    fn check_the_end(&self) {
        let (_, started, stopped) = self.count();
        assert_eq!(started, stopped, "started and stopped");
        assert_eq!(self.alive.load(Ordering::Relaxed), 0, "alive");
    }
}

/// Fails at once, or is done when it is told so, or waits to be stopped.
struct Probe {
    seen: Arc<Seen>,
    fails: bool,
    end: Option<oneshot::Receiver<()>>,
}

impl Service for Probe {
    async fn start(&mut self, _cx: &Context) -> ServiceResult {
        self.seen.started.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        if self.fails {
            return Err("as planned".into());
        }
        match self.end.take() {
            Some(end) => end.await?,
            None => cx.stopping().await,
        }
        Ok(())
    }

    async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
        self.seen.stopped.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.seen.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A child whose first incarnations, so many, fail.
fn child(name: &'static str, seen: &Arc<Seen>, failures: usize) -> Child<Probe> {
    let seen = Arc::clone(seen);
    let make = move || {
        let before = seen.alive.fetch_add(1, Ordering::Relaxed);
        assert_eq!(before, 0, "two of `{name}`");
        let number = seen.made.fetch_add(1, Ordering::Relaxed);
        Probe { seen: Arc::clone(&seen), fails: number < failures, end: None }
    };
    Child::new(name, make).shutdown(Shutdown::Infinity)
}

/// What somebody waits for until it is open. (A channel of tokio's would not tell loom what was before what.)
#[derive(Default)]
struct Gate(Mutex<(bool, Option<Waker>)>);

impl Gate {
    fn open(&self) {
        let waits = std::mem::replace(&mut *self.0.hold(), (true, None)).1;
        waits.into_iter().for_each(Waker::wake);
    }

    async fn is_open(&self) {
        poll_fn(|task| {
            let (is_open, waker) = &mut *self.0.hold();
            if *is_open {
                return Poll::Ready(());
            }
            *waker = Some(task.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

fn tree(strategy: fn(&'static str) -> Supervisor) -> Supervisor {
    strategy("tree").jitter_seed(1).no_panic_hook()
}

#[test]
fn a_child_fails_while_the_tree_is_stopped() {
    in_every_order(2, || {
        let seen = Arc::default();
        block_on(async {
            let tree = tree(Supervisor::one_for_one).child(child("a", &seen, 1)).start().await.expect("a start");
            tree.shutdown().await.expect("an end");
        });
        seen.check_the_end();
    });
}

#[test]
fn the_owner_is_dropped_while_a_child_starts() {
    /// Never comes to the end of its `start`.
    struct Starting;

    impl Service for Starting {
        async fn start(&mut self, _cx: &Context) -> ServiceResult {
            std::future::pending().await
        }

        async fn run(&mut self, _cx: &Context) -> ServiceResult {
            Ok(())
        }
    }

    in_every_order(2, || {
        let mut start = Box::pin(tree(Supervisor::one_for_one).child(Child::new("a", || Starting)).start());
        assert!(start.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_pending());
        // If one of its tasks did not end for that, loom would say so.
        drop(start);
    });
}

#[test]
fn a_child_fails_while_it_is_restarted_by_hand() {
    in_every_order(1, || {
        let seen = Arc::<Seen>::default();
        block_on(async {
            let tree = tree(Supervisor::one_for_one).child(child("a", &seen, 1)).start().await.expect("a start");
            let a = tree.child::<Untyped>("a").expect("a child");
            a.restart().await.expect("a restart");
            assert_eq!(a.status().map(|status| status.state()).ok(), Some(State::Running));
            tree.shutdown().await.expect("an end");
        });
        seen.check_the_end();
        // The failure was before it, and then it has seen a second one; or it has taken the failure's restart for its own.
        assert!(matches!(seen.count(), (2 | 3, ..)), "{:?}", seen.count());
    });
}

#[test]
fn a_child_fails_while_it_is_stopped_by_hand() {
    in_every_order(1, || {
        let seen = Arc::<Seen>::default();
        block_on(async {
            let tree = tree(Supervisor::one_for_one).child(child("a", &seen, 1)).start().await.expect("a start");
            let a = tree.child::<Untyped>("a").expect("a child");
            a.stop().await.expect("a stop");
            assert_eq!(a.status().map(|status| status.state()).ok(), Some(State::Stopped));
            seen.check_the_end();
            tree.shutdown().await.expect("an end");
        });
        assert!(matches!(seen.count(), (1 | 2, ..)), "{:?}", seen.count());
    });
}

#[test]
fn two_children_that_are_restarted_together_fail_at_the_same_time() {
    in_every_order(1, || {
        let (a, b) = (Arc::default(), Arc::default());
        block_on(async {
            let tree = tree(Supervisor::one_for_all).child(child("a", &a, 1)).child(child("b", &b, 1));
            let tree = tree.start().await.expect("a start");
            tree.shutdown().await.expect("an end");
        });
        a.check_the_end();
        b.check_the_end();
    });
}

#[test]
fn somebody_waits_for_a_child_that_ends() {
    in_every_order(1, || {
        let seen = Arc::<Seen>::default();
        let (end, ends) = oneshot::channel();
        let make = {
            let seen = Arc::clone(&seen);
            move || {
                seen.alive.fetch_add(1, Ordering::Relaxed);
                Probe { seen, fails: false, end: Some(ends) }
            }
        };
        let done = Child::in_place("done", make).restart(Restart::Transient).shutdown(Shutdown::Infinity);
        block_on(async {
            let tree = tree(Supervisor::one_for_one).child(done).child(child("a", &Arc::default(), 0));
            let tree = tree.start().await.expect("a start");
            let done = tree.child::<Untyped>("done").expect("a child");
            end.send(()).expect("it waits");
            done.wait_for(State::Done).await.expect("its end");
            tree.shutdown().await.expect("an end");
        });
        seen.check_the_end();
    });
}

#[test]
fn a_failure_is_told_once_whenever_the_order_to_stop_comes() {
    /// Fails when it is told to, and its `stop` takes its time.
    struct Slow(Arc<Gate>);

    impl Service for Slow {
        async fn run(&mut self, _cx: &Context) -> ServiceResult {
            self.0.is_open().await;
            Err("as planned".into())
        }

        async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
            let mut has_waited = false;
            poll_fn(|task| {
                if std::mem::replace(&mut has_waited, true) {
                    return Poll::Ready(());
                }
                task.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        }
    }

    in_every_order(1, || {
        let gate = Arc::<Gate>::default();
        let waits = Arc::clone(&gate);
        let slow = Child::new("slow", move || Slow(Arc::clone(&waits)))
            .restart(Restart::Temporary)
            .shutdown(Shutdown::Infinity);
        block_on(async {
            let tree = tree(Supervisor::one_for_one).child(slow).start().await.expect("a start");
            let mut events = tree.events();
            gate.open();
            tree.shutdown().await.expect("an end");
            let mut ends = Vec::new();
            while let Some(event) = events.next().await {
                match event.expect("none is missed").what() {
                    What::Failed(_) => ends.push("failed"),
                    What::Stopped(Some(_)) => ends.push("stopped"),
                    _ => {}
                }
            }
            assert_eq!(ends.len(), 1, "{ends:?}");
        });
    });
}

#[test]
fn what_listens_in_a_thread_of_its_own_hears_of_a_failure_while_stop_waits_for_it() {
    /// Fails at once; its `stop` waits for a thread, which is there until it is told to stop.
    struct Threaded(Arc<Gate>);

    impl Service for Threaded {
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            let (stopping, ended) = (cx.stopping(), Arc::clone(&self.0));
            loom::thread::spawn(move || {
                block_on(stopping);
                ended.open();
            });
            Err("as planned".into())
        }

        async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
            self.0.is_open().await;
        }
    }

    in_every_order(1, || {
        let gate = Arc::<Gate>::default();
        let threaded = Child::new("threaded", move || Threaded(Arc::clone(&gate)))
            .restart(Restart::Temporary)
            .shutdown(Shutdown::Infinity);
        block_on(async {
            let mut tree = tree(Supervisor::one_for_one).child(threaded).start().await.expect("a start");
            // If nobody told the thread, all would wait for each other.
            tree.wait().await.expect("an end");
        });
    });
}

/// Tells something `count` times; the last of two that is through ends the log.
fn tell(log: &EventLog, count: usize, left: &loom::sync::atomic::AtomicUsize) {
    for _ in 0..count {
        let epoch = std::time::Instant::now();
        let names = Names { id: 1, epoch, path: String::new(), prefix: String::new(), labels: Arc::new([]) };
        let told = Told { at: 0, subject: Subject::Group, what: What::Waiting, change: None };
        let pushed = log.push(&Arc::new(names), told);
        pushed.into_iter().flat_map(|pushed| pushed.waiting).for_each(|(_, waker)| waker.wake());
    }
    if left.fetch_sub(1, Ordering::SeqCst) == 1 {
        log.end();
    }
}

#[test]
fn two_groups_tell_and_two_listen() {
    in_every_order(2, || {
        let (log, left) = (Arc::<EventLog>::default(), Arc::new(loom::sync::atomic::AtomicUsize::new(2)));
        let mut first = Events::of(&log);
        for count in [2, 1] {
            let (log, left) = (Arc::clone(&log), Arc::clone(&left));
            loom::thread::spawn(move || tell(&log, count, &left));
        }
        let late = {
            let log = Arc::clone(&log);
            loom::thread::spawn(move || heard(&mut Events::of(&log)))
        };
        let all = heard(&mut first);
        assert_eq!(all.len(), 3, "{all:?}");
        let late = late.join().expect("a listener");
        assert!(all.ends_with(&late), "{late:?}");
    });
}

/// The numbers of all events to the end.
fn heard(events: &mut Events) -> Vec<u64> {
    block_on(async {
        let mut numbers = Vec::new();
        while let Some(event) = events.next().await {
            numbers.push(event.expect("none is missed").number());
        }
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
        numbers
    })
}
