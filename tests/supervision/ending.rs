//! How a tree or a group ends by itself.

use supervisor_runtime::{AutoShutdown, Restart, Supervisor, TreeErrorKind};

use crate::world::{Act, Order, World, ended, secs, started};

#[tokio::test(start_paused = true)]
async fn a_tree_ends_well_when_every_child_is_done() {
    let world = World::new();
    let tree = Supervisor::one_for_all("tree")
        .child(world.child("a").restart(Restart::Transient))
        .child(world.child("b").restart(Restart::Temporary))
        .child(world.child("c").restart(Restart::Temporary));
    let mut tree = started(tree).await;
    world.page();
    world.order("a", Order::Finish);
    world.expect(&["finish a", "stop a"]).await;
    world.order("b", Order::Finish);
    world.fail("c");
    ended(&mut tree).await.unwrap();
    world.expect(&["finish b", "stop b", "fail c", "stop c"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_children_are_done_is_done_whatever_its_restart_type() {
    for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
        let world = World::new();
        world.plan("a", [Act::FinishAfter(secs(1.0))]);
        let group =
            Supervisor::one_for_one("group").restart(restart).child(world.child("a").restart(Restart::Transient));
        let mut tree = started(Supervisor::one_for_one("tree").child(group)).await;
        ended(&mut tree).await.unwrap();
        assert_eq!(world.page(), ["start a", "finish a", "stop a"], "{restart}");
    }
}

#[tokio::test(start_paused = true)]
async fn auto_shutdown_ends_the_group_as_done() {
    // (setting, what ends, what is stopped then if that ends the group)
    let table: &[(AutoShutdown, &[&str], Option<&[&str]>)] = &[
        (AutoShutdown::Never, &["a", "b"], None),
        (AutoShutdown::AnySignificant, &["other"], None),
        (AutoShutdown::AnySignificant, &["b"], Some(&["stop rest", "stop other", "stop a"])),
        (AutoShutdown::AllSignificant, &["a"], None),
        (AutoShutdown::AllSignificant, &["a", "b"], Some(&["stop rest", "stop other"])),
    ];
    for (setting, ending, ends) in table {
        let world = World::new();
        let significant = |name| {
            let child = world.child(name).restart(Restart::Transient);
            if *setting == AutoShutdown::Never { child } else { child.significant() }
        };
        let tree = Supervisor::one_for_one("tree")
            .auto_shutdown(*setting)
            .child(significant("a"))
            .child(significant("b"))
            .child(world.child("other").restart(Restart::Transient))
            .child(world.child("rest"));
        let mut tree = started(tree).await;
        world.page();
        for name in *ending {
            world.order(name, Order::Finish);
        }
        let end = tokio::time::timeout(secs(1.0), tree.wait()).await;
        let ended = ending.iter().flat_map(|name| [format!("finish {name}"), format!("stop {name}")]);
        let stopped = ends.iter().copied().flatten().map(ToString::to_string);
        assert_eq!(world.page(), ended.chain(stopped).collect::<Vec<_>>(), "{setting:?} after {ending:?}");
        assert_eq!(end.is_ok_and(|end| end.is_ok()), ends.is_some(), "{setting:?} after {ending:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn auto_shutdown_stops_the_others_in_reverse() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree")
        .auto_shutdown(AutoShutdown::AnySignificant)
        .child(world.child("a"))
        .child(world.child("job").restart(Restart::Temporary).significant())
        .child(world.child("b"));
    let mut tree = started(tree).await;
    world.page();
    // A temporary child that failed has ended, too.
    world.fail("job");
    ended(&mut tree).await.unwrap();
    world.expect(&["fail job", "stop job", "stop b", "stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_a_significant_child_that_is_restarted_ends_nothing() {
    let world = World::new();
    let job = world.child("job").restart(Restart::Transient).significant();
    let tree =
        Supervisor::one_for_one("tree").auto_shutdown(AutoShutdown::AnySignificant).child(job).child(world.child("a"));
    let tree = started(tree).await;
    world.page();
    world.fail("job");
    world.expect(&["fail job", "stop job", "start job"]).await;
    tree.shutdown().await.unwrap();
    world.expect(&["stop a", "stop job"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_significant_group_counts_like_any_child() {
    let world = World::new();
    let group = Supervisor::one_for_one("group").restart(Restart::Transient).significant();
    let group = group.child(world.child("a").restart(Restart::Transient));
    let tree = Supervisor::one_for_one("tree")
        .auto_shutdown(AutoShutdown::AllSignificant)
        .child(world.child("b"))
        .child(group);
    let mut tree = started(tree).await;
    world.page();
    world.order("a", Order::Finish);
    ended(&mut tree).await.unwrap();
    world.expect(&["finish a", "stop a", "stop b"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_tree_in_which_something_was_forfeited_ends_with_an_error_that_lists_it() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree")
        .child(world.child("a").restart(Restart::Transient))
        .child(world.replicas("w", 2).restart(Restart::Transient));
    let mut tree = started(tree).await;
    world.order("w1", Order::Forfeit);
    world.order("w0", Order::Finish);
    world.idle().await;
    world.order("a", Order::Finish);
    let error = ended(&mut tree).await.unwrap_err();
    assert_eq!(error.kind(), TreeErrorKind::Forfeited);
    assert_eq!(error.forfeited().collect::<Vec<_>>(), ["tree/w[1]"]);
    assert_eq!(
        format!("{error:?}"),
        "supervisor `tree` ended with something forfeited: `tree/w[1]`\n  \
         forfeited: `tree/w[1]` failed: w1 gives up on itself"
    );
}

#[tokio::test(start_paused = true)]
async fn a_tree_that_is_stopped_ends_well_though_something_was_forfeited() {
    let world = World::new();
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a")).child(world.child("b"))).await;
    world.order("a", Order::Forfeit);
    world.idle().await;
    tree.shutdown().await.unwrap();
    world.expect(&["start a", "start b", "forfeit a", "stop a", "stop b"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_forfeited_takes_its_dependents_along_and_the_tree_ends() {
    let world = World::new();
    let tree = Supervisor::dependents_for_one("tree")
        .child(world.child("db"))
        .child(world.child("worker").requires(["db"]))
        .child(world.child("report").requires(["worker"]));
    let mut tree = started(tree).await;
    world.page();
    world.order("db", Order::Forfeit);
    let end = tokio::time::timeout(secs(60.0), tree.wait()).await;
    world.expect(&["forfeit db", "stop db", "stop report", "stop worker"]).await;
    let error = end.expect("everything is forfeited, so the tree is over").unwrap_err();
    assert_eq!(error.forfeited().collect::<Vec<_>>(), ["tree/db", "tree/worker", "tree/report"]);
}

#[tokio::test(start_paused = true)]
async fn a_custom_strategy_that_forfeits_all_ends_the_tree() {
    use supervisor_runtime::{Decision, Set};
    let world = World::new();
    let tree =
        Supervisor::custom("tree", |_| Decision::Forfeit(Set::All)).child(world.child("a")).child(world.child("b"));
    let mut tree = started(tree).await;
    world.page();
    world.fail("a");
    let end = tokio::time::timeout(secs(60.0), tree.wait()).await;
    world.expect(&["fail a", "stop a", "stop b"]).await;
    let error = end.expect("everything is forfeited, so the tree is over").unwrap_err();
    assert_eq!(error.kind(), TreeErrorKind::Forfeited);
}

#[tokio::test(start_paused = true)]
async fn forfeits_in_nested_groups_are_listed_by_the_outermost() {
    let world = World::new();
    let inner = Supervisor::forfeit_one_for_all("inner").child(world.child("a")).child(world.child("b"));
    let outer = Supervisor::forfeit_one_for_one("outer").child(inner).child(world.child("c"));
    let mut tree = started(Supervisor::one_for_one("tree").child(outer)).await;
    world.page();
    world.fail("b");
    world.expect(&["fail b", "stop b", "stop a"]).await;
    world.fail("c");
    let error = ended(&mut tree).await.unwrap_err();
    assert_eq!(error.kind(), TreeErrorKind::Forfeited);
    assert_eq!(error.forfeited().collect::<Vec<_>>(), ["tree/outer/inner/a", "tree/outer/inner/b", "tree/outer/c"]);
    assert_eq!(
        format!("{error:?}"),
        "supervisor `tree` ended with something forfeited: `tree/outer/inner/a`, `tree/outer/inner/b`, `tree/outer/c`\n  \
         forfeited: `tree/outer/inner/a` stopped\n  \
         forfeited: `tree/outer/inner/b` failed: b failed on demand\n  \
         forfeited: `tree/outer/c` failed: c failed on demand"
    );
}

#[tokio::test(start_paused = true)]
async fn a_group_forfeited_by_its_strategy_is_not_restarted_by_its_parent_s_one_for_all() {
    let world = World::new();
    let tree = Supervisor::one_for_all("tree")
        .child(world.child("a"))
        .child(Supervisor::forfeit_one_for_all("group").child(world.child("b")).child(world.child("c")));
    let tree = started(tree).await;
    world.page();
    world.fail("c");
    world.expect(&["fail c", "stop c", "stop b"]).await;
    world.fail("a");
    world.expect(&["fail a", "stop a", "start a"]).await;
    tree.shutdown().await.unwrap();
    world.expect(&["stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_parent_s_restart_of_the_group_clears_what_was_forfeited_in_it() {
    let world = World::new();
    let group = Supervisor::one_for_one("group").child(world.child("b")).child(world.child("c"));
    let tree = started(Supervisor::one_for_all("tree").child(world.child("a")).child(group)).await;
    world.page();
    world.order("b", Order::Forfeit);
    world.expect(&["forfeit b", "stop b"]).await;
    world.fail("a");
    world.expect(&["fail a", "stop a", "stop c", "start a", "start b", "start c"]).await;
    tree.shutdown().await.unwrap();
}
