//! A failure is told when it happens, with what belongs to it and nothing else.

use supervisor_runtime::{Supervisor, TreeErrorKind};

use crate::capture;
use crate::world::{Act, World, ended, secs, started, task};

#[tokio::test(start_paused = true)]
async fn the_last_causes_leave_out_what_failed_before_the_window() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree").max_restarts(1).over(secs(10.0));
    let tree = tree.child(world.child("a")).child(world.child("b")).child(world.child("c"));
    let mut tree = started(tree).await;
    world.page();
    world.fail("a");
    world.expect(&["fail a", "stop a", "start a"]).await;
    tokio::time::sleep(secs(20.0)).await;
    world.fail("c");
    world.expect(&["fail c", "stop c", "start c"]).await;
    tokio::time::sleep(secs(5.0)).await;
    world.fail("b");
    let error = ended(&mut tree).await.unwrap_err();
    assert_eq!(error.kind(), TreeErrorKind::LimitReached);
    assert_eq!(
        format!("{error:?}"),
        "supervisor `tree` reached its restart limit: more than 1 restart in 10s; last: `tree/b` failed\n  \
         caused by: b failed on demand\n  \
         before that: `tree/c` failed: c failed on demand"
    );
    let last = error.limit().expect("it is the limit").last().map(|(path, _)| path.to_owned()).collect::<Vec<_>>();
    assert_eq!(last, ["tree/b", "tree/c"]);
}

#[tokio::test(start_paused = true)]
async fn the_place_of_a_panic_is_not_that_of_another_that_was_caught_before() {
    fn harmless() {
        std::panic::catch_unwind(|| panic!("harmless")).unwrap_err();
    }
    // One that comes from another thread has no place here.
    let tree = Supervisor::crashing("tree").child(task("a", |_| async {
        harmless();
        std::panic::resume_unwind(Box::new("the real one"))
    }));
    let error = tree.run().await.unwrap_err();
    assert_eq!(error.to_string(), "supervisor `tree` crashed with its child `tree/a`, which panicked: the real one");

    const LINE: u32 = line!() + 3;
    let tree = Supervisor::crashing("tree").child(task("a", |_| async {
        harmless();
        panic!("the real one")
    }));
    let said = tree.run().await.unwrap_err().to_string();
    assert!(said.contains(&format!("supervision/told.rs:{LINE}:")) && said.ends_with(": the real one"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_it_is_stopping_is_told() {
    let log = capture::log();
    const LINE: u32 = line!() + 3;
    let tree = started(Supervisor::one_for_one("tree").child(task("a", |cx| async move {
        cx.stopping().await;
        panic!("data lost")
    })));
    let tree = tree.await;
    log.page();
    tree.shutdown().await.unwrap();
    let page = log.notable();
    let [_, line, _] = &page[..] else { panic!("one line between the tree's own, not {page:?}") };
    let place = line.strip_prefix("WARN panicked while it was stopping child=tree/a place=");
    let place = place.and_then(|rest| rest.strip_suffix(" panic=data lost")).unwrap_or_else(|| panic!("{line}"));
    assert!(place.contains(&format!("supervision/told.rs:{LINE}:")), "{line}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_before_its_stop_however_long_that_takes() {
    let log = capture::log();
    let world = World::new();
    world.plan("a", [Act::HangInStop]);
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a").shutdown(secs(100.0)))).await;
    world.page();
    log.page();
    world.fail("a");
    world.expect(&["fail a", "stop a"]).await;
    assert_eq!(log.page(), ["WARN failed child=tree/a phase=run error=a failed on demand"]);
    drop(tree);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_once_also_if_it_is_asked_to_stop_before_its_own_stop_is_over() {
    let log = capture::log();
    let world = World::new();
    world.plan("a", [Act::HangInStop]);
    let tree = started(Supervisor::one_for_one("tree").child(world.child("a"))).await;
    world.fail("a");
    world.expect(&["start a", "fail a", "stop a"]).await;
    world.idle().await;
    let _ = tree.shutdown().await;
    let failed = log.page().into_iter().filter(|line| line.contains("failed child=tree/a")).count();
    assert_eq!(failed, 1);
}
