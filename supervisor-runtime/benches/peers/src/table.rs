//! All contestants in turns, and the table.

use crate::contestants::CONTESTANTS;
use crate::measure::{Effort, Flavor, Run, median};
use crate::memory;
use crate::scenario::{CHILDREN, Can, Contestant};

const FIGURES: [&str; 5] = ["restart_cycle", "group_restart", "start", "stop", "memory"];

/// What each contestant takes, on one of the runtimes: for each figure, the median or why there is none.
pub(crate) struct Table {
    flavor: Flavor,
    wanted: Vec<&'static str>,
    rows: Vec<(&'static Contestant, Vec<Result<f64, &'static str>>)>,
}

impl Table {
    pub(crate) fn measured(flavor: Flavor, effort: Effort, names: &[String]) -> Self {
        let is_wanted = |figure: &&str| names.is_empty() || names.iter().any(|name| figure.starts_with(name.as_str()));
        let wanted: Vec<&str> = FIGURES.into_iter().filter(is_wanted).collect();
        let mut rows: Vec<_> = CONTESTANTS.iter().map(|contestant| (contestant, Vec::new())).collect();
        let run = Run::new(flavor, effort);
        for figure in &wanted {
            for (row, values) in rows.iter_mut().zip(in_turns(&run, figure)) {
                row.1.push(values.map(median));
            }
        }
        Self { flavor, wanted, rows }
    }

    /// One line for each figure of each contestant, and the ratios as a table.
    pub(crate) fn print(&self) {
        let flavor = self.flavor.name();
        let raw = self.rows.first().map(|(_, values)| values.clone()).unwrap_or_default();
        let ratio = |of: usize, value: f64| value / raw[of].unwrap_or(f64::NAN);
        for (contestant, values) in &self.rows {
            for (of, (figure, value)) in self.wanted.iter().zip(values).enumerate() {
                let unit = if *figure == "memory" { "bytes" } else { "ns" };
                if let Ok(value) = value {
                    let ratio = ratio(of, *value);
                    println!("{figure} flavor={flavor} peer={} {unit}={value:.1} ratio={ratio:.3}", contestant.name);
                }
            }
        }
        let heads: String = self.wanted.iter().map(|figure| format!(" {figure} |")).collect();
        println!("#\n# | ratio to by hand, {flavor} |{heads}");
        println!("# |---|{}", "---|".repeat(self.wanted.len()));
        for (contestant, values) in &self.rows {
            let cells = values.iter().enumerate().map(|(of, value)| match value {
                Ok(value) => format!(" {} |", rounded(ratio(of, *value))),
                Err(_) => " - |".to_owned(),
            });
            println!("# | {} |{}", contestant.name, cells.collect::<String>());
        }
        for (contestant, values) in &self.rows {
            for (figure, value) in self.wanted.iter().zip(values) {
                if let Err(why) = value {
                    println!("# {}: no {figure}, {why}", contestant.name);
                }
            }
        }
        println!("#");
    }
}

/// Three digits are more than the noise leaves.
fn rounded(ratio: f64) -> String {
    match ratio {
        ratio if ratio >= 100.0 => format!("{ratio:.0}"),
        ratio if ratio >= 10.0 => format!("{ratio:.1}"),
        ratio => format!("{ratio:.2}"),
    }
}

/// What each contestant takes in each round. Each round begins with another one.
fn in_turns(run: &Run, figure: &str) -> Vec<Result<Vec<f64>, &'static str>> {
    let mut all: Vec<Result<Vec<f64>, &'static str>> = CONTESTANTS.iter().map(|_| Ok(Vec::new())).collect();
    for round in 0..=run.effort.rounds() {
        for turn in 0..CONTESTANTS.len() {
            let number = (round + turn) % CONTESTANTS.len();
            let value = once(run, figure, &CONTESTANTS[number]);
            match (&mut all[number], value) {
                // The first round warms up.
                (Ok(_), Ok(_)) if round == 0 => {}
                (Ok(values), Ok(value)) => values.push(value),
                (values, Err(why)) => *values = Err(why),
                (Err(_), Ok(_)) => {}
            }
        }
    }
    all
}

fn once(run: &Run, figure: &str, contestant: &Contestant) -> Result<f64, &'static str> {
    match (figure, contestant.restart_cycle, contestant.group_restart, contestant.idle) {
        ("restart_cycle", Can::Do(units, scenario), ..) | ("group_restart", _, Can::Do(units, scenario), _) => {
            Ok(run.rested(scenario(units)))
        }
        ("start", .., Can::Do(units, scenario)) => Ok(run.rested(scenario(units)).start_ns),
        ("stop", .., Can::Do(units, scenario)) => Ok(run.rested(scenario(units)).stop_ns),
        ("memory", .., Can::Do(..)) => {
            Ok(memory::of_each_child(contestant, run.flavor, run.effort.children_of_memory(CHILDREN)))
        }
        ("restart_cycle", Can::Not(why), ..) | ("group_restart", _, Can::Not(why), _) | (.., Can::Not(why)) => Err(why),
        _ => Err("it is not one of the figures"),
    }
}
