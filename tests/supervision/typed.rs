//! The running tree that `supervision_tree!` gives: a field for each child, which leads to it as long as the tree lives.

use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use supervisor_runtime::{
    ChildRef, Children, GroupRef, Replicas, Running, State, SteerError, TreeErrorKind, TreeHandle, Untyped,
    supervision_tree,
};

use crate::world::{Act, Order, Probe, World, secs, time_of};

supervision_tree! {
    struct Billing(world: World);

    one_for_one { bill: world.service("bill") }
}

supervision_tree! {
    struct Orders(world: World, workers: usize);

    one_for_one {
        db: Probe = world.service("db"),
        untyped: world.service("untyped"),
        worker*(workers): Probe = |index| world.service(&format!("worker{index}")),
        conn*..=2: Probe,
        rest_for_one {
            first: Probe = world.service("first"),
            anonymous: crashing { second: world.service("second") }
        }
        pool: one_for_all {
            tick: Probe = world.service("tick"),
            conn*..: Probe,
            one_for_one {
                inside*2: |index| world.service(&format!("inside{index}")),
            }
            inner: one_for_one {
                leaf: Probe = world.service("leaf"),
                conn*..(restart = transient, in_place): Probe,
            }
        }
        billing: Billing::service(world),
    }
}

/// A tree that has started, and whose start is not on the page any more.
async fn orders(world: &World) -> Orders {
    let tree = Orders::start(world.clone(), 3).await.unwrap();
    world.page();
    tree
}

/// What a reference is asked for.
type Steering<'a> = Pin<Box<dyn Future<Output = Result<(), SteerError>> + 'a>>;

#[tokio::test(start_paused = true)]
async fn each_field_leads_to_the_child_of_its_name() {
    let world = World::new();
    let tree = orders(&world).await;
    let conn = tree.conn.add(world.service("conn0")).await.unwrap();
    let deep = tree.pool.inner.conn.add(world.service("deep0")).await.unwrap();
    tree.pool.conn.add(world.service("conn")).await.unwrap();
    world.page();
    let workers = ["stop worker2", "stop worker1", "stop worker0", "start worker0", "start worker1", "start worker2"];
    let insides = ["stop inside1", "stop inside0", "start inside0", "start inside1"];
    let rows: [(String, Steering<'_>, &str, &[&str]); 11] = [
        (tree.db.path(), Box::pin(tree.db.restart()), "Orders/db", &["stop db", "start db"]),
        (tree.untyped.path(), Box::pin(tree.untyped.restart()), "Orders/untyped", &["stop untyped", "start untyped"]),
        (tree.worker.path(), Box::pin(tree.worker.restart()), "Orders/worker", &workers),
        (conn.path(), Box::pin(tree.conn.discard(0)), "Orders/conn[0]", &["stop conn0"]),
        (tree.first.path(), Box::pin(tree.first.restart()), "Orders/first", &["stop first", "start first"]),
        (
            tree.anonymous.second.path(),
            Box::pin(tree.anonymous.second.restart()),
            "Orders/anonymous/second",
            &["stop second", "start second"],
        ),
        (tree.pool.tick.path(), Box::pin(tree.pool.tick.restart()), "Orders/pool/tick", &["stop tick", "start tick"]),
        (tree.pool.inside.path(), Box::pin(tree.pool.inside.restart()), "Orders/pool/inside", &insides),
        (
            tree.pool.inner.leaf.path(),
            Box::pin(tree.pool.inner.leaf.restart()),
            "Orders/pool/inner/leaf",
            &["stop leaf", "start leaf"],
        ),
        (deep.path(), Box::pin(deep.restart()), "Orders/pool/inner/conn[0]", &["stop deep0", "start deep0"]),
        (tree.billing.path(), Box::pin(tree.billing.restart()), "Orders/billing", &["stop bill", "start bill"]),
    ];
    for (found, steering, path, expected) in rows {
        assert_eq!(found, path);
        steering.await.unwrap();
        assert_eq!(world.page(), expected, "{path}");
    }
    let groups = [&*tree.pool, &*tree.pool.inner, &*tree.anonymous].map(GroupRef::path);
    assert_eq!(groups, ["Orders/pool", "Orders/pool/inner", "Orders/anonymous"]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_tree_starts_in_the_order_of_its_fields_with_what_its_parameters_say() {
    let world = World::new();
    let tree = Orders::start(world.clone(), 1).await.unwrap();
    let started = ["db", "untyped", "worker0", "first", "second", "tick", "inside0", "inside1", "leaf", "bill"];
    assert_eq!(world.page(), started.map(|name| format!("start {name}")));
    assert_eq!((tree.worker.len(), tree.pool.inside.len()), (1, 2));
    tree.shutdown().await.unwrap();
    let stopped = ["bill", "leaf", "inside1", "inside0", "tick", "second", "first", "worker0", "untyped", "db"];
    assert_eq!(world.page(), stopped.map(|name| format!("stop {name}")));
}

#[tokio::test(start_paused = true)]
async fn the_replicas_of_a_field_are_reached_by_index_and_scaled() {
    let world = World::new();
    let tree = orders(&world).await;
    let paths = |replicas: &Replicas<Probe>| replicas.iter().map(|worker| worker.path()).collect::<Vec<_>>();
    assert_eq!(paths(&tree.worker), ["Orders/worker[0]", "Orders/worker[1]", "Orders/worker[2]"]);
    tree.worker.get(2).unwrap().restart().await.unwrap();
    assert_eq!(world.page(), ["stop worker2", "start worker2"]);
    assert!(tree.worker.get(3).is_none());

    tree.worker.scale_to(4).await.unwrap();
    tree.worker.replace(1, world.service("spare")).await.unwrap();
    assert_eq!(world.page(), ["start worker3", "stop worker1", "start spare"]);
    world.fail("spare");
    world.expect(&["fail spare", "stop spare", "start worker1"]).await;
    tree.worker.scale_to(0).await.unwrap();
    assert_eq!(paths(&tree.worker), [""; 0]);
    assert_eq!(world.page(), ["stop worker3", "stop worker2", "stop worker1", "stop worker0"]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_open_groups_of_a_tree_are_as_their_declarations_say() {
    let world = World::new();
    let tree = orders(&world).await;
    let bounds = [&tree.conn, &tree.pool.conn, &tree.pool.inner.conn].map(Children::bound);
    assert_eq!(bounds, [Some(2), None, None]);

    for name in ["a", "b"] {
        tree.conn.add(world.service(name)).await.unwrap();
    }
    let full = tree.conn.add(world.service("c")).await.unwrap_err();
    assert_eq!(full.to_string(), "open group `Orders/conn` has 2 members, as many as its bound allows");
    tree.pool.inner.conn.add(world.service("kept")).await.unwrap();
    world.expect(&["start a", "start b", "start kept"]).await;

    // The one is temporary, the other transient and `in_place`.
    world.fail("a");
    world.expect(&["fail a", "stop a"]).await;
    world.fail("kept");
    world.expect(&["fail kept", "stop kept", "start kept"]).await;
    world.idle().await;
    assert_eq!((tree.conn.ids(), tree.pool.inner.conn.ids()), (vec![1], vec![0]));
    tree.conn.discard(1).await.unwrap();
    world.expect(&["stop b"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_group_is_steered_by_the_field_that_holds_its_children() {
    let world = World::new();
    let tree = orders(&world).await;
    tree.pool.conn.add(world.service("conn")).await.unwrap();
    world.page();
    tree.pool.restart().await.unwrap();
    let down = ["stop leaf", "stop inside1", "stop inside0", "stop conn", "stop tick"];
    let up = ["start tick", "start inside0", "start inside1", "start leaf"];
    assert_eq!(world.page(), [down.as_slice(), &up].concat());
    assert!(tree.pool.conn.is_empty(), "a restart begins a new group");

    tree.pool.stop().await.unwrap();
    world.page();
    assert_eq!(tree.pool.status().unwrap().state(), State::Stopped);
    let error = tree.pool.conn.add(world.service("conn")).await.unwrap_err();
    assert_eq!(error.to_string(), "supervisor `Orders/pool` is not running, or is stopping");
    assert_eq!(error.into_service().map(|probe| probe.name).as_deref(), Some("conn"));

    tree.pool.start().await.unwrap();
    tree.pool.conn.add(world.service("conn")).await.unwrap();
    assert_eq!(world.page(), [up.as_slice(), &["start conn"]].concat());
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_reference_leads_to_what_stands_there_after_every_kind_of_restart() {
    let world = World::new();
    let tree = orders(&world).await;
    let (db, tick, leaf) = (tree.db.clone(), tree.pool.tick.clone(), tree.pool.inner.leaf.clone());
    let incarnations = || [&db, &tick, &leaf].map(|child| child.status().unwrap().incarnation());
    assert_eq!(incarnations(), [1, 1, 1]);
    // Its own, a sweep of its group, one by hand, one of the group above it.
    world.fail("db");
    world.fail("leaf");
    world.idle().await;
    assert_eq!(incarnations(), [2, 1, 2]);
    world.fail("tick");
    world.idle().await;
    db.restart().await.unwrap();
    tree.pool.restart().await.unwrap();
    assert_eq!(db.status().unwrap().incarnation(), 3);
    world.page();

    db.replace(world.service("other")).await.unwrap();
    tick.restart().await.unwrap();
    leaf.stop().await.unwrap();
    assert_eq!(world.page(), ["stop db", "start other", "stop tick", "start tick", "stop leaf"]);
    assert_eq!(leaf.status().unwrap().state(), State::Stopped);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_tree_is_asked_for_after_its_end_is_answered_with_a_clear_error() {
    let world = World::new();
    let mut tree = orders(&world).await;
    let (db, worker, conn, pool) = (tree.db.clone(), tree.worker.clone(), tree.conn.clone(), tree.pool.clone());
    let handle = tree.handle();
    handle.shutdown();
    tree.wait().await.unwrap();
    // Its owner is still there, and then it is not.
    for owned in [true, false] {
        let mut answers = vec![db.restart().await, db.start().await, worker.restart().await, pool.start().await];
        answers.extend([db.wait_ready().await, pool.wait_ready().await, pool.inner.leaf.restart().await]);
        answers.push(worker.scale_to(9).await);
        answers.push(conn.add(world.service("late")).await.map(drop).map_err(|error| error.error().clone()));
        answers.push(db.replace(world.service("late")).await.map_err(|error| error.error().clone()));
        for (row, answer) in answers.into_iter().enumerate() {
            let error = answer.expect_err("nothing can be done any more");
            assert!(matches!(error, SteerError::Ended), "{row}, owned: {owned}: {error}");
        }
        assert_eq!((db.path().as_str(), worker.path().as_str()), ("Orders/db", "Orders/worker"));
        if owned {
            assert_eq!(tree.snapshot().unwrap().root().status().state(), State::Stopped);
            tree = orders(&World::new()).await;
        }
    }
    assert!(matches!(handle.snapshot(), Err(SteerError::Ended)));
    assert!(!world.page().iter().any(|line| line == "start late"));
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_tree_is_waited_for_listened_to_and_looked_at_as_its_running_tree() {
    let world = World::new();
    let mut tree = orders(&world).await;
    let mut events = tree.events();
    tree.db.restart().await.unwrap();
    let mut told = Vec::new();
    while let Some(event) = events.try_next() {
        let line = event.unwrap().to_string();
        told.push(line.split_once(' ').expect("first its number").1.to_owned());
    }
    let expected =
        ["restart by hand", "stopping", "stopped", "starting", "started"].map(|what| format!("Orders/db {what}"));
    assert_eq!(told, expected);
    let snapshot = tree.snapshot().unwrap();
    let row = snapshot.get("Orders/pool/inner/leaf").expect("it is there");
    assert_eq!((row.status().state(), row.depth()), (State::Running, 3));
    tree.wait_ready().await.unwrap();
    assert_eq!(tree.name(), "Orders");

    let (took, end) = time_of(async {
        tokio::time::timeout(secs(60.0), tree.wait()).await.expect_err("it goes on");
        world.order("db", Order::Escalate);
        tree.wait().await
    })
    .await;
    assert_eq!((took, end.unwrap_err().kind()), (secs(60.0), TreeErrorKind::Failed));
    tree.shutdown().await.expect("that has been told already");
}

supervision_tree! {
    struct Small(world: World);

    one_for_one {
        a(restart = transient, backoff = 1m..2m): Probe = world.service("a"),
        t(restart = temporary): world.service("t"),
        pool: one_for_one(max_restarts = 0, restart = transient) {
            b*2(restart = transient): Probe = |index| world.service(&format!("b{index}")),
            inner: one_for_one { leaf(restart = transient): Probe = world.service("leaf") }
        }
        last(restart = transient): world.service("last"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_tree_has_started_whatever_its_children_are_doing_by_then() {
    let done = Act::FinishAfter(secs(0.0));
    // (what `a`, `t` and `b1` do while `last` is starting; where they are then, and `pool` and `leaf`)
    let table: [(&[Act], Act, &[Act], &str); 4] = [
        (&[Act::Run], Act::Run, &[Act::Run], "running running running running running"),
        (&[done], done, &[Act::Run], "done done running running running"),
        (&[Act::Fail, Act::Fail], Act::Fail, &[done], "delayed gone done running running"),
        // The pool is restarted, and its inner group has not been made again.
        (
            &[Act::Fail, Act::SlowStart(secs(4.0))],
            Act::Run,
            &[Act::FailAfter(secs(0.5)), Act::SlowStart(secs(4.0))],
            "starting running starting starting nowhere",
        ),
    ];
    for (row, (a, t, b1, expected)) in table.into_iter().enumerate() {
        let world = World::new();
        world.plan("a", a.iter().copied()).plan("t", [t]).plan("b1", b1.iter().copied());
        world.plan("last", [Act::SlowStart(secs(1.0))]);
        let tree = Small::start(world.clone()).await.unwrap();
        let b1: ChildRef<Probe> = tree.pool.b.get(1).expect("it was declared");
        let found = [tree.a.status(), tree.t.status(), b1.status(), tree.pool.status(), tree.pool.inner.leaf.status()];
        let found = found.map(|status| status.map_or("nowhere", |status| status.state().word()));
        assert_eq!(found.join(" "), expected, "row {row}");
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_tree_that_has_ended_before_its_start_is_looked_at_has_started() {
    for (order, kind) in [(Order::Finish, None), (Order::Escalate, Some(TreeErrorKind::Failed))] {
        let world = World::new();
        for name in ["a", "t", "b0", "b1", "leaf"] {
            world.order(name, Order::Finish);
        }
        world.order("last", order);
        let mut start = pin!(Small::start(world.clone()));
        poll_fn(|task| Poll::Ready(assert!(start.as_mut().poll(task).is_pending()))).await;
        tokio::time::sleep(secs(1000.0)).await;
        assert_eq!(world.alive(), 0, "it has ended");
        let mut tree = start.await.unwrap();
        assert_eq!((tree.a.path(), tree.pool.b.path()), ("Small/a".to_owned(), "Small/pool/b".to_owned()));
        assert_eq!(tree.wait().await.map_err(|error| error.kind()).err(), kind);
        assert!(matches!(tree.a.restart().await, Err(SteerError::Ended)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_tree_that_does_not_start_gives_the_error_and_no_fields() {
    let world = World::new();
    world.plan("last", [Act::FailStart]);
    let error = Small::start(world.clone()).await.expect_err("`last` fails");
    assert_eq!(
        format!("{error:#}"),
        "supervisor `Small` did not start: `Small/last` failed in start: last start failed"
    );
    let stopped = ["stop leaf", "stop b1", "stop b0", "stop t", "stop a"];
    assert_eq!(world.page()[6..], stopped);
}

#[tokio::test(start_paused = true)]
async fn a_tree_that_is_dropped_drops_what_runs_whoever_holds_references() {
    let world = World::new();
    let tree = Small::start(world.clone()).await.unwrap();
    let (a, pool) = (tree.a.clone(), tree.pool.clone());
    drop(tree);
    world.idle().await;
    assert_eq!(world.alive(), 0);
    assert!(matches!(a.start().await, Err(SteerError::Ended)));
    assert!(matches!(pool.start().await, Err(SteerError::Ended)));
}

/// What can be sent, shared and kept anywhere, and copied for as many as want one.
fn is_a_reference<T: Clone + Debug + Send + Sync + 'static>() {}
fn is_send(_: impl Send) {}

/// Holds if it compiles.
#[allow(dead_code, reason = "nothing of it has to run")]
fn references_and_futures_go_anywhere(world: World, tree: Orders, probe: Probe) {
    is_a_reference::<ChildRef>();
    is_a_reference::<ChildRef<Probe>>();
    is_a_reference::<Replicas>();
    is_a_reference::<Replicas<Probe>>();
    is_a_reference::<Children<Untyped>>();
    is_a_reference::<Children<Probe>>();
    // Whatever the service is.
    is_a_reference::<ChildRef<std::cell::Cell<u8>>>();
    is_a_reference::<GroupRef>();
    is_a_reference::<TreeHandle>();
    is_a_reference::<OrdersPool>();
    is_a_reference::<OrdersPoolInner>();
    is_send(Orders::start(world.clone(), 3));
    is_send(Orders::run(world, 3));
    is_send(tree.db.replace(probe));
    is_send(async {
        let running: &Running = &tree;
        running.wait_ready().await?;
        tree.pool.restart().await?;
        tree.worker.scale_to(3).await
    });
    is_send(tree.shutdown());
}
