//! What an embedded tree says about itself holds, whoever stops it, and what embeds it has to let it speak.

use supervisor_runtime::{BoxService, Child, Supervisor, TreeErrorKind};

use crate::world::{Act, World, answered, not_started, secs, started, with_tree};

#[tokio::test(start_paused = true)]
async fn the_deadline_of_an_embedded_tree_holds_when_its_parent_stops_it() {
    let world = World::new();
    world.plan("a", [Act::IgnoreStop]);
    let w = world.clone();
    let embedded = Child::new("x", move || {
        Supervisor::one_for_one("x").shutdown(secs(2.0)).child(w.child("a").shutdown(secs(60.0))).child(w.child("b"))
    });
    let tree = started(Supervisor::one_for_one("tree").child(world.child("c")).child(embedded)).await;
    world.page();
    let error = tree.shutdown().await.unwrap_err();
    world.expect_timed(&["0 stop b", "2000 drop a", "2000 stop c"]).await;
    assert_eq!(error.dropped().iter().map(|left| left.path()).collect::<Vec<_>>(), ["tree/x/a"]);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_group_holds_for_what_is_rolled_back_after_its_start_timeout() {
    // What is outermost, a group in it, an embedded tree: each is given 1 s to start, and 2 s to stop.
    let build: [fn(&World, Supervisor) -> Supervisor; 3] = [
        |_, x| x.start_timeout(secs(1.0)),
        |_, x| Supervisor::one_for_one("tree").child(x.start_timeout(secs(1.0))),
        |world, _| {
            let world = world.clone();
            let embedded = Child::new("x", move || slow(&world)).start_timeout(secs(1.0));
            Supervisor::one_for_one("tree").child(embedded)
        },
    ];
    fn slow(world: &World) -> Supervisor {
        Supervisor::one_for_one("x")
            .shutdown(secs(2.0))
            .child(world.child("a").shutdown(secs(60.0)))
            .child(world.child("b").shutdown(secs(0.5)))
    }
    for (row, build) in build.into_iter().enumerate() {
        let world = World::new();
        world.plan("a", [Act::IgnoreStop]).plan("b", [Act::HangInStart]);
        let error = not_started(build(&world, slow(&world))).await;
        let page: Vec<_> =
            world.timed_page().into_iter().map(|(time, line)| format!("{} {line}", time.as_millis())).collect();
        assert_eq!(page, ["0 start a", "0 start b", "1500 drop b", "3000 drop a"], "row {row}");
        assert_eq!(error.kind(), TreeErrorKind::StartFailed, "row {row}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_in_a_box_is_refused() {
    let world = World::new();
    let w = world.clone();
    let boxed = Child::new("x", move || BoxService::new(Supervisor::one_for_one("x").child(w.child("b"))));
    let error = not_started(Supervisor::one_for_one("tree").child(world.child("a")).child(boxed)).await;
    assert_eq!(
        format!("{error:#}"),
        "supervisor `tree` did not start: `tree/x` failed in start: \
         a supervisor stands in a tree as itself: give it to `child` without a `BoxService` or another service around it, so that it can be stopped in time"
    );
    assert_eq!(error.kind(), TreeErrorKind::StartFailed);
    assert_eq!(world.page(), ["start a", "stop a"]);
}

/// An embedded tree whose expression never gives it.
fn never_made() -> Child<Supervisor> {
    Child::new("x", std::future::pending::<Supervisor>)
}

#[tokio::test(start_paused = true)]
async fn the_start_timeout_of_an_embedded_tree_holds_for_its_expression() {
    let tree = Supervisor::one_for_one("tree").child(never_made().start_timeout(secs(1.0)));
    let error = answered(tree.start()).await.unwrap_err();
    let start = "supervisor `tree` did not start: `tree/x` start took longer than its start_timeout of 1s";
    assert_eq!(error.to_string(), start);
}

#[tokio::test(start_paused = true)]
async fn an_embedded_tree_that_is_still_to_be_made_is_dropped_in_time() {
    let times: [(fn(Child<Supervisor>) -> Child<Supervisor>, _, _); 3] =
        [(|x| x, None, 5.0), (|x| x, Some(3.0), 3.0), (|x| x.shutdown(secs(1.0)), Some(3.0), 1.0)];
    for (option, of_tree, takes) in times {
        let world = World::new();
        let mut tree = Supervisor::one_for_one("tree").child(world.child("a")).child(option(never_made()));
        if let Some(limit) = of_tree {
            tree = tree.shutdown(secs(limit));
        }
        let (handle, mut told) = with_tree("handle");
        let starts = tokio::spawn(Supervisor::one_for_one("outer").child(handle).child(tree).start());
        let outer = told.recv().await.expect("it runs");
        world.idle().await;
        let begin = tokio::time::Instant::now();
        outer.shutdown();
        let mut outer = answered(starts).await.expect("it does not panic").unwrap();
        let error = answered(outer.wait()).await.unwrap_err();
        assert_eq!(begin.elapsed(), secs(takes), "{of_tree:?}");
        assert_eq!((error.stuck().len(), error.dropped()[0].path()), (0, "outer/tree/x"), "{error:?}");
    }
}
