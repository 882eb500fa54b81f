//! Children are started, stopped and restarted by hand: what that does in each state, and what it leaves alone.

use std::time::Duration;

use supervisor_runtime::{ChildRef, Restart, Running, State, SteerError, Supervisor};

use crate::world::{Act, Order, Probe, World, answered, at, ended, secs, started, state, time_of};

/// What is done by hand.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Do {
    Start,
    Stop,
    Restart,
}

impl Do {
    async fn to(self, child: &ChildRef) -> Result<(), SteerError> {
        match self {
            Self::Start => child.start().await,
            Self::Stop => child.stop().await,
            Self::Restart => child.restart().await,
        }
    }
}

/// How `a` comes into a state.
#[derive(Clone, Copy, Debug, PartialEq)]
enum In {
    Running,
    /// Its second start takes two seconds and does not listen.
    Starting,
    /// Its sibling `b` has to stop first, which takes two seconds.
    Waiting,
    Delayed,
    /// It was stopped by hand, which takes two seconds.
    Stopping,
    /// It has failed, and its own `stop` hangs until it is dropped, after five seconds.
    FailedAndStopping,
    /// It has returned `Ok`, as it may, and its own `stop` takes two seconds.
    DoneAndStopping,
    Done,
    Stopped,
    Forfeited,
    Gone,
}

impl In {
    fn state(self) -> State {
        match self {
            Self::Running | Self::DoneAndStopping => State::Running,
            Self::Starting => State::Starting,
            Self::Waiting => State::Waiting,
            Self::Delayed => State::Delayed,
            Self::Stopping | Self::FailedAndStopping => State::Stopping,
            Self::Done => State::Done,
            Self::Stopped => State::Stopped,
            Self::Forfeited => State::Forfeited,
            Self::Gone => State::Gone,
        }
    }

    async fn tree(self, world: &World) -> Running {
        let a = world.child("a");
        let (a, strategy): (_, fn(&'static str) -> Supervisor) = match self {
            Self::Waiting => (a, Supervisor::one_for_all),
            Self::Delayed => (a.backoff(Duration::from_secs(100)..Duration::from_secs(1000)), Supervisor::one_for_one),
            Self::DoneAndStopping | Self::Done => (a.restart(Restart::Transient), Supervisor::one_for_one),
            Self::Gone => (a.restart(Restart::Temporary), Supervisor::one_for_one),
            _ => (a, Supervisor::one_for_one),
        };
        match self {
            Self::Starting => world.plan("a", [Act::Run, Act::SlowStart(secs(2.0))]),
            Self::Waiting => world.plan("b", [Act::SlowStop(secs(2.0))]),
            Self::Delayed => world.plan("a", [Act::Run, Act::Fail]),
            Self::Stopping => world.plan("a", [Act::SlowStop(secs(2.0))]),
            Self::FailedAndStopping => world.plan("a", [Act::HangInStop]),
            Self::DoneAndStopping => world.plan("a", [Act::FailAndSlowStop(secs(2.0))]),
            _ => world,
        };
        let tree = started(strategy("tree").child(a).child(world.child("b"))).await;
        world.idle().await;
        match self {
            Self::Running => {}
            Self::Starting | Self::Waiting | Self::Delayed | Self::FailedAndStopping | Self::Gone => world.fail("a"),
            Self::DoneAndStopping | Self::Done => world.order("a", Order::Finish),
            Self::Forfeited => world.order("a", Order::Forfeit),
            Self::Stopped => at(&tree, "a").stop().await.unwrap(),
            Self::Stopping => {
                let a = at(&tree, "a");
                tokio::spawn(async move { a.stop().await });
            }
        }
        world.idle().await;
        world.page();
        tree
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_done_by_hand_does_in_every_state_what_the_table_says() {
    // How it stands, what is done; the log; how it stands when that is answered.
    let table: &[(In, Do, &[&str], State)] = &[
        (In::Running, Do::Start, &[], State::Running),
        (In::Running, Do::Stop, &["stop a"], State::Stopped),
        (In::Running, Do::Restart, &["stop a", "start a"], State::Running),
        (In::Starting, Do::Start, &["started a"], State::Running),
        (In::Starting, Do::Stop, &["started a", "stop a"], State::Stopped),
        (In::Starting, Do::Restart, &["started a", "stop a", "start a"], State::Running),
        (In::Waiting, Do::Start, &["stop b", "start a", "start b"], State::Running),
        (In::Waiting, Do::Stop, &["stop b", "start b"], State::Stopped),
        (In::Waiting, Do::Restart, &["stop b", "start a", "start b"], State::Running),
        (In::Delayed, Do::Start, &["start a"], State::Running),
        (In::Delayed, Do::Stop, &[], State::Stopped),
        (In::Delayed, Do::Restart, &["start a"], State::Running),
        (In::Stopping, Do::Start, &["stop a", "start a"], State::Running),
        (In::Stopping, Do::Stop, &["stop a"], State::Stopped),
        (In::Stopping, Do::Restart, &["stop a", "start a"], State::Running),
        (In::FailedAndStopping, Do::Start, &["drop a", "start a"], State::Running),
        (In::FailedAndStopping, Do::Stop, &["drop a"], State::Stopped),
        (In::FailedAndStopping, Do::Restart, &["drop a", "start a"], State::Running),
        (In::DoneAndStopping, Do::Start, &["start a"], State::Running),
        (In::DoneAndStopping, Do::Stop, &[], State::Stopped),
        (In::DoneAndStopping, Do::Restart, &["start a"], State::Running),
        (In::Done, Do::Start, &["start a"], State::Running),
        (In::Done, Do::Stop, &[], State::Done),
        (In::Done, Do::Restart, &["start a"], State::Running),
        (In::Stopped, Do::Start, &["start a"], State::Running),
        (In::Stopped, Do::Stop, &[], State::Stopped),
        (In::Stopped, Do::Restart, &["start a"], State::Running),
        (In::Forfeited, Do::Start, &["start a"], State::Running),
        (In::Forfeited, Do::Stop, &[], State::Forfeited),
        (In::Forfeited, Do::Restart, &["start a"], State::Running),
        (In::Gone, Do::Start, &["start a"], State::Running),
        (In::Gone, Do::Stop, &[], State::Gone),
        (In::Gone, Do::Restart, &["start a"], State::Running),
    ];
    let mut wrong = Vec::new();
    for &(is, what, log, then) in table {
        let world = World::new();
        let tree = is.tree(&world).await;
        assert_eq!(state(&tree, "a"), is.state(), "{is:?} is how it stands");
        let answer = answered(what.to(&at(&tree, "a"))).await;
        let at_once = state(&tree, "a");
        tokio::time::sleep(secs(20.0)).await;
        let (page, later) = (world.page(), state(&tree, "a"));
        if answer.is_err() || page != log || at_once != then || later != then {
            wrong.push(format!("{is:?}, {what:?}: {answer:?}, {page:?}, {at_once} and then {later}"));
        }
        let end = tree.shutdown().await;
        if end.is_err() && !matches!(is, In::Forfeited) {
            wrong.push(format!("{is:?}, {what:?}: the end is {end:?}"));
        }
        assert_eq!(world.alive(), 0);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_restart_by_hand_does_not_count_against_the_limit() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree").max_restarts(1).child(world.child("a"));
    let mut tree = started(tree).await;
    for _ in 0..10 {
        at(&tree, "a").restart().await.unwrap();
    }
    assert_eq!(state(&tree, "a"), State::Running);
    let status = at(&tree, "a").status().unwrap();
    assert_eq!((status.incarnation(), status.restarts()), (11, 0));
    world.page();
    world.fail("a");
    world.expect(&["fail a", "stop a", "start a"]).await;
    world.fail("a");
    assert!(ended(&mut tree).await.unwrap_err().limit().is_some());
}

#[tokio::test(start_paused = true)]
async fn what_is_done_by_hand_concerns_no_sibling_whatever_the_strategy() {
    let strategies: [fn(&'static str) -> Supervisor; 7] = [
        Supervisor::one_for_one,
        Supervisor::one_for_all,
        Supervisor::rest_for_one,
        Supervisor::dependents_for_one,
        Supervisor::forfeit_one_for_one,
        Supervisor::forfeit_one_for_all,
        Supervisor::crashing,
    ];
    for strategy in strategies {
        let world = World::new();
        let tree = strategy("tree").child(world.child("a")).child(world.child("b")).child(world.child("c"));
        let tree = started(tree).await;
        world.page();
        let b = at(&tree, "b");
        b.restart().await.unwrap();
        b.stop().await.unwrap();
        b.start().await.unwrap();
        world.expect(&["stop b", "start b", "stop b", "start b"]).await;
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_start_by_hand_is_told_not_retried_and_touches_no_sibling() {
    let strategies: [fn(&'static str) -> Supervisor; 7] = [
        Supervisor::one_for_one,
        Supervisor::one_for_all,
        Supervisor::rest_for_one,
        Supervisor::dependents_for_one,
        Supervisor::forfeit_one_for_one,
        Supervisor::forfeit_one_for_all,
        Supervisor::crashing,
    ];
    for strategy in strategies {
        for (act, word) in [(Act::FailStart, "start failed"), (Act::PanicStart, "panics in start")] {
            for what in [Do::Start, Do::Restart] {
                let world = World::new();
                let tree = started(strategy("tree").child(world.child("a")).child(world.child("b"))).await;
                world.page();
                let a = at(&tree, "a");
                if what == Do::Start {
                    a.stop().await.unwrap();
                }
                world.plan("a", [act]);
                let error = answered(what.to(&a)).await.unwrap_err();
                assert!(matches!(&error, SteerError::StartFailed { path, .. } if path == "tree/a"), "{error:?}");
                assert!(error.to_string().contains(word), "{error}");
                tokio::time::sleep(secs(1000.0)).await;
                world.expect(&["stop a", "start a"]).await;
                assert_eq!((state(&tree, "a"), state(&tree, "b")), (State::Stopped, State::Running));
                // And the next one works.
                a.start().await.unwrap();
                world.expect(&["start a"]).await;
                tree.shutdown().await.unwrap();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_by_hand_that_succeeds_is_supervised_again() {
    let world = World::new();
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a"))).await;
    let a = at(&tree, "a");
    a.stop().await.unwrap();
    a.start().await.unwrap();
    world.page();
    world.fail("a");
    world.expect(&["fail a", "stop a", "start a"]).await;
    // A start that fails now is an ordinary failure.
    world.plan("a", [Act::FailStart]);
    world.fail("a");
    world.expect(&["fail a", "stop a", "start a", "start a"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_restart_by_hand_of_one_that_is_starting_is_told_when_the_new_start_fails() {
    let world = World::new();
    world.plan("a", [Act::Run, Act::SlowStart(secs(2.0)), Act::FailStart]);
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a"))).await;
    world.fail("a");
    world.expect(&["start a", "fail a", "stop a", "start a"]).await;
    let error = answered(at(&tree, "a").restart()).await;
    tokio::time::sleep(secs(10.0)).await;
    world.expect(&["started a", "stop a", "start a"]).await;
    assert!(matches!(error, Err(SteerError::StartFailed { .. })), "{error:?}");
    assert_eq!(state(&tree, "a"), State::Stopped);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_stopped_by_hand_stays_stopped_when_siblings_fail_in_one_for_one() {
    let world = World::new();
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a")).child(world.child("b"))).await;
    at(&tree, "a").stop().await.unwrap();
    world.page();
    for _ in 0..3 {
        world.fail("b");
        world.expect(&["fail b", "stop b", "start b"]).await;
    }
    assert_eq!(state(&tree, "a"), State::Stopped);
    tree.shutdown().await.unwrap();
    world.expect(&["stop b"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_stopped_by_hand_is_started_by_the_restart_of_its_group() {
    for (strategy, restarted) in
        [(Supervisor::one_for_all as fn(&'static str) -> Supervisor, true), (Supervisor::rest_for_one, false)]
    {
        let world = World::new();
        let tree = strategy("tree").child(world.child("a")).child(world.child("b")).child(world.child("c"));
        let tree = started(tree).await;
        at(&tree, "a").stop().await.unwrap();
        at(&tree, "c").stop().await.unwrap();
        world.page();
        world.fail("b");
        if restarted {
            world.expect(&["fail b", "stop b", "start a", "start b", "start c"]).await;
        } else {
            world.expect(&["fail b", "stop b", "start b", "start c"]).await;
            assert_eq!(state(&tree, "a"), State::Stopped);
        }
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_stopped_by_hand_keeps_the_group_from_being_done() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree").child(world.child("a").restart(Restart::Transient));
    let tree = tree.child(world.child("b").restart(Restart::Transient));
    let mut tree = started(tree).await;
    at(&tree, "a").stop().await.unwrap();
    world.order("b", Order::Finish);
    world.idle().await;
    assert_eq!(state(&tree, "b"), State::Done);
    at(&tree, "a").start().await.unwrap();
    world.order("a", Order::Finish);
    ended(&mut tree).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_group_is_stopped_and_started_by_hand() {
    let world = World::new();
    let pool = Supervisor::one_for_one("pool").child(world.child("a")).child(world.child("b"));
    let tree =
        started(Supervisor::one_for_one("tree").child(world.child("x")).child(pool).child(world.child("y"))).await;
    world.page();
    let pool = tree.group("pool").unwrap();
    pool.stop().await.unwrap();
    world.expect(&["stop b", "stop a"]).await;
    assert_eq!(pool.status().unwrap().state(), State::Stopped);
    assert_eq!(state(&tree, "pool/a"), State::Stopped);
    // What is in it is not to be had before it is started.
    for what in [Do::Start, Do::Stop, Do::Restart] {
        let error = answered(what.to(&at(&tree, "pool/a"))).await.unwrap_err();
        assert!(
            matches!(&error, SteerError::NotRunning { supervisor, .. } if supervisor == "tree/pool"),
            "{what:?}: {error:?}"
        );
    }
    pool.start().await.unwrap();
    world.expect(&["start a", "start b"]).await;
    assert_eq!(pool.status().unwrap().incarnation(), 2);
    // A reference leads to the new group.
    at(&tree, "pool/a").restart().await.unwrap();
    pool.restart().await.unwrap();
    world.expect(&["stop a", "start a", "stop b", "stop a", "start a", "start b"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_group_stopped_by_hand_is_started_by_the_restart_of_its_parent() {
    let world = World::new();
    let pool = Supervisor::one_for_one("pool").child(world.child("a")).child(world.child("b"));
    let tree = started(Supervisor::one_for_all("tree").child(world.child("x")).child(pool)).await;
    let pool = tree.group("pool").unwrap();
    at(&tree, "pool/a").stop().await.unwrap();
    pool.stop().await.unwrap();
    world.page();
    world.fail("x");
    // A new group: what was stopped by hand in the old one has nothing to do with it.
    world.expect(&["fail x", "stop x", "start x", "start a", "start b"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_start_by_hand_fails_stays_down_and_rolls_back() {
    let world = World::new();
    let pool = Supervisor::one_for_one("pool").child(world.child("a")).child(world.child("b"));
    let tree = started(Supervisor::one_for_all("tree").child(world.child("x")).child(pool)).await;
    let pool = tree.group("pool").unwrap();
    pool.stop().await.unwrap();
    world.page();
    world.plan("b", [Act::FailStart]);
    let error = answered(pool.start()).await.unwrap_err();
    assert!(matches!(&error, SteerError::StartFailed { path, .. } if path == "tree/pool"), "{error:?}");
    assert!(error.to_string().contains("`tree/pool/b`"), "{error}");
    tokio::time::sleep(secs(10.0)).await;
    world.expect(&["start a", "start b", "stop a"]).await;
    assert_eq!((pool.status().unwrap().state(), state(&tree, "x")), (State::Stopped, State::Running));
    pool.start().await.unwrap();
    world.expect(&["start a", "start b"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_start_clears_what_was_forfeited_also_of_the_error_at_the_end() {
    let world = World::new();
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a")).child(world.child("b"))).await;
    world.order("a", Order::Forfeit);
    at(&tree, "a").wait_for(State::Forfeited).await.unwrap();
    at(&tree, "a").start().await.unwrap();
    assert_eq!(state(&tree, "a"), State::Running);
    world.expect(&["start a", "start b", "forfeit a", "stop a", "start a"]).await;
    tree.wait_ready().await.unwrap();
    // It is an ordinary child again.
    world.fail("a");
    world.expect(&["fail a", "stop a", "start a"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_forfeited_child_is_not_revived_by_a_group_restart_but_by_its_parents() {
    let world = World::new();
    let pool = Supervisor::one_for_all("pool").child(world.child("a")).child(world.child("b"));
    let tree = started(Supervisor::one_for_one("tree").child(pool)).await;
    world.order("a", Order::Forfeit);
    world.expect(&["start a", "start b", "forfeit a", "stop a"]).await;
    world.fail("b");
    world.expect(&["fail b", "stop b", "start b"]).await;
    tree.group("pool").unwrap().restart().await.unwrap();
    world.expect(&["stop b", "start a", "start b"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn orders_during_the_first_start_of_the_group() {
    let world = World::new();
    world.plan("b", [Act::SlowStart(secs(2.0))]);
    let pool = Supervisor::one_for_one("pool");
    let pool = pool.child(world.child("a")).child(world.child("b")).child(world.child("c"));
    let tree = started(Supervisor::one_for_one("tree").child(world.child("x")).child(pool)).await;
    let group = tree.group("pool").unwrap();
    for (child, what, log) in [
        // What has started is restarted, what is starting is started anew, what waits is waited for.
        ("a", Do::Restart, &["start a", "start b", "stop a", "start a", "started b", "start c"][..]),
        ("a", Do::Stop, &["start a", "start b", "stop a", "started b", "start c"]),
        ("b", Do::Start, &["start a", "start b", "started b", "start c"]),
        ("b", Do::Restart, &["start a", "start b", "started b", "stop b", "start b", "start c"]),
        ("b", Do::Stop, &["start a", "start b", "started b", "stop b", "start c"]),
        ("c", Do::Start, &["start a", "start b", "started b", "start c"]),
        ("c", Do::Restart, &["start a", "start b", "started b", "start c"]),
        ("c", Do::Stop, &["start a", "start b", "started b"]),
    ] {
        group.stop().await.unwrap();
        world.page();
        world.plan("b", [Act::SlowStart(secs(2.0))]);
        let start = tokio::spawn({
            let group = group.clone();
            async move { group.start().await }
        });
        world.idle().await;
        let child = at(&tree, &format!("pool/{child}"));
        let about = format!("{} {what:?}", child.path());
        answered(what.to(&child)).await.unwrap_or_else(|error| panic!("{about}: {error}"));
        answered(start).await.unwrap().unwrap_or_else(|error| panic!("{about}: {error}"));
        tokio::time::sleep(secs(10.0)).await;
        assert_eq!(world.page(), log, "{about}");
        let then = if what == Do::Stop { State::Stopped } else { State::Running };
        assert_eq!(child.status().unwrap().state(), then, "{about}");
    }
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_restarted_by_hand_during_the_first_start_fails_that_start_if_it_fails() {
    // Nobody would notice otherwise that the group starts without it.
    let world = World::new();
    let pool = Supervisor::one_for_one("pool").child(world.child("a")).child(world.child("b"));
    let tree = started(Supervisor::one_for_one("tree").child(world.child("x")).child(pool)).await;
    let group = tree.group("pool").unwrap();
    group.stop().await.unwrap();
    world.page();
    world.plan("b", [Act::BlockStart, Act::FailStart]);
    let start = tokio::spawn(async move { group.start().await });
    world.idle().await;
    let error = answered(at(&tree, "pool/b").restart()).await.unwrap_err();
    assert!(matches!(error, SteerError::StartFailed { .. }), "{error:?}");
    let error = answered(start).await.unwrap().unwrap_err();
    assert!(matches!(&error, SteerError::StartFailed { path, .. } if path == "tree/pool"), "{error:?}");
    world.expect(&["start a", "start b", "start b", "stop a"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn orders_during_the_restart_of_a_group() {
    // `b` has failed; the others are being stopped in reverse, and `a` takes two seconds.
    for (child, what, log) in [
        ("a", Do::Start, &["stop a", "start a", "start b", "start c"][..]),
        ("a", Do::Restart, &["stop a", "start a", "start b", "start c"]),
        ("a", Do::Stop, &["stop a", "start b", "start c"]),
        ("b", Do::Start, &["stop a", "start a", "start b", "start c"]),
        ("b", Do::Stop, &["stop a", "start a", "start c"]),
        ("c", Do::Restart, &["stop a", "start a", "start b", "start c"]),
        ("c", Do::Stop, &["stop a", "start a", "start b"]),
    ] {
        let world = World::new();
        world.plan("a", [Act::SlowStop(secs(2.0))]);
        let tree = Supervisor::one_for_all("tree").child(world.child("a")).child(world.child("b"));
        let tree = started(tree.child(world.child("c"))).await;
        world.page();
        world.fail("b");
        world.expect(&["fail b", "stop b", "stop c"]).await;
        let about = format!("{child} {what:?}");
        answered(what.to(&at(&tree, child))).await.unwrap_or_else(|error| panic!("{about}: {error}"));
        tokio::time::sleep(secs(10.0)).await;
        assert_eq!(world.page(), log, "{about}");
        let then = if what == Do::Stop { State::Stopped } else { State::Running };
        assert_eq!(state(&tree, child), then, "{about}");
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn orders_during_the_shutdown_and_after_the_end_are_refused() {
    let world = World::new();
    world.plan("a", [Act::SlowStop(secs(2.0))]);
    let mut tree = started(Supervisor::one_for_one("tree").child(world.child("a")).child(world.child("b"))).await;
    world.page();
    tree.handle().shutdown();
    world.expect(&["stop b"]).await;
    for child in ["a", "b"] {
        for what in [Do::Start, Do::Stop, Do::Restart] {
            let error = answered(what.to(&at(&tree, child))).await.unwrap_err();
            assert!(matches!(&error, SteerError::NotRunning { supervisor, .. } if supervisor == "tree"), "{error:?}");
        }
    }
    let (a, b) = (at(&tree, "a"), at(&tree, "b"));
    assert_eq!(a.status().unwrap().state(), State::Stopping);
    let ready = tokio::spawn({
        let b = b.clone();
        async move { b.wait_ready().await }
    });
    ended(&mut tree).await.unwrap();
    world.expect(&["stop a"]).await;
    let error = answered(ready).await.unwrap().unwrap_err();
    assert!(matches!(error, SteerError::Ended), "{error:?}");
    for what in [Do::Start, Do::Stop, Do::Restart] {
        let error = answered(what.to(&a)).await.unwrap_err();
        assert!(matches!(error, SteerError::Ended), "its owner is still there: {error:?}");
    }
    let handle = tree.handle();
    drop(tree);
    for what in [Do::Start, Do::Stop, Do::Restart] {
        let error = answered(what.to(&a)).await.unwrap_err();
        assert!(matches!(error, SteerError::Ended), "{error:?}");
    }
    assert!(matches!(a.status(), Err(SteerError::Ended)));
    assert!(matches!(handle.snapshot(), Err(SteerError::Ended)));
    assert!(matches!(handle.wait_ready().await, Err(SteerError::Ended)));
    assert!(matches!(a.wait_for(State::Stopped).await, Err(SteerError::Ended)));
    assert_eq!(a.path(), "tree/a");
    world.expect(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_when_the_tree_is_shut_down_is_answered() {
    let world = World::new();
    world.plan("a", [Act::SlowStop(secs(2.0))]);
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a")).child(world.child("b"))).await;
    let restart = tokio::spawn({
        let a = at(&tree, "a");
        async move { a.restart().await }
    });
    let stop = tokio::spawn({
        let a = at(&tree, "a");
        async move { a.stop().await }
    });
    world.idle().await;
    tree.shutdown().await.unwrap();
    let restarted = answered(restart).await.unwrap();
    assert!(matches!(restarted, Err(SteerError::Overtaken { .. })), "{restarted:?}");
    answered(stop).await.unwrap().unwrap();
    world.expect(&["start a", "start b", "stop b", "stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn orders_are_answered_while_the_child_crashes_in_a_loop() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree").max_restarts(u32::MAX).child(world.child("a"));
    let tree = started(tree).await;
    world.plan("a", std::iter::repeat_n(Act::Fail, 3_000));
    world.plan("a", [Act::FailStart].repeat(3_000));
    world.fail("a");
    let a = at(&tree, "a");
    tokio::task::yield_now().await;
    let restarted = answered(a.restart()).await;
    assert!(matches!(restarted, Ok(()) | Err(SteerError::StartFailed { .. })), "{restarted:?}");
    answered(a.stop()).await.unwrap();
    assert_eq!(state(&tree, "a"), State::Stopped);
    let page = world.page();
    assert!(page.len() < 15_000, "it was stopped in the middle of it");
    assert!(!page.iter().any(|line| line.starts_with("two of")));
    world.idle().await;
    world.expect(&[]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn dropping_the_future_of_an_operation_does_not_undo_it() {
    let world = World::new();
    world.plan("a", [Act::SlowStop(secs(2.0)), Act::SlowStart(secs(2.0)), Act::SlowStop(secs(2.0))]);
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a"))).await;
    let a = at(&tree, "a");
    world.page();
    tokio::time::timeout(secs(1.0), a.restart()).await.unwrap_err();
    world.expect_timed(&["2000 stop a", "2000 start a", "4000 started a"]).await;
    a.restart().await.unwrap();
    world.expect(&["stop a", "start a"]).await;
    tokio::time::timeout(secs(1.0), a.stop()).await.unwrap_err();
    world.expect(&["stop a"]).await;
    world.plan("a", [Act::SlowStart(secs(2.0))]);
    tokio::time::timeout(secs(1.0), a.start()).await.unwrap_err();
    world.expect(&["start a", "started a"]).await;
    // And a future that is never polled asks for nothing.
    drop(a.stop());
    world.idle().await;
    assert_eq!(state(&tree, "a"), State::Running);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_cancels_the_wait_for_a_backoff_and_a_start_ends_it() {
    let world = World::new();
    let backoff = Duration::from_secs(100)..Duration::from_secs(1000);
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a").backoff(backoff))).await;
    let a = at(&tree, "a");
    world.plan("a", [Act::Fail, Act::Run, Act::Fail, Act::Run, Act::Fail]);
    for what in [Do::Start, Do::Restart] {
        world.fail("a");
        a.wait_for(State::Delayed).await.unwrap();
        world.page();
        let (took, done) = time_of(what.to(&a)).await;
        done.unwrap();
        assert_eq!(took, Duration::ZERO, "{what:?}");
        world.expect(&["start a"]).await;
    }
    world.fail("a");
    a.wait_for(State::Delayed).await.unwrap();
    world.page();
    a.stop().await.unwrap();
    tokio::time::sleep(secs(5_000.0)).await;
    world.expect(&[]).await;
    assert_eq!(state(&tree, "a"), State::Stopped);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_restart_by_hand_begins_the_backoff_anew() {
    let world = World::new();
    let backoff = Duration::from_secs(100)..Duration::from_secs(1000);
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a").backoff(backoff))).await;
    let a = at(&tree, "a");
    world.plan("a", [Act::Fail, Act::Run, Act::Run]);
    world.fail("a");
    a.wait_for(State::Delayed).await.unwrap();
    a.restart().await.unwrap();
    world.page();
    let begin = tokio::time::Instant::now();
    world.fail("a");
    world.expect(&["fail a", "stop a", "start a"]).await;
    assert_eq!(begin.elapsed(), Duration::ZERO, "the first restart is immediate");
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_start_by_hand_in_a_group_whose_restart_is_delayed_ends_that_delay() {
    let world = World::new();
    let backoff = Duration::from_secs(100)..Duration::from_secs(1000);
    let tree = Supervisor::one_for_all("tree").backoff(backoff).child(world.child("a")).child(world.child("b"));
    let tree = started(tree).await;
    world.plan("a", [Act::Fail]);
    world.fail("a");
    at(&tree, "a").wait_for(State::Waiting).await.unwrap();
    world.idle().await;
    world.page();
    let (took, done) = time_of(at(&tree, "a").start()).await;
    done.unwrap();
    assert!(took < secs(1.0), "{took:?}");
    world.expect(&["start a", "start b"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn stop_and_start_of_all_replicas_together() {
    let world = World::new();
    let tree = Supervisor::one_for_all("tree").child(world.child("a")).child(world.replicas("w", 3));
    let tree = started(tree).await;
    world.page();
    let all = tree.replicas::<crate::world::Probe>("w").unwrap();
    all.stop().await.unwrap();
    world.expect(&["stop w2", "stop w1", "stop w0"]).await;
    all.get(1).unwrap().start().await.unwrap();
    world.expect(&["start w1"]).await;
    all.start().await.unwrap();
    world.expect(&["start w0", "start w2"]).await;
    all.restart().await.unwrap();
    world.expect(&["stop w2", "stop w1", "stop w0", "start w0", "start w1", "start w2"]).await;
    world.plan("w1", [Act::FailStart]);
    let error = answered(all.restart()).await.unwrap_err();
    assert!(matches!(&error, SteerError::StartFailed { path, .. } if path == "tree/w[1]"), "{error:?}");
    world.expect(&["stop w2", "stop w1", "stop w0", "start w0", "start w1", "start w2"]).await;
    assert_eq!((state(&tree, "w[0]"), state(&tree, "w[1]")), (State::Running, State::Stopped));
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_service_that_declines_a_start_by_hand_is_forfeited_and_that_is_told() {
    let world = World::new();
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a")).child(world.child("b"))).await;
    world.plan("a", [Act::DeclineStart]);
    let error = answered(at(&tree, "a").restart()).await.unwrap_err();
    assert!(matches!(&error, SteerError::StartFailed { .. }), "{error:?}");
    assert_eq!(state(&tree, "a"), State::Forfeited);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_start_by_hand_that_is_stopped_meanwhile_says_so() {
    let world = World::new();
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a"))).await;
    let a = at(&tree, "a");
    a.stop().await.unwrap();
    world.plan("a", [Act::BlockStart]);
    world.page();
    let start = tokio::spawn({
        let a = a.clone();
        async move { a.start().await }
    });
    world.expect(&["start a"]).await;
    answered(a.stop()).await.unwrap();
    let error = answered(start).await.unwrap().unwrap_err();
    assert!(matches!(&error, SteerError::Overtaken { path, .. } if path == "tree/a"), "{error:?}");
    assert_eq!(state(&tree, "a"), State::Stopped);
    world.expect(&[]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_start_by_hand_that_a_stop_cuts_off_says_so_though_it_returned_ok() {
    for path in ["group/a", "group"] {
        let world = World::new();
        let group = Supervisor::one_for_one("group").child(world.child("a")).child(world.child("b"));
        let tree = started(Supervisor::one_for_one("tree").child(group)).await;
        let it = at(&tree, path);
        it.stop().await.unwrap();
        world.plan("a", [Act::SlowStart(secs(2.0))]);
        world.page();
        let start = tokio::spawn({
            let it = it.clone();
            async move { it.start().await }
        });
        world.expect(&["start a"]).await;
        answered(it.stop()).await.unwrap();
        let answer = answered(start).await.unwrap();
        assert!(matches!(&answer, Err(SteerError::Overtaken { .. })), "{path}: {answer:?}");
        assert_eq!(state(&tree, path), State::Stopped);
        world.expect(&["started a", "stop a"]).await;
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_significant_child_that_was_stopped_by_hand_does_not_end_its_group() {
    let world = World::new();
    let a = world.child("a").restart(Restart::Transient).significant();
    let tree = Supervisor::one_for_one("tree").auto_shutdown(supervisor_runtime::AutoShutdown::AnySignificant);
    let mut tree = started(tree.child(a).child(world.child("b"))).await;
    at(&tree, "a").stop().await.unwrap();
    world.idle().await;
    assert_eq!(state(&tree, "b"), State::Running);
    at(&tree, "a").start().await.unwrap();
    world.order("a", Order::Finish);
    ended(&mut tree).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_service_that_a_stop_keeps_from_being_started_comes_back() {
    let world = World::new();
    world.plan("a", [Act::SlowStop(secs(2.0))]);
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a"))).await;
    let a = tree.child::<Probe>("a").unwrap();
    let replacing = tokio::spawn({
        let (a, other) = (a.clone(), world.service("other"));
        async move { a.replace(other).await }
    });
    world.idle().await;
    a.stop().await.unwrap();
    let rejected = answered(replacing).await.unwrap().unwrap_err();
    assert!(matches!(rejected.error(), SteerError::Overtaken { .. }), "{rejected:?}");
    assert!(rejected.into_service().is_some(), "it was not started");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_another_took_the_place_of_before_it_started_comes_back() {
    let world = World::new();
    world.plan("a", [Act::SlowStop(secs(2.0))]);
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a"))).await;
    let a = tree.child::<Probe>("a").unwrap();
    let replace = |name: &'static str| {
        let (a, other) = (a.clone(), world.service(name));
        tokio::spawn(async move { a.replace(other).await })
    };
    let first = replace("first");
    world.idle().await;
    let second = replace("second");
    answered(second).await.unwrap().unwrap();
    let first = answered(first).await.unwrap();
    assert!(!world.page().contains(&"start first".to_owned()));
    assert!(first.is_err_and(|rejected| rejected.into_service().is_some()), "it was not started");
}
