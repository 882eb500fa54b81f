//! Steering from inside: a service asks for something of the tree that it stands in.

use std::sync::{Arc, Mutex};

use supervisor_runtime::{
    Child, Context, Exit, Provide, Service, ServiceResult, StableHandle, State, SteerError, Supervisor, TreeHandle,
    Wire, Wires,
};

use crate::world::{Act, Probe, World, answered, at, ended, secs, started, state};

type Asks =
    Arc<dyn Fn(Context) -> std::pin::Pin<Box<dyn Future<Output = Result<(), SteerError>> + Send>> + Send + Sync>;

/// Asks for something once, in `start` or in `run`, and writes the answer.
#[derive(Clone)]
struct Asker {
    world: World,
    asks: Arc<Mutex<Option<Asks>>>,
    in_start: bool,
}

impl Asker {
    async fn ask(&self, cx: &Context) {
        let asks = self.asks.lock().unwrap().take();
        if let Some(asks) = asks {
            let line = match asks(cx.clone()).await {
                Ok(()) => "done".to_owned(),
                Err(error) => format!("{error:?}").split([' ', '{']).next().unwrap().to_owned(),
            };
            self.world.write(line);
        }
    }
}

impl Service for Asker {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        self.world.write("start asker");
        if self.in_start {
            self.ask(cx).await;
        }
        Ok(())
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        if !self.in_start {
            self.ask(cx).await;
        }
        cx.stopping().await;
        self.world.write("stop asker");
        Ok(())
    }
}

fn asker<F, Fut>(world: &World, in_start: bool, asks: F) -> Child<Asker>
where
    F: Fn(TreeHandle) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), SteerError>> + Send + 'static,
{
    let asks: Asks = Arc::new(move |cx| Box::pin(asks(cx.tree())));
    let asker = Asker { world: world.clone(), asks: Arc::new(Mutex::new(Some(asks))), in_start };
    Child::new("asker", move || asker.clone())
}

fn child(tree: &TreeHandle, path: &str) -> supervisor_runtime::ChildRef {
    tree.child(path).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_oneself_ends_with_stopping_and_happens() {
    let world = World::new();
    let me = asker(&world, false, |tree| async move { child(&tree, "asker").restart().await });
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a")).child(me)).await;
    world.expect(&["start a", "start asker", "Stopping", "stop asker", "start asker"]).await;
    assert_eq!(at(&tree, "asker").status().unwrap().incarnation(), 2);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_of_oneself_ends_with_stopping_and_happens() {
    let world = World::new();
    let me = asker(&world, false, |tree| async move { child(&tree, "asker").stop().await });
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a")).child(me)).await;
    world.expect(&["start a", "start asker", "Stopping", "stop asker"]).await;
    world.idle().await;
    assert_eq!(state(&tree, "asker"), State::Stopped);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_ones_own_group_ends_with_stopping_and_happens() {
    let world = World::new();
    let me = asker(&world, false, |tree| async move { tree.group("pool").unwrap().restart().await });
    let pool = Supervisor::one_for_one("pool").child(world.child("a")).child(me);
    let tree = started(Supervisor::one_for_one("tree").child(pool)).await;
    world.expect(&["start a", "start asker", "Stopping", "stop asker", "stop a", "start a", "start asker"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_a_sibling_is_waited_for() {
    for strategy in [Supervisor::one_for_one as fn(&'static str) -> Supervisor, Supervisor::one_for_all] {
        let world = World::new();
        world.plan("a", [Act::SlowStop(secs(1.0))]);
        let me = asker(&world, false, |tree| async move { child(&tree, "a").restart().await });
        let tree = started(strategy("tree").child(world.child("a")).child(me)).await;
        world.expect(&["start a", "start asker", "stop a", "start a", "done"]).await;
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_ones_provider_ends_with_stopping_and_happens() {
    let world = World::new();
    let me = asker(&world, false, |tree| async move { child(&tree, "a").restart().await });
    let tree = Supervisor::dependents_for_one("tree").child(world.child("a")).child(me.requires(["a"]));
    let tree = started(tree).await;
    world.expect(&["start a", "start asker", "Stopping", "stop asker", "stop a", "start a", "start asker"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_over_when_who_waits_is_asked_to_stop() {
    let world = World::new();
    world.plan("a", [Act::SlowStop(secs(3.0))]);
    let me = asker(&world, false, |tree| async move { child(&tree, "a").restart().await });
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a")).child(me)).await;
    world.expect(&["start a", "start asker"]).await;
    world.idle().await;
    at(&tree, "asker").stop().await.unwrap();
    world.expect(&["Stopping", "stop asker", "stop a", "start a"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn waiting_in_start_for_oneself_or_for_what_starts_later_is_an_error() {
    let asks: [(&str, fn(TreeHandle) -> std::pin::Pin<Box<dyn Future<Output = Result<(), SteerError>> + Send>>); 8] = [
        ("oneself", |tree| Box::pin(async move { child(&tree, "pool/asker").wait_ready().await })),
        ("a later one", |tree| Box::pin(async move { child(&tree, "pool/z").wait_ready().await })),
        ("a later one, by its start", |tree| Box::pin(async move { child(&tree, "pool/z").start().await })),
        ("a later one, by its restart", |tree| Box::pin(async move { child(&tree, "pool/z").restart().await })),
        ("its own group", |tree| Box::pin(async move { tree.group("pool").unwrap().wait_ready().await })),
        ("the tree", |tree| Box::pin(async move { tree.wait_ready().await })),
        ("what is after its group", |tree| Box::pin(async move { child(&tree, "after").wait_ready().await })),
        ("what is in a later group", |tree| {
            Box::pin(async move { child(&tree, "later/l").wait_for(State::Running).await })
        }),
    ];
    for (what, ask) in asks {
        let world = World::new();
        let pool = Supervisor::one_for_one("pool");
        let pool = pool.child(world.child("a")).child(asker(&world, true, ask)).child(world.child("z"));
        let later = Supervisor::one_for_one("later").child(world.child("l"));
        let tree = Supervisor::one_for_one("tree").child(pool).child(world.child("after")).child(later);
        let tree = tokio::time::timeout(secs(1.0), started(tree)).await.unwrap_or_else(|_| panic!("{what}"));
        let page = world.page();
        assert!(page.contains(&"WaitsForItself".to_owned()), "{what}: {page:?}");
        assert_eq!(page, ["start a", "start asker", "WaitsForItself", "start z", "start after", "start l"], "{what}");
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_in_start_for_what_has_started_is_no_error() {
    let world = World::new();
    let me = asker(&world, true, |tree| async move {
        child(&tree, "before/b").wait_ready().await?;
        child(&tree, "a").restart().await?;
        child(&tree, "a").wait_ready().await
    });
    let before = Supervisor::one_for_one("before").child(world.child("b"));
    let tree = Supervisor::one_for_one("tree").child(before).child(world.child("a")).child(me).child(world.child("z"));
    let tree = answered(started(tree)).await;
    world.expect(&["start b", "start a", "start asker", "stop a", "start a", "done", "start z"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn in_start_one_declared_before_that_was_stopped_can_be_started_and_waited_for() {
    let world = World::new();
    let me = asker(&world, true, |tree| async move {
        child(&tree, "a").stop().await?;
        child(&tree, "a").start().await
    });
    let tree = Supervisor::one_for_one("tree").child(world.child("0")).child(world.child("a")).child(me);
    let tree = answered(started(tree.child(world.child("z")))).await;
    world.expect(&["start 0", "start a", "start asker", "stop a", "start a", "done", "start z"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn in_start_replicas_and_members_declared_before_can_be_added_and_waited_for() {
    for strategy in [Supervisor::one_for_one as fn(&'static str) -> Supervisor, Supervisor::rest_for_one] {
        let world = World::new();
        let service = world.service("m");
        let service = Mutex::new(Some(service));
        let me = asker(&world, true, move |tree| {
            let service = service.lock().unwrap().take();
            async move {
                tree.replicas::<Probe>("w").unwrap().scale_to(2).await?;
                let members = tree.children::<Probe>("m").unwrap();
                members.add(service.unwrap()).await.map(drop).map_err(|rejected| rejected.error().clone())
            }
        });
        let tree = strategy("tree").child(world.child("0")).child(world.replicas("w", 1));
        let tree = tree.child(Child::<Probe>::open("m", ..)).child(me).child(world.child("z"));
        let tree = answered(started(tree)).await;
        world.expect(&["start 0", "start w0", "start asker", "start w1", "start m", "done", "start z"]).await;
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn in_start_of_a_dependent_its_provider_is_there_and_an_independent_one_can_be_waited_for() {
    let world = World::new();
    let me = asker(&world, true, |tree| async move {
        child(&tree, "slow").wait_ready().await?;
        child(&tree, "db").wait_ready().await
    });
    world.plan("slow", [Act::SlowStart(secs(2.0))]);
    let tree = Supervisor::dependents_for_one("tree").child(world.child("db")).child(me.requires(["db"]));
    let tree = answered(started(tree.child(world.child("slow")))).await;
    assert_eq!(world.page()[3..], ["started slow", "done"]);
    tree.shutdown().await.unwrap();
}

/// Shuts the tree down when it is stopped.
struct LastWord(World);

impl Service for LastWord {
    async fn start(&mut self, _cx: &Context) -> ServiceResult {
        self.0.write("start a");
        Ok(())
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }

    async fn stop(&mut self, cx: &Context, _exit: &Exit) {
        self.0.write("stop a");
        cx.tree().shutdown();
    }
}

#[tokio::test(start_paused = true)]
async fn who_shuts_the_tree_down_as_the_last_that_a_restart_stops_is_not_started_again() {
    let world = World::new();
    let w = world.clone();
    let tree =
        Supervisor::one_for_all("tree").child(Child::new("a", move || LastWord(w.clone()))).child(world.child("b"));
    let mut tree = started(tree).await;
    world.page();
    world.fail("b");
    ended(&mut tree).await.unwrap();
    assert_eq!(world.page(), ["fail b", "stop b", "stop a"]);
}

#[tokio::test(start_paused = true)]
async fn a_tree_is_shut_down_from_inside() {
    for in_start in [false, true] {
        let world = World::new();
        let me = asker(&world, in_start, |tree| async move { Ok(tree.shutdown()) });
        let tree = Supervisor::one_for_one("tree").child(world.child("a")).child(me).child(world.child("z"));
        if in_start {
            answered(tree.run()).await.unwrap();
            world.expect(&["start a", "start asker", "done", "stop asker", "stop a"]).await;
        } else {
            let mut tree = started(tree).await;
            ended(&mut tree).await.unwrap();
            world.expect(&["start a", "start asker", "done", "stop asker", "stop a"]).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_handle_that_is_kept_beyond_its_incarnation_answers_that_it_is_stopping() {
    let world = World::new();
    let kept: Arc<Mutex<Option<TreeHandle>>> = Arc::default();
    let keep = Arc::clone(&kept);
    let me = asker(&world, false, move |tree| {
        keep.lock().unwrap().replace(tree);
        async { Ok(()) }
    });
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a")).child(me)).await;
    world.expect(&["start a", "start asker", "done"]).await;
    at(&tree, "asker").restart().await.unwrap();
    let handle = kept.lock().unwrap().take().unwrap();
    let error = answered(child(&handle, "a").restart()).await.unwrap_err();
    assert!(matches!(error, SteerError::Stopping), "{error:?}");
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn in_start_a_restart_of_oneself_is_refused_because_nothing_would_end_it() {
    let world = World::new();
    let asker = asker(&world, true, |tree| async move { child(&tree, "asker").restart().await });
    let tree = started(Supervisor::one_for_one("tree").child(asker)).await;
    world.idle().await;
    assert_eq!(world.page(), ["start asker", "InItsStart"]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn in_start_a_restart_of_what_one_depends_on_is_refused_too() {
    let world = World::new();
    let w = world.clone();
    let asker = asker(&world, true, move |tree| {
        let w = w.clone();
        async move {
            let a = tree.child::<Probe>("a")?;
            let rejected = a.replace(w.service("other")).await.unwrap_err();
            w.write(rejected.to_string());
            assert!(rejected.into_service().is_some());
            a.restart().await
        }
    });
    let tree = Supervisor::dependents_for_one("tree").child(world.child("a")).child(asker.requires(["a"]));
    let tree = started(tree).await;
    world.idle().await;
    let words = "`tree/asker` cannot be restarted from within its `start`: return an error from there instead";
    assert_eq!(world.page(), ["start a", "start asker", words, "InItsStart"]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn in_start_a_restart_of_all_replicas_with_oneself_is_refused_too() {
    let world = World::new();
    let asks: Asks = Arc::new(|cx| Box::pin(async move { cx.tree().replicas::<Asker>("asker")?.restart().await }));
    let asker = Asker { world: world.clone(), asks: Arc::new(Mutex::new(Some(asks))), in_start: true };
    let tree = Supervisor::one_for_one("tree").child(Child::replicated("asker", 1, move |_| asker.clone()));
    let tree = started(tree).await;
    world.idle().await;
    assert_eq!(world.page(), ["start asker", "InItsStart"]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_service_finds_its_siblings_wherever_its_tree_stands_but_does_not_steer_the_outermost_supervisor() {
    let world = World::new();
    let asks = |cx: Context| async move {
        let above = cx.supervisor()?;
        above.child::<Probe>("a")?.restart().await?;
        above.restart().await
    };
    for (outer, expected) in [("plain", "Outermost"), ("embedded", "Stopping")] {
        let answer = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&answer);
        let asked = Child::new("asked", move || {
            let answer = Arc::clone(&told);
            supervisor_runtime::service_fn(move |cx| async move {
                if answer.lock().unwrap().is_empty() {
                    let error = asks(cx.clone()).await.unwrap_err();
                    answer.lock().unwrap().push(format!("{error:?}"));
                }
                cx.stopping().await;
                Ok(())
            })
        });
        let inner = Supervisor::one_for_one("inner").child(world.child("a")).child(asked);
        let tree = if outer == "plain" { inner } else { Supervisor::one_for_one(outer).child(inner) };
        let tree = started(tree).await;
        world.idle().await;
        let said: String = answer.lock().unwrap().first().cloned().unwrap_or_default();
        assert!(said.starts_with(expected), "{outer}: {said}");
        tree.shutdown().await.unwrap();
    }
}

/// Offers a number, and waits to be stopped.
struct Offers;

impl Service for Offers {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

impl Provide for Offers {
    type Handle = usize;

    fn handle(&self) -> usize {
        0
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_in_a_start_for_what_comes_to_stand_behind_that_is_not_waited_for() {
    for strategy in [Supervisor::one_for_all as fn(&'static str) -> Supervisor, Supervisor::rest_for_one] {
        for scales in [false, true] {
            let (world, wires) = (World::new(), Wires::new());
            let provider = Child::replicated("provider", 1, |_| Offers).provides_each(&wires);
            let asker = asker(&world, true, move |tree| async move {
                match scales {
                    true => tree.replicas::<Offers>("provider")?.scale_to(2).await,
                    false => tree.child::<Offers>("provider[0]")?.restart().await,
                }
            });
            // It is still to start, and goes into one plan with what it uses.
            let user = Child::using("user", &wires, |_: Vec<usize>| Offers);
            let tree = started(strategy("tree").child(provider).child(asker).child(user));
            let tree = tokio::time::timeout(secs(60.0), tree).await.expect("it does not wait for itself");
            assert_eq!(world.page(), ["start asker", "WaitsForItself"], "{scales}");
            assert!(tree.shutdown().await.is_ok());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_in_its_start_does_not_wait_for_another_that_it_restarts_while_both_start() {
    struct Peer(usize, World);
    impl Service for Peer {
        async fn start(&mut self, cx: &Context) -> ServiceResult {
            tokio::time::sleep(secs(if self.0 == 0 { 0.1 } else { 1.0 })).await;
            if self.0 == 0 {
                let other = cx.tree().child::<Self>("peer[1]")?;
                let waits = matches!(other.restart().await, Err(SteerError::WaitsForItself { .. }));
                self.1.write(if waits { "waits for itself" } else { "restarted" });
            }
            Ok(())
        }
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            cx.stopping().await;
            Ok(())
        }
    }
    let world = World::new();
    let w = world.clone();
    let peers = Child::replicated("peer", 2, move |index| Peer(index, w.clone()));
    let tree = started(Supervisor::one_for_one("tree").child(peers));
    let tree = tokio::time::timeout(secs(60.0), tree).await.expect("it does not wait for itself");
    assert_eq!(world.page(), ["waits for itself"]);
    assert!(tree.shutdown().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_provider_in_its_start_does_not_wait_for_its_user_that_it_restarts() {
    struct Provider(World, usize);
    impl Service for Provider {
        async fn start(&mut self, cx: &Context) -> ServiceResult {
            self.1 += 1;
            if self.1 == 2 {
                let user = cx.tree().child::<User>("user")?;
                let waits = matches!(user.restart().await, Err(SteerError::WaitsForItself { .. }));
                self.0.write(if waits { "waits for itself" } else { "restarted" });
            }
            Ok(())
        }
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            if self.1 == 1 {
                // Once its user runs.
                tokio::time::sleep(secs(1.0)).await;
                return Err("once".into());
            }
            cx.stopping().await;
            Ok(())
        }
    }
    impl Provide for Provider {
        type Handle = usize;
        fn handle(&self) -> usize {
            0
        }
    }
    impl StableHandle for Provider {}
    /// Takes its time to stop.
    struct User;
    impl Service for User {
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            cx.stopping().await;
            Ok(())
        }
        async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
            tokio::time::sleep(secs(0.1)).await;
        }
    }
    let (world, wire) = (World::new(), Wire::new());
    let w = world.clone();
    let provider = Child::in_place("provider", move || Provider(w, 0)).provides_stable(&wire);
    let user = Child::using("user", &wire, |_: usize| User);
    let tree = started(Supervisor::one_for_one("tree").child(provider).child(user)).await;
    let both = async {
        at(&tree, "provider").wait_ready().await?;
        at(&tree, "user").wait_ready().await
    };
    tokio::time::sleep(secs(2.0)).await;
    assert!(tokio::time::timeout(secs(60.0), both).await.expect("none waits for the other").is_ok());
    assert_eq!(world.page(), ["waits for itself"]);
    assert!(tree.shutdown().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_others_than_the_group_of_who_asks_is_waited_for() {
    /// Waits in its second `start` for what stands above it.
    struct Waits(World);
    impl Service for Waits {
        async fn start(&mut self, cx: &Context) -> ServiceResult {
            if cx.incarnation() == 2 {
                let end = cx.tree().child::<Offers>("last")?.wait_ready().await;
                self.0.write(format!("ready: {}", end.is_ok()));
            }
            Ok(())
        }
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            if cx.incarnation() == 1 {
                tokio::time::sleep(secs(2.0)).await;
                return Err("once".into());
            }
            cx.stopping().await;
            Ok(())
        }
    }
    /// Fails first, and is slow to start again.
    struct Slow;
    impl Service for Slow {
        async fn start(&mut self, cx: &Context) -> ServiceResult {
            tokio::time::sleep(secs(f64::from(cx.incarnation() - 1) * 10.0)).await;
            Ok(())
        }
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            if cx.incarnation() == 1 {
                tokio::time::sleep(secs(1.0)).await;
                return Err("once".into());
            }
            cx.stopping().await;
            Ok(())
        }
    }
    let world = World::new();
    let w = world.clone();
    let group = Supervisor::one_for_one("group").child(Child::new("waits", move || Waits(w.clone())));
    let last = Child::new("last", || Offers).requires(["group", "slow"]);
    let tree = Supervisor::dependents_for_one("tree").child(group).child(Child::new("slow", || Slow)).child(last);
    let tree = started(tree).await;
    tokio::time::sleep(secs(60.0)).await;
    assert_eq!(world.page(), ["ready: true"]);
    assert!(tree.shutdown().await.is_ok());
}
