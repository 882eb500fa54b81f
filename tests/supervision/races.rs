//! Moments that last for an instruction only, held open by what the library logs in them.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use supervisor_runtime::{Child, Running, Supervisor, service_fn};

use crate::capture;
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
    let at: Arc<dyn Fn(String) + Send + Sync> = Arc::new(at);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(move || capture::listen(Arc::clone(&at)))
        .build()
        .unwrap();
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
        world.expect(&["start a", "fail a", "stop a", "start a"]).await;
        let gone = tokio::task::spawn_blocking(move || a_is_gone.recv_timeout(Duration::from_secs(10)));
        assert_eq!(gone.await.unwrap(), Ok(()), "nobody dropped it");
        assert_eq!(world.alive(), 0);
    });
    assert_eq!(wait.recv_timeout(Duration::from_secs(10)), Ok(true), "the owner was dropped in that moment");
}
