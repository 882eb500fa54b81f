//! Folding the events of a tree gives its snapshot, at every number, whatever happens in it and is done to it.
//!
//! A random tree is under a random storm of failures and calls. A mirror of it is kept by its events alone, and compared
//! with a fresh snapshot whenever any code of a service runs, and between: before and after every poll, in factories and
//! destructors. A failure names its seed; `SEED=17 cargo test fold` runs that one alone and prints its events,
//! `SEEDS=10000` runs more of them.

mod forest;
mod mirror;

use std::sync::Arc;
use std::time::Duration;

use supervisor_runtime::{TreeErrorKind, TreeHandle};
use tokio::time::{Instant, sleep, timeout};

use self::forest::{Forest, Random};
use self::mirror::Mirror;

/// How often the tree is called in one life.
const CALLS: u64 = 120;

/// Lives through one storm; its events, as text, or what is wrong with them.
async fn life_of(seed: u64) -> Result<Vec<String>, String> {
    let epoch = Instant::now();
    let alone = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let mirror = Arc::new(Mirror::new(epoch.into_std()));
    let (tree, forest) = Forest::plant(seed, &mirror);
    let start = tokio::spawn(tree.start());
    // Its first child gives the handle.
    while mirror.handle().is_none() {
        if start.is_finished() && mirror.handle().is_none() {
            return Err(format!("it does not begin: {:?}", start.await));
        }
        tokio::task::yield_now().await;
    }
    let handle = mirror.handle().expect("it was there just now");
    let mut random = Random::of(seed, "calls");
    for _ in 0..random.below(CALLS) {
        if random.one_in(2) {
            sleep(random.time()).await;
        }
        mirror.check("between calls");
        forest.call(&mut random, &handle);
        mirror.check("after a call");
        match random.below(20) {
            0 => mirror.pause(),
            1..=3 => mirror.resume(),
            _ => {}
        }
    }
    mirror.resume();
    handle.shutdown();
    mirror.check("after the shutdown");
    let end = async {
        match start.await.map_err(|panic| panic.to_string())? {
            Ok(running) => {
                let end = running.shutdown().await;
                Ok(end.err())
            }
            Err(error) => Ok::<_, String>(Some(error)),
        }
    };
    let end = timeout(Duration::from_secs(10_000), end).await.map_err(|_| "it does not end".to_owned())?;
    if end.as_ref().is_ok_and(|end| end.as_ref().is_some_and(|error| error.kind() == TreeErrorKind::Stuck)) {
        return Err(format!("nothing here blocks: {end:?}"));
    }
    mirror.end()?;
    if mirror.compared() == 0 {
        return Err("nothing was compared".to_owned());
    }
    // What was called has an answer, too, and nothing is left.
    sleep(Duration::from_secs(100)).await;
    match tokio::runtime::Handle::current().metrics().num_alive_tasks() {
        left if left > alone => Err(format!("{} tasks are left", left - alone)),
        _ => Ok(mirror.log()),
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

#[tokio::test(start_paused = true)]
async fn folding_the_events_gives_the_snapshot_at_every_number() {
    let one = number("SEED");
    let seeds = number("SEEDS").unwrap_or(200);
    for seed in one.map_or(0..seeds, |seed| seed..seed + 1) {
        let life = life_of(seed).await;
        if one.is_some() {
            life.iter().flatten().for_each(|line| println!("{line}"));
        }
        if let Err(wrong) = life {
            panic!("SEED={seed}: {wrong}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_events() {
    let mut events = 0;
    for seed in 0..30 {
        let (first, second) = (life_of(seed).await.unwrap(), life_of(seed).await.unwrap());
        for (number, (first, second)) in first.iter().zip(&second).enumerate() {
            assert_eq!(first, second, "SEED={seed}, line {number}");
        }
        assert_eq!(first.len(), second.len(), "SEED={seed}");
        events += first.len();
    }
    assert!(events > 3_000, "{events} events are no storm");
}

/// On several threads, a snapshot and a mirror are rarely of the same number; when they are, they are the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn folding_the_events_gives_the_snapshot_on_many_threads() {
    let mut compared = 0;
    for seed in 0..number("SEEDS").unwrap_or(40) {
        let mirror = Arc::new(Mirror::new(Instant::now().into_std()));
        let (tree, forest) = Forest::plant(seed, &mirror);
        let start = tokio::spawn(tree.start());
        while mirror.handle().is_none() {
            assert!(!start.is_finished() || mirror.handle().is_some(), "SEED={seed}: it does not begin");
            tokio::task::yield_now().await;
        }
        let handle: TreeHandle = mirror.handle().expect("it was there just now");
        let mut random = Random::of(seed, "calls");
        for _ in 0..40 {
            forest.call(&mut random, &handle);
            mirror.check("after a call");
            if random.one_in(4) {
                sleep(Duration::from_millis(1)).await;
            }
        }
        handle.shutdown();
        let end = async {
            if let Ok(running) = start.await.unwrap() {
                let _ = running.shutdown().await;
            }
        };
        timeout(Duration::from_secs(60), end).await.unwrap_or_else(|_| panic!("SEED={seed}: it does not end"));
        mirror.end().unwrap_or_else(|wrong| panic!("SEED={seed}: {wrong}"));
        compared += mirror.compared();
    }
    assert!(compared > 1_000, "{compared} comparisons are no test");
}
