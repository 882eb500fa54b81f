//! Many orders at random against children that fail, on real threads: short, and the same seeds every time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use supervisor_runtime::{Child, Restart, Running, Service, State, SteerError, Supervisor, TreeHandle};

use crate::world::{Probe, World, secs, started};

/// Small, fast, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }
}

/// A future that is never answered fails the test, and says what it was.
async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(secs(20.0), future).await.unwrap_or_else(|_| panic!("no answer to {what}"))
}

/// What may be answered in the middle of a storm.
fn allowed(what: &str, answer: Result<(), SteerError>) {
    use SteerError::{Full, NotRunning, NotThere, Overtaken, Requires, StartFailed};
    match answer {
        Ok(())
        | Err(
            NotRunning { .. } | NotThere { .. } | Overtaken { .. } | Requires { .. } | StartFailed { .. } | Full { .. },
        ) => {}
        Err(error) => panic!("{what}: {error:?}"),
    }
}

const CHILDREN: [&str; 6] = ["a", "pool/b", "pool/c", "pool/w[0]", "pool/w[1]", "pool/w[3]"];

/// One order at random, waited for or not.
async fn order(tree: &TreeHandle, world: &World, random: &mut Random) {
    let child = CHILDREN[random.below(CHILDREN.len())];
    let number = random.below(5);
    let impatient = random.below(4) == 0;
    let kind = random.below(9);
    let what = format!("{kind} of {child}, {number}");
    let carry_out = async {
        let workers = || tree.replicas::<Probe>("pool/w").unwrap();
        let conns = || tree.children::<Probe>("pool/conn").unwrap();
        match kind {
            0 => tree.child::<Probe>(child).unwrap().start().await,
            1 => tree.child::<Probe>(child).unwrap().stop().await,
            2 => tree.child::<Probe>(child).unwrap().restart().await,
            3 => tree.group("pool").unwrap().restart().await,
            4 => {
                let pool = tree.group("pool").unwrap();
                match number {
                    0 => pool.stop().await,
                    _ => pool.start().await,
                }
            }
            5 => workers().scale_to(number).await,
            6 => match number {
                0 => workers().stop().await,
                1 => workers().restart().await,
                _ => workers().start().await,
            },
            7 => {
                let w = world.clone();
                conns().add_with(move || w.service("m")).await.map(drop)
            }
            _ => match conns().ids().first() {
                Some(&id) => conns().discard(id).await,
                None => Ok(()),
            },
        }
    };
    if impatient {
        // Dropping the future undoes nothing.
        let _ = tokio::time::timeout(Duration::from_micros(50), carry_out).await;
    } else {
        allowed(&what, within(&what, carry_out).await);
    }
}

/// Everything up again: what was stopped or has failed by hand, in the order of what depends on what.
async fn start_everything(tree: &Running) {
    for _ in 0..3 {
        let _ = within("start", tree.child::<Probe>("a").unwrap().start()).await;
        let _ = within("start of the group", tree.group("pool").unwrap().start()).await;
        let _ = within("scaling", tree.replicas::<Probe>("pool/w").unwrap().scale_to(4)).await;
        for child in ["pool/b", "pool/c"] {
            let _ = within(child, tree.child::<Probe>(child).unwrap().start()).await;
        }
        let _ = within("start of the replicas", tree.replicas::<Probe>("pool/w").unwrap().start()).await;
    }
    within("readiness", tree.wait_ready()).await.unwrap();
}

fn pool(strategy: fn(&'static str) -> Supervisor, world: &World) -> Supervisor {
    let pool = strategy("pool").max_restarts(u32::MAX).child(world.child("b"));
    let is_graph = format!("{pool:?}").contains("dependents");
    let (c, w) = (world.child("c"), world.replicas("w", 2));
    let (c, w) = if is_graph { (c.requires(["b"]), w.requires(["c"])) } else { (c, w) };
    pool.child(c).child(w).child(conns())
}

/// Members that have one name between them would be two of it.
fn conns() -> Child<impl Service> {
    Child::<Probe>::open("conn", ..=1).restart(Restart::Permanent)
}

async fn storm(strategy: fn(&'static str) -> Supervisor, seed: u64) {
    let world = World::in_real_time();
    let tree =
        Supervisor::one_for_one("tree").max_restarts(u32::MAX).child(world.child("a")).child(pool(strategy, &world));
    let tree = started(tree).await;
    let over = Arc::new(AtomicBool::new(false));
    let failing = tokio::spawn({
        let (world, over) = (world.clone(), Arc::clone(&over));
        let mut random = Random(seed | 1);
        async move {
            while !over.load(Ordering::Relaxed) {
                world.fail(["a", "b", "c", "w0", "w1", "w2", "w3", "m"][random.below(8)]);
                if random.below(4) == 0 {
                    tokio::time::sleep(Duration::from_micros(random.below(300) as u64)).await;
                } else {
                    tokio::task::yield_now().await;
                }
            }
        }
    });
    let storms: Vec<_> = (0..4)
        .map(|number| {
            let (tree, world) = (tree.handle(), world.clone());
            let mut random = Random(seed * 31 + number + 1);
            tokio::spawn(async move {
                for _ in 0..150 {
                    order(&tree, &world, &mut random).await;
                }
            })
        })
        .collect();
    for storm in storms {
        storm.await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    failing.await.unwrap();
    // What was ordered of children that were down would fail them later.
    world.forget_orders();
    start_everything(&tree).await;
    for path in ["a", "pool/b", "pool/c", "pool/w[0]", "pool/w[1]", "pool/w[2]", "pool/w[3]"] {
        assert_eq!(tree.child::<Probe>(path).unwrap().status().unwrap().state(), State::Running, "{path}, seed {seed}");
    }
    within("shutdown", tree.shutdown()).await.unwrap();
    assert_eq!(world.alive(), 0);
    let log = world.page();
    let two: Vec<_> = log.iter().filter(|line| line.starts_with("two of")).collect();
    assert!(two.is_empty(), "{two:?}, seed {seed}");
    for name in ["a", "b", "c", "w0", "w1", "w2", "w3", "m"] {
        let count = |word: &str| log.iter().filter(|line| **line == format!("{word} {name}")).count();
        assert_eq!(count("start"), count("stop"), "{name} is stopped as often as it has started, seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_orders_in_one_for_one_leaves_one_of_each() {
    for seed in 0..4 {
        storm(Supervisor::one_for_one, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_orders_in_one_for_all_leaves_one_of_each() {
    for seed in 0..4 {
        storm(Supervisor::one_for_all, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_orders_in_rest_for_one_leaves_one_of_each() {
    for seed in 0..4 {
        storm(Supervisor::rest_for_one, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_orders_in_dependents_for_one_leaves_one_of_each() {
    for seed in 0..4 {
        storm(Supervisor::dependents_for_one, seed).await;
    }
}
