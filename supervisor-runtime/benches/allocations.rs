//! How often the allocator is asked, beside the same by hand with tokio.
//!
//! ```text
//! cargo bench -p supervisor-runtime --bench allocations
//! ```
//!
//! A program of its own, because the allocator that counts would cost time in the others. What is the same for any
//! number is left out: each side is run with so many units and with twice as many, and the difference counts. Fails if ours are
//! more than what is recorded.

#[path = "supervision/record.rs"]
mod record;
#[allow(dead_code, reason = "shared with the benchmark of times")]
#[path = "supervision/sides/mod.rs"]
mod sides;

use allocation_counter::{AllocationInfo, measure};
use tokio::runtime::Builder;

use crate::record::Record;
use crate::sides::restart::Failing;
use crate::sides::{group, restart, start};

fn main() {
    const CHILDREN: usize = 4096;
    const RESTARTS: usize = 4096;
    const GROUP: usize = 100;
    const GROUP_RESTARTS: usize = 64;
    let kept = |info: AllocationInfo| info.count_current as f64;
    let made = |info: AllocationInfo| info.count_total as f64;
    const OURS: usize = 0;
    let mut record = Record::of("Allocations", OURS, 0.0);
    let mut print = |name: &str, ours: f64, raw: f64| {
        println!("{name} flavor=ct ours_count={ours:.2} raw_count={raw:.2} ratio={:.3}", ours / raw);
        record.compare(name, ours.round());
    };

    println!(
        "# what an idle child keeps; of an open group; what a restart asks for, with two for the error; and of {GROUP}"
    );
    let raw = each(CHILDREN, kept, |children| keep(start::tasks(children)));
    print("allocations", each(CHILDREN, kept, |children| keep(start::replicas(children))), raw);
    print("allocations_open", each(CHILDREN, kept, |children| keep(start::members(children))), raw);

    let ours = each(RESTARTS, made, |restarts| run(restart::ours(Failing::WithError, restarts)));
    let raw = each(RESTARTS, made, |restarts| run(restart::raw(Failing::WithError, restarts)));
    print("allocations_restart", ours, raw);

    let ours = each(GROUP_RESTARTS, made, |restarts| run(group::ours_replicas(GROUP, restarts)));
    let raw = each(GROUP_RESTARTS, made, |restarts| run(group::raw(GROUP, restarts)));
    print("allocations_group_restart", ours, raw);
    record.conclude();
}

/// For each unit of what `side` is given.
fn each(units: usize, of: fn(AllocationInfo) -> f64, side: impl Fn(usize) -> AllocationInfo) -> f64 {
    (of(side(2 * units)) - of(side(units))) / units as f64
}

/// What a side asks for, on one thread, for only that one is counted.
fn run<T>(side: impl Future<Output = T>) -> AllocationInfo {
    let runtime = Builder::new_current_thread().enable_all().build().expect("the system has threads left");
    measure(|| {
        runtime.block_on(side);
    })
}

/// The same, and what the side gives is still there when it is counted.
fn keep<T>(side: impl Future<Output = T>) -> AllocationInfo {
    let runtime = Builder::new_current_thread().enable_all().build().expect("the system has threads left");
    let mut kept = None;
    let info = measure(|| kept = Some(runtime.block_on(side)));
    drop(runtime);
    drop(kept);
    info
}
