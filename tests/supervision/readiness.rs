//! Readiness: what a service says of itself, what follows for its group and its tree, and who waits for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use supervisor_runtime::{Child, Context, Restart, Service, ServiceResult, State, SteerError, Supervisor, forfeit};

use crate::world::{Act, Order, Probe, World, answered, at, ended, secs, started, state, task};

/// Not ready for some seconds, in `start` and in `run`.
struct Slow {
    world: World,
    says_in_start: bool,
}

impl Service for Slow {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        if self.says_in_start {
            cx.not_ready("connecting");
        }
        self.world.write("start slow");
        Ok(())
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        if self.says_in_start && cx.sleep(secs(1.0)).await.is_some() {
            cx.not_ready("warming up");
        }
        if cx.sleep(secs(1.0)).await.is_some() {
            cx.ready();
            self.world.write("ready");
        }
        cx.stopping().await;
        Ok(())
    }
}

fn slow(world: &World, says_in_start: bool) -> Child<Slow> {
    let world = world.clone();
    Child::new("slow", move || Slow { world: world.clone(), says_in_start })
}

#[tokio::test(start_paused = true)]
async fn who_says_that_it_is_not_ready_is_not_until_it_says_so() {
    let world = World::new();
    let tree = started(Supervisor::one_for_one("tree").child(slow(&world, true)).child(world.child("a"))).await;
    let slow = at(&tree, "slow");
    let status = slow.status().unwrap();
    assert_eq!(
        (status.state(), status.is_ready(), status.not_ready().as_deref()),
        (State::Running, false, Some("connecting"))
    );
    at(&tree, "a").wait_ready().await.unwrap();
    let root = tree.snapshot().unwrap();
    assert_eq!(root.root().status().not_ready().as_deref(), Some("tree/slow: connecting"));
    tokio::time::sleep(secs(1.5)).await;
    assert_eq!(slow.status().unwrap().not_ready().as_deref(), Some("warming up"));
    world.page();
    tree.wait_ready().await.unwrap();
    world.expect(&["ready"]).await;
    assert!(slow.status().unwrap().is_ready());
    assert!(tree.snapshot().unwrap().root().status().is_ready());
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_restart_begins_anew() {
    for by_hand in [true, false] {
        let world = World::new();
        let said = Arc::new(Mutex::new(false));
        let once = {
            let (world, said) = (world.clone(), Arc::clone(&said));
            crate::world::task("a", move |cx| {
                let (world, said) = (world.clone(), Arc::clone(&said));
                async move {
                    if !std::mem::replace(&mut *said.lock().unwrap(), true) {
                        cx.not_ready("only this once");
                        if world.next_order("a").await == Order::Fail {
                            return Err("told to".into());
                        }
                    }
                    Ok(cx.stopping().await)
                }
            })
        };
        let tree = started(Supervisor::one_for_one("tree").child(once)).await;
        world.idle().await;
        let a = at(&tree, "a");
        assert_eq!(a.status().unwrap().not_ready().as_deref(), Some("only this once"));
        if by_hand {
            world.order("a", Order::Finish);
            a.restart().await.unwrap();
        } else {
            world.fail("a");
        }
        answered(tree.wait_ready()).await.unwrap();
        assert_eq!(a.status().unwrap().not_ready(), None);
        tree.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_incarnation_says_is_not_heard() {
    let world = World::new();
    let kept: Arc<Mutex<Vec<Context>>> = Arc::default();
    let child = {
        let kept = Arc::clone(&kept);
        crate::world::task("a", move |cx| {
            kept.lock().unwrap().push(cx.clone());
            async move { Ok(cx.stopping().await) }
        })
    };
    let tree = started(Supervisor::one_for_one("tree").child(child)).await;
    at(&tree, "a").restart().await.unwrap();
    world.idle().await;
    let contexts = std::mem::take(&mut *kept.lock().unwrap());
    contexts[0].not_ready("old");
    assert!(at(&tree, "a").status().unwrap().is_ready());
    contexts[1].not_ready("new");
    contexts[0].ready();
    assert_eq!(at(&tree, "a").status().unwrap().not_ready().as_deref(), Some("new"));
    at(&tree, "a").stop().await.unwrap();
    contexts[1].ready();
    contexts[1].not_ready("too late");
    assert_eq!(at(&tree, "a").status().unwrap().not_ready().as_deref(), Some("stopped"));
    drop(contexts);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_group_is_ready_when_all_below_it_is_however_deep() {
    let world = World::new();
    let inner = Supervisor::one_for_one("inner").child(slow(&world, true)).child(world.child("b"));
    let anonymous = Supervisor::one_for_one(supervisor_runtime::ANONYMOUS).child(inner);
    let outer = Supervisor::one_for_one("outer").child(world.child("a")).child(anonymous);
    let tree = started(Supervisor::one_for_one("tree").child(outer).child(world.child("z"))).await;
    let outer = tree.group("outer").unwrap();
    let inner = tree.group("outer/inner").unwrap();
    for group in [&outer, &inner] {
        let status = group.status().unwrap();
        assert_eq!(status.state(), State::Running);
        assert_eq!(status.not_ready().as_deref(), Some("tree/outer/inner/slow: connecting"), "{group:?}");
    }
    let snapshot = tree.snapshot().unwrap();
    for path in ["tree", "tree/outer", "tree/outer/inner"] {
        let not_ready = snapshot.get(path).unwrap().status().not_ready();
        assert_eq!(not_ready.as_deref(), Some("tree/outer/inner/slow: connecting"), "{path}");
    }
    outer.wait_ready().await.unwrap();
    assert_eq!(outer.status().unwrap().not_ready(), None);
    // And it is not any more when something fails, until that has started again.
    world.plan("b", [Act::SlowStart(secs(3.0))]);
    world.fail("b");
    world.idle().await;
    assert_eq!(outer.status().unwrap().not_ready().as_deref(), Some("tree/outer/inner/b: starting"));
    let begin = tokio::time::Instant::now();
    tree.wait_ready().await.unwrap();
    assert!(begin.elapsed() > secs(2.5));
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_done_is_ready_and_what_is_stopped_delayed_or_gone_is_not() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree")
        .child(world.child("done").restart(Restart::Transient))
        .child(world.child("gone").restart(Restart::Temporary))
        .child(world.child("stopped"))
        .child(world.child("delayed").backoff(secs(100.0)..secs(100.0)));
    let tree = started(tree).await;
    world.plan("delayed", [Act::Fail]);
    world.order("done", Order::Finish);
    world.fail("gone");
    world.fail("delayed");
    at(&tree, "stopped").stop().await.unwrap();
    world.idle().await;
    at(&tree, "done").wait_ready().await.unwrap();
    for (child, reason) in [("gone", "gone"), ("stopped", "stopped")] {
        assert_eq!(at(&tree, child).status().unwrap().not_ready().as_deref(), Some(reason));
    }
    let delayed = at(&tree, "delayed").status().unwrap().not_ready().unwrap();
    assert!(delayed.starts_with("delayed for "), "{delayed}");
    let error = answered(at(&tree, "gone").wait_ready()).await.unwrap_err();
    assert!(
        matches!(&error, SteerError::Never { path, reason, .. } if path == "tree/gone" && reason == "`tree/gone` is gone"),
        "{error:?}"
    );
    // The tree does not need what is gone, but waits for the others.
    assert_eq!(tree.snapshot().unwrap().root().status().not_ready().as_deref(), Some("tree/stopped: stopped"));
    at(&tree, "stopped").start().await.unwrap();
    tokio::time::timeout(secs(10.0), tree.wait_ready()).await.unwrap_err();
    tokio::time::timeout(secs(200.0), tree.wait_ready()).await.unwrap().unwrap();
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_forfeited_child_is_named_by_who_waits_in_vain() {
    let world = World::new();
    let pool = Supervisor::one_for_one("pool").child(world.child("a")).child(world.replicas("w", 2));
    let tree = started(Supervisor::one_for_one("tree").child(pool).child(slow(&world, true))).await;
    world.order("w1", Order::Forfeit);
    let message = "waited for `tree`, but `tree/pool/w[1]` is forfeited";
    // Also who waited before.
    let error = answered(tree.wait_ready()).await.unwrap_err();
    assert_eq!(error.to_string(), message);
    let error = answered(tree.wait_ready()).await.unwrap_err();
    assert_eq!(error.to_string(), message);
    let error = answered(tree.group("pool").unwrap().wait_ready()).await.unwrap_err();
    assert_eq!(error.to_string(), "waited for `tree/pool`, but `tree/pool/w[1]` is forfeited");
    let error = answered(tree.replicas::<Probe>("pool/w").unwrap().wait_ready()).await.unwrap_err();
    assert_eq!(error.to_string(), "waited for `tree/pool/w[1]`, but `tree/pool/w[1]` is forfeited");
    answered(at(&tree, "pool/a").wait_ready()).await.unwrap();
    let snapshot = tree.snapshot().unwrap();
    assert_eq!(snapshot.root().status().not_ready().as_deref(), Some("tree/pool/w[1]: forfeited"));
    at(&tree, "pool/w[1]").start().await.unwrap();
    answered(tree.wait_ready()).await.unwrap();
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stopped_child_is_named_by_who_waits_in_vain() {
    let world = World::new();
    let pool = Supervisor::one_for_one("pool").child(world.child("a")).child(world.replicas("w", 2));
    let tree = started(Supervisor::one_for_one("tree").child(pool)).await;
    at(&tree, "pool/w[1]").stop().await.unwrap();
    let error = answered(tree.wait_ready()).await.unwrap_err();
    assert_eq!(error.to_string(), "waited for `tree`, but `tree/pool/w[1]` is stopped");
    at(&tree, "pool/w[1]").start().await.unwrap();
    answered(tree.wait_ready()).await.unwrap();
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn wait_for_a_state_comes_when_it_is_there_or_never() {
    let world = World::new();
    world.plan("a", [Act::SlowStop(secs(2.0))]);
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a")).child(world.child("b"))).await;
    let a = at(&tree, "a");
    a.wait_for(State::Running).await.unwrap();
    let stop = tokio::spawn({
        let a = a.clone();
        async move { a.stop().await }
    });
    answered(a.wait_for(State::Stopping)).await.unwrap();
    answered(a.wait_for(State::Stopped)).await.unwrap();
    stop.await.unwrap().unwrap();
    // Nobody starts it, but somebody may.
    tokio::time::timeout(secs(100.0), a.wait_for(State::Running)).await.unwrap_err();
    world.order("b", Order::Forfeit);
    world.idle().await;
    let b = at(&tree, "b");
    let error = answered(b.wait_for(State::Running)).await.unwrap_err();
    assert!(matches!(&error, SteerError::Never { .. }), "{error:?}");
    b.wait_for(State::Forfeited).await.unwrap();
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn replicas_are_ready_when_their_group_has_been_made_and_they_are() {
    let world = World::new();
    world.plan("a", [Act::SlowStart(secs(10.0))]);
    let w = world.clone();
    let first = task("first", move |cx| {
        let w = w.clone();
        async move {
            let replicas = cx.tree().replicas::<Probe>("pool/w")?;
            replicas.wait_ready().await?;
            w.write(format!("{} are ready", replicas.len()));
            Ok(cx.stopping().await)
        }
    });
    let pool = Supervisor::one_for_one("pool").child(world.replicas("w", 2));
    let tree = started(Supervisor::one_for_one("tree").child(first).child(world.child("a")).child(pool)).await;
    world.idle().await;
    assert_eq!(world.page(), ["start a", "started a", "start w0", "start w1", "2 are ready"]);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn replicas_of_a_tree_that_has_ended_will_never_be_ready() {
    for count in [0, 2] {
        let world = World::new();
        let mut tree = started(Supervisor::one_for_one("tree").child(world.replicas("w", 2))).await;
        let replicas = tree.replicas::<Probe>("w").unwrap();
        replicas.scale_to(count).await.unwrap();
        tree.handle().shutdown();
        ended(&mut tree).await.unwrap();
        assert!(matches!(answered(replicas.wait_ready()).await, Err(SteerError::Ended)), "{count}, while it is held");
        drop(tree);
        assert!(matches!(answered(replicas.wait_ready()).await, Err(SteerError::Ended)), "{count}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_in_a_forfeited_group_will_never_be_ready() {
    let world = World::new();
    let pool = Supervisor::one_for_one("pool").max_restarts(0).child(world.child("a"));
    let tree = Supervisor::forfeit_one_for_one("tree").child(Supervisor::crashing("outer").child(pool));
    let tree = started(tree.child(world.child("b"))).await;
    let a = at(&tree, "outer/pool/a");
    let waits = tokio::spawn({
        let a = a.clone();
        async move { a.wait_for(State::Delayed).await }
    });
    world.idle().await;
    world.fail("a");
    for answer in [answered(waits).await.unwrap(), answered(a.wait_ready()).await] {
        let error = answer.unwrap_err();
        assert_eq!(error.to_string(), "waited for `tree/outer/pool/a`, but `tree/outer` is forfeited");
    }
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_in_a_group_that_was_stopped_by_hand_will_not_be_ready_by_itself() {
    let world = World::new();
    let pool = Supervisor::one_for_one("pool").child(world.child("a"));
    let tree = started(Supervisor::one_for_one("tree").child(pool).child(world.child("b"))).await;
    let (pool, a) = (tree.group("pool").unwrap(), at(&tree, "pool/a"));
    pool.stop().await.unwrap();
    let error = answered(a.wait_ready()).await.unwrap_err();
    assert_eq!(error.to_string(), "waited for `tree/pool/a`, but `tree/pool` is stopped");
    // Somebody may know of somebody who starts it.
    let waits = tokio::spawn(async move { a.wait_for(State::Running).await });
    world.idle().await;
    pool.start().await.unwrap();
    answered(waits).await.unwrap().unwrap();
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_in_a_group_that_was_scaled_away_will_never_be_ready() {
    let world = World::new();
    let w = world.clone();
    let shards = Child::replicated("shard", 2, move |_| Supervisor::one_for_one("any").child(w.child("a")));
    let tree = started(Supervisor::one_for_one("tree").child(shards)).await;
    let a = at(&tree, "shard[1]/a");
    tree.replicas::<Supervisor>("shard").unwrap().scale_to(1).await.unwrap();
    let error = answered(a.wait_ready()).await.unwrap_err();
    assert_eq!(error.to_string(), "waited for `tree/shard[1]/a`, but `tree/shard[1]` is gone");
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_told_of_the_end_of_the_tree() {
    let world = World::new();
    let mut tree = started(Supervisor::one_for_one("tree").child(world.child("a")).child(world.child("b"))).await;
    let waits = tokio::spawn({
        let b = at(&tree, "b");
        async move { b.wait_for(State::Forfeited).await }
    });
    let ready = tokio::spawn({
        let tree = tree.handle();
        async move { tree.child::<Probe>("b")?.wait_for(State::Delayed).await }
    });
    world.idle().await;
    tree.handle().shutdown();
    ended(&mut tree).await.unwrap();
    assert!(matches!(answered(waits).await.unwrap(), Err(SteerError::Ended)));
    let ready = answered(ready).await.unwrap();
    assert!(matches!(ready, Err(SteerError::Ended)), "{ready:?}");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_gives_up_again_and_again_is_not_ready_and_says_why() {
    let world = World::new();
    let pool = Supervisor::one_for_one("pool").max_restarts(0).child(world.child("a"));
    let tree = Supervisor::one_for_one("tree").backoff(secs(50.0)..secs(50.0)).child(pool);
    let tree = started(tree).await;
    world.plan("a", [Act::Fail, Act::Run]);
    world.fail("a");
    tree.group("pool").unwrap().wait_for(State::Delayed).await.unwrap();
    let reason = tree.snapshot().unwrap().root().status().not_ready().unwrap();
    assert!(reason.starts_with("tree/pool: delayed for "), "{reason}");
    answered(tree.wait_ready()).await.unwrap();
    assert_eq!(state(&tree, "pool/a"), State::Running);
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn members_of_open_groups_do_not_have_to_be_ready() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree").child(Child::<Probe>::open("conn", ..).restart(Restart::Permanent));
    let tree = started(tree).await;
    let conns = tree.children::<Probe>("conn").unwrap();
    let w = world.clone();
    let member = conns.add_with(move || w.service("m")).await.unwrap();
    member.stop().await.unwrap();
    answered(tree.wait_ready()).await.unwrap();
    assert!(tree.snapshot().unwrap().root().status().is_ready());
    assert!(matches!(answered(member.wait_ready()).await, Err(SteerError::Never { .. })));
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_comes_up_with_a_restart_of_its_group_that_is_under_way_is_waited_for() {
    for (restart, state) in [(Restart::Permanent, State::Forfeited), (Restart::Temporary, State::Gone)] {
        let (world, count) = (World::new(), Arc::new(AtomicUsize::new(0)));
        // It ends at once in the first two incarnations of its group.
        let ends = move |cx: Context| {
            let count = count.fetch_add(1, Ordering::Relaxed);
            async move {
                if count == 2 {
                    return Ok(cx.stopping().await);
                }
                Err(if restart == Restart::Permanent { forfeit("declines") } else { "ends".into() })
            }
        };
        let group = Supervisor::one_for_one("group")
            .max_restarts(0)
            .child(task("x", ends).restart(restart))
            .child(world.child("y"));
        let tree = Supervisor::one_for_one("tree").backoff(secs(10.0)..secs(100.0)).child(group);
        let tree = started(tree).await;
        let x = at(&tree, "group/x");
        world.idle().await;
        // The first restart of the group is immediate, the second is delayed.
        for _ in 0..2 {
            assert_eq!(x.status().unwrap().state(), state);
            assert!(matches!(x.wait_ready().await, Err(SteerError::Never { .. })));
            world.fail("y");
            world.idle().await;
        }
        assert_eq!(at(&tree, "group").status().unwrap().state(), State::Delayed);
        let (ready, runs) = tokio::join!(x.wait_ready(), x.wait_for(State::Running));
        assert!(ready.is_ok() && runs.is_ok(), "{state}: {ready:?} {runs:?}");
        tree.shutdown().await.unwrap();
    }
}
