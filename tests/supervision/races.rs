//! Moments that last for an instruction only, held open by what the library logs in them.

use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context as Task, Waker};
use std::time::Duration;

use supervisor_runtime::{Child, ChildRef, Context, Replicas, Running, Service, ServiceResult, Supervisor, service_fn};

use crate::capture::overheard;
use crate::world::{World, started};

/// Says that it was dropped.
struct Canary(mpsc::Sender<()>);

impl Drop for Canary {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[test]
fn a_supervisor_that_is_dropped_between_its_start_and_its_run_takes_its_children_along() {
    let owner: Arc<Mutex<Option<Running>>> = Arc::default();
    let (dies, dead) = mpsc::channel();
    let dead = Mutex::new(dead);
    let (reached, wait) = mpsc::channel();
    let held = Arc::clone(&owner);
    let (gone, a_is_gone) = mpsc::channel();
    let at = move |line: String| {
        if line == "WARN dropped by force child=tree/group/a phase=run" {
            let _ = gone.send(());
        }
        let running =
            if line == "INFO started child=tree/group incarnation=2" { held.lock().unwrap().take() } else { None };
        let Some(running) = running else { return };
        // By another thread: what this one wakes would wait until it goes on.
        let dropped = std::thread::spawn(move || drop(running));
        let seen = dropped.join().is_ok() && dead.lock().unwrap().recv_timeout(Duration::from_secs(10)).is_ok();
        let _ = reached.send(seen);
    };
    let runtime = overheard(2, at);
    runtime.block_on(async {
        let world = World::in_real_time();
        let canary = Child::new("canary", move || {
            let canary = Canary(dies.clone());
            service_fn(|cx| async move {
                let _canary = canary;
                Ok(cx.stopping().await)
            })
        });
        let group = Supervisor::one_for_one("group").max_restarts(0).child(world.child("a"));
        let tree = started(Supervisor::one_for_one("tree").child(canary).child(group)).await;
        *owner.lock().unwrap() = Some(tree);
        world.fail("a");
        let gone = tokio::task::spawn_blocking(move || a_is_gone.recv_timeout(Duration::from_secs(10)));
        assert_eq!(gone.await.unwrap(), Ok(()), "nobody dropped it");
        let page = world.page();
        assert!(page.starts_with(&["start a", "fail a", "stop a", "start a"].map(str::to_owned)), "{page:?}");
        assert_eq!(world.alive(), 0);
    });
    assert_eq!(wait.recv_timeout(Duration::from_secs(10)), Ok(true), "the owner was dropped in that moment");
}

/// Says by whom it was made, and runs.
struct Made(&'static str, mpsc::Sender<&'static str>);

impl Service for Made {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        let _ = self.1.send(self.0);
        Ok(cx.stopping().await)
    }
}

#[test]
fn a_replacement_is_not_taken_by_an_incarnation_that_had_begun_before_and_is_stopped_for_it() {
    let (says, said) = mpsc::channel();
    let child: Arc<Mutex<Option<(ChildRef<Made>, Made)>>> = Arc::default();
    let (reached, wait) = mpsc::channel();
    let held = Arc::clone(&child);
    let at = move |line: String| {
        let is_it = line == "DEBUG starting child=tree/a incarnation=2";
        let Some((a, given)) = held.lock().unwrap().take_if(|_| is_it) else { return };
        // The incarnation has begun, and its task has not. By another thread: this one is the supervisor's.
        let asked = std::thread::spawn(move || {
            let mut replacing = Box::pin(async move { a.replace(given).await.is_ok() });
            let is_pending = replacing.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_pending();
            is_pending.then_some(replacing)
        });
        let _ = reached.send(asked.join().ok().flatten());
    };
    let runtime = overheard(2, at);
    runtime.block_on(async {
        let declared = says.clone();
        let a = Child::new("a", move || Made("declared", declared.clone()));
        let tree = started(Supervisor::one_for_one("tree").child(a)).await;
        let a = tree.child::<Made>("a").unwrap();
        a.stop().await.unwrap();
        *child.lock().unwrap() = Some((a.clone(), Made("given", says)));
        a.start().await.unwrap();
        let replacing = wait.recv_timeout(Duration::from_secs(10)).unwrap().expect("it waits");
        assert!(replacing.await, "it has started");
        tree.shutdown().await.unwrap();
    });
    drop(runtime);
    assert_eq!(said.try_iter().last(), Some("given"));
}

#[test]
fn a_replica_that_comes_back_while_the_one_before_leaves_is_not_made_of_that() {
    let (says, said) = mpsc::channel();
    let said = Mutex::new(said);
    let replicas: Arc<Mutex<Option<Replicas<Made>>>> = Arc::default();
    let (reached, wait) = mpsc::channel();
    let held = Arc::clone(&replicas);
    let at = move |line: String| {
        let is_it = line == "DEBUG discarded child=tree/w[1]";
        let Some(workers) = held.lock().unwrap().take_if(|_| is_it) else { return };
        // It has left, and what was kept of it is still there.
        let said = said.lock().unwrap();
        let _ = said.try_iter().count();
        // By another thread: what this one wakes would wait until it goes on.
        let ordered = std::thread::spawn(move || {
            let mut back = Box::pin(async move { workers.scale_to(2).await });
            let _ = back.as_mut().poll(&mut Task::from_waker(Waker::noop()));
        });
        let _ = ordered.join();
        let _ = reached.send(said.recv_timeout(Duration::from_secs(10)));
    };
    let runtime = overheard(2, at);
    runtime.block_on(async {
        let again = says.clone();
        let made =
            move |index: usize| if index == 1 { Made("anew", says.clone()) } else { Made("w[0]", mpsc::channel().0) };
        let workers = Child::replicated("w", 1, made).replace(move |_: Made, _: usize| Made("of it", again.clone()));
        let tree = started(Supervisor::one_for_one("tree").child(workers)).await;
        let workers = tree.replicas::<Made>("w").unwrap();
        workers.scale_to(2).await.unwrap();
        *replicas.lock().unwrap() = Some(workers.clone());
        workers.scale_to(1).await.unwrap();
        let made = tokio::task::spawn_blocking(move || wait.recv_timeout(Duration::from_secs(10)));
        assert_eq!(made.await.unwrap(), Ok(Ok("anew")));
        // It is the same replica all the same, whose incarnations are counted on.
        assert_eq!(tree.child::<Made>("w[1]").unwrap().status().unwrap().incarnation(), 2);
        tree.shutdown().await.unwrap();
    });
}
