//! A failure on its way up, and the error that comes out at the top.

use std::error::Error;
use std::fmt;

use supervisor_runtime::{BoxError, RestartLimitReached, ServiceResult, Supervisor, TreeErrorKind, escalate};

use crate::world::{Act, Order, World, ended, secs, started, task};

/// An error of the user's, with a cause behind it.
#[derive(Debug, PartialEq)]
struct QueryFailed(u32);

#[derive(Debug)]
struct Refused;

impl fmt::Display for QueryFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "query {} failed", self.0)
    }
}

impl Error for QueryFailed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&Refused)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection refused")
    }
}

impl Error for Refused {}

/// The errors behind `error`.
fn behind<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// The first error of type `T` behind `error`.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    behind(error).find_map(|error| error.downcast_ref())
}

/// The headline of each error behind `error`.
fn sources(error: &(dyn Error + 'static)) -> Vec<String> {
    behind(error).map(ToString::to_string).collect()
}

async fn after_a_while(error: BoxError) -> ServiceResult {
    tokio::time::sleep(secs(1.0)).await;
    Err(error)
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_user_s_is_found_behind_four_levels_that_escalate() {
    let query = || task("query", |_| after_a_while(escalate(QueryFailed(7))));
    let give_up = |name| Supervisor::one_for_one(name).max_restarts(0);
    let d = Supervisor::one_for_one("d").child(query());
    let tree = give_up("a").child(give_up("b").child(Supervisor::crashing("c").child(d)));
    let error = tree.run().await.unwrap_err();
    assert_eq!(error.kind(), TreeErrorKind::LimitReached);
    assert_eq!(find::<QueryFailed>(&error), Some(&QueryFailed(7)));
    assert_eq!(
        error.to_string(),
        "supervisor `a` reached its restart limit: more than 0 restarts in 1s; last: `a/b` failed"
    );
    assert_eq!(
        format!("{error:?}"),
        "supervisor `a` reached its restart limit: more than 0 restarts in 1s; last: `a/b` failed\n  \
         caused by: supervisor `a/b` reached its restart limit: more than 0 restarts in 1s; last: `a/b/c` failed\n  \
         caused by: supervisor `a/b/c` crashed with its child `a/b/c/d`\n  \
         caused by: supervisor `a/b/c/d` escalated the failure of its child `a/b/c/d/query`\n  \
         caused by: query 7 failed\n  \
         caused by: connection refused"
    );
    assert_eq!(
        format!("{error:#}"),
        "supervisor `a` reached its restart limit: more than 0 restarts in 1s; last: `a/b` failed: \
         supervisor `a/b` reached its restart limit: more than 0 restarts in 1s; last: `a/b/c` failed: \
         supervisor `a/b/c` crashed with its child `a/b/c/d`: \
         supervisor `a/b/c/d` escalated the failure of its child `a/b/c/d/query`: \
         query 7 failed: connection refused"
    );
}

#[tokio::test(start_paused = true)]
async fn an_escalated_failure_leaves_the_limit_untouched_and_stops_the_siblings() {
    let world = World::new();
    let group = Supervisor::one_for_one("group").max_restarts(0).child(world.child("a")).child(world.child("b"));
    let tree = Supervisor::one_for_one("tree").max_restarts(1).child(group).child(world.child("c"));
    let mut tree = started(tree).await;
    world.page();
    world.order("a", Order::Escalate);
    world.expect(&["escalate a", "stop a", "stop b", "start a", "start b"]).await;
    world.order("c", Order::Escalate);
    let error = ended(&mut tree).await.unwrap_err();
    assert_eq!(error.kind(), TreeErrorKind::Failed);
    assert_eq!(error.to_string(), "supervisor `tree` escalated the failure of its child `tree/c`");
    assert_eq!(sources(&error), ["c needs help"]);
    world.expect(&["escalate c", "stop c", "stop b", "stop a"]).await;
}

#[tokio::test(start_paused = true)]
async fn an_escalation_from_start_fails_the_supervisor_whose_child_it_is() {
    let world = World::new();
    world.plan("b", [Act::Run, Act::EscalateStart]);
    let group = Supervisor::one_for_one("group").child(world.child("a")).child(world.child("b"));
    let tree = started(Supervisor::one_for_one("tree").child(group)).await;
    world.page();
    world.fail("b");
    world.expect(&["fail b", "stop b", "start b", "stop a", "start a", "start b"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn raises_makes_the_error_from_the_report() {
    #[derive(Debug)]
    struct BeyondRepair(RestartLimitReached);
    impl fmt::Display for BeyondRepair {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "the pool is beyond repair after {}", self.0.child())
        }
    }
    impl Error for BeyondRepair {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    let query = || task("query", |_| async { Err(QueryFailed(7).into()) });
    let error =
        Supervisor::one_for_one("tree").max_restarts(2).raises(BeyondRepair).child(query()).run().await.unwrap_err();
    assert_eq!(error.kind(), TreeErrorKind::LimitReached);
    let raised = find::<BeyondRepair>(&error).expect("it is in the chain");
    assert_eq!(raised.0.supervisor(), "tree");
    assert_eq!(raised.0.limit().max_restarts, 2);
    assert_eq!(raised.0.last().map(|(path, _)| path).collect::<Vec<_>>(), ["tree/query"]);
    assert_eq!(find::<QueryFailed>(&error), Some(&QueryFailed(7)));
    assert_eq!(
        format!("{error:?}"),
        "supervisor `tree` gave up\n  \
         caused by: the pool is beyond repair after tree/query\n  \
         caused by: supervisor `tree` reached its restart limit: more than 2 restarts in 1s; last: `tree/query` failed\n  \
         caused by: query 7 failed\n  \
         caused by: connection refused"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_nested_supervisor_raises_arrives_at_the_top() {
    let query = || task("query", |_| after_a_while("no luck".into()));
    let pool = Supervisor::one_for_one("pool").max_restarts(0).raises(|_| QueryFailed(9)).child(query());
    let error = Supervisor::crashing("tree").child(pool).run().await.unwrap_err();
    assert_eq!(find::<QueryFailed>(&error), Some(&QueryFailed(9)));
    assert_eq!(
        format!("{error:#}"),
        "supervisor `tree` crashed with its child `tree/pool`: supervisor `tree/pool` gave up: \
         query 9 failed: connection refused"
    );
}

#[tokio::test(start_paused = true)]
async fn raises_may_say_that_the_supervisor_is_to_be_forfeited() {
    let world = World::new();
    let pool = Supervisor::one_for_one("pool").max_restarts(0);
    let pool = pool.raises(supervisor_runtime::forfeit).child(world.child("a"));
    let tree = started(Supervisor::one_for_one("tree").child(pool).child(world.child("b"))).await;
    world.page();
    world.fail("a");
    world.expect(&["fail a", "stop a"]).await;
    tree.shutdown().await.unwrap();
    world.expect(&["stop b"]).await;
}

#[tokio::test(start_paused = true)]
async fn giving_up_tells_the_last_causes() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree").max_restarts(2).child(world.child("a")).child(world.child("b"));
    let mut tree = started(tree.child(world.child("c"))).await;
    for name in ["a", "b", "c"] {
        world.page();
        world.fail(name);
        world.idle().await;
    }
    let error = ended(&mut tree).await.unwrap_err();
    assert_eq!(
        format!("{error:?}"),
        "supervisor `tree` reached its restart limit: more than 2 restarts in 1s; last: `tree/c` failed\n  \
         caused by: c failed on demand\n  \
         before that: `tree/b` failed: b failed on demand\n  \
         before that: `tree/a` failed: a failed on demand"
    );
}

#[tokio::test(start_paused = true)]
async fn a_crash_names_the_child_and_what_it_did() {
    let world = World::new();
    let tree = started(Supervisor::crashing("tree").no_panic_hook().child(world.replicas("w", 3))).await;
    let mut tree = tree;
    world.order("w1", Order::Finish);
    let error = ended(&mut tree).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "supervisor `tree` crashed with its child `tree/w[1]`, which returned Ok unasked, but is permanent"
    );
    assert!(error.source().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_instruction_is_found_behind_a_context_that_was_put_around_it() {
    #[derive(Debug)]
    struct While(BoxError);
    impl fmt::Display for While {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("while reading the queue")
        }
    }
    impl Error for While {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&*self.0)
        }
    }
    let reader = task("reader", |_| async { Err(While(escalate(QueryFailed(3))).into()) });
    let error = Supervisor::one_for_one("tree").child(reader).run().await.unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "supervisor `tree` escalated the failure of its child `tree/reader`: \
         while reading the queue: query 3 failed: connection refused"
    );
}
