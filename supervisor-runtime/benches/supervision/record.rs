//! What `BENCHMARKS.md` records of that which is counted, not timed: more of it is a mistake, or has to be recorded.

use std::path::Path;
use std::process::exit;

/// The figures of one of its sections.
pub(crate) struct Record {
    section: &'static str,
    /// None where there is no such file, as in a package from a registry: then nothing is kept to.
    figures: Option<Vec<(String, f64)>>,
    /// How much more may be by chance, as a part.
    slack: f64,
    is_exceeded: bool,
}

impl Record {
    /// Of the numbers in this column, after the names.
    pub(crate) fn of(section: &'static str, column: usize, slack: f64) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../BENCHMARKS.md");
        let figures = std::fs::read_to_string(path).ok().map(|text| {
            let lines = text.lines().skip_while(|line| line.strip_prefix("## ") != Some(section)).skip(1);
            lines.take_while(|line| !line.starts_with("## ")).filter_map(|row| figure(row, column)).collect()
        });
        Self { section, figures, slack, is_exceeded: false }
    }

    /// Says so if that is more than what is recorded.
    pub(crate) fn compare(&mut self, name: &str, counted: f64) {
        let Some(figures) = &self.figures else { return };
        let section = self.section;
        match figures.iter().find(|(figure, _)| figure == name) {
            Some((_, recorded)) if counted > recorded * (1.0 + self.slack) => eprintln!(
                "`{name}` is {counted:.2}, and BENCHMARKS.md records {recorded:.2} under \"{section}\": find what takes more, \
                 or record it there if it is worth that"
            ),
            Some(_) => return,
            None => eprintln!("`{name}` is {counted:.2}, and not in BENCHMARKS.md: record it under \"{section}\""),
        }
        self.is_exceeded = true;
    }

    /// Fails if anything was more.
    pub(crate) fn conclude(self) {
        if self.is_exceeded {
            exit(1);
        }
    }
}

/// One row: "| `restart_cycle` | 2,117 | 3,731 | 0.57 |"
fn figure(row: &str, column: usize) -> Option<(String, f64)> {
    let mut cells = row.strip_prefix("| `")?.split('|').map(str::trim);
    let name = cells.next()?.strip_suffix('`')?;
    Some((name.to_owned(), cells.nth(column)?.replace(',', "").parse().ok()?))
}
