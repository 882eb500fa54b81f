//! A child that blocks its thread sees no clock: its supervisor keeps its limits. Needs the real clock.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use supervisor_runtime::{
    Child, Context, Decision, Exit, Service, ServiceResult, Set, Shutdown, Supervisor, TreeError, TreeErrorKind,
    service_fn,
};
use tokio::sync::oneshot;

use crate::capture::overheard;
use crate::world::{World, not_started, secs, started, task, with_tree};

/// Where a [`Blocker`] blocks its thread.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Where {
    Start,
    Run,
    /// In a task that it spawns; then it fails.
    Task,
    /// After it has failed.
    Stop,
}

/// Blocks a thread until the sender is dropped, and says when it begins to.
#[derive(Clone)]
struct Blocker {
    place: Where,
    world: World,
    released: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl Blocker {
    fn block(&self) {
        self.world.write("block");
        let _ = self.released.lock().unwrap().recv();
    }
}

impl Service for Blocker {
    async fn start(&mut self, _cx: &Context) -> ServiceResult {
        if self.place == Where::Start {
            self.block();
        }
        Ok(())
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        match self.place {
            Where::Run => self.block(),
            Where::Start => cx.stopping().await,
            Where::Stop => return Err("boom".into()),
            Where::Task => {
                let blocker = self.clone();
                let (says, blocks) = tokio::sync::oneshot::channel();
                cx.spawn("task", move |_| async move {
                    // From a thread of its own: what this one wakes might wait for it.
                    std::thread::spawn(move || says.send(()));
                    blocker.block();
                    Ok(())
                });
                let _ = blocks.await;
                return Err("boom".into());
            }
        }
        Ok(())
    }

    async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
        self.world.write("stop blocker");
        if self.place == Where::Stop {
            self.block();
        }
    }
}

fn blocker(world: &World, place: Where) -> (Child<Blocker>, mpsc::Sender<()>) {
    let (release, released) = mpsc::channel();
    let blocker = Blocker { place, world: world.clone(), released: Arc::new(Mutex::new(released)) };
    (Child::new("blocker", move || blocker.clone()).shutdown(secs(0.05)), release)
}

/// What never ends would hold up all tests.
async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(secs(20.0), future).await.expect("it ends in time")
}

fn stuck(error: &TreeError) -> (TreeErrorKind, Vec<&str>) {
    (error.kind(), error.stuck().iter().map(|left| left.path()).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_stuck_in_a_group_that_is_swept_is_never_started_beside_itself() {
    let world = World::in_real_time();
    let (blocker, release) = blocker(&world, Where::Run);
    let inner = Supervisor::one_for_one("inner").child(world.child("b")).child(blocker);
    let outer = Supervisor::one_for_one("outer").child(inner);
    let mut tree = within(started(Supervisor::one_for_all("tree").child(world.child("a")).child(outer))).await;
    world.expect(&["start a", "start b", "block"]).await;
    world.fail("a");
    let error = within(tree.wait()).await.unwrap_err();
    world.expect(&["fail a", "stop a", "stop b"]).await;
    assert_eq!(world.alive(), 0);
    drop(release);
    assert_eq!(stuck(&error), (TreeErrorKind::Stuck, vec!["tree/outer/inner/blocker"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_child_that_blocks_its_thread_past_its_heartbeat_is_given_up_as_stuck() {
    let world = World::in_real_time();
    let (blocker, release) = blocker(&world, Where::Run);
    let tree = Supervisor::one_for_one("tree").child(world.child("a")).child(blocker.heartbeat(secs(0.1)));
    let mut tree = within(started(tree)).await;
    let error = within(tree.wait()).await.unwrap_err();
    world.expect(&["start a", "block", "stop a"]).await;
    drop(release);
    assert_eq!(stuck(&error), (TreeErrorKind::Stuck, vec!["tree/blocker"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_child_with_a_heartbeat_that_blocks_its_thread_in_the_stop_after_a_failure_is_given_up_as_stuck() {
    let world = World::in_real_time();
    let (blocker, release) = blocker(&world, Where::Stop);
    let tree = Supervisor::one_for_one("tree").child(world.child("a")).child(blocker.heartbeat(secs(0.1)));
    let mut tree = within(started(tree)).await;
    let error = within(tree.wait()).await.unwrap_err();
    world.expect(&["start a", "stop blocker", "block", "stop a"]).await;
    drop(release);
    assert_eq!(stuck(&error), (TreeErrorKind::Stuck, vec!["tree/blocker"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_child_that_blocks_its_thread_past_its_start_timeout_is_given_up_and_the_start_rolled_back() {
    let world = World::in_real_time();
    let (blocker, release) = blocker(&world, Where::Start);
    let tree = Supervisor::one_for_one("tree").child(world.child("a")).child(blocker.start_timeout(secs(0.1)));
    let error = within(not_started(tree.child(world.child("c")))).await;
    world.expect(&["start a", "block", "stop a"]).await;
    drop(release);
    assert_eq!(stuck(&error), (TreeErrorKind::Stuck, vec!["tree/blocker"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_given_up_for_its_silence_is_dropped_once_it_can_be() {
    /// Says that it was dropped.
    struct Says(Option<oneshot::Sender<()>>);
    impl Drop for Says {
        fn drop(&mut self) {
            let _ = self.0.take().map(|says| says.send(()));
        }
    }
    let (release, released) = mpsc::channel::<()>();
    let (says, dropped) = oneshot::channel();
    let given = Arc::new(Mutex::new(Some((released, says))));
    let child = task("a", move |cx| {
        let given = Arc::clone(&given);
        async move {
            let (released, says) = given.lock().unwrap().take().expect("it is started once");
            let _says = Says(Some(says));
            let _ = released.recv();
            // It goes on as if nothing had happened.
            loop {
                cx.heartbeat();
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    });
    let mut tree = within(started(Supervisor::one_for_one("tree").child(child.heartbeat(secs(0.1))))).await;
    let error = within(tree.wait()).await.unwrap_err();
    drop(release);
    assert_eq!(stuck(&error), (TreeErrorKind::Stuck, vec!["tree/a"]));
    let _ = within(dropped).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_has_started_is_not_held_up_by_the_next_one_that_blocks_its_thread() {
    let world = World::in_real_time();
    let (blocker, release) = blocker(&world, Where::Start);
    let (says, runs) = oneshot::channel();
    let says = Arc::new(Mutex::new(Some(says)));
    let child = task("a", move |cx| {
        let says = says.lock().unwrap().take();
        async move {
            let _ = says.map(|says| says.send(()));
            cx.stopping().await;
            Ok(())
        }
    });
    let tree = tokio::spawn(started(Supervisor::one_for_one("tree").child(child).child(blocker)));
    let runs = tokio::time::timeout(secs(20.0), runs).await;
    drop(release);
    assert!(runs.is_ok(), "it waits behind the one that blocks");
    let _ = within(tree).await.unwrap().shutdown().await;
}

#[test]
fn a_child_that_failed_while_a_task_of_it_blocks_its_thread_is_told_at_once_and_given_up_as_stuck() {
    let world = World::in_real_time();
    let (blocker, release) = blocker(&world, Where::Task);
    let w = world.clone();
    let runtime = overheard(4, move |line| {
        if line.starts_with("WARN") {
            w.write(line);
        }
    });
    let error = runtime.block_on(async {
        // Released before the runtime waits for it, also if this fails.
        let _release = release;
        let tree = Supervisor::one_for_one("tree").child(world.child("a")).child(blocker);
        let mut tree = within(started(tree)).await;
        within(tree.wait()).await.unwrap_err()
    });
    let mut page = world.page();
    // The task begins to block beside the failure.
    let block = page.iter().position(|line| line == "block").expect("it blocks");
    page.remove(block);
    assert_eq!(page, ["start a", "WARN failed child=tree/blocker phase=run error=boom", "stop blocker", "stop a"]);
    assert_eq!(stuck(&error), (TreeErrorKind::Stuck, vec!["tree/blocker"]));
}

#[tokio::test]
async fn a_start_that_blocked_for_longer_than_its_start_timeout_has_failed_though_it_returned() {
    // Nobody else runs on this thread meanwhile. It is the factory or `start` that blocks.
    struct Slow(World, bool);
    impl Service for Slow {
        async fn start(&mut self, _cx: &Context) -> ServiceResult {
            self.0.write("start slow");
            if self.1 {
                std::thread::sleep(Duration::from_millis(60));
            }
            Ok(())
        }
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            self.0.write("run slow");
            Ok(cx.stopping().await)
        }
    }
    for (in_start, expected) in
        [(true, ["start a", "start slow", "stop a"].as_slice()), (false, &["start a", "stop a"])]
    {
        let world = World::in_real_time();
        let w = world.clone();
        let slow = Child::new("slow", move || {
            if !in_start {
                std::thread::sleep(Duration::from_millis(60));
            }
            Slow(w.clone(), in_start)
        });
        let tree = Supervisor::one_for_one("tree").child(world.child("a"));
        let error = within(not_started(tree.child(slow.start_timeout(Duration::from_millis(20))))).await;
        assert_eq!(
            error.to_string(),
            "supervisor `tree` did not start: `tree/slow` start took longer than its start_timeout of 20ms"
        );
        assert_eq!(error.kind(), TreeErrorKind::StartFailed);
        assert_eq!(world.page(), expected);
    }
}

#[tokio::test]
async fn an_expression_that_blocked_for_longer_than_its_start_timeout_has_failed_though_it_gave_a_tree() {
    let world = World::in_real_time();
    let w = world.clone();
    let embedded = Child::new("embedded", move || {
        std::thread::sleep(Duration::from_millis(60));
        Supervisor::one_for_one("embedded").child(w.child("b"))
    });
    let tree = Supervisor::one_for_one("tree").child(world.child("a"));
    let error = within(not_started(tree.child(embedded.start_timeout(Duration::from_millis(20))))).await;
    assert_eq!(
        error.to_string(),
        "supervisor `tree` did not start: `tree/embedded` start took longer than its start_timeout of 20ms"
    );
    world.expect(&["start a", "stop a"]).await;
}

/// An embedded tree whose expression blocks its thread, after it has given a tree so often; it has 50 ms to stop.
fn blocked_expression(world: &World, after: usize) -> (Child<Supervisor>, mpsc::Sender<()>) {
    let (release, released) = mpsc::channel::<()>();
    let (state, w) = (Mutex::new((released, after)), world.clone());
    let embedded = Child::new("embedded", move || {
        let (released, left) = &mut *state.lock().unwrap();
        if *left == 0 {
            w.write("block");
            let _ = released.recv();
        } else {
            *left -= 1;
        }
        Supervisor::one_for_one("embedded").child(task("b", |cx| async move { Ok(cx.stopping().await) }))
    });
    (embedded.shutdown(secs(0.05)), release)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_expression_that_blocks_its_thread_past_its_start_timeout_is_given_up_and_the_start_rolled_back() {
    let world = World::in_real_time();
    let (embedded, release) = blocked_expression(&world, 0);
    let tree = Supervisor::one_for_one("tree").child(world.child("a")).child(embedded.start_timeout(secs(0.1)));
    let error = within(not_started(tree)).await;
    world.expect(&["start a", "block", "stop a"]).await;
    drop(release);
    assert_eq!(stuck(&error), (TreeErrorKind::Stuck, vec!["tree/embedded"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_expression_that_blocks_its_thread_is_given_up_once_it_is_to_have_stopped() {
    let world = World::in_real_time();
    let (embedded, release) = blocked_expression(&world, 0);
    let (handle, mut told) = with_tree("handle");
    let starts =
        tokio::spawn(Supervisor::one_for_one("tree").child(handle).child(world.child("a")).child(embedded).start());
    let handle = within(told.recv()).await.expect("it runs");
    world.expect(&["start a", "block"]).await;
    handle.shutdown();
    let error = within(starts).await.expect("it does not panic").unwrap_err();
    drop(release);
    world.expect(&["stop a"]).await;
    assert_eq!(stuck(&error), (TreeErrorKind::Stuck, vec!["tree/embedded"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_expression_that_blocks_its_thread_is_given_up_when_it_is_swept_with_a_peer_that_fails() {
    let world = World::in_real_time();
    let (embedded, release) = blocked_expression(&world, 1);
    let tree = Supervisor::custom("tree", |_| Decision::Restart(Set::All)).child(world.child("a")).child(embedded);
    // No timer of another is to wake the supervisor.
    let mut tree = within(started(tree.child(world.child("c").shutdown(Shutdown::Infinity)))).await;
    world.expect(&["start a", "start c"]).await;
    let group = tree.group("embedded").unwrap();
    let restart = tokio::spawn(async move { group.restart().await });
    world.expect(&["block"]).await;
    // The last one is asked first, and hands on to the one before it when it has stopped.
    world.fail("a");
    let error = within(tree.wait()).await.unwrap_err();
    drop(release);
    assert!(within(restart).await.unwrap().is_err());
    let mut page = world.page();
    page.sort();
    assert_eq!(page, ["fail a", "stop a", "stop c"]);
    assert_eq!(stuck(&error), (TreeErrorKind::Stuck, vec!["tree/embedded"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_restarted_child_that_blocks_the_thread_on_which_a_timer_has_woken_it_is_given_up() {
    let world = World::in_real_time();
    let (release, released) = mpsc::channel::<()>();
    let (state, w) = (Mutex::new((released, true)), world.clone());
    // The thread that sees that a time has come also waits for the next one, unless another is woken for that.
    let child = Child::new("a", move || {
        let (released, is_first) = &mut *state.lock().unwrap();
        if !std::mem::take(is_first) {
            w.write("block");
            let _ = released.recv();
        }
        service_fn(|_| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Err("boom".into())
        })
    });
    let mut tree = within(started(Supervisor::one_for_one("tree").child(child.start_timeout(secs(0.1))))).await;
    let (ended, end) = mpsc::channel();
    tokio::spawn(async move { ended.send(tree.wait().await) });
    // Not by a timer, either.
    let error = end.recv_timeout(secs(20.0)).map(Result::unwrap_err);
    drop(release);
    world.expect(&["block"]).await;
    assert_eq!(stuck(&error.expect("it ends in time")), (TreeErrorKind::Stuck, vec!["tree/a"]));
}
