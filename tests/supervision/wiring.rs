//! Children that use each other: the handles of the current incarnations, and nobody left with an older one.
//!
//! `make w(db#1)` says that `w` is made with the handle of the first incarnation of `db`; `held db#1: 2` that `db` is
//! stopped while two others hold its handle, `left db#1` that somebody still does when the next incarnation of `db` starts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use supervisor_runtime::{
    ANONYMOUS, Child, Context, Exit, Provide, Restart, Running, Service, ServiceResult, StableHandle, State,
    Supervisor, Wire, Wires, service_fn,
};

use crate::world::{Act, Order, Probe, World, answered, at, ended, not_started, secs, started, state};

/// The children of a test, numbered by incarnation.
#[derive(Clone)]
struct Office {
    world: World,
    made: Arc<Mutex<HashMap<String, Vec<Weak<str>>>>>,
}

/// What a clerk gives to others: `db#1`.
type Handle = Arc<str>;

/// A probe that uses others, and can be used.
struct Clerk {
    probe: Probe,
    own: Handle,
    /// What the earlier incarnations gave.
    before: Vec<Weak<str>>,
    uses: Vec<Handle>,
}

impl Office {
    fn new() -> Self {
        Self { world: World::new(), made: Arc::default() }
    }

    /// The next incarnation of `name`, that uses these.
    fn clerk(&self, name: &str, uses: impl IntoIterator<Item = Handle>) -> Clerk {
        let (own, before) = {
            let mut made = self.made.lock().unwrap();
            let made = made.entry(name.to_owned()).or_default();
            let (own, before): (Handle, _) = (format!("{name}#{}", made.len() + 1).into(), made.clone());
            made.push(Arc::downgrade(&own));
            (own, before)
        };
        let uses: Vec<Handle> = uses.into_iter().collect();
        if !uses.is_empty() {
            self.world.write(format!("make {name}({})", uses.join(" ")));
        }
        Clerk { probe: self.world.service(name), own, before, uses }
    }

    fn child(&self, name: &'static str) -> Child<Clerk> {
        let office = self.clone();
        Child::new(name, move || office.clerk(name, []))
    }

    fn in_place(&self, name: &'static str) -> Child<Clerk> {
        let office = self.clone();
        Child::in_place(name, move || office.clerk(name, []))
    }

    fn replicas(&self, name: &'static str, count: usize) -> Child<Clerk> {
        let office = self.clone();
        Child::replicated(name, count, move |index| office.clerk(&format!("{name}{index}"), []))
    }

    fn user(&self, name: &'static str, wire: &Wire<Handle>) -> Child<Clerk> {
        let office = self.clone();
        Child::using(name, wire, move |handle| office.clerk(name, [handle]))
    }

    fn user_of_all(&self, name: &'static str, wires: &Wires<Handle>) -> Child<Clerk> {
        let office = self.clone();
        Child::using(name, wires, move |handles| office.clerk(name, handles))
    }

    /// Between any two tests, and their rows: nobody is told anything any more.
    async fn fresh_page(&self) {
        self.world.idle().await;
        self.world.page();
    }

    /// The whole page, once nothing goes on any more.
    async fn page(&self) -> Vec<String> {
        self.world.idle().await;
        self.world.page()
    }
}

impl Provide for Clerk {
    type Handle = Handle;

    fn handle(&self) -> Handle {
        Arc::clone(&self.own)
    }
}

impl StableHandle for Clerk {}

impl Service for Clerk {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        for left in self.before.iter().filter_map(Weak::upgrade) {
            self.probe.world().write(format!("left {left}"));
        }
        self.probe.start(cx).await
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        self.probe.run(cx).await
    }

    async fn stop(&mut self, cx: &Context, exit: &Exit) {
        // What has failed by itself is still used; nobody could know.
        let held = Arc::strong_count(&self.own) - 1;
        if held > 0 && exit.was_asked() {
            self.probe.world().write(format!("held {}: {held}", self.own));
        }
        self.probe.stop(cx, exit).await;
        // For as long as it has not been dropped, it has them.
        drop(self.uses.clone());
    }
}

/// The strategies under which a handle dies with its incarnation, and those who use it with it.
const STRATEGIES: [fn(&'static str) -> Supervisor; 5] = [
    Supervisor::one_for_all,
    Supervisor::rest_for_one,
    Supervisor::dependents_for_one,
    Supervisor::forfeit_one_for_all,
    Supervisor::crashing,
];

/// `x` uses nothing, `b` uses `a`, `c` uses `b`.
fn chain(office: &Office, strategy: fn(&'static str) -> Supervisor) -> Supervisor {
    let (a, b) = (Wire::new(), Wire::new());
    strategy("tree")
        .child(office.child("x"))
        .child(office.child("a").provides(&a))
        .child(office.user("b", &a).provides(&b))
        .child(office.user("c", &b))
}

#[tokio::test(start_paused = true)]
async fn a_user_is_made_with_the_handle_of_what_has_started_and_is_stopped_before_it() {
    for (row, strategy) in STRATEGIES.into_iter().enumerate() {
        let office = Office::new();
        office.world.plan("a", [Act::SlowStart(secs(1.0))]);
        office.world.plan("c", [Act::SlowStop(secs(1.0))]);
        let tree = started(chain(&office, strategy)).await;
        let up = ["start x", "start a", "started a", "make b(a#1)", "start b", "make c(b#1)", "start c"];
        assert_eq!(office.page().await, up, "row {row}");
        tree.shutdown().await.unwrap();
        let mut page = office.page().await;
        if row == 2 {
            // It is in no order with the others.
            page.retain(|line| line != "stop x");
            page.push("stop x".to_owned());
        }
        assert_eq!(page, ["stop c", "stop b", "stop a", "stop x"], "row {row}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_nobody_goes_on_with_what_the_failed_one_gave() {
    let all: &[&str] = &["stop x", "start x", "start a", "make b(a#2)", "start b", "make c(b#2)", "start c"];
    let table: [(usize, &str, &[&str]); 12] = [
        (0, "a", &[&["fail a", "stop a", "stop c", "stop b"], all].concat()),
        (0, "b", &[&["fail b", "stop b", "stop c", "stop a"], all].concat()),
        (0, "c", &[&["fail c", "stop c", "stop b", "stop a"], all].concat()),
        (
            1,
            "a",
            &["fail a", "stop a", "stop c", "stop b", "start a", "make b(a#2)", "start b", "make c(b#2)", "start c"],
        ),
        (1, "b", &["fail b", "stop b", "stop c", "make b(a#1)", "start b", "make c(b#2)", "start c"]),
        (1, "c", &["fail c", "stop c", "make c(b#1)", "start c"]),
        (
            2,
            "a",
            &["fail a", "stop a", "stop c", "stop b", "start a", "make b(a#2)", "start b", "make c(b#2)", "start c"],
        ),
        (2, "b", &["fail b", "stop b", "stop c", "make b(a#1)", "start b", "make c(b#2)", "start c"]),
        (2, "c", &["fail c", "stop c", "make c(b#1)", "start c"]),
        (3, "b", &["fail b", "stop b", "stop c", "stop a", "stop x"]),
        (4, "a", &["fail a", "stop a", "stop c", "stop b", "stop x"]),
        (4, "c", &["fail c", "stop c", "stop b", "stop a", "stop x"]),
    ];
    for (strategy, failing, expected) in table {
        let office = Office::new();
        let _tree = started(chain(&office, STRATEGIES[strategy])).await;
        office.fresh_page().await;
        office.world.fail(failing);
        assert_eq!(office.page().await, expected, "strategy {strategy}, {failing} fails");
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_that_fails_while_its_provider_cleans_up_waits_for_the_next_one() {
    for (row, strategy) in STRATEGIES.into_iter().take(3).enumerate() {
        let office = Office::new();
        let a = Wire::new();
        // The worker breaks as soon as it is started with a handle that is dead.
        office.world.plan("a", [Act::FailAndSlowStop(secs(2.0))]);
        let tree = strategy("tree").max_restarts(3);
        let tree = started(tree.child(office.child("a").provides(&a)).child(office.user("b", &a))).await;
        office.fresh_page().await;
        office.world.fail("a");
        tokio::time::sleep(secs(1.0)).await;
        assert_eq!(office.page().await, ["fail a", "stop a"], "row {row}");
        office.world.fail("b");
        tokio::time::sleep(secs(0.5)).await;
        assert_eq!(state(&tree, "b"), State::Waiting, "row {row}");
        tokio::time::sleep(secs(5.0)).await;
        let expected = ["fail b", "stop b", "start a", "make b(a#2)", "start b"];
        assert_eq!(office.page().await, expected, "row {row}");
        // Under `one_for_all`, its failure restarts everything at once; otherwise it belongs to what its provider does.
        assert_eq!(at(&tree, "b").status().unwrap().restarts(), u32::from(row == 0), "row {row}");
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_done_to_a_provider_by_hand_takes_its_users_along() {
    for (row, strategy) in STRATEGIES.into_iter().enumerate() {
        let office = Office::new();
        let tree = started(chain(&office, strategy)).await;
        office.fresh_page().await;
        at(&tree, "a").restart().await.unwrap();
        let down = ["stop c", "stop b", "stop a"];
        let up = |n| {
            [
                "start a".to_owned(),
                format!("make b(a#{n})"),
                "start b".to_owned(),
                format!("make c(b#{n})"),
                "start c".to_owned(),
            ]
        };
        assert_eq!(office.page().await, [&down.map(str::to_owned)[..], &up(2)].concat(), "row {row}");
        at(&tree, "a").stop().await.unwrap();
        assert_eq!(office.page().await, down, "row {row}");
        assert!(at(&tree, "b").start().await.unwrap_err().to_string().contains("tree/a"), "row {row}");
        at(&tree, "a").start().await.unwrap();
        assert_eq!(office.page().await, up(3), "row {row}");
        let other = office.clerk("a", []);
        tree.child::<Clerk>("a").unwrap().replace(other).await.map_err(|_| "rejected").unwrap();
        assert_eq!(office.page().await, [&down.map(str::to_owned)[..], &up(4)].concat(), "row {row}");
        at(&tree, "b").restart().await.unwrap();
        let page = ["stop c", "stop b", "make b(a#4)", "start b", "make c(b#5)", "start c"];
        assert_eq!(office.page().await, page, "row {row}");
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_waits_for_a_user_that_was_stopped_by_hand_and_takes_its_time() {
    for (row, strategy) in STRATEGIES.into_iter().enumerate() {
        let office = Office::new();
        office.world.plan("c", [Act::SlowStop(secs(2.0))]);
        let tree = started(chain(&office, strategy)).await;
        office.fresh_page().await;
        let (c, b) = (at(&tree, "c"), at(&tree, "b"));
        let both = async {
            tokio::join!(c.stop(), async {
                office.world.idle().await;
                b.stop().await
            })
        };
        let (c, b) = answered(both).await;
        c.unwrap();
        b.unwrap();
        assert_eq!(office.page().await, ["stop c", "stop b"], "row {row}");
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_is_added_while_its_provider_restarts_waits_for_the_new_handle() {
    let strategies = STRATEGIES.into_iter().map(|strategy| (strategy, false));
    for (row, (strategy, stable)) in strategies.chain([(Supervisor::one_for_one as fn(_) -> _, true)]).enumerate() {
        let office = Office::new();
        office.world.plan("a", [Act::SlowStop(secs(2.0)), Act::SlowStart(secs(2.0))]);
        let (a, o) = (Wire::new(), office.clone());
        let w = Child::replicated_using("w", 1, &a, move |index, handle| o.clerk(&format!("w{index}"), [handle]));
        let provider = if stable { office.in_place("a").provides_stable(&a) } else { office.child("a").provides(&a) };
        let tree = started(strategy("tree").child(provider).child(w)).await;
        office.fresh_page().await;
        let (a, w) = (tree.child::<Clerk>("a").unwrap(), tree.replicas::<Clerk>("w").unwrap());
        let other = office.clerk("a", []);
        let both = async {
            tokio::join!(a.replace(other), async {
                tokio::time::sleep(secs(1.0)).await;
                w.scale_to(2).await
            })
        };
        let (replaced, scaled) = answered(both).await;
        replaced.map_err(|_| "rejected").unwrap();
        scaled.unwrap();
        let expected =
            ["stop w0", "stop a", "start a", "started a", "make w0(a#2)", "start w0", "make w1(a#2)", "start w1"];
        let mut page = office.page().await;
        // A stable handle is offered until there is a new one.
        page.retain(|line| !stable || !["held a#1: 1", "left a#1"].contains(&line.as_str()));
        assert_eq!(page, expected, "row {row}");
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn users_in_groups_are_stopped_with_their_group_and_made_anew() {
    let groups: [fn(Supervisor) -> Supervisor; 3] = [
        |inner| inner,
        |inner| Supervisor::one_for_one(ANONYMOUS).child(inner),
        |inner| Supervisor::forfeit_one_for_one("outer").child(Supervisor::one_for_all("middle").child(inner)),
    ];
    for (row, group) in groups.into_iter().enumerate() {
        for strategy in [Supervisor::one_for_all, Supervisor::rest_for_one, Supervisor::dependents_for_one] {
            let office = Office::new();
            let a = Wire::new();
            let inner = Supervisor::one_for_one(if row == 1 { ANONYMOUS } else { "inner".into() });
            let inner = inner.child(office.user("b", &a)).child(office.child("c"));
            let tree = strategy("tree").child(office.child("a").provides(&a)).child(group(inner));
            let tree = started(tree).await;
            office.fresh_page().await;
            office.world.fail("b");
            assert_eq!(office.page().await, ["fail b", "stop b", "make b(a#1)", "start b"], "row {row}");
            office.world.fail("a");
            let expected = ["fail a", "stop a", "stop c", "stop b", "start a", "make b(a#2)", "start b", "start c"];
            assert_eq!(office.page().await, expected, "row {row}");
            at(&tree, "a").restart().await.unwrap();
            let expected = ["stop c", "stop b", "stop a", "start a", "make b(a#3)", "start b", "start c"];
            assert_eq!(office.page().await, expected, "row {row}");
            tree.shutdown().await.unwrap();
            assert_eq!(office.page().await, ["stop c", "stop b", "stop a"], "row {row}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn replicas_provide_a_list_in_the_order_of_their_index_and_whoever_scales_them_makes_their_users_anew() {
    for (row, strategy) in STRATEGIES.into_iter().enumerate() {
        let office = Office::new();
        let a = Wires::new();
        office.world.plan("a0", [Act::SlowStart(secs(3.0))]).plan("a1", [Act::SlowStart(secs(1.0))]);
        let a0 = office.replicas("a", 2).provides_each(&a);
        let tree = started(strategy("tree").child(a0).child(office.user_of_all("b", &a))).await;
        let up = ["start a0", "start a1", "started a1", "started a0", "make b(a0#1 a1#1)", "start b"];
        assert_eq!(office.page().await, up, "row {row}");
        let replicas = tree.replicas::<Clerk>("a").unwrap();
        replicas.scale_to(3).await.unwrap();
        let up = ["stop b", "start a2", "make b(a0#1 a1#1 a2#1)", "start b"];
        assert_eq!(office.page().await, up, "row {row}");
        replicas.scale_to(1).await.unwrap();
        assert_eq!(office.page().await, ["stop b", "stop a2", "stop a1", "make b(a0#1)", "start b"], "row {row}");
        replicas.scale_to(2).await.unwrap();
        assert_eq!(office.page().await, ["stop b", "start a1", "make b(a0#1 a1#2)", "start b"], "row {row}");
        at(&tree, "a[0]").restart().await.unwrap();
        assert_eq!(office.page().await, ["stop b", "stop a0", "start a0", "make b(a0#2 a1#2)", "start b"], "row {row}");
        replicas.scale_to(0).await.unwrap();
        assert_eq!(office.page().await, ["stop b", "stop a1", "stop a0", "start b"], "row {row}");
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn of_replicas_that_provide_one_fails_and_the_users_get_the_new_list() {
    let office = Office::new();
    let a = Wires::new();
    let tree = Supervisor::dependents_for_one("tree")
        .child(office.replicas("a", 2).provides_each(&a))
        .child(office.user_of_all("b", &a));
    let tree = started(tree).await;
    office.fresh_page().await;
    office.world.fail("a1");
    let expected = ["fail a1", "stop a1", "stop b", "start a1", "make b(a0#1 a1#2)", "start b"];
    assert_eq!(office.page().await, expected);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stable_handle_works_across_restarts_and_its_users_go_on() {
    for strategy in [Supervisor::one_for_one, Supervisor::dependents_for_one, Supervisor::one_for_all] {
        let office = Office::new();
        let a = Wire::new();
        let tree = Supervisor::one_for_one("tree")
            .child(strategy("group").child(office.in_place("a").provides_stable(&a)).child(office.user("b", &a)));
        let tree = started(tree).await;
        office.fresh_page().await;
        office.world.fail("a");
        let page = office.page().await;
        let user = at(&tree, "group/b").status().unwrap();
        if std::ptr::fn_addr_eq(strategy, Supervisor::one_for_one as fn(&'static str) -> Supervisor) {
            assert_eq!(page, ["fail a", "stop a", "start a"]);
            assert_eq!(user.incarnation(), 1);
            office.world.fail("b");
            assert_eq!(office.page().await, ["fail b", "stop b", "make b(a#1)", "start b"]);
        } else {
            assert_eq!(user.incarnation(), 2);
        }
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_replacement_by_hand_of_what_is_stable_makes_its_users_anew() {
    let office = Office::new();
    let a = Wire::new();
    let tree =
        Supervisor::one_for_one("tree").child(office.in_place("a").provides_stable(&a)).child(office.user("b", &a));
    let tree = started(tree).await;
    office.fresh_page().await;
    let other = office.clerk("a", []);
    tree.child::<Clerk>("a").unwrap().replace(other).await.map_err(|_| "rejected").unwrap();
    let page = office.page().await;
    assert_eq!(page[0], "stop b");
    assert_eq!(page[page.len() - 3..], ["start a", "make b(a#2)", "start b"]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_done_is_not_dead_and_its_handle_stays() {
    for strategy in STRATEGIES.into_iter().take(3) {
        let office = Office::new();
        let a = Wire::new();
        let tree = strategy("tree")
            .child(office.child("x"))
            .child(office.child("a").restart(Restart::Transient).provides(&a))
            .child(office.user("b", &a));
        let tree = started(tree).await;
        office.fresh_page().await;
        office.world.order("a", Order::Finish);
        assert_eq!(office.page().await, ["finish a", "stop a"]);
        assert_eq!((state(&tree, "a"), state(&tree, "b")), (State::Done, State::Running));
        at(&tree, "b").restart().await.unwrap();
        assert_eq!(office.page().await, ["stop b", "make b(a#1)", "start b"]);
        at(&tree, "a").start().await.unwrap();
        assert_eq!(office.page().await, ["stop b", "start a", "make b(a#2)", "start b"]);
        tree.shutdown().await.unwrap();
        assert_eq!(office.page().await.len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_declines_or_forfeits_itself_forfeits_its_users() {
    for strategy in
        [Supervisor::one_for_all, Supervisor::rest_for_one, Supervisor::dependents_for_one, Supervisor::crashing]
    {
        let office = Office::new();
        office.world.plan("a", [Act::DeclineStart]);
        let tree = started(chain(&office, strategy)).await;
        assert_eq!(office.page().await, ["start x", "start a"]);
        for name in ["a", "b", "c"] {
            assert_eq!(state(&tree, name), State::Forfeited, "{name}");
        }
        at(&tree, "a").start().await.unwrap();
        assert_eq!(office.page().await, ["start a"]);
        at(&tree, "b").start().await.unwrap();
        assert_eq!(office.page().await, ["make b(a#2)", "start b"]);
        office.world.order("a", Order::Forfeit);
        assert_eq!(office.page().await, ["forfeit a", "stop a", "stop b"]);
        assert_eq!(state(&tree, "b"), State::Forfeited);
        drop(tree);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handle_that_panics_is_a_failed_start() {
    struct Broken(World);
    impl Service for Broken {
        async fn run(&mut self, _: &Context) -> ServiceResult {
            self.0.write("run");
            Ok(())
        }
        async fn stop(&mut self, _: &Context, _: &Exit) {
            self.0.write("stop");
        }
    }
    impl Provide for Broken {
        type Handle = Handle;
        fn handle(&self) -> Handle {
            panic!("no handle today")
        }
    }
    let office = Office::new();
    let (wire, world) = (Wire::new(), office.world.clone());
    let tree = Supervisor::one_for_all("tree")
        .child(office.child("x"))
        .child(Child::new("a", move || Broken(world.clone())).provides(&wire))
        .child(office.user("b", &wire));
    let error = format!("{:#}", not_started(tree).await);
    assert!(error.contains("`tree/a` panicked in start") && error.contains("no handle today"), "{error}");
    assert_eq!(office.page().await, ["start x", "stop x"]);
}

#[tokio::test(start_paused = true)]
async fn a_handle_whose_drop_panics_harms_nobody() {
    #[derive(Clone)]
    struct Sharp(Arc<Edge>);
    struct Edge;
    impl Drop for Edge {
        fn drop(&mut self) {
            panic!("the handle cuts")
        }
    }
    struct Knife(Probe);
    impl Service for Knife {
        async fn start(&mut self, cx: &Context) -> ServiceResult {
            self.0.start(cx).await
        }
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            self.0.run(cx).await
        }
        async fn stop(&mut self, cx: &Context, exit: &Exit) {
            self.0.stop(cx, exit).await;
        }
    }
    impl Provide for Knife {
        type Handle = Sharp;
        fn handle(&self) -> Sharp {
            Sharp(Arc::new(Edge))
        }
    }
    let world = World::new();
    let (wire, w, u) = (Wire::new(), world.clone(), world.clone());
    let tree = Supervisor::rest_for_one("tree")
        .child(Child::new("a", move || Knife(w.service("a"))).provides(&wire))
        .child(Child::using("b", &wire, move |sharp: Sharp| {
            // It gives its own back at once: the last one is the tree's.
            drop(sharp.0);
            u.service("b")
        }));
    let mut tree = started(tree).await;
    world.page();
    world.fail("a");
    world.expect(&["fail a", "stop a", "stop b", "start a", "start b"]).await;
    at(&tree, "a").restart().await.unwrap();
    world.expect(&["stop b", "stop a", "start a", "start b"]).await;
    at(&tree, "a").stop().await.unwrap();
    at(&tree, "a").start().await.unwrap();
    world.idle().await;
    world.expect(&["stop b", "stop a", "start a", "start b"]).await;
    world.order("a", Order::Forfeit);
    let _ = ended(&mut tree).await;
    world.expect(&["forfeit a", "stop a", "stop b"]).await;
}

#[tokio::test(start_paused = true)]
async fn an_embedded_tree_uses_a_child_around_it() {
    let office = Office::new();
    let (a, o) = (Wire::new(), office.clone());
    let embedded = Child::using("billing", &a, move |handle: Handle| {
        let (o, handle) = (o.clone(), handle);
        Supervisor::one_for_one("billing").child(Child::new("bill", move || o.clerk("bill", [handle.clone()])))
    });
    let tree = Supervisor::dependents_for_one("tree").child(office.child("a").provides(&a)).child(embedded);
    let tree = started(tree).await;
    assert_eq!(office.page().await, ["start a", "make bill(a#1)", "start bill"]);
    office.world.fail("bill");
    assert_eq!(office.page().await, ["fail bill", "stop bill", "make bill(a#1)", "start bill"]);
    office.world.fail("a");
    // Its declaration, which holds the handle, is kept with its group, for who asks, until there is a new one.
    let page = || async {
        let mut page = office.page().await;
        page.retain(|line| !line.starts_with("held") && !line.starts_with("left"));
        page
    };
    assert_eq!(page().await, ["fail a", "stop a", "stop bill", "start a", "make bill(a#2)", "start bill"]);
    at(&tree, "a").restart().await.unwrap();
    assert_eq!(page().await, ["stop bill", "stop a", "start a", "make bill(a#3)", "start bill"]);
    tree.shutdown().await.unwrap();
    assert_eq!(page().await, ["stop bill", "stop a"]);
}

#[tokio::test(start_paused = true)]
async fn several_wires_are_a_tuple() {
    let office = Office::new();
    let (a, b, o) = (Wires::new(), Wire::new(), office.clone());
    let user = Child::using("c", (&a, &b), move |(a, b): (Vec<Handle>, Handle)| o.clerk("c", a.into_iter().chain([b])));
    let tree = Supervisor::rest_for_one("tree")
        .child(office.replicas("a", 2).provides_each(&a))
        .child(office.child("b").provides(&b))
        .child(user);
    let tree = started(tree).await;
    office.fresh_page().await;
    office.world.fail("b");
    let expected = ["fail b", "stop b", "stop c", "start b", "make c(a0#1 a1#1 b#2)", "start c"];
    assert_eq!(office.page().await, expected);
    tree.shutdown().await.unwrap();
}

/// Who waits for whom, as the snapshot has it.
fn waits(tree: &Running, path: &str) -> (Vec<String>, Vec<String>) {
    let snapshot = tree.snapshot().unwrap();
    let row = snapshot.get(&format!("tree/{path}")).unwrap();
    (row.requires().map(str::to_owned).collect(), row.waits_for())
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_shows_what_a_child_uses_and_waits_for() {
    for strategy in [Supervisor::dependents_for_one, Supervisor::rest_for_one] {
        let office = Office::new();
        let tree = started(chain(&office, strategy)).await;
        office.fresh_page().await;
        office.world.plan("a", [Act::SlowStart(secs(2.0))]);
        let a = at(&tree, "a");
        let watch = async {
            tokio::time::sleep(secs(1.0)).await;
            assert_eq!(waits(&tree, "b"), (vec!["a".to_owned()], vec!["tree/a".to_owned()]));
            assert_eq!(waits(&tree, "x"), (vec![], vec![]));
            let table = tree.snapshot().unwrap().to_string();
            let line = table.lines().find(|line| line.contains(" b ")).unwrap_or_default();
            assert!(line.contains("waits for tree/a"), "{table}");
            assert_eq!(waits(&tree, "c").0, ["b"]);
        };
        let (restarted, ()) = tokio::join!(a.restart(), watch);
        restarted.unwrap();
        tree.wait_ready().await.unwrap();
        assert_eq!(waits(&tree, "b"), (vec!["a".to_owned()], vec![]));
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn pictures_and_data_show_who_depends_on_whom() {
    let office = Office::new();
    let a = Wire::new();
    let tree = Supervisor::dependents_for_one("tree")
        .child(office.child("a").provides(&a))
        .child(office.child("x"))
        .child(Supervisor::one_for_one("pool").requires(["x"]).child(office.user("b", &a)));
    let tree = started(tree).await;
    let snapshot = tree.snapshot().unwrap();
    let pool = snapshot.get("tree/pool").unwrap();
    assert_eq!(pool.requires().collect::<Vec<_>>(), ["a", "x"]);
    let dashed: Vec<_> = snapshot
        .dot()
        .to_string()
        .lines()
        .filter(|line| line.contains("dashed"))
        .map(str::trim)
        .map(str::to_owned)
        .collect();
    assert_eq!(dashed, ["n1 -> n3 [style=dashed, constraint=false]", "n2 -> n3 [style=dashed, constraint=false]"]);
    tree.shutdown().await.unwrap();
}

/// Offers its index; one with an odd index is done after a second.
struct Offers(usize);

impl Service for Offers {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        if self.0 % 2 == 1 {
            cx.sleep(secs(1.0)).await;
            return Ok(());
        }
        Ok(cx.stopping().await)
    }
}

impl Provide for Offers {
    type Handle = usize;

    fn handle(&self) -> usize {
        self.0
    }
}

#[tokio::test(start_paused = true)]
async fn the_handle_of_one_that_is_done_goes_with_it_when_it_is_scaled_away() {
    let seen: Arc<Mutex<Vec<Vec<usize>>>> = Arc::default();
    let (s, wires) = (Arc::clone(&seen), Wires::new());
    let provider = Child::replicated("db", 2, Offers).restart(Restart::Transient).provides_each(&wires);
    let user = Child::using("user", &wires, move |handles: Vec<usize>| {
        s.lock().unwrap().push(handles);
        service_fn(|cx: Context| async move { Ok(cx.stopping().await) })
    });
    let tree = started(Supervisor::dependents_for_one("tree").child(provider).child(user)).await;
    at(&tree, "db[1]").wait_for(State::Done).await.unwrap();
    tree.replicas::<Offers>("db").unwrap().scale_to(1).await.unwrap();
    tree.wait_ready().await.unwrap();
    at(&tree, "user").restart().await.unwrap();
    assert_eq!(seen.lock().unwrap().last(), Some(&vec![0]));
    tree.shutdown().await.unwrap();
}
