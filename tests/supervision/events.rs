//! What is told of what happens: whole stories, in the words of the events.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as Task, Poll, Wake, Waker};

use supervisor_runtime::{
    Child, Context, Events, Exit, Missed, Restart, Running, Service, ServiceResult, State, Supervisor, Untyped, What,
};

use crate::world::{Act, Mistake, Order, Probe, World, ended, secs, started, task};

/// What has been told since the last page: `a starting`, without the name of the tree.
fn page(events: &mut Events) -> Vec<String> {
    let mut page = Vec::new();
    while let Some(event) = events.try_next() {
        let event = event.expect("nothing is missed");
        let path = event.path();
        page.push(format!("{} {}", path.strip_prefix("tree/").unwrap_or(&path), event.what()));
    }
    page
}

/// A tree that has started, and what is told of it from then on.
async fn listened(tree: Supervisor) -> (Running, Events) {
    let running = started(tree).await;
    let events = running.events();
    (running, events)
}

#[tokio::test(start_paused = true)]
async fn the_start_of_a_tree_as_its_first_child_hears_it() {
    let world = World::new();
    let heard = Arc::new(std::sync::Mutex::new(None));
    let hears = Arc::clone(&heard);
    let first = Child::new("first", move || {
        let hears = Arc::clone(&hears);
        supervisor_runtime::service_fn(move |cx| async move {
            hears.lock().unwrap().get_or_insert_with(|| cx.tree().events());
            Ok(cx.stopping().await)
        })
    });
    world.plan("b", [Act::SlowStart(secs(1.0))]);
    let pool = Supervisor::one_for_one("pool").child(world.replicas("w", 2)).child(Child::<Probe>::open("open", ..));
    let tree = Supervisor::one_for_all("tree").child(first).child(world.child("b")).child(pool);
    let tree = started(tree).await;
    let mut events = heard.lock().unwrap().take().unwrap();
    assert_eq!(
        page(&mut events),
        [
            "b starting",
            "b started",
            "pool starting",
            "pool initialized with 2 children",
            "pool/w[0] starting",
            "pool/w[1] starting",
            "pool/w[0] started",
            "pool/w[1] started",
            "pool started",
            "tree started",
        ]
    );
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_place() {
    let world = World::new();
    let (tree, mut events) =
        listened(Supervisor::one_for_one("tree").child(world.child("a")).child(world.child("b"))).await;
    world.fail("a");
    world.idle().await;
    assert_eq!(
        page(&mut events),
        ["a failed: a failed on demand", "a restarting, attempt 1", "a starting", "a started"]
    );
    world.order("a", Order::Panic);
    world.idle().await;
    let told = page(&mut events);
    assert!(told[0].starts_with("a panicked at") && told[0].ends_with("a panics on demand"), "{told:?}");
    assert_eq!(told[1..], ["a restarting, attempt 2", "a starting", "a started"]);
    world.order("a", Order::Finish);
    world.idle().await;
    assert_eq!(page(&mut events), ["a returned Ok", "a restarting, attempt 3", "a starting", "a started"]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_restart_with_backoff() {
    let world = World::new();
    world.plan("a", [Act::Run, Act::FailStart]);
    let a = world.child("a").backoff(secs(1.0)..secs(1.0));
    let (tree, mut events) = listened(Supervisor::one_for_one("tree").jitter_seed(7).child(a)).await;
    world.fail("a");
    world.idle().await;
    let status = tree.child::<Untyped>("a").unwrap().status().unwrap();
    assert_eq!(status.state(), State::Delayed);
    let delay = status.delay().unwrap() + secs(0.001);
    assert_eq!(
        page(&mut events),
        [
            "a failed: a failed on demand".to_owned(),
            "a restarting, attempt 1".to_owned(),
            "a starting".to_owned(),
            "a failed in start: a start failed".to_owned(),
            format!("a restarting, attempt 2, in {delay:?}"),
        ]
    );
    tokio::time::sleep(secs(1.0)).await;
    assert_eq!(page(&mut events), ["a starting", "a started"]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_all() {
    let world = World::new();
    world.plan("a", [Act::SlowStop(secs(1.0))]);
    let tree = Supervisor::one_for_all("tree").child(world.child("a")).child(world.child("b")).child(world.child("c"));
    let (tree, mut events) = listened(tree).await;
    world.fail("b");
    tokio::time::sleep(secs(2.0)).await;
    assert_eq!(
        page(&mut events),
        [
            "b failed: b failed on demand",
            "b restarting, attempt 1, with 2 others",
            "c stopping",
            "c stopped",
            "a stopping",
            "a stopped",
            "a starting",
            "a started",
            "b starting",
            "b started",
            "c starting",
            "c started",
        ]
    );
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_group_that_gives_up_is_restarted_by_its_parent() {
    let world = World::new();
    let group = Supervisor::one_for_one("group").max_restarts(1).child(world.child("a")).child(world.child("b"));
    let (tree, mut events) = listened(Supervisor::one_for_one("tree").child(group)).await;
    world.fail("b");
    world.idle().await;
    page(&mut events);
    world.fail("b");
    world.idle().await;
    assert_eq!(
        page(&mut events),
        [
            "group/b failed: b failed on demand",
            "group gave up: more than 1 restart in 1s, the last by tree/group/b",
            "group/b stopped",
            "group/a stopping",
            "group/a stopped",
            "group failed: supervisor `tree/group` reached its restart limit: more than 1 restart in 1s; \
             last: `tree/group/b` failed",
            "group restarting, attempt 1",
            "group starting",
            "group initialized with 2 children",
            "group/a starting",
            "group/a started",
            "group/b starting",
            "group/b started",
            "group started",
        ]
    );
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_forfeited_and_what_is_gone() {
    let world = World::new();
    let (tree, mut events) = listened(
        Supervisor::dependents_for_one("tree")
            .child(world.child("a"))
            .child(world.child("b").requires(["a"]))
            .child(world.child("c").restart(Restart::Temporary))
            .child(world.child("d").restart(Restart::Transient)),
    )
    .await;
    world.order("a", Order::Forfeit);
    world.idle().await;
    assert_eq!(
        page(&mut events),
        ["a failed: a gives up on itself", "a forfeited", "b stopping", "b stopped", "b forfeited"]
    );
    world.fail("c");
    world.idle().await;
    assert_eq!(page(&mut events), ["c failed: c failed on demand", "c gone"]);
    world.order("d", Order::Finish);
    let mut tree = tree;
    ended(&mut tree).await.unwrap_err();
    let told = page(&mut events);
    let end = "tree failed: supervisor `tree` ended with something forfeited: `tree/a`, `tree/b`";
    assert_eq!(told, ["d done", end]);
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_by_force() {
    let world = World::new();
    world.plan("a", [Act::IgnoreStop]).plan("b", [Act::HangInStop]);
    let tree = Supervisor::one_for_one("tree").child(world.child("a")).child(world.child("b"));
    let (tree, mut events) = listened(tree).await;
    tree.child::<Untyped>("a").unwrap().restart().await.unwrap();
    assert_eq!(
        page(&mut events),
        [
            "a restart by hand",
            "a stopping",
            "a told to be dropped",
            "a was dropped by force",
            "a starting",
            "a started"
        ]
    );
    world.fail("b");
    tokio::time::sleep(secs(10.0)).await;
    assert_eq!(
        page(&mut events),
        [
            "b failed: b failed on demand",
            "b was dropped by force in stop",
            "b restarting, attempt 1",
            "b starting",
            "b started"
        ]
    );
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_slow_stop_after_a_failure_into_which_a_stop_by_hand_comes_is_told_once() {
    let world = World::new();
    world.plan("a", [Act::SlowStopAndHang(secs(0.0))]);
    let (tree, mut events) = listened(Supervisor::one_for_one("tree").child(world.child("a"))).await;
    world.fail("a");
    world.idle().await;
    let a = tree.child::<Untyped>("a").unwrap();
    a.stop().await.unwrap();
    assert_eq!(
        page(&mut events),
        ["a failed: a failed on demand", "a stop by hand", "a stopping", "a was dropped by force in stop", "a stopped"]
    );
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_stopped_and_started_by_hand() {
    let world = World::new();
    let tree = Supervisor::dependents_for_one("tree").child(world.child("a")).child(world.child("b").requires(["a"]));
    let (tree, mut events) = listened(tree).await;
    let a = tree.child::<Untyped>("a").unwrap();
    a.stop().await.unwrap();
    assert_eq!(page(&mut events), ["a stop by hand", "b stopping", "b stopped", "a stopping", "a stopped"]);
    a.start().await.unwrap();
    world.idle().await;
    assert_eq!(
        page(&mut events),
        ["a start by hand", "a waiting", "b waiting", "a starting", "a started", "b starting", "b started"]
    );
    tree.child::<Untyped>("b").unwrap().restart().await.unwrap();
    assert_eq!(page(&mut events), ["b restart by hand", "b stopping", "b stopped", "b starting", "b started"]);
    world.plan("b", [Act::FailStart]);
    tree.child::<Untyped>("b").unwrap().restart().await.unwrap_err();
    assert_eq!(
        page(&mut events),
        [
            "b restart by hand",
            "b stopping",
            "b stopped",
            "b starting",
            "b failed in start: b start failed",
            "b not started"
        ]
    );
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn members_that_come_and_go() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree").child(Child::<Probe>::open("m", ..));
    let (tree, mut events) = listened(tree).await;
    let m = tree.children::<Probe>("m").unwrap();
    m.add(world.service("x")).await.unwrap();
    m.add(world.service("y")).await.unwrap();
    m.discard(0).await.unwrap();
    world.fail("y");
    world.idle().await;
    world.plan("z", [Act::FailStart]);
    m.add(world.service("z")).await.unwrap_err();
    assert_eq!(
        page(&mut events),
        [
            "m[0] added",
            "m[0] starting",
            "m[0] started",
            "m[1] added",
            "m[1] starting",
            "m[1] started",
            "m[0] stopping",
            "m[0] stopped",
            "m[0] discarded",
            "m[1] failed: y failed on demand",
            "m[1] gone",
            "m[2] added",
            "m[2] starting",
            "m[2] failed in start: z start failed",
            "m[2] not started",
            "m[2] discarded",
        ]
    );
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn replicas_that_are_scaled() {
    let world = World::new();
    let (tree, mut events) = listened(Supervisor::one_for_one("tree").child(world.replicas("w", 1))).await;
    let w = tree.replicas::<Probe>("w").unwrap();
    w.scale_to(3).await.unwrap();
    assert_eq!(
        page(&mut events),
        ["w[1] added", "w[2] added", "w[1] starting", "w[2] starting", "w[1] started", "w[2] started"]
    );
    w.scale_to(1).await.unwrap();
    world.idle().await;
    assert_eq!(
        page(&mut events),
        ["w[2] stopping", "w[1] stopping", "w[2] stopped", "w[2] discarded", "w[1] stopped", "w[1] discarded"]
    );
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_is_brought_back_while_it_still_starts() {
    let world = World::new();
    world.plan("w1", [Act::SlowStart(secs(1.0)), Act::SlowStart(secs(1.0))]);
    let (tree, mut events) = listened(Supervisor::one_for_one("tree").child(world.replicas("w", 1))).await;
    let w = tree.replicas::<Probe>("w").unwrap();
    let (_, away, back) = tokio::join!(
        // In this order, at every look.
        biased;
        w.scale_to(2),
        async {
            world.idle().await;
            w.scale_to(1).await
        },
        async {
            world.idle().await;
            w.scale_to(2).await
        }
    );
    away.unwrap();
    back.unwrap();
    let mut told = Vec::new();
    while let Some(Ok(event)) = events.try_next() {
        told.push(format!("{} {:?}", event.what(), event.state().unwrap()));
    }
    assert_eq!(
        told,
        [
            "added Waiting",
            "starting Starting",
            "added Starting",
            "stopping Stopping",
            "stopped Waiting",
            "starting Starting",
            "started Running",
        ]
    );
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_shutdown() {
    let world = World::new();
    let inner = Supervisor::one_for_one("inner").child(world.child("b"));
    let (tree, mut events) = listened(Supervisor::one_for_one("tree").child(world.child("a")).child(inner)).await;
    tree.shutdown().await.unwrap();
    assert_eq!(
        page(&mut events),
        [
            "tree shutting down",
            "inner stopping",
            "inner/b stopping",
            "inner/b stopped",
            "inner stopped",
            "a stopping",
            "a stopped",
            "tree shut down",
        ]
    );
    assert!(events.next().await.is_none(), "nothing comes after the end");
    assert!(events.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_a_service_says_of_its_readiness() {
    let tree = Supervisor::one_for_one("tree").child(task("a", |cx| async move {
        cx.sleep(secs(1.0)).await;
        cx.not_ready("no relay");
        cx.not_ready("no relay");
        cx.sleep(secs(1.0)).await;
        cx.not_ready("busy");
        cx.ready();
        cx.ready();
        Ok(cx.stopping().await)
    }));
    let (tree, mut events) = listened(tree).await;
    let begin = tokio::time::Instant::now().into_std();
    tokio::time::sleep(secs(5.0)).await;
    let mut told = Vec::new();
    while let Some(Ok(event)) = events.try_next() {
        told.push(format!("{:?} {} {:?}", event.at() - begin, event.what(), event.state()));
    }
    assert_eq!(
        told,
        ["1s not ready: no relay Some(Running)", "2s not ready: busy Some(Running)", "2s ready Some(Running)",]
    );
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_event_tells_when_it_happened_also_after_a_long_time() {
    let world = World::new();
    world.plan("a", [Act::HangInStop]);
    let (tree, mut events) = listened(Supervisor::one_for_one("tree").child(world.child("a"))).await;
    let begin = tokio::time::Instant::now().into_std();
    tokio::time::sleep(secs(3600.0)).await;
    world.fail("a");
    tokio::time::sleep(secs(3600.0)).await;
    let status = tree.child::<Untyped>("a").unwrap().status().unwrap();
    assert_eq!(status.uptime(), Some(secs(3595.0)));
    let told = std::iter::from_fn(|| events.try_next()).map(Result::unwrap);
    assert_eq!(
        told.map(|event| format!("{:?} {}", event.at() - begin, event.what())).collect::<Vec<_>>(),
        [
            "3600s failed: a failed on demand",
            "3605s was dropped by force in stop",
            "3605s restarting, attempt 1",
            "3605s starting",
            "3605s started",
        ]
    );
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn every_listener_sees_the_same_with_numbers_without_gaps() {
    let world = World::new();
    let tree = Supervisor::one_for_all("tree").child(world.child("a")).child(world.child("b"));
    let (tree, mut first) = listened(tree).await;
    world.fail("a");
    world.idle().await;
    let mut second = tree.events();
    world.fail("b");
    world.idle().await;
    let numbered = |events: &mut Events| {
        let lines = std::iter::from_fn(|| events.try_next()).map(|event| event.unwrap().to_string());
        lines.collect::<Vec<_>>()
    };
    let (all, late) = (numbered(&mut first), numbered(&mut second));
    assert!(all.len() > late.len() && all.ends_with(&late), "{all:?}\n{late:?}");
    let numbers: Vec<u64> = all.iter().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
    let expected: Vec<u64> = (numbers[0]..).take(numbers.len()).collect();
    assert_eq!(numbers, expected);
    // One that leaves takes nothing from the other.
    drop(first);
    world.fail("a");
    world.idle().await;
    assert_eq!(second.try_next().unwrap().unwrap().number(), numbers.last().unwrap() + 1);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_mirror_notices_what_happened_while_nobody_listened() {
    let world = World::new();
    let (tree, events) = listened(Supervisor::one_for_one("tree").child(world.child("a"))).await;
    let mut mirror = tree.snapshot().unwrap();
    drop(events);
    world.fail("a");
    world.idle().await;
    let mut events = tree.events();
    world.fail("a");
    world.idle().await;
    let event = events.try_next().unwrap().unwrap();
    assert_eq!(event.to_string().split_once(' ').unwrap().1, "tree/a failed: a failed on demand");
    assert!(mirror.apply(&event).is_err(), "the mirror is of an earlier time");
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_slow_listener_is_told_how_many_it_missed_and_goes_on() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree").max_restarts(u32::MAX).child(world.child("a"));
    let (tree, mut slow) = listened(tree).await;
    let mut quick = tree.events();
    let mut seen = Vec::new();
    for _ in 0..3_000 {
        world.fail("a");
        world.idle().await;
        seen.extend(std::iter::from_fn(|| quick.try_next()).map(|event| event.expect("it is quick").number()));
    }
    assert_eq!(seen.len(), 12_000);
    let Some(Err(missed)) = slow.next().await else { panic!("it missed some") };
    let rest: Vec<_> = std::iter::from_fn(|| slow.try_next()).map(|event| event.unwrap().number()).collect();
    assert_eq!(missed, Missed(seen.len() as u64 - rest.len() as u64));
    assert_eq!(rest.len(), 8_192, "so many are kept");
    assert!(seen.ends_with(&rest));
    assert_eq!(missed.to_string(), format!("missed {} events of the tree", missed.0));
    world.fail("a");
    assert_eq!(slow.next().await.unwrap().unwrap().number(), seen.last().unwrap() + 1);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_read_is_not_kept_and_nothing_is_for_a_listener_that_has_left() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    fn gone() {
        ALIVE.fetch_sub(1, Ordering::SeqCst);
    }

    let a = task("a", |cx| async move {
        if cx.incarnation() <= 6 {
            cx.sleep(secs(1.0)).await;
            ALIVE.fetch_add(1, Ordering::SeqCst);
            return Err(Mistake(gone).into());
        }
        Ok(cx.stopping().await)
    });
    let (tree, events) = listened(Supervisor::one_for_one("tree").child(a)).await;
    tokio::time::sleep(secs(3.5)).await;
    assert_eq!(ALIVE.load(Ordering::SeqCst), 3, "what has not been read is kept");
    drop(events);
    assert_eq!(ALIVE.load(Ordering::SeqCst), 1, "the last exit");
    let mut events = tree.events();
    tokio::time::sleep(secs(10.0)).await;
    assert_eq!(ALIVE.load(Ordering::SeqCst), 3, "what has not been read is kept");
    assert_eq!(page(&mut events).len(), 12);
    assert_eq!(ALIVE.load(Ordering::SeqCst), 1, "the last exit");
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_is_taken_meanwhile_costs_a_slow_listener_nothing() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree").max_restarts(u32::MAX).child(world.child("a"));
    let (tree, mut slow) = listened(tree).await;
    for _ in 0..100 {
        world.fail("a");
        world.idle().await;
        tree.snapshot().unwrap();
    }
    let told = std::iter::from_fn(|| slow.try_next()).map(Result::unwrap).count();
    assert_eq!(told, 400);
    tree.shutdown().await.unwrap();
}

/// Counts how often it was woken.
#[derive(Default)]
struct Bell(std::sync::atomic::AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn events_are_a_stream_that_wakes_once_for_each_look() {
    use futures_core::Stream;
    let world = World::new();
    let (tree, mut events) = listened(Supervisor::one_for_one("tree").child(world.child("a"))).await;
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut task = Task::from_waker(&waker);
    assert!(Pin::new(&mut events).poll_next(&mut task).is_pending());
    assert!(Pin::new(&mut events).poll_next(&mut task).is_pending());
    world.fail("a");
    world.idle().await;
    assert_eq!(bell.0.load(std::sync::atomic::Ordering::SeqCst), 1, "one look, one wake-up");
    let Poll::Ready(Some(Ok(event))) = Pin::new(&mut events).poll_next(&mut task) else { panic!("something happened") };
    assert!(matches!(event.what(), What::Failed(_)));
    tree.shutdown().await.unwrap();
    let mut last = None;
    loop {
        match Pin::new(&mut events).poll_next(&mut task) {
            Poll::Ready(Some(Ok(event))) => last = Some(event),
            Poll::Ready(Some(Err(missed))) => panic!("{missed}"),
            Poll::Ready(None) => break,
            Poll::Pending => panic!("it has ended"),
        }
    }
    assert!(matches!(last.unwrap().what(), What::ShutDown { .. }));
}

#[tokio::test(start_paused = true)]
async fn an_unwanted_ok_in_the_middle_of_a_restart_is_told_once_as_its_failure() {
    let world = World::new();
    let tree = Supervisor::one_for_all("tree").child(world.child("a")).child(world.child("b"));
    let (tree, mut events) = listened(tree).await;
    world.order("a", Order::Finish);
    world.order("b", Order::Finish);
    world.idle().await;
    let told = page(&mut events);
    let of_one = |name: &str| told.iter().filter(|line| line.starts_with(name)).cloned().collect::<Vec<_>>();
    assert_eq!(of_one("a")[..2], ["a returned Ok", "a restarting, attempt 1, with 1 others"]);
    assert_eq!(of_one("b"), ["b returned Ok", "b stopped", "b starting", "b started"]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_ok_that_is_wanted_is_no_failure_though_the_stop_after_it_takes_its_time() {
    struct Slow;
    impl Service for Slow {
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            cx.sleep(secs(1.0)).await;
            Ok(())
        }

        async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
            tokio::time::sleep(secs(1.0)).await;
        }
    }
    let world = World::new();
    let slow = Child::new("a", || Slow).restart(Restart::Transient);
    let (tree, mut events) = listened(Supervisor::one_for_one("tree").child(slow).child(world.child("b"))).await;
    tree.child::<Untyped>("a").unwrap().wait_for(State::Done).await.unwrap();
    assert_eq!(page(&mut events), ["a done"]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn errors_that_panic_when_they_are_dropped_may_all_be_dropped_at_once() {
    let a = task("a", |cx| async move {
        if cx.incarnation() <= 4 {
            cx.sleep(secs(1.0)).await;
            return Err(Mistake(|| panic!("dropped")).into());
        }
        Ok(cx.stopping().await)
    });
    let (tree, mut events) = listened(Supervisor::one_for_one("tree").child(a)).await;
    tokio::time::sleep(secs(10.0)).await;
    let mut count = 0;
    while let Some(event) = events.try_next() {
        count += 1;
        drop(event);
    }
    assert!(count > 8);
    tree.shutdown().await.unwrap();
}

struct Woken;

impl Wake for Woken {
    fn wake(self: Arc<Self>) {}
}

#[tokio::test(start_paused = true)]
async fn who_listens_no_more_is_not_kept() {
    let world = World::new();
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a"))).await;
    let task = Arc::new(Woken);
    let waker = Waker::from(Arc::clone(&task));
    for _ in 0..3 {
        let mut events = tree.events();
        let mut next = pin!(events.next());
        assert!(next.as_mut().poll(&mut Task::from_waker(&waker)).is_pending());
        assert_eq!(Arc::strong_count(&task), 3, "it is to be woken");
    }
    assert_eq!(Arc::strong_count(&task), 2, "nobody listens any more");
    tree.shutdown().await.unwrap();
}
