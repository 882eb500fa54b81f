//! What is aimed at.

use std::fmt;

use crate::measure::{Flavor, Pair};

/// The most that a figure may be.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// Ours divided by what it is compared with.
    Ratio(f64),
    /// Ours, in nanoseconds.
    Ns(f64),
    /// Ours beyond what it is compared with, in nanoseconds.
    Beyond(f64),
}

use Target::{Beyond, Ns, Ratio};

/// For `ct` and for `mt2`.
const TARGETS: &[(&str, Target, Target)] = &[
    ("restart_cycle", Ratio(0.18), Ratio(0.14)),
    ("restart_cycle_panic", Ratio(0.7), Ratio(0.6)),
    ("restart_latency_p50", Ratio(0.22), Ratio(0.2)),
    ("restart_latency_p99", Ratio(0.3), Ratio(0.3)),
    ("restart_window", Ratio(1.1), Ratio(1.1)),
    ("restart_window_1000", Ratio(1.1), Ratio(1.1)),
    ("restart_window_1000000", Ratio(1.1), Ratio(1.1)),
    ("group_restart_replicas", Ratio(0.4), Ratio(0.45)),
    ("group_restart_declared", Ratio(0.45), Ratio(0.5)),
    ("start", Ratio(0.85), Ratio(0.95)),
    ("start_open", Ratio(0.85), Ratio(1.1)),
    ("stop", Ratio(0.65), Ratio(0.85)),
    ("stop_open", Ratio(0.65), Ratio(0.85)),
    ("start_growth", Ratio(1.1), Ratio(1.1)),
    ("stop_growth", Ratio(1.1), Ratio(1.1)),
    ("memory", Ratio(1.2), Ratio(1.2)),
    ("memory_open", Ratio(1.2), Ratio(1.2)),
    ("steady", Ratio(1.02), Ratio(1.03)),
    ("steady_select", Ratio(0.9), Ratio(0.9)),
    ("storm", Ratio(0.3), Ratio(0.45)),
    ("idle", Beyond(200_000.0), Beyond(200_000.0)),
    ("status", Ns(100.0), Ns(100.0)),
    ("snapshot", Ns(50.0), Ns(50.0)),
    ("listener", Ns(150.0), Ns(150.0)),
    ("fairness", Ns(150_000.0), Ns(150_000.0)),
];

pub(crate) fn target(name: &str, flavor: Flavor) -> Option<Target> {
    let (_, one, two) = TARGETS.iter().find(|(of, ..)| *of == name)?;
    Some(match flavor {
        Flavor::CurrentThread => *one,
        Flavor::TwoWorkers => *two,
    })
}

impl Target {
    /// What is compared with the target, and whether it is met.
    pub(crate) fn judge(self, pair: Pair) -> (String, bool) {
        let (measured, most) = match self {
            Ratio(most) => (pair.ratio(), most),
            Ns(most) => (pair.ours, most),
            Beyond(most) => (pair.ours - pair.raw, most),
        };
        (self.text(measured), measured <= most)
    }

    fn text(self, value: f64) -> String {
        match self {
            Ratio(_) => format!("{value:.3}"),
            Ns(_) => format!("{value:.0} ns"),
            Beyond(_) => format!("raw {:+.0} µs", value / 1000.0),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Ratio(most) | Ns(most) | Beyond(most)) = *self;
        f.write_str(&self.text(most))
    }
}
