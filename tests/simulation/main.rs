//! Whole trees, simulated: on a paused clock, one thread, and one seed for everything that is left to chance.
//!
//! Random trees of services that fail, panic (in a factory, in `start`, `run` and `stop`, in a destructor), hang, do not listen,
//! fail together, and steer their own tree at bad moments; under operators that steer, scale and shut down in the middle of it.
//! After every step, every promise of `oracles` is looked at, what the services themselves see (`soil`), and that the
//! events folded give the snapshot (`mirror`).
//!
//! A failure names its seed and how to live through it again:
//!
//! ```text
//! SUPERVISOR_SEED=17 cargo test --test simulation one_life -- --nocapture    this one, with its events
//! SUPERVISOR_SEEDS=100000 cargo test --profile simulation --test simulation    more of them
//! ```
#![allow(clippy::unit_arg, reason = "`Ok(cx.stopping().await)` is how the documentation ends a run")]
#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails, and says where")]

mod declared;
mod forest;
mod leaf;
mod ledger;
mod life;
mod mirror;
mod months;
mod oracles;
mod orders;
mod random;
mod soil;

use std::fmt::Write;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use self::life::{Story, live, live_on_many_threads};

/// How many lives a test run has time for, where nothing is said.
const SEEDS: u64 = 80;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

/// Lives through all seeds, on all processors; what it was together.
fn live_all(seeds: Range<u64>) -> Story {
    let next = AtomicU64::new(seeds.start);
    let (total, broken) = (Mutex::new(Story::default()), Mutex::new(Vec::new()));
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        // Enough is broken to see what it has in common.
        if seed >= seeds.end || broken.lock().unwrap().len() >= 8 {
            return;
        }
        let (story, verdict) = live(seed, false);
        total.lock().unwrap().add(&story);
        if let Err(wrong) = verdict {
            broken.lock().unwrap().push((seed, wrong));
        }
    };
    std::thread::scope(|scope| {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        (0..workers).for_each(|_| drop(scope.spawn(work)));
    });
    let total = total.into_inner().unwrap();
    println!(
        "{} lives: {} faults, {} orders, {} events, {} snapshots compared",
        total.lives, total.faults, total.orders, total.number_of_events, total.compared
    );
    let mut message = String::new();
    for (seed, wrong) in broken.into_inner().unwrap() {
        let _ = write!(
            message,
            "\nseed {seed}: {wrong}\n  live through it again: \
             SUPERVISOR_SEED={seed} cargo test --test simulation one_life -- --nocapture"
        );
    }
    assert!(message.is_empty(), "{message}");
    total
}

#[test]
fn whatever_happens_every_promise_is_kept() {
    let seeds = number("SUPERVISOR_SEEDS").unwrap_or(SEEDS);
    let total = live_all(0..seeds);
    assert!(total.faults > seeds * 70, "{} faults in {seeds} lives are no storm", total.faults);
}

/// The life of `SUPERVISOR_SEED`, for a person to read.
#[test]
fn one_life() {
    let Some(seed) = number("SUPERVISOR_SEED") else { return };
    let (story, verdict) = live(seed, true);
    story.events.iter().for_each(|event| println!("{event}"));
    assert_eq!(verdict, Ok(()), "seed {seed}");
}

#[test]
fn a_seed_replays_to_the_identical_event_log() {
    let mut events = 0;
    for seed in 0..40 {
        let ((first, _), (second, _)) = (live(seed, true), live(seed, true));
        for (number, (first, second)) in first.events.iter().zip(&second.events).enumerate() {
            assert_eq!(first, second, "seed {seed}, line {number}");
        }
        assert_eq!(first.events.len(), second.events.len(), "seed {seed}");
        events += first.events.len();
    }
    assert!(events > 4_000, "{events} events are no storm");
}

#[test]
fn nothing_is_left_in_memory_when_a_life_is_over() {
    for seed in 0..40 {
        // What is made once in a thread stays.
        drop(live(seed, false));
        let left = allocation_counter::measure(|| drop(live(seed, false)));
        assert_eq!((left.count_current, left.bytes_current), (0, 0), "seed {seed}: {left:?}");
    }
}

/// On several threads, a snapshot and a mirror are rarely of the same number; when they are, they are the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn folding_the_events_gives_the_snapshot_on_many_threads() {
    let mut compared = 0;
    for seed in 0..40 {
        compared += live_on_many_threads(seed).await.unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
    }
    assert!(compared > 300, "{compared} comparisons are no test");
}
