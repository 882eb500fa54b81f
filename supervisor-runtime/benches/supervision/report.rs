//! What is printed: a line for each figure, and in the end how well.

use std::collections::BTreeSet;

use crate::figures::is_wanted;
use crate::measure::{Effort, Flavor, Pair, Run};
use crate::targets::{Target, target};

/// Prints figures, and remembers how they compare with their targets.
pub(crate) struct Report {
    effort: Effort,
    names: Vec<String>,
    judged: Vec<Judged>,
}

/// A figure beside its target.
struct Judged {
    name: String,
    flavor: Flavor,
    measured: String,
    target: Target,
    is_met: bool,
}

impl Report {
    pub(crate) fn new(effort: Effort, names: &[String]) -> Self {
        Self { effort, names: names.to_vec(), judged: Vec::new() }
    }

    /// Where all of it was measured, and with what effort.
    pub(crate) fn machine(&self) {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let info = read("/proc/cpuinfo");
        let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
        let cpus = std::thread::available_parallelism().map_or(0, usize::from);
        println!("# cpu: {}, {cpus} threads, {}", model.trim_matches([' ', '\t', ':']), std::env::consts::OS);
        let load = read("/proc/loadavg");
        println!("# load before: {}", load.split(' ').take(3).collect::<Vec<_>>().join(" "));
        let (short, long) = (self.effort.short_rounds(), self.effort.rounds());
        match self.effort {
            Effort::Full => println!("# medians of {short} short rounds or {long} long ones"),
            Effort::Quick => println!("# medians of only {short} short rounds or {long} long ones: a first look"),
            Effort::Smoke => println!("# one small round, to see that it works: the figures mean nothing"),
        }
    }

    /// What belongs to a figure and is none itself.
    pub(crate) fn note(&self, name: &str, text: &str) {
        if is_wanted(name, &self.names) {
            println!("# {name} {text}");
        }
    }

    /// Times of both sides.
    pub(crate) fn ns(&mut self, name: &str, run: &Run, pair: Pair) {
        self.pair(name, run, pair, "ns");
    }

    /// Memory of both sides.
    pub(crate) fn bytes(&mut self, name: &str, run: &Run, pair: Pair) {
        self.pair(name, run, pair, "bytes");
    }

    /// How much the time for each child grows with the number of children, on both sides.
    pub(crate) fn growth(&mut self, name: &str, run: &Run, pair: Pair) {
        self.pair(name, run, pair, "growth");
    }

    /// A time that has no counterpart.
    pub(crate) fn ours(&mut self, name: &str, run: &Run, ns: f64) {
        let alone = Pair { ours: ns, raw: f64::NAN };
        self.line(name, run, alone, format!("ours_ns={ns:.1}"));
    }

    /// A time that is compared with our own in another case.
    pub(crate) fn grown(&mut self, name: &str, run: &Run, pair: Pair) {
        let Pair { ours, raw } = pair;
        self.line(name, run, pair, format!("ours_ns={ours:.1} empty_ns={raw:.1} ratio={:.3}", pair.ratio()));
    }

    fn pair(&mut self, name: &str, run: &Run, pair: Pair, unit: &str) {
        let Pair { ours, raw } = pair;
        let digits = if unit == "growth" { 3 } else { 1 };
        let figures = format!("ours_{unit}={ours:.digits$} raw_{unit}={raw:.digits$} ratio={:.3}", pair.ratio());
        self.line(name, run, pair, figures);
    }

    fn line(&mut self, name: &str, run: &Run, pair: Pair, figures: String) {
        if !is_wanted(name, &self.names) {
            return;
        }
        println!("{name} flavor={} {figures}", run.flavor.name());
        if let Some(target) = target(name, run.flavor) {
            let (measured, is_met) = target.judge(pair);
            self.judged.push(Judged { name: name.to_owned(), flavor: run.flavor, measured, target, is_met });
        }
    }

    /// Each figure beside its target, in both flavors; nobody judges what means nothing.
    pub(crate) fn summary(&self) {
        if self.effort == Effort::Smoke {
            return;
        }
        println!("#\n# | figure | `ct` | target | | `mt2` | target | |\n# |---|---|---|---|---|---|---|");
        let names = self.judged.iter().map(|judged| &judged.name);
        for name in names.collect::<BTreeSet<_>>() {
            let cells = Flavor::BOTH.into_iter().map(|flavor| {
                let judged = self.judged.iter().find(|judged| judged.name == *name && judged.flavor == flavor);
                judged.map_or_else(|| " | | |".to_owned(), Judged::cells)
            });
            println!("# | `{name}` |{}", cells.collect::<String>());
        }
        let met = self.judged.iter().filter(|judged| judged.is_met).count();
        println!("# {met} of {} targets met", self.judged.len());
    }
}

impl Judged {
    fn cells(&self) -> String {
        let met = if self.is_met { "met" } else { "missed" };
        format!(" {} | {} | {met} |", self.measured, self.target)
    }
}
