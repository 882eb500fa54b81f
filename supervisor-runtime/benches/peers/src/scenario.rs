//! What is asked of every contestant.

use std::pin::Pin;
use std::time::Instant;

use crate::sides::each;

/// A supervisor, or what is written by hand.
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    /// One child that fails at once; nanoseconds for each restart.
    pub(crate) restart_cycle: Can<f64>,
    /// One of [`GROUP`] children fails, and all of them are restarted; nanoseconds for each time.
    pub(crate) group_restart: Can<f64>,
    /// Idle children are started, and stopped.
    pub(crate) idle: Can<Spent>,
}

/// The children of a group that is restarted as one.
pub(crate) const GROUP: usize = 100;
/// The children that are started and stopped.
pub(crate) const CHILDREN: usize = 10_000;

/// Whether a scenario can be expressed.
#[derive(Clone, Copy)]
pub(crate) enum Can<T> {
    /// With so many units in one round: fewer for those who take long for each.
    Do(usize, fn(usize) -> Scenario<T>),
    Not(&'static str),
}

pub(crate) type Scenario<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// For each child.
#[derive(Clone, Copy)]
pub(crate) struct Spent {
    pub(crate) start_ns: f64,
    pub(crate) stop_ns: f64,
    /// Resident memory while they run; it means something only in a new process.
    pub(crate) bytes: f64,
}

/// Looks at the clock before and after the start and the stop of so many children.
pub(crate) struct Stage {
    children: usize,
    since: Instant,
    resident: f64,
    start_ns: f64,
    bytes: f64,
}

impl Stage {
    pub(crate) fn begin(children: usize) -> Self {
        let resident = resident();
        Self { children, since: Instant::now(), resident, start_ns: 0.0, bytes: 0.0 }
    }

    /// Every child has run its first line.
    pub(crate) fn started(&mut self) {
        self.start_ns = each(self.since.elapsed(), self.children);
        self.bytes = (resident() - self.resident) / self.children as f64;
        self.since = Instant::now();
    }

    /// Nothing of any child is left.
    pub(crate) fn stopped(self) -> Spent {
        let stop_ns = each(self.since.elapsed(), self.children);
        Spent { start_ns: self.start_ns, stop_ns, bytes: self.bytes }
    }
}

/// The resident memory of this process; not known where there is no `/proc`.
fn resident() -> f64 {
    const PAGE: f64 = 4096.0;
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok()).map_or(f64::NAN, |pages| pages * PAGE)
}
