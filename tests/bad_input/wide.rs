//! A hundred thousand children in one group.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use supervisor_runtime::{Child, Context, Provide, Service, ServiceResult, State, Supervisor, Untyped, Wire};

use crate::{Idle, idle, in_time, look_at};

const MANY: usize = 100_000;

/// A service that fails when it is told to, for the first time.
struct Failing(Arc<AtomicUsize>, usize);

impl Service for Failing {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        if self.0.fetch_add(1, Ordering::Relaxed) == self.1 {
            return Err("once".into());
        }
        cx.stopping().await;
        Ok(())
    }
}

/// The last of so many, which fails in its first incarnation when all have started.
fn replicas() -> Child<Failing> {
    let started = Arc::default();
    Child::replicated("w", MANY, move |_| Failing(Arc::clone(&started), MANY - 1))
}

#[test]
fn a_hundred_thousand_replicas_run_and_restart() {
    in_time(async || {
        for strategy in
            [Supervisor::one_for_one, Supervisor::one_for_all, Supervisor::rest_for_one, Supervisor::dependents_for_one]
        {
            let user = idle("user");
            let tree = strategy("tree").child(replicas()).child(user).start().await.unwrap();
            let replicas = tree.replicas::<Failing>("w").unwrap();
            replicas.get(MANY - 1).unwrap().wait_ready().await.unwrap();
            tree.wait_ready().await.unwrap();
            let restarts: u32 = tree.snapshot().unwrap().rows().iter().map(|row| row.status().restarts()).sum();
            assert_eq!((replicas.len(), restarts), (MANY, 1));
            replicas.scale_to(1).await.unwrap();
            replicas.scale_to(MANY).await.unwrap();
            look_at_once(&tree);
            tree.shutdown().await.unwrap();
        }
    });
}

#[test]
fn a_hundred_thousand_declared_children_run_and_restart() {
    in_time(async || {
        for strategy in [Supervisor::one_for_all, Supervisor::rest_for_one] {
            let tree = (0..MANY).fold(strategy("tree"), |tree, n| tree.child(idle(format!("c{n}"))));
            let tree = tree.start().await.unwrap();
            tree.child::<Untyped>("c0").unwrap().restart().await.unwrap();
            look_at_once(&tree);
            tree.shutdown().await.unwrap();
        }
    });
}

#[test]
fn a_hundred_thousand_children_that_each_depend_on_the_one_before_start_and_stop() {
    in_time(async || {
        let required = (0..MANY).fold(Supervisor::dependents_for_one("tree"), |tree, n| {
            let requires = (n > 0).then(|| format!("c{}", n.wrapping_sub(1)));
            tree.child(idle(format!("c{n}")).requires(requires))
        });
        let (used, _) =
            (0..MANY).fold((Supervisor::dependents_for_one("tree"), None::<Wire<()>>), |(tree, before), n| {
                let wire = Wire::new();
                let child = match before {
                    None => Child::new(format!("c{n}"), || Db),
                    Some(before) => Child::using(format!("c{n}"), &before, |()| Db),
                };
                (tree.child(child.provides(&wire)), Some(wire))
            });
        for tree in [required, used] {
            let tree = tree.start().await.unwrap();
            let (first, last) = ("c0", format!("c{}", MANY - 1));
            let (first, last) = (tree.child::<Untyped>(first).unwrap(), tree.child::<Untyped>(&last).unwrap());
            first.restart().await.unwrap();
            first.stop().await.unwrap();
            assert_eq!(last.status().unwrap().state(), State::Stopped);
            assert!(last.start().await.is_err(), "what it depends on is down");
            first.start().await.unwrap();
            look_at_once(&tree);
            tree.shutdown().await.unwrap();
        }
    });
}

#[test]
fn there_may_be_any_number_of_ways_from_one_child_to_another() {
    in_time(async || {
        // Twice as many with each child: no time would be enough to walk all of them.
        let tree = (0..200).fold(Supervisor::dependents_for_one("tree"), |tree, n: usize| {
            tree.child(idle(format!("c{n}")).requires((0..n).map(|before| format!("c{before}"))))
        });
        let tree = tree.start().await.unwrap();
        let (first, last) = (tree.child::<Untyped>("c0").unwrap(), tree.child::<Untyped>("c199").unwrap());
        last.stop().await.unwrap();
        last.start().await.unwrap();
        first.restart().await.unwrap();
        first.stop().await.unwrap();
        assert!(last.start().await.is_err());
        look_at(&tree).await;
        tree.shutdown().await.unwrap();
    });
}

#[test]
fn a_hundred_thousand_members_come_and_go() {
    in_time(async || {
        let tree = Supervisor::one_for_one("tree").child(Child::<Idle>::open("conn", ..=MANY)).start().await.unwrap();
        let members = tree.children::<Idle>("conn").unwrap();
        for _ in 0..MANY {
            members.add(Idle).await.unwrap();
        }
        assert!(members.add(Idle).await.is_err());
        look_at_once(&tree);
        for id in members.ids() {
            members.discard(id).await.unwrap();
        }
        assert!(members.is_empty());
        tree.shutdown().await.unwrap();
    });
}

#[test]
fn a_hundred_thousand_mistakes_are_all_told() {
    in_time(async || {
        let tree = (0..MANY).fold(Supervisor::one_for_one("tree"), |tree, n| tree.child(idle(format!("c{}", n / 2))));
        let error = tree.start().await.unwrap_err();
        assert_eq!(error.to_string().matches("has two children of the name").count(), MANY / 2);
        assert_eq!(format!("{error:?}").lines().count(), 1 + MANY / 2);
    });
}

/// What does not look at each child by its path, which costs as much for each as there are.
fn look_at_once(tree: &supervisor_runtime::Running) {
    let snapshot = tree.snapshot().unwrap();
    assert!(!format!("{snapshot}{snapshot:#}{}{}", snapshot.mermaid(), snapshot.dot()).is_empty());
}

/// Offers something.
struct Db;

impl Service for Db {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

impl Provide for Db {
    type Handle = ();
    fn handle(&self) {}
}
