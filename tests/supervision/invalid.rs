//! What a declaration by hand can get wrong, and how it is told.

use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use supervisor_runtime::{
    ANONYMOUS, AutoShutdown, Backoff, Child, Context, Decision, Provide, Restart, Service, ServiceResult, StableHandle,
    Supervisor, TreeErrorKind, Wire, Wires,
};

use crate::world::{Probe, World, not_started, secs};

/// The problems of a tree that is not valid, one a line.
async fn problems(tree: Supervisor) -> Vec<String> {
    let error = not_started(tree).await;
    assert_eq!(error.kind(), TreeErrorKind::Invalid);
    let text = format!("{error:?}");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("tree `tree` is not valid:"));
    lines.map(|line| line.strip_prefix("  - ").expect("a list").to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_needs_children_and_names() {
    let w = World::new();
    let tree = || Supervisor::one_for_one("tree");
    let table: Vec<(Supervisor, &[&str])> = vec![
        (tree(), &["supervisor `tree` has no children: add one with `.child(..)`"]),
        (
            tree().child(w.child("a")).child(Supervisor::one_for_all("group")),
            &["supervisor `group` has no children: add one with `.child(..)`"],
        ),
        (tree().child(w.child("")), &["a child of supervisor `tree` has an empty name: give it one"]),
        (
            tree().child(Child::new("", || Supervisor::one_for_one("any"))),
            &["a child of supervisor `tree` has an empty name: give it one"],
        ),
        (
            tree().child(w.child("a/b")),
            &["child `a/b` of supervisor `tree` has `/`, `[` or `]` in its name: paths use them"],
        ),
        (
            tree().child(w.child("a")).child(w.child("b")).child(w.child("a")).child(w.child("a")),
            &["supervisor `tree` has two children of the name `a`: rename one"],
        ),
        (
            tree().child(w.child("a")).child(Supervisor::one_for_all("a").child(w.child("a"))),
            &["supervisor `tree` has two children of the name `a`: rename one"],
        ),
        (tree().child(w.replicas("w", 0)), &["child `w` of supervisor `tree` has 0 replicas: give it at least one"]),
    ];
    for (tree, expected) in table {
        assert_eq!(problems(tree).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn the_names_in_an_anonymous_group_belong_to_the_group_above_and_are_told_once() {
    let w = World::new();
    let group = |name| Supervisor::one_for_all(ANONYMOUS).child(w.child(name));
    let two = "supervisor `tree` has two children of the name `a`: rename one";
    let tree = || Supervisor::one_for_one("tree");
    assert_eq!(problems(tree().child(w.child("a")).child(group("a"))).await, [two]);
    assert_eq!(problems(tree().child(group("a")).child(group("b")).child(group("a"))).await, [two]);
    assert_eq!(problems(tree().child(group("a").child(w.child("a")))).await.len(), 1);
    let error = not_started(Supervisor::one_for_one(ANONYMOUS).child(w.child("a"))).await;
    assert_eq!(error.kind(), TreeErrorKind::Invalid);
    assert!(error.to_string().ends_with("the outermost supervisor has no name: give it one"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_duration_of_zero_is_told_with_its_option() {
    let w = World::new();
    let zero = Duration::ZERO;
    let group = Supervisor::one_for_one("group").shutdown(zero).start_timeout(zero).backoff(zero..zero).over(zero);
    let tree = Supervisor::one_for_one("tree")
        .over(zero)
        .backoff(secs(2.0)..secs(1.0))
        .child(w.child("a").shutdown(zero).start_timeout(zero).heartbeat(zero))
        .child(w.child("b").backoff(Backoff { initial: zero, max: secs(1.0) }))
        .child(group.child(w.child("c")));
    let mut found = problems(tree).await;
    found.sort();
    assert_eq!(
        found,
        [
            "`backoff` of `b` is zero: it must be longer than that",
            "`backoff` of `group` is zero: it must be longer than that",
            "`backoff` of `tree` ends at 1s, before it begins at 2s: swap them",
            "`heartbeat` of `a` is zero: it must be longer than that",
            "`over` of `group` is zero: it must be longer than that",
            "`over` of `tree` is zero: it must be longer than that",
            "`shutdown` of `a` is zero: it must be longer than that",
            "`shutdown` of `group` is zero: it must be longer than that",
            "`start_timeout` of `a` is zero: it must be longer than that",
            "`start_timeout` of `group` is zero: it must be longer than that",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn requires_names_an_earlier_sibling_under_dependents_for_one() {
    let w = World::new();
    let group = Supervisor::one_for_one("group").child(w.child("inside"));
    let tree = Supervisor::dependents_for_one("tree")
        .child(w.child("a").requires(["b"]))
        .child(w.child("b").requires(["b", "typo"]))
        .child(w.child("t").restart(Restart::Temporary))
        .child(group)
        .child(w.child("c").requires(["t", "inside"]));
    assert_eq!(
        problems(tree).await,
        [
            "child `a` requires `b`, which is not declared before it",
            "child `b` requires `b`, which is not declared before it",
            "child `b` requires `typo`, which is no sibling of it",
            "child `c` requires `t`, which is temporary and may be gone for good",
            "child `c` requires `inside`, which is no sibling of it",
        ]
    );
    let tree = Supervisor::rest_for_one("tree").child(w.child("a")).child(w.child("b").requires(["a"]));
    assert_eq!(
        problems(tree).await,
        ["child `b` has `requires`, but `rest_for_one` does not look at it: use `dependents_for_one`"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_significant_child_needs_an_auto_shutdown_and_an_end() {
    let w = World::new();
    let tree = Supervisor::one_for_one("tree").child(w.child("a").restart(Restart::Transient).significant());
    assert_eq!(problems(tree).await, ["child `a` is significant, but supervisor `tree` has `auto_shutdown` = never"]);
    let tree =
        Supervisor::one_for_one("tree").auto_shutdown(AutoShutdown::AnySignificant).child(w.child("a").significant());
    assert_eq!(problems(tree).await, ["child `a` is significant, but permanent: it never ends by itself"]);
}

#[tokio::test(start_paused = true)]
async fn an_option_that_a_strategy_or_a_child_cannot_use_is_told() {
    let w = World::new();
    let strategies: [(&str, fn(&'static str) -> Supervisor); 3] = [
        ("forfeit_one_for_one", Supervisor::forfeit_one_for_one),
        ("forfeit_one_for_all", Supervisor::forfeit_one_for_all),
        ("crashing", Supervisor::crashing),
    ];
    for (name, strategy) in strategies {
        let tree = strategy("tree").max_restarts(3).over(secs(1.0)).raises(|_| "raised").backoff(secs(1.0)..secs(2.0));
        let tree = tree
            .child(w.child("a").restart(Restart::Transient).backoff(secs(1.0)..secs(2.0)))
            .child(Supervisor::one_for_one("group").restart(Restart::Temporary).child(w.child("b")));
        let supervisor = ["max_restarts", "over", "raises", "backoff"]
            .map(|option| format!("supervisor `tree` has `{option}`, but `{name}` never restarts: leave it out"));
        let children = [("a", "restart"), ("a", "backoff"), ("group", "restart")].map(|(child, option)| {
            format!("child `{child}` has `{option}`, but `{name}` never restarts: leave it out")
        });
        assert_eq!(problems(tree).await, [supervisor.as_slice(), &children].concat());
    }
    let keeps = || Child::<Probe>::open_in_place("a", ..);
    for (tree, fix) in [
        (Supervisor::one_for_one("tree").child(keeps()), "say `.restart(Restart::Transient)` or `Permanent`"),
        (Supervisor::crashing("tree").child(keeps()), "use `open`"),
    ] {
        let why = "open group `a` is temporary, so no member is ever started again `in_place`";
        assert_eq!(problems(tree).await, [format!("{why}: {fix}")]);
    }
    let tree = Supervisor::one_for_one("tree").child(keeps().restart(Restart::Transient));
    tree.start().await.unwrap().shutdown().await.unwrap();
    let service = w.service("a");
    let tree = Supervisor::one_for_one("tree").child(Child::in_place("a", move || service).replace(|old, _| old));
    assert_eq!(
        problems(tree).await,
        [
            "child `a` has `in_place` and `replace`: with one the old value is started again, with the other a new one is made of it"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_takes_no_heartbeat() {
    let w = World::new();
    let group = Child::new("group", move || Supervisor::one_for_one("any").child(w.child("a")));
    let found = problems(Supervisor::one_for_one("tree").child(group.heartbeat(secs(1.0)))).await;
    assert!(matches!(&found[..], [one] if one.contains("heartbeat")), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_started_of_a_tree_that_is_not_valid_and_everything_is_told_in_one_line() {
    let w = World::new();
    let tree = Supervisor::one_for_one("tree")
        .child(w.child("a"))
        .child(w.replicas("w", 0))
        .child(Supervisor::one_for_one("empty"));
    assert_eq!(
        tree.run().await.unwrap_err().to_string(),
        "tree `tree` is not valid: child `w` of supervisor `tree` has 0 replicas: give it at least one; \
         supervisor `empty` has no children: add one with `.child(..)`"
    );
    assert!(w.page().is_empty());
}

/// A service that others use.
struct Db;

impl Service for Db {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        Ok(cx.stopping().await)
    }
}

impl Provide for Db {
    type Handle = ();
    fn handle(&self) {}
}

impl StableHandle for Db {}

fn db() -> Child<Db> {
    Child::new("db", || Db)
}

fn user(wire: &Wire<()>) -> Child<Db> {
    Child::using("w", wire, |()| Db)
}

#[tokio::test(start_paused = true)]
async fn a_wire_that_leads_nowhere_is_told() {
    let all = |tree: Supervisor| async { problems(tree).await };
    let nowhere =
        "child `w` uses a wire that no child provides that stands before it, in its supervisor or in one around that";
    let wire = Wire::new();
    let tree = || Supervisor::one_for_all("tree");
    assert_eq!(all(tree().child(db()).child(user(&wire))).await, [nowhere]);
    // Of another tree, inside a sibling, in a group around but behind.
    let other = Wire::new();
    drop(tree().child(db().provides(&other)));
    assert_eq!(all(tree().child(db()).child(user(&other))).await, [nowhere]);
    let sibling = Supervisor::one_for_all("group").child(db().provides(&wire));
    assert_eq!(all(tree().child(sibling).child(user(&wire))).await, [nowhere]);
    let late = tree().child(Supervisor::one_for_all(ANONYMOUS).child(user(&wire))).child(db().provides(&wire));
    assert_eq!(all(late).await, ["child `w` uses `db`, which is not declared before it"]);
    let late = tree().child(user(&wire)).child(db().provides(&wire));
    assert_eq!(all(late).await, ["child `w` uses `db`, which is not declared before it"]);
    let itself = Child::using("db", &wire, |()| Db).provides(&wire);
    assert_eq!(all(tree().child(itself)).await, ["child `db` uses `db`, which is not declared before it"]);
    let embedded = Child::new("x", {
        let wire = wire.clone();
        move || Supervisor::one_for_all("x").child(user(&wire))
    });
    let error = format!("{:#}", not_started(tree().child(db().provides(&wire)).child(embedded)).await);
    assert!(error.contains(nowhere), "an embedded tree is made anew, its wires do not reach around it: {error}");
}

#[tokio::test(start_paused = true)]
async fn what_a_child_may_provide_is_checked() {
    let (wire, wires) = (Wire::new(), Wires::new());
    let replicas = || Child::replicated("db", 2, |_| Db);
    let table: Vec<(Vec<Child<Db>>, &[&str])> = vec![
        (
            vec![db().provides(&wire), Child::new("db2", || Db).provides(&wire)],
            &[
                "child `db` provides a wire that another child provides, too",
                "child `db2` provides a wire that another child provides, too",
            ],
        ),
        (
            vec![db().provides_stable(&wire)],
            &["child `db` provides a stable handle, but each incarnation is another value: declare it `in_place`"],
        ),
        (
            vec![replicas().provides_each_stable(&wires)],
            &["child `db` provides a stable handle, but each incarnation is another value: declare it `in_place`"],
        ),
        (
            vec![replicas().provides(&wire)],
            &[
                "child `db` has replicas, but provides a `Wire`, which carries the handle of one: use `Wires` and `provides_each`",
            ],
        ),
        (
            vec![db().provides_each(&wires)],
            &[
                "child `db` has no replicas, but provides `Wires`, which carry the handles of all: use a `Wire` and `provides`",
            ],
        ),
        (
            vec![Child::open("db", ..).provides_each(&wires)],
            &["open group `db` provides a wire, but its members come and go"],
        ),
    ];
    for (children, expected) in table {
        let tree = children.into_iter().fold(Supervisor::one_for_all("tree"), Supervisor::child);
        assert_eq!(problems(tree).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_use_that_could_go_stale_is_told() {
    type New = fn(&'static str) -> Supervisor;
    let custom: New = |name| Supervisor::custom(name, |_| Decision::Escalate);
    let wire = Wire::new();
    let strategies: [(New, Option<&str>); 8] = [
        (Supervisor::one_for_all, None),
        (Supervisor::rest_for_one, None),
        (Supervisor::dependents_for_one, None),
        (Supervisor::forfeit_one_for_all, None),
        (Supervisor::crashing, None),
        (Supervisor::one_for_one, Some("one_for_one")),
        (Supervisor::forfeit_one_for_one, Some("forfeit_one_for_one")),
        (custom, Some("custom")),
    ];
    for (strategy, rejected) in strategies {
        // It is where the provider stands that counts, and how the user stands in it makes no difference.
        let inside =
            |user| Supervisor::one_for_one(ANONYMOUS).child(Supervisor::forfeit_one_for_one("inner").child(user));
        let plain = strategy("tree").child(db().provides(&wire)).child(user(&wire));
        let nested = strategy("tree").child(db().provides(&wire)).child(inside(user(&wire)));
        for tree in [plain, nested] {
            match rejected {
                None => tree.start().await.unwrap().shutdown().await.unwrap(),
                Some(name) => assert_eq!(
                    problems(tree).await,
                    [format!(
                        "child `w` uses `db`, but supervisor `tree` is `{name}`, which restarts `db` without `w`: use \
                         `dependents_for_one`, or a handle that is stable"
                    )]
                ),
            }
        }
        // What is stable may be used by whoever wants, and kept.
        let in_place = || Child::in_place("db", || Db).provides_stable(&wire);
        for user in [user(&wire), Child::in_place_using("w", &wire, |()| Db), user(&wire).replace(|old, _| old)] {
            strategy("tree").child(in_place()).child(user).start().await.unwrap().shutdown().await.unwrap();
        }
    }
    let keeps = "child `w` uses `db`, but keeps its old value, and with it the old handle, across restarts: make it anew each \
                 time, or use a handle that is stable";
    for user in [
        Child::in_place_using("w", &wire, |()| Db),
        user(&wire).replace(|old, _| old),
        Child::replicated_in_place_using("w", 2, &wire, |_, ()| Db),
        Child::replicated_using("w", 2, &wire, |_, ()| Db).replace(|old, _| old),
    ] {
        let tree = Supervisor::rest_for_one("tree").child(db().provides(&wire)).child(user);
        assert_eq!(problems(tree).await, [keeps]);
    }
    let gone =
        Supervisor::one_for_all("tree").child(db().restart(Restart::Temporary).provides(&wire)).child(user(&wire));
    assert_eq!(problems(gone).await, ["child `w` uses `db`, which is temporary and may be gone for good"]);
}

#[test]
fn a_tree_that_is_started_outside_of_a_runtime_says_so() {
    fn now<T>(future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        match future.as_mut().poll(&mut Task::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("it waits"),
        }
    }
    let tree = || {
        Supervisor::one_for_one("tree").child(Child::new("a", || supervisor_runtime::service_fn(|_| async { Ok(()) })))
    };
    for error in [now(tree().start()).map(drop), now(tree().run())].map(Result::unwrap_err) {
        assert_eq!(
            error.to_string(),
            "tree `tree` is not valid: it is started outside of a tokio runtime: call it from `#[tokio::main]`"
        );
    }
}
