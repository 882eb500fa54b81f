//! What is asked for on the command line.

use crate::instructions::Side;
use crate::measure::{Effort, Flavor};
use crate::memory::Of;

/// What to do, and which figures are wanted; all of them if none is named.
pub(crate) struct Options {
    pub(crate) mode: Mode,
    pub(crate) names: Vec<String>,
}

pub(crate) enum Mode {
    Figures(Effort),
    /// Callgrind counts what both sides execute.
    Instructions,
    /// One side of one scenario, and nothing else: what callgrind looks at.
    Count {
        name: String,
        side: Side,
        units: usize,
    },
    /// One side of one start in a process of its own.
    Memory {
        of: Of,
        flavor: Flavor,
        children: usize,
    },
}

const USAGE: &str = "usage: [--quick | --instructions | --count NAME ours|raw UNITS] [NAME..]";

impl Options {
    pub(crate) fn of(args: impl Iterator<Item = String>) -> Self {
        parse(args).unwrap_or_else(|| {
            eprintln!("{USAGE}");
            std::process::exit(2);
        })
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Option<Options> {
    // `cargo bench` says `--bench`; `cargo test --benches` does not, and only wants to see that everything works.
    let mut mode = Mode::Figures(Effort::Smoke);
    let mut names = Vec::new();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => {
                if matches!(mode, Mode::Figures(Effort::Smoke)) {
                    mode = Mode::Figures(Effort::Full);
                }
            }
            "--quick" => mode = Mode::Figures(Effort::Quick),
            "--test" => mode = Mode::Figures(Effort::Smoke),
            "--instructions" => mode = Mode::Instructions,
            "--count" => {
                let (name, side, units) = (args.next()?, args.next()?, args.next()?);
                mode = Mode::Count { name, side: Side::named(&side)?, units: units.parse().ok()? };
            }
            "--memory" => {
                let (of, flavor, children) = (args.next()?, args.next()?, args.next()?);
                mode = Mode::Memory {
                    of: Of::named(&of)?,
                    flavor: Flavor::named(&flavor)?,
                    children: children.parse().ok()?,
                };
            }
            flag if flag.starts_with('-') => return None,
            name => names.push(name.to_owned()),
        }
    }
    Some(Options { mode, names })
}
