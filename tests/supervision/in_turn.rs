//! Who has started has its say before the next one does, and cannot keep that one from starting.

use std::sync::{Arc, Mutex, mpsc};

use supervisor_runtime::{Child, Context, Service, ServiceResult, Supervisor};

use crate::idle::idle;
use crate::world::{World, secs, started};

/// Runs until it is asked to stop, but does this first of all when it runs for the `in_run`th time.
struct Eager {
    world: World,
    in_run: u32,
    does: fn(&Context, &Mutex<mpsc::Receiver<()>>),
    released: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl Service for Eager {
    async fn start(&mut self, _cx: &Context) -> ServiceResult {
        Ok(self.world.write("start eager"))
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        if cx.incarnation() == self.in_run {
            (self.does)(cx, &self.released);
        }
        Ok(cx.stopping().await)
    }
}

/// An eager child between two others, after as many that do nothing; and what lets it go on.
fn tree(
    world: &World,
    before: usize,
    in_run: u32,
    does: fn(&Context, &Mutex<mpsc::Receiver<()>>),
) -> (Supervisor, mpsc::Sender<()>) {
    let (release, released) = mpsc::channel();
    let (w, released) = (world.clone(), Arc::new(Mutex::new(released)));
    let eager = Child::new("eager", move || Eager { world: w.clone(), in_run, does, released: Arc::clone(&released) });
    let names = ["w", "x", "y", "z"].into_iter().take(before);
    let tree = names.fold(Supervisor::one_for_all("tree"), |tree, name| tree.child(idle(name)));
    (tree.child(world.child("a")).child(eager).child(world.child("b")), release)
}

#[tokio::test(start_paused = true)]
async fn nothing_is_started_after_a_child_that_shuts_the_tree_down_first_of_all() {
    // (in which run it does, what happens)
    let table: [(u32, &[&str]); 2] = [
        (1, &["start a", "start eager", "stop a"]),
        (2, &["start a", "start eager", "start b", "fail a", "stop a", "stop b", "start a", "start eager", "stop a"]),
    ];
    for (in_run, expected) in table {
        let world = World::new();
        let (tree, _release) = tree(&world, 0, in_run, |cx, _| cx.tree().shutdown());
        let running = tokio::spawn(tree.run());
        if in_run > 1 {
            world.idle().await;
            world.fail("a");
        }
        running.await.unwrap().unwrap();
        assert_eq!(world.page(), expected, "in run {in_run}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_that_blocks_its_thread_first_of_all_does_not_keep_the_next_one_from_starting() {
    // Not always does tokio keep what was woken last for the same thread: it depends on how many were before.
    for (in_run, before) in [1, 2].into_iter().flat_map(|run| (0..4).map(move |before| (run, before))) {
        let world = World::in_real_time();
        let (tree, release) = tree(&world, before, in_run, |_, released| {
            let _ = released.lock().unwrap().recv();
        });
        let tree = tokio::time::timeout(secs(20.0), started(tree)).await.expect("the last one starts");
        world.expect(&["start a", "start eager", "start b"]).await;
        if in_run > 1 {
            world.fail("a");
            world.expect(&["fail a", "stop a", "stop b", "start a", "start eager", "start b"]).await;
        }
        drop(release);
        tree.shutdown().await.unwrap();
    }
}
