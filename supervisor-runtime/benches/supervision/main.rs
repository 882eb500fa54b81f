//! What supervision costs, beside the same by hand with tokio, in one run.
//!
//! ```text
//! cargo bench -p supervisor-runtime --bench supervision                          all figures
//! cargo bench -p supervisor-runtime --bench supervision -- restart storm         those that begin so
//! cargo bench -p supervisor-runtime --bench supervision -- --quick               fewer rounds, smaller trees
//! cargo bench -p supervisor-runtime --bench supervision -- --instructions        callgrind's instructions instead of times
//! ```
//!
//! Each figure is the median of rounds in which both sides run one after the other, the order swapped each round, first
//! on `current_thread` (`ct`), then on `multi_thread` with two workers (`mt2`). A line that begins with `#` is for
//! people; any other is one figure. What "by hand" means is said in [`sides`].

mod figures;
mod instructions;
mod measure;
mod memory;
mod options;
mod record;
mod report;
mod sides;
mod targets;

use crate::figures::FIGURES;
use crate::measure::{Effort, Flavor, Run};
use crate::options::{Mode, Options};
use crate::report::Report;

fn main() {
    let options = Options::of(std::env::args().skip(1));
    match options.mode {
        Mode::Figures(effort) => figures(effort, &options.names),
        Mode::Instructions => instructions::compare(&options.names),
        Mode::Count { name, side, units } => instructions::count(name, side, units),
        Mode::Memory { of, flavor, children } => memory::measure(of, flavor, children),
    }
}

fn figures(effort: Effort, names: &[String]) {
    let mut report = Report::new(effort, names);
    report.machine();
    // Panics are part of what is measured, and what they print is not.
    std::panic::set_hook(Box::new(|_| {}));
    for figure in FIGURES.iter().filter(|figure| figure.is_wanted(names)) {
        for flavor in Flavor::BOTH {
            (figure.measure)(&Run::new(flavor, effort), &mut report);
        }
    }
    report.summary();
}
