//! Instructions instead of times: what callgrind counts is the same on every machine, however busy.
//!
//! A side is run twice, the second time with twice as many units, and the difference is what the units cost.

use std::hint::black_box;
use std::process::Command;

use tokio::runtime::Builder;

use crate::figures::is_wanted;
use crate::record::Record;
use crate::sides::restart::Failing;
use crate::sides::{group, restart, start, steady};

#[derive(Clone, Copy)]
pub(crate) enum Side {
    Ours,
    Raw,
}

impl Side {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "ours" => Some(Self::Ours),
            "raw" => Some(Self::Raw),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Raw => "raw",
        }
    }
}

/// What is counted, and in how many units.
const COUNTED: &[(&str, usize)] = &[
    ("restart_cycle", 5_000),
    ("restart_cycle_panic", 500),
    ("group_restart_replicas", 50),
    ("group_restart_declared", 50),
    ("start", 3_000),
    ("stop", 3_000),
    ("start_open", 3_000),
    ("stop_open", 3_000),
    ("steady", 10_000),
];

/// Where the ratio stands, which differs less than either side from one machine's libraries to another's.
const RATIO: usize = 2;
/// How much more may be by chance: between two builds, what the allocator does differs with the layout of the heap.
const SLACK: f64 = 0.1;

/// Prints the instructions of both sides; fails if ours are more of those by hand than what is recorded.
pub(crate) fn compare(names: &[String]) {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("# instructions: skipped, there is no valgrind here");
        return;
    }
    let mut record = Record::of("Instructions", RATIO, SLACK);
    for &(name, units) in COUNTED.iter().filter(|(name, _)| is_wanted(name, names)) {
        let ours = instructions(name, Side::Ours, units);
        let raw = instructions(name, Side::Raw, units);
        println!("{name} instructions ours={ours:.0} raw={raw:.0} ratio={:.3}", ours / raw);
        record.compare(name, ours / raw);
    }
    record.conclude();
}

/// The instructions of one unit.
fn instructions(name: &str, side: Side, units: usize) -> f64 {
    match name {
        // Nothing is stopped that was not started.
        "stop" | "stop_open" => per_unit(name, side, units) - per_unit(&name.replace("stop", "start"), side, units),
        name => per_unit(name, side, units),
    }
}

fn per_unit(name: &str, side: Side, units: usize) -> f64 {
    (counted(name, side, 2 * units) - counted(name, side, units)) / units as f64
}

/// What callgrind counts in a process that does nothing else.
fn counted(name: &str, side: Side, units: usize) -> f64 {
    let program = std::env::current_exe().expect("the system knows this program");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["--count", name, side.name(), &units.to_string()])
        .output()
        .expect("valgrind can be started");
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split("Collected : ").nth(1));
    collected.and_then(|count| count.trim().parse().ok()).unwrap_or_else(|| panic!("callgrind counts nothing: {text}"))
}

/// So many units of one side of one scenario, and nothing else.
pub(crate) fn count(name: String, side: Side, units: usize) {
    std::panic::set_hook(Box::new(|_| {}));
    // On a paused clock: by the real one, each restart takes so long under valgrind that a child that crashes in a loop
    // makes way for others after each, and that would be counted, too.
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = runtime.expect("the system has threads left");
    runtime
        .block_on(async { tokio::spawn(run(name, side, units)).await.expect("a side of a benchmark does not fail") });
    // Without the end of the runtime, which would drop what was only started.
    std::process::exit(0);
}

async fn run(name: String, side: Side, units: usize) {
    const GROUP: usize = 100;
    match (name.as_str(), side) {
        ("restart_cycle", Side::Ours) => drop(black_box(restart::ours(Failing::WithError, units).await)),
        ("restart_cycle", Side::Raw) => drop(black_box(restart::raw(Failing::WithError, units).await)),
        ("restart_cycle_panic", Side::Ours) => drop(black_box(restart::ours(Failing::ByPanic, units).await)),
        ("restart_cycle_panic", Side::Raw) => drop(black_box(restart::raw(Failing::ByPanic, units).await)),
        ("group_restart_replicas", Side::Ours) => drop(black_box(group::ours_replicas(GROUP, units).await)),
        ("group_restart_declared", Side::Ours) => drop(black_box(group::ours_declared(GROUP, units).await)),
        ("group_restart_replicas", Side::Raw) => drop(black_box(group::raw(GROUP, units).await)),
        ("group_restart_declared", Side::Raw) => drop(black_box(group::raw(GROUP, units).await)),
        ("start", Side::Ours) => std::mem::forget(start::replicas(units).await),
        ("start", Side::Raw) => std::mem::forget(start::tasks(units).await),
        ("start_open", Side::Ours) => std::mem::forget(start::members(units).await),
        ("start_open", Side::Raw) => std::mem::forget(start::tasks_one_by_one(units).await),
        ("stop", Side::Ours) => drop(black_box(start::ours(units).await.stop)),
        ("stop", Side::Raw) => drop(black_box(start::raw(units).await.stop)),
        ("stop_open", Side::Ours) => drop(black_box(start::ours_open(units).await.stop)),
        ("stop_open", Side::Raw) => drop(black_box(start::raw_one_by_one(units).await.stop)),
        ("steady", Side::Ours) => drop(black_box(steady::ours(units).await)),
        ("steady", Side::Raw) => drop(black_box(steady::raw(units).await)),
        _ => panic!("nothing is counted of `{name}`"),
    };
}
