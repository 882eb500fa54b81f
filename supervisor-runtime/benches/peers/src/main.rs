//! The same scenarios for other supervisors, each beside the hand-written tokio in the same run.
//!
//! ```text
//! cd supervisor-runtime/benches/peers
//! cargo run --release                          the table
//! cargo run --release -- --quick               fewer rounds
//! cargo run --release -- --quick restart       figures that begin so
//! ```
//!
//! Every contestant has its limits as far away as they go and its delays switched off. What one cannot express is a `-`,
//! with the reason below the table. What "by hand" means is said in the scenarios themselves, which are those of the
//! benchmark beside this package.

#[allow(dead_code, reason = "shared with the benchmark beside this package, which measures more")]
#[path = "../../supervision/measure.rs"]
mod measure;
#[allow(dead_code, reason = "shared with the benchmark beside this package, which measures more")]
#[path = "../../supervision/sides/mod.rs"]
mod sides;

mod contestants;
mod memory;
mod scenario;
mod table;

use crate::measure::{Effort, Flavor};
use crate::table::Table;

fn main() {
    let mut effort = Effort::Full;
    let mut names = Vec::new();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--quick" => effort = Effort::Quick,
            "--memory" => return memory::measure(args),
            _ => names.push(arg),
        }
    }
    // Panics and errors are part of what is measured, and what they print is not.
    std::panic::set_hook(Box::new(|_| {}));
    for flavor in Flavor::BOTH {
        Table::measured(flavor, effort, &names).print();
    }
}
