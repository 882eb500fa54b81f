//! References: where they lead, what they refuse, and what takes the place of a child (`replace`).

use supervisor_runtime::{
    Child, ChildRef, Children, Context, Exit, GroupRef, Replicas, Restart, Running, Service, ServiceResult, State,
    SteerError, Supervisor, TreeHandle, Untyped, service_fn,
};

use crate::world::{Act, Probe, World, answered, at, secs, started, state};

#[test]
fn references_can_be_sent_shared_and_kept() {
    fn check<T: Clone + Send + Sync + 'static + std::fmt::Debug>() {}
    // Whatever the service is.
    type NotSync = std::cell::Cell<u32>;
    check::<ChildRef<NotSync>>();
    check::<Replicas<NotSync>>();
    check::<Children<NotSync>>();
    check::<GroupRef>();
    check::<TreeHandle>();
    check::<SteerError>();
}

#[tokio::test(start_paused = true)]
async fn a_path_that_leads_nowhere_is_told_with_the_names_that_there_are() {
    let world = World::new();
    let hidden = Supervisor::one_for_one(supervisor_runtime::ANONYMOUS).child(world.child("hidden"));
    let pool = Supervisor::one_for_one("pool").child(world.child("a")).child(hidden);
    let tree = Supervisor::one_for_one("tree").child(pool).child(world.replicas("w", 2));
    let tree = started(tree.child(Child::<Probe>::open("conn", ..))).await;
    for (path, error) in [
        ("nope", "there is no `tree/nope`; there is `pool`, `w`, `conn`"),
        ("", "there is no `tree/`; there is `pool`, `w`, `conn`"),
        ("/", "there is no `tree/`; there is `pool`, `w`, `conn`"),
        ("pool/b", "there is no `tree/pool/b`; there is `a`, `hidden`"),
        ("w", "`tree/w` is replicated: ask for it with `replicas`, or for one as `name[0]`"),
        ("conn", "`tree/conn` is an open group: ask for it with `children`"),
        ("pool/a[0]", "`tree/pool/a` is one child: ask for it with `child`"),
        ("w/x", "`tree/w` is a child that has none below it"),
    ] {
        assert_eq!(tree.child::<Untyped>(path).unwrap_err().to_string(), error, "{path}");
    }
    assert_eq!(at(&tree, "pool/hidden").path(), "tree/pool/hidden");
    assert_eq!(at(&tree, "w[1]").path(), "tree/w[1]");
    assert!(matches!(at(&tree, "w[2]").status(), Err(SteerError::NotThere { path, .. }) if path == "tree/w[2]"));
    assert!(matches!(at(&tree, "w[2]").start().await, Err(SteerError::NotThere { .. })));
    assert!(matches!(tree.group("w"), Err(SteerError::Mismatch { .. })));
    assert!(matches!(tree.replicas::<Probe>("pool"), Err(SteerError::Mismatch { .. })));
    assert!(matches!(tree.children::<Probe>("w"), Err(SteerError::Mismatch { .. })));
    assert!(matches!(tree.child::<String>("pool/a"), Err(SteerError::Mismatch { .. })));
    assert!(tree.child::<Probe>("pool/a").is_ok());
    assert!(matches!(tree.replicas::<String>("w"), Err(SteerError::Mismatch { .. })));
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_reference_stays_valid_across_every_restart() {
    let world = World::new();
    let pool = Supervisor::one_for_one("pool").child(world.child("a"));
    let tree = started(Supervisor::one_for_one("tree").child(pool)).await;
    let (a, pool) = (at(&tree, "pool/a"), tree.group("pool").unwrap());
    a.restart().await.unwrap();
    assert_eq!(a.status().unwrap().incarnation(), 2);
    pool.restart().await.unwrap();
    assert_eq!(a.status().unwrap().incarnation(), 1, "a new group counts anew");
    pool.stop().await.unwrap();
    assert_eq!(a.status().unwrap().state(), State::Stopped);
    let waits = tokio::spawn({
        let a = a.clone();
        async move { a.wait_for(State::Running).await }
    });
    world.idle().await;
    pool.start().await.unwrap();
    answered(waits).await.unwrap().unwrap();
    assert_eq!(a.status().unwrap().state(), State::Running);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_path_of_a_replica_is_the_same_when_the_tree_has_ended() {
    let world = World::new();
    let pool = Supervisor::one_for_one("pool").child(world.replicas("w", 2));
    let tree = started(Supervisor::one_for_one("tree").child(pool)).await;
    let (w, pool) = (at(&tree, "pool/w[1]"), tree.group("pool").unwrap());
    assert_eq!((w.path(), pool.path()), ("tree/pool/w[1]".to_owned(), "tree/pool".to_owned()));
    tree.shutdown().await.unwrap();
    assert_eq!((w.path(), pool.path()), ("tree/pool/w[1]".to_owned(), "tree/pool".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn references_do_not_keep_the_tree_alive() {
    let world = World::new();
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a"))).await;
    let a = at(&tree, "a");
    let (handle, events) = (tree.handle(), tree.events());
    drop(tree);
    world.idle().await;
    assert_eq!(world.alive(), 0);
    assert!(matches!(a.status(), Err(SteerError::Ended)));
    assert!(matches!(a.restart().await, Err(SteerError::Ended)));
    assert!(matches!(handle.child::<Untyped>("a"), Err(SteerError::Ended)));
    assert!(matches!(answered(handle.wait_ready()).await, Err(SteerError::Ended)));
    handle.shutdown();
    drop(events);
}

#[tokio::test(start_paused = true)]
async fn what_is_below_an_embedded_tree_is_found_when_it_runs() {
    let world = World::new();
    let billing = {
        let world = world.clone();
        Child::new("billing", move || Supervisor::one_for_one("billing").child(world.child("a")))
    };
    let tree = started(Supervisor::one_for_one("tree").child(world.child("x")).child(billing)).await;
    let a = at(&tree, "billing/a");
    assert_eq!(a.path(), "tree/billing/a");
    a.restart().await.unwrap();
    let group = tree.group("billing").unwrap();
    group.stop().await.unwrap();
    assert!(matches!(a.restart().await, Err(SteerError::NotRunning { .. })));
    group.start().await.unwrap();
    assert_eq!(a.status().unwrap().state(), State::Running);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn which_children_and_count_children_tell_what_is_there() {
    let world = World::new();
    let pool =
        Supervisor::one_for_one("pool").child(world.child("a")).child(world.child("b").restart(Restart::Transient));
    let tree = Supervisor::one_for_one("tree")
        .child(pool)
        .child(world.replicas("w", 2))
        .child(Child::<Probe>::open("conn", ..));
    let tree = started(tree).await;
    tree.children::<Probe>("conn").unwrap().add(world.service("c")).await.unwrap();
    at(&tree, "w[0]").stop().await.unwrap();
    let there: Vec<_> =
        tree.which_children().unwrap().into_iter().map(|(path, status)| (path, status.state())).collect();
    let expected = [
        ("tree/pool", State::Running),
        ("tree/w[0]", State::Stopped),
        ("tree/w[1]", State::Running),
        ("tree/conn[0]", State::Running),
    ];
    assert_eq!(there, expected.map(|(path, state)| (path.to_owned(), state)));
    let counts = tree.count_children().unwrap();
    assert_eq!((counts.declared, counts.active, counts.supervisors, counts.workers), (3, 3, 1, 3));
    let counts = tree.group("pool").unwrap().count_children().unwrap();
    assert_eq!((counts.declared, counts.active, counts.supervisors, counts.workers), (2, 2, 0, 2));
    tree.shutdown().await.unwrap();
}

/// A probe that knows where it came from, and how often it was started.
struct Made {
    probe: Probe,
    world: World,
    by: String,
    starts: usize,
}

impl Made {
    fn new(world: &World, name: &str, by: &str) -> Self {
        Self { probe: world.service(name), world: world.clone(), by: by.to_owned(), starts: 0 }
    }
}

impl Service for Made {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        self.starts += 1;
        self.world.write(format!("{} {}", self.by, self.starts));
        self.probe.start(cx).await
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        self.probe.run(cx).await
    }

    async fn stop(&mut self, cx: &Context, exit: &Exit) {
        self.probe.stop(cx, exit).await;
    }
}

fn made(world: &World, name: &'static str) -> impl Fn() -> Made + Clone + Send + Sync + 'static {
    let world = world.clone();
    move || Made::new(&world, name, "declared")
}

async fn tree_of(child: Child<Made>) -> Running {
    started(Supervisor::one_for_one("tree").child(child)).await
}

#[tokio::test(start_paused = true)]
async fn a_child_is_replaced_until_its_next_restart() {
    let world = World::new();
    let tree = tree_of(Child::new("a", made(&world, "a"))).await;
    let a = tree.child::<Made>("a").unwrap();
    a.replace(Made::new(&world, "a", "given")).await.unwrap();
    world.expect(&["declared 1", "start a", "stop a", "given 1", "start a"]).await;
    world.fail("a");
    world.expect(&["fail a", "stop a", "declared 1", "start a"]).await;
    // Also one that is down.
    a.stop().await.unwrap();
    a.replace(Made::new(&world, "a", "given")).await.unwrap();
    world.expect(&["stop a", "given 1", "start a"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_in_place_is_replaced_for_good() {
    let world = World::new();
    let tree = tree_of(Child::in_place("a", made(&world, "a"))).await;
    let a = tree.child::<Made>("a").unwrap();
    a.replace(Made::new(&world, "a", "given")).await.unwrap();
    world.expect(&["declared 1", "start a", "stop a", "given 1", "start a"]).await;
    world.fail("a");
    world.expect(&["fail a", "stop a", "given 2", "start a"]).await;
    a.restart().await.unwrap();
    world.expect(&["stop a", "given 3", "start a"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_made_of_the_one_before_goes_on_with_the_replacement() {
    let world = World::new();
    let child =
        Child::new("a", made(&world, "a")).replace(|old: Made, _index| Made { by: format!("{}'", old.by), ..old });
    let tree = tree_of(child).await;
    let a = tree.child::<Made>("a").unwrap();
    world.fail("a");
    world.expect(&["declared 1", "start a", "fail a", "stop a", "declared' 2", "start a"]).await;
    a.replace(Made::new(&world, "a", "given")).await.unwrap();
    world.expect(&["stop a", "given 1", "start a"]).await;
    world.fail("a");
    world.expect(&["fail a", "stop a", "given' 2", "start a"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_replica_is_replaced_and_the_others_are_left_alone() {
    let world = World::new();
    let w = world.clone();
    let child = Child::replicated("w", 3, move |index| Made::new(&w, &format!("w{index}"), "declared"));
    let tree = tree_of(child).await;
    let workers = tree.replicas::<Made>("w").unwrap();
    world.page();
    workers.replace(1, Made::new(&world, "w1", "given")).await.unwrap();
    world.expect(&["stop w1", "given 1", "start w1"]).await;
    let rejected = workers.replace(3, Made::new(&world, "w3", "given")).await.unwrap_err();
    assert!(matches!(rejected.error(), SteerError::NotThere { path, .. } if path == "tree/w[3]"), "{rejected:?}");
    assert_eq!(rejected.into_service().unwrap().by, "given");
    // What came back is not put in its place by a later scaling.
    workers.scale_to(4).await.unwrap();
    world.expect(&["declared 1", "start w3"]).await;
    let rejected = workers.replace(usize::MAX, Made::new(&world, "w", "given")).await.unwrap_err();
    assert!(rejected.into_service().is_some());
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_replacement_of_a_replica_that_is_scaled_away_before_it_starts_is_not_what_comes_back() {
    for is_awaited in [false, true] {
        let world = World::new();
        world.plan("w1", [Act::SlowStop(secs(2.0))]);
        let w = world.clone();
        let child = Child::replicated("w", 2, move |index| Made::new(&w, &format!("w{index}"), "declared"));
        let tree = tree_of(child).await;
        let workers = tree.replicas::<Made>("w").unwrap();
        world.page();
        let replacing = tokio::spawn({
            let (workers, given) = (workers.clone(), Made::new(&world, "w1", "given"));
            async move { workers.replace(1, given).await.unwrap_err() }
        });
        world.idle().await;
        if !is_awaited {
            replacing.abort();
        }
        answered(workers.scale_to(1)).await.unwrap();
        answered(workers.scale_to(2)).await.unwrap();
        world.expect(&["stop w1", "declared 1", "start w1"]).await;
        let back = replacing.await.ok().map(|rejected| rejected.into_service().unwrap().by);
        assert_eq!(back.as_deref(), is_awaited.then_some("given"), "it comes back to who waits");
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn members_are_replaced_too() {
    for in_place in [false, true] {
        let world = World::new();
        let open = if in_place { Child::open_in_place("conn", ..) } else { Child::<Made>::open("conn", ..) };
        let tree = tree_of(open.restart(Restart::Permanent)).await;
        let conns = tree.children::<Made>("conn").unwrap();
        let member = if in_place {
            conns.add(Made::new(&world, "m", "declared")).await.unwrap()
        } else {
            conns.add_with(made(&world, "m")).await.unwrap()
        };
        member.replace(Made::new(&world, "m", "given")).await.unwrap();
        world.expect(&["declared 1", "start m", "stop m", "given 1", "start m"]).await;
        world.fail("m");
        world.expect(&["fail m", "stop m", if in_place { "given 2" } else { "declared 1" }, "start m"]).await;
        tree.shutdown().await.unwrap();
    }
    // A temporary one goes on with the replacement while that runs.
    let world = World::new();
    let tree = tree_of(Child::<Made>::open("conn", ..)).await;
    let conns = tree.children::<Made>("conn").unwrap();
    let member = conns.add(Made::new(&world, "m", "declared")).await.unwrap();
    member.replace(Made::new(&world, "m", "given")).await.unwrap();
    world.expect(&["declared 1", "start m", "stop m", "given 1", "start m"]).await;
    world.fail("m");
    world.expect(&["fail m", "stop m"]).await;
    world.idle().await;
    assert!(conns.is_empty());
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_a_tree_whose_owner_is_gone_also_if_a_context_of_it_is_kept() {
    let (give, mut given) = tokio::sync::mpsc::unbounded_channel();
    let a = Child::new("a", move || {
        let give = give.clone();
        service_fn(move |cx| async move {
            let _ = give.send(cx.clone());
            cx.stopping().await;
            Ok(())
        })
    });
    let tree = started(Supervisor::one_for_one("tree").child(a)).await;
    let a = at(&tree, "a");
    let kept = given.recv().await.unwrap();
    tree.shutdown().await.unwrap();
    assert!(matches!(a.status(), Err(SteerError::Ended)), "{:?}", a.status());
    assert!(matches!(a.start().await, Err(SteerError::Ended)));
    drop(kept);
}

#[tokio::test(start_paused = true)]
async fn a_replacement_of_the_wrong_type_or_that_does_not_start_is_told() {
    let world = World::new();
    let tree = tree_of(Child::new("a", made(&world, "a"))).await;
    let error = tree.child::<Probe>("a").unwrap_err();
    assert!(error.to_string().contains("Made") && error.to_string().contains("Probe"), "{error}");
    let a = tree.child::<Made>("a").unwrap();
    world.plan("a", [Act::FailStart]);
    world.page();
    let rejected = answered(a.replace(Made::new(&world, "a", "given"))).await.unwrap_err();
    assert!(matches!(rejected.error(), SteerError::StartFailed { .. }), "{rejected:?}");
    assert!(rejected.into_service().is_none());
    assert_eq!(state(&tree, "a"), State::Stopped);
    a.start().await.unwrap();
    world.expect(&["stop a", "given 1", "start a", "declared 1", "start a"]).await;
    let handle = tree.handle();
    tree.shutdown().await.unwrap();
    let rejected = a.replace(Made::new(&world, "a", "late")).await.unwrap_err();
    assert_eq!(rejected.into_service().unwrap().by, "late");
    drop(handle);
}

#[tokio::test(start_paused = true)]
async fn a_replacement_during_a_restart_is_what_comes_next_and_the_last_of_two_wins() {
    let world = World::new();
    world.plan("a", [Act::SlowStop(secs(2.0))]);
    let tree = tree_of(Child::new("a", made(&world, "a"))).await;
    let a = tree.child::<Made>("a").unwrap();
    world.page();
    let first = tokio::spawn({
        let (a, service) = (a.clone(), Made::new(&world, "a", "first"));
        async move { a.replace(service).await.map_err(|rejected| rejected.error().clone()) }
    });
    world.idle().await;
    answered(a.replace(Made::new(&world, "a", "second"))).await.unwrap();
    let first = answered(first).await.unwrap();
    world.idle().await;
    world.expect(&["stop a", "second 1", "start a"]).await;
    assert!(matches!(first, Err(SteerError::Overtaken { .. })), "it was another's that was started: {first:?}");
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_is_stopped_before_its_start_does_not_come_up_later_by_itself() {
    let world = World::new();
    world.plan("a", [Act::SlowStop(secs(2.0))]);
    let tree = tree_of(Child::new("a", made(&world, "a"))).await;
    let a = tree.child::<Made>("a").unwrap();
    world.page();
    let replace = tokio::spawn({
        let (a, service) = (a.clone(), Made::new(&world, "a", "given"));
        async move { a.replace(service).await.map_err(|rejected| rejected.error().clone()) }
    });
    world.idle().await;
    a.stop().await.unwrap();
    let error = answered(replace).await.unwrap().unwrap_err();
    assert!(matches!(error, SteerError::Overtaken { .. }), "{error:?}");
    a.start().await.unwrap();
    let page = world.page();
    assert!(page == ["stop a", "given 1", "start a"] || page == ["stop a", "declared 1", "start a"], "{page:?}");
    tree.shutdown().await.unwrap();
}
