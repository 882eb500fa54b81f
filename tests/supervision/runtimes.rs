//! A tree runs on the runtime on which it was started, whoever looks at it and steers it from another.

use std::thread;

use supervisor_runtime::{SteerError, Supervisor, TreeErrorKind};
use tokio::runtime::{Builder, Runtime};

use crate::world::{Act, World, at, secs, started};

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

#[test]
fn who_waits_on_another_runtime_is_answered_when_that_of_the_tree_is_shut_down() {
    let (its, ours) = (runtime(), runtime());
    let world = its.block_on(async { World::new() });
    world.plan("b", [Act::SlowStop(secs(1000.0))]);
    let group = Supervisor::one_for_one("group").child(world.child("b").shutdown(secs(2000.0)));
    let tree = Supervisor::one_for_one("tree").child(world.child("a")).child(group);
    let mut tree = its.block_on(started(tree));
    ours.block_on(async {
        let (mut events, handle, b) = (tree.events(), tree.handle(), at(&tree, "group/b"));
        let asked = tokio::spawn(async move { b.restart().await });
        while !events.next().await.unwrap().unwrap().to_string().ends_with("group/b stopping") {}
        let ready = tokio::spawn(async move { handle.wait_ready().await });
        thread::spawn(move || its.shutdown_background()).join().unwrap();
        let answers = tokio::time::timeout(secs(20.0), async {
            while events.next().await.is_some() {}
            (asked.await.unwrap(), ready.await.unwrap(), tree.wait().await)
        });
        let (asked, ready, end) = answers.await.expect("nobody waits in vain");
        assert!(matches!(asked, Err(SteerError::Overtaken { .. })), "{asked:?}");
        assert!(matches!(ready, Err(SteerError::Ended)), "{ready:?}");
        let end = end.unwrap_err();
        assert_eq!(
            (end.kind(), end.to_string().as_str()),
            (TreeErrorKind::Failed, "the runtime of tree `tree` was shut down while it ran")
        );
        let (a, b) = (at(&tree, "a").restart().await, at(&tree, "group/b").start().await);
        assert!(matches!((&a, &b), (Err(SteerError::Ended), Err(SteerError::Ended))), "{a:?}, {b:?}");
    });
}
