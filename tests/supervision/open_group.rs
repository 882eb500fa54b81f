//! Members of open groups: they come and go while the tree runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use supervisor_runtime::{
    Child, Children, Context, Exit, Restart, Running, Service, ServiceResult, State, SteerError, Supervisor,
};
use tokio::sync::Notify;

use crate::world::{Act, Order, Probe, World, answered, at, ended, secs, started, state};

fn conns(tree: &Running) -> Children<Probe> {
    tree.children("conn").unwrap()
}

fn open() -> Child<Probe> {
    Child::open("conn", ..)
}

async fn one_for_one(child: Child<Probe>) -> Running {
    started(Supervisor::one_for_one("tree").child(child)).await
}

#[tokio::test(start_paused = true)]
async fn members_are_added_and_discarded_and_an_index_is_never_given_again() {
    let world = World::new();
    let tree = one_for_one(open()).await;
    let conns = conns(&tree);
    assert_eq!((conns.len(), conns.is_empty(), conns.bound(), conns.path()), (0, true, None, "tree/conn".to_owned()));
    let a = conns.add(world.service("a")).await.unwrap();
    let b = conns.add(world.service("b")).await.unwrap();
    world.expect(&["start a", "start b"]).await;
    assert_eq!((a.index(), b.path().as_str(), conns.ids()), (0, "tree/conn[1]", vec![0, 1]));
    conns.discard(0).await.unwrap();
    world.expect(&["stop a"]).await;
    assert_eq!((conns.ids(), conns.get(0).is_none()), (vec![1], true));
    let c = conns.add(world.service("c")).await.unwrap();
    assert_eq!((c.index(), conns.ids()), (2, vec![1, 2]));
    // A reference to who has left leads nowhere, not to who has the place now.
    assert!(matches!(a.status(), Err(SteerError::NotThere { path, .. }) if path == "tree/conn[0]"));
    for error in [a.restart().await, a.stop().await, a.start().await, a.wait_ready().await, conns.discard(0).await] {
        assert!(matches!(error, Err(SteerError::NotThere { .. })), "{error:?}");
    }
    a.wait_for(State::Gone).await.unwrap();
    assert!(matches!(conns.discard(usize::MAX).await, Err(SteerError::NotThere { .. })));
    assert_eq!(conns.iter().map(|member| member.path()).collect::<Vec<_>>(), ["tree/conn[1]", "tree/conn[2]"]);
    tree.shutdown().await.unwrap();
    assert_eq!(world.alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_ends_leaves() {
    let world = World::new();
    let tree = one_for_one(open()).await;
    let conns = conns(&tree);
    for (order, word) in
        [(Order::Finish, "finish a"), (Order::Fail, "fail a"), (Order::Panic, "panic a"), (Order::Forfeit, "forfeit a")]
    {
        let a = conns.add(world.service("a")).await.unwrap();
        world.order("a", order);
        world.expect(&["start a", word, "stop a"]).await;
        world.idle().await;
        assert!(conns.is_empty(), "{order:?}");
        assert!(matches!(a.status(), Err(SteerError::NotThere { .. })));
    }
    // By hand, too: OTP's `terminate_child` deletes a temporary child.
    let a = conns.add(world.service("a")).await.unwrap();
    a.stop().await.unwrap();
    assert!(conns.is_empty());
    tree.wait_ready().await.unwrap();
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_tree_with_an_open_group_runs_until_it_is_stopped() {
    let world = World::new();
    let mut tree = one_for_one(open()).await;
    tokio::time::timeout(secs(1000.0), tree.wait()).await.unwrap_err();
    let a = conns(&tree).add(world.service("a")).await.unwrap();
    world.order("a", Order::Finish);
    a.wait_for(State::Gone).await.unwrap();
    tokio::time::timeout(secs(1000.0), tree.wait()).await.unwrap_err();
    tree.shutdown().await.unwrap();
}

/// Ends as soon as it has started.
struct Short(Result<(), &'static str>, bool);

impl Service for Short {
    async fn start(&mut self, _cx: &Context) -> ServiceResult {
        if self.1 { Ok(()) } else { Err("no start".into()) }
    }

    async fn run(&mut self, _cx: &Context) -> ServiceResult {
        Ok(self.0?)
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_that_ends_at_once_has_been_added() {
    let _world = World::new();
    let tree = started(Supervisor::one_for_one("tree").child(Child::<Short>::open("conn", ..))).await;
    let conns = tree.children::<Short>("conn").unwrap();
    for end in [Ok(()), Err("at once")] {
        answered(conns.add(Short(end, true))).await.unwrap();
        answered(conns.add_with(move || Short(end, true))).await.unwrap();
    }
    world_is_empty(&conns).await;
    tree.shutdown().await.unwrap();
}

async fn world_is_empty<S>(conns: &Children<S>) {
    tokio::time::sleep(secs(0.001)).await;
    assert_eq!(conns.ids(), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_member_whose_start_fails_is_none_and_that_is_told() {
    for restart in [Restart::Temporary, Restart::Transient, Restart::Permanent] {
        let _world = World::new();
        let tree = Supervisor::one_for_all("tree").child(Child::<Short>::open("conn", ..).restart(restart));
        let tree = started(tree).await;
        let conns = tree.children::<Short>("conn").unwrap();
        let error = answered(conns.add_with(|| Short(Ok(()), false))).await.unwrap_err();
        assert!(
            matches!(&error, SteerError::StartFailed { path, .. } if path == "tree/conn[0]"),
            "{restart:?}: {error:?}"
        );
        assert!(error.to_string().contains("no start"), "{error}");
        if restart == Restart::Temporary {
            let rejected = answered(conns.add(Short(Ok(()), false))).await.unwrap_err();
            assert!(matches!(rejected.error(), SteerError::StartFailed { .. }), "{rejected:?}");
            assert!(rejected.into_service().is_none(), "its start was tried");
        }
        world_is_empty(&conns).await;
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_bound_gives_the_service_back() {
    let world = World::new();
    let tree = one_for_one(Child::open("conn", ..=2)).await;
    let conns = conns(&tree);
    assert_eq!(conns.bound(), Some(2));
    conns.add(world.service("a")).await.unwrap();
    conns.add(world.service("b")).await.unwrap();
    let rejected = conns.add(world.service("c")).await.unwrap_err();
    assert!(matches!(rejected.error(), SteerError::Full { path, bound: 2, .. } if path == "tree/conn"), "{rejected:?}");
    assert_eq!(rejected.to_string(), "open group `tree/conn` has 2 members, as many as its bound allows");
    assert_eq!(rejected.into_service().unwrap().name, "c");
    let made = Arc::new(AtomicUsize::new(0));
    let (m, w) = (Arc::clone(&made), world.clone());
    let error = conns.add_with(move || {
        m.fetch_add(1, Ordering::Relaxed);
        w.service("c")
    });
    assert!(matches!(error.await, Err(SteerError::Full { .. })));
    assert_eq!((made.load(Ordering::Relaxed), conns.len()), (0, 2));
    conns.discard(0).await.unwrap();
    conns.add(world.service("c")).await.unwrap();
    world.page();
    world.order("b", Order::Finish);
    world.expect(&["finish b", "stop b"]).await;
    world.idle().await;
    conns.add(world.service("d")).await.unwrap();
    assert_eq!(conns.len(), 2);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn transient_and_permanent_members_are_restarted_and_need_a_factory() {
    for restart in [Restart::Transient, Restart::Permanent] {
        let world = World::new();
        let tree = one_for_one(open().restart(restart)).await;
        let conns = conns(&tree);
        let rejected = conns.add(world.service("a")).await.unwrap_err();
        assert!(
            matches!(rejected.error(), SteerError::NeedsFactory { path, .. } if path == "tree/conn"),
            "{rejected:?}"
        );
        assert_eq!(rejected.into_service().unwrap().name, "a");
        let w = world.clone();
        let a = conns.add_with(move || w.service("a")).await.unwrap();
        world.fail("a");
        world.expect(&["start a", "fail a", "stop a", "start a"]).await;
        world.order("a", Order::Finish);
        if restart == Restart::Transient {
            world.expect(&["finish a", "stop a"]).await;
            world.idle().await;
            assert!(conns.is_empty());
        } else {
            world.expect(&["finish a", "stop a", "start a"]).await;
            // Stopped by hand, it stays a member, and can be started.
            a.stop().await.unwrap();
            assert_eq!((conns.len(), a.status().unwrap().state()), (1, State::Stopped));
            a.start().await.unwrap();
            a.restart().await.unwrap();
            world.expect(&["stop a", "start a", "stop a", "start a"]).await;
            a.stop().await.unwrap();
            conns.discard(a.index()).await.unwrap();
            assert!(conns.is_empty());
        }
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_in_place_is_the_same_value_for_as_long_as_it_is_one() {
    let world = World::new();
    let tree = one_for_one(Child::open_in_place("conn", ..).restart(Restart::Permanent)).await;
    let conns = conns(&tree);
    let a = conns.add(world.service("a")).await.unwrap();
    world.fail("a");
    world.order("a", Order::Panic);
    world.expect(&["start a", "fail a", "stop a", "start a", "panic a", "stop a", "start a"]).await;
    a.stop().await.unwrap();
    a.start().await.unwrap();
    a.restart().await.unwrap();
    world.expect(&["stop a", "start a", "stop a", "start a"]).await;
    let weak = Arc::new(());
    struct Held(#[allow(dead_code, reason = "it is what is counted")] Arc<()>);
    impl Service for Held {
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            Ok(cx.stopping().await)
        }
    }
    tree.shutdown().await.unwrap();
    let tree =
        Supervisor::one_for_one("tree").child(Child::<Held>::open_in_place("conn", ..).restart(Restart::Permanent));
    let tree = started(tree).await;
    let held = tree.children::<Held>("conn").unwrap();
    for _ in 0..3 {
        let member = held.add(Held(Arc::clone(&weak))).await.unwrap();
        member.restart().await.unwrap();
        assert_eq!(Arc::strong_count(&weak), 2);
        member.stop().await.unwrap();
        assert_eq!(Arc::strong_count(&weak), 2, "it may be started again");
        held.discard(member.index()).await.unwrap();
        world.idle().await;
        assert_eq!(Arc::strong_count(&weak), 1, "it is dropped when it leaves");
    }
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_a_member_that_cannot_be_made_again_is_refused_and_leaves_it_alone() {
    let world = World::new();
    let tree = one_for_one(open()).await;
    let conns = conns(&tree);
    let a = conns.add(world.service("a")).await.unwrap();
    let error = answered(a.restart()).await.unwrap_err();
    world.idle().await;
    let log = world.page();
    assert!(matches!(error, SteerError::NeedsFactory { .. }), "{error}; {log:?}, {:?}", conns.ids());
    assert_eq!(log, ["start a"]);
    assert_eq!(a.status().unwrap().state(), State::Running);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_group_restart_ends_temporary_members_and_restarts_the_others() {
    let world = World::new();
    let tree = Supervisor::one_for_all("tree")
        .child(world.child("x"))
        .child(open())
        .child(Child::<Probe>::open("kept", ..).restart(Restart::Permanent));
    let tree = started(tree).await;
    let (conns, kept) = (conns(&tree), tree.children::<Probe>("kept").unwrap());
    conns.add(world.service("a")).await.unwrap();
    let w = world.clone();
    kept.add_with(move || w.service("k")).await.unwrap();
    world.page();
    world.fail("x");
    world.expect(&["fail x", "stop x", "stop k", "stop a", "start x", "start k"]).await;
    assert_eq!((conns.len(), kept.ids()), (0, vec![0]));
    conns.add(world.service("b")).await.unwrap();
    // A temporary member's failure touches nobody; that of a permanent one is an incident.
    world.fail("b");
    world.expect(&["start b", "fail b", "stop b"]).await;
    conns.add(world.service("c")).await.unwrap();
    world.fail("k");
    world.expect(&["start c", "fail k", "stop k", "stop c", "stop x", "start x", "start k"]).await;
    assert_eq!(conns.len(), 0);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_the_group_itself_loses_the_members() {
    let world = World::new();
    let pool = Supervisor::one_for_one("pool").child(Child::<Probe>::open("conn", ..=3).restart(Restart::Permanent));
    let tree = started(Supervisor::one_for_one("tree").child(pool)).await;
    let conns = tree.children::<Probe>("pool/conn").unwrap();
    let w = world.clone();
    let a = conns.add_with(move || w.service("a")).await.unwrap();
    let index = a.index();
    tree.group("pool").unwrap().restart().await.unwrap();
    world.idle().await;
    world.expect(&["start a", "stop a"]).await;
    assert!(conns.is_empty());
    assert!(matches!(a.status(), Err(SteerError::NotThere { .. })));
    let w = world.clone();
    let b = conns.add_with(move || w.service("b")).await.unwrap();
    assert_ne!(b.index(), index, "an index is never given again");
    assert!(matches!(a.status(), Err(SteerError::NotThere { .. })));
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_member_holds_is_dropped_when_its_group_is_lost_or_it_is_rejected() {
    struct Held(#[allow(dead_code, reason = "it is what is counted")] Arc<()>);
    impl Service for Held {
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            Ok(cx.stopping().await)
        }
    }
    let world = World::new();
    let counted = Arc::new(());
    let pool = Supervisor::one_for_one("pool").child(Child::<Held>::open("conn", ..).restart(Restart::Permanent));
    let tree = started(Supervisor::one_for_one("tree").child(pool)).await;
    let conns = tree.children::<Held>("pool/conn").unwrap();
    for round in 0..3 {
        let held = Arc::clone(&counted);
        let member = conns.add_with(move || Held(Arc::clone(&held))).await.unwrap();
        assert_eq!(Arc::strong_count(&counted), 3);
        if round == 1 {
            member.stop().await.unwrap();
        }
        tree.group("pool").unwrap().restart().await.unwrap();
        world.idle().await;
        assert_eq!(Arc::strong_count(&counted), 1, "round {round}");
    }
    let pool = tree.group("pool").unwrap();
    pool.stop().await.unwrap();
    let rejected = conns.add_with({
        let held = Arc::clone(&counted);
        move || Held(Arc::clone(&held))
    });
    assert!(matches!(rejected.await, Err(SteerError::NotRunning { .. })));
    assert_eq!(Arc::strong_count(&counted), 1);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn adding_while_the_group_restarts_waits_and_while_it_stops_is_refused() {
    let world = World::new();
    world.plan("x", [Act::SlowStop(secs(2.0)), Act::SlowStop(secs(2.0))]);
    let tree =
        started(Supervisor::one_for_all("tree").child(world.child("x")).child(world.child("y")).child(open())).await;
    let conns = conns(&tree);
    world.page();
    world.fail("y");
    world.expect(&["fail y", "stop y"]).await;
    answered(conns.add(world.service("a"))).await.unwrap();
    world.expect(&["stop x", "start x", "start y", "start a"]).await;
    tree.handle().shutdown();
    world.expect(&["stop a", "stop y"]).await;
    let rejected = answered(conns.add(world.service("b"))).await.unwrap_err();
    assert!(
        matches!(rejected.error(), SteerError::NotRunning { supervisor, .. } if supervisor == "tree"),
        "{rejected:?}"
    );
    assert_eq!(rejected.into_service().unwrap().name, "b");
    let mut tree = tree;
    ended(&mut tree).await.unwrap();
    let rejected = answered(conns.add(world.service("b"))).await.unwrap_err();
    assert!(matches!(rejected.error(), SteerError::Ended), "{rejected:?}");
    assert_eq!(rejected.into_service().unwrap().name, "b");
    drop(tree);
    let rejected = answered(conns.add(world.service("b"))).await.unwrap_err();
    assert!(matches!(rejected.error(), SteerError::Ended), "{rejected:?}");
    assert_eq!((rejected.into_service().unwrap().name.as_str(), conns.len(), conns.bound()), ("b", 0, None));
    world.expect(&["stop x"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_added_during_a_sweep_and_discarded_before_its_turn_never_starts() {
    let world = World::new();
    world.plan("x", [Act::SlowStop(secs(2.0))]);
    let tree =
        started(Supervisor::one_for_all("tree").child(world.child("x")).child(world.child("y")).child(open())).await;
    let conns = conns(&tree);
    world.page();
    world.fail("y");
    world.expect(&["fail y", "stop y"]).await;
    let add = tokio::spawn({
        let (conns, a) = (conns.clone(), world.service("a"));
        async move { conns.add(a).await.map(drop) }
    });
    world.idle().await;
    assert_eq!(conns.ids(), [0]);
    conns.discard(0).await.unwrap();
    let rejected = answered(add).await.unwrap().unwrap_err();
    assert!(matches!(rejected.error(), SteerError::Overtaken { .. } | SteerError::NotThere { .. }), "{rejected:?}");
    world.expect(&["stop x", "start x", "start y"]).await;
    tree.shutdown().await.unwrap();
}

#[test]
fn members_are_added_from_a_thread_without_a_runtime() {
    use std::task::{Context as Task, Poll, Wake, Waker};
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    fn block_on<F: Future>(future: F) -> F::Output {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut future = std::pin::pin!(future);
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut Task::from_waker(&waker)) {
                return value;
            }
            std::thread::park_timeout(std::time::Duration::from_secs(10));
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let world = runtime.block_on(async { World::in_real_time() });
    let tree = runtime.block_on(async { one_for_one(open().restart(Restart::Permanent)).await });
    let conns = conns(&tree);
    let w = world.clone();
    let a = block_on(conns.add_with(move || w.service("a"))).unwrap();
    block_on(a.restart()).unwrap();
    block_on(a.stop()).unwrap();
    block_on(a.start()).unwrap();
    block_on(a.wait_ready()).unwrap();
    block_on(conns.discard(0)).unwrap();
    runtime.block_on(world.expect(&["start a", "stop a", "start a", "stop a", "start a", "stop a"]));
    block_on(tree.shutdown()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_added_while_its_start_is_slow_is_told_when_it_has_started_and_can_be_discarded_before() {
    let world = World::new();
    let tree = one_for_one(open()).await;
    let conns = conns(&tree);
    world.plan("a", [Act::SlowStart(secs(2.0))]).plan("b", [Act::BlockStart]);
    let begin = tokio::time::Instant::now();
    conns.add(world.service("a")).await.unwrap();
    assert_eq!(begin.elapsed(), secs(2.0));
    let add = tokio::spawn({
        let (conns, b) = (conns.clone(), world.service("b"));
        async move { conns.add(b).await.map(drop) }
    });
    world.expect(&["start a", "started a", "start b"]).await;
    conns.discard(1).await.unwrap();
    let rejected = answered(add).await.unwrap().unwrap_err();
    assert!(matches!(rejected.error(), SteerError::Overtaken { .. }), "{rejected:?}");
    assert_eq!(conns.ids(), [0]);
    // Who does not wait for the answer has added it all the same.
    world.plan("c", [Act::SlowStart(secs(2.0))]);
    tokio::time::timeout(secs(1.0), conns.add(world.service("c"))).await.unwrap_err();
    world.expect(&["start c", "started c"]).await;
    assert_eq!(conns.ids(), [0, 2]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn many_members_stop_together() {
    let world = World::new();
    let tree = one_for_one(open()).await;
    let conns = conns(&tree);
    for index in 0..100 {
        let name = format!("c{index}");
        world.plan(&name, [Act::SlowStop(secs(1.0))]);
        conns.add(world.service(&name)).await.unwrap();
    }
    let begin = tokio::time::Instant::now();
    tree.shutdown().await.unwrap();
    assert_eq!(begin.elapsed(), secs(1.0));
    assert_eq!(world.alive(), 0);
}

/// Runs until it is stopped, and says nothing.
struct Quiet;

impl Service for Quiet {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        Ok(cx.stopping().await)
    }
}

#[tokio::test(start_paused = true)]
async fn places_are_used_again_whoever_comes_and_goes() {
    for how in ["discard", "stop", "end"] {
        let _world = World::new();
        let tree = Supervisor::one_for_one("tree")
            .child(Child::<Quiet>::open("conn", ..))
            .child(Child::<Short>::open("short", ..));
        let tree = started(tree).await;
        let (conns, short) = (tree.children::<Quiet>("conn").unwrap(), tree.children::<Short>("short").unwrap());
        conns.add(Quiet).await.unwrap();
        let keeps = conns.add(Quiet).await.unwrap();
        conns.discard(0).await.unwrap();
        for _ in 0..if how == "end" { 20_000 } else { 40_000 } {
            match how {
                "discard" => {
                    let id = conns.add(Quiet).await.unwrap().index();
                    conns.discard(id).await.unwrap();
                }
                "stop" => conns.add(Quiet).await.unwrap().stop().await.unwrap(),
                _ => drop(short.add(Short(Ok(()), true)).await),
            }
        }
        tokio::time::sleep(secs(0.001)).await;
        assert_eq!((conns.ids(), short.len()), (vec![1], 0), "{how}");
        assert_eq!(keeps.status().unwrap().state(), State::Running);
        let snapshot = tree.snapshot().unwrap();
        assert_eq!(snapshot.rows().len(), 2, "{how}");
        assert_eq!(tree.which_children().unwrap().len(), 1);
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn who_stands_behind_members_that_are_added_is_not_held_up() {
    // In `rest_for_one`, `z` is declared after the members; adding one does not touch it.
    for strategy in [Supervisor::rest_for_one as fn(&'static str) -> Supervisor, Supervisor::one_for_all] {
        let world = World::new();
        let tree = started(strategy("tree").child(open()).child(world.child("z"))).await;
        let conns = conns(&tree);
        conns.add(world.service("a")).await.unwrap();
        conns.discard(0).await.unwrap();
        world.expect(&["start z", "start a", "stop a"]).await;
        assert_eq!(state(&tree, "z"), State::Running);
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn members_that_depend_on_a_provider_go_and_come_with_it() {
    let log = crate::capture::log();
    let world = World::new();
    let tree = Supervisor::dependents_for_one("tree")
        .child(world.child("db"))
        .child(open().restart(Restart::Permanent).requires(["db"]))
        .child(Child::<Probe>::open("once", ..).requires(["db"]));
    let tree = started(tree).await;
    let conns = conns(&tree);
    let w = world.clone();
    conns.add_with(move || w.service("a")).await.unwrap();
    tree.children::<Probe>("once").unwrap().add(world.service("o")).await.unwrap();
    world.page();
    at(&tree, "db").stop().await.unwrap();
    let mut page = world.page();
    page.sort();
    assert_eq!(page, ["stop a", "stop db", "stop o"]);
    let once = tree.children::<Probe>("once").unwrap();
    assert_eq!((conns.len(), once.len()), (1, 0), "what was added once cannot come with it");
    let w = world.clone();
    let error = conns.add_with(move || w.service("b")).await.unwrap_err();
    assert!(matches!(&error, SteerError::Requires { missing, .. } if missing == "tree/db"), "{error:?}");
    let rejected = tree.children::<Probe>("once").unwrap().add(world.service("p")).await.unwrap_err();
    assert_eq!(rejected.into_service().unwrap().name, "p");
    at(&tree, "db").start().await.unwrap();
    world.idle().await;
    world.expect(&["start db", "start a"]).await;
    let once = tree.children::<Probe>("once").unwrap();
    assert_eq!((conns.len(), once.len()), (1, 0));
    // The same by a restart: what was added once cannot be made again, and nothing tries.
    once.add(world.service("o")).await.unwrap();
    world.page();
    log.page();
    at(&tree, "db").restart().await.unwrap();
    world.idle().await;
    assert_eq!(world.page()[2..], ["stop db", "start db", "start a"]);
    let failures: Vec<_> = log.page().into_iter().filter(|line| line.starts_with("WARN")).collect();
    assert_eq!((once.len(), failures), (0, Vec::new()));
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_member_that_cannot_be_made_again_is_left_alone_by_a_restart_also_before_it_has_begun() {
    let world = World::new();
    let tree = started(Supervisor::one_for_one("tree").child(Child::<Probe>::open("conn", ..))).await;
    let conns = tree.children::<Probe>("conn").unwrap();
    let mut adding = Box::pin(conns.add(world.service("a")));
    // It is a member now, whose task has not begun.
    assert!(std::future::poll_fn(|task| std::task::Poll::Ready(adding.as_mut().poll(task))).await.is_pending());
    let error = conns.get(0).unwrap().restart().await.unwrap_err();
    assert!(matches!(error, SteerError::NeedsFactory { .. }), "{error}");
    assert!(adding.await.is_ok());
    assert_eq!(world.page(), ["start a"]);
}

#[tokio::test(start_paused = true)]
async fn a_member_whose_service_is_on_its_way_down_is_not_started_again_and_leaves() {
    /// Fails, and stops when it is told to.
    struct Fails(Arc<Notify>);
    impl Service for Fails {
        async fn run(&mut self, _cx: &Context) -> ServiceResult {
            Err("boom".into())
        }
        async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
            self.0.notified().await;
        }
    }
    let tree = started(Supervisor::one_for_one("tree").child(Child::<Fails>::open("fails", ..=1))).await;
    let members = tree.children::<Fails>("fails").unwrap();
    let stops = Arc::new(Notify::new());
    let member = members.add(Fails(Arc::clone(&stops))).await.unwrap();
    member.wait_for(State::Stopping).await.unwrap();
    assert!(matches!(member.start().await, Err(SteerError::NeedsFactory { .. })));
    stops.notify_one();
    member.wait_for(State::Gone).await.unwrap();
    assert!(members.is_empty());
    assert!(members.add(Fails(stops)).await.is_ok());
    drop(tree);
}
