//! A snapshot as a table for a terminal.

use std::fmt;

use super::fold::{Line, Told, in_each_state, lines};
use super::human::human;
use super::snapshot::{Row, Snapshot};
use super::status::State;
use crate::line::{Abridged, branch, one_line, pad, width};

/// A row is cut here: what most terminals on half a screen hold, and what a pager does not wrap.
const WIDTH: usize = 120;

/// But so much of a message is always shown: less would not tell one from another.
const MESSAGE: usize = 60;

impl fmt::Display for Snapshot {
    /// A table for a terminal, a row for each child, in lines like those of an [`Outline`](crate::Outline):
    ///
    /// ```text
    /// Orders is not ready (Orders/mail: no relay); 7 children, 1 delayed, 1 starting
    /// Orders: one_for_all   ▲ running   3d 4h  100/100 in 1m 30s
    /// ├─ db                 ● running   3d 4h
    /// ├─ mail               ▲ running   2m 5s  incarnation 2, 1 restart   not ready: no relay; last exit: failed: connecting: refused
    /// ├─ pool: one_for_one  ▲ running   3d     9/10 in 1s
    /// │  ├─ worker[0]       ● running   1.2s
    /// │  └─ worker[1]       ◔ delayed   15ms   incarnation 4, 4 restarts  starts in 1.2s; last exit: failed: no route
    /// └─ (crashing)         ▲ running   1d
    ///    └─ last            ◐ starting  400ms
    /// ```
    ///
    /// The columns are name, state, time in that state, numbers, and what there is to say. The numbers of a supervisor
    /// are the restarts that are left of its limit in this window. Where more than 16 members of a child in a row tell
    /// the same they are one row, and a message that is too long for a line is cut; `{:#}` shows every row, and all of
    /// it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = f.alternate();
        let mut rows = Vec::new();
        let root = Told::of(self.root());
        rows.push(cells(one_line(&title(&root.row)), std::slice::from_ref(&root)));
        below(&root.row, "", all, &mut rows);

        headline(self, &root, f)?;
        let mut widths = [0; COLUMNS];
        for row in &rows {
            for (widest, cell) in widths.iter_mut().zip(&row.columns) {
                *widest = width(cell).max(*widest);
            }
        }
        let used: usize = widths.iter().filter(|&&width| width > 0).map(|width| width + GAP).sum();
        let room = if all { usize::MAX } else { WIDTH.saturating_sub(used).max(MESSAGE) };
        rows.iter().try_for_each(|row| row.write(&widths, room, f))
    }
}

/// `Orders is not ready (Orders/mail: no relay); 8 children, 1 delayed`
fn headline(snapshot: &Snapshot, root: &Told<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{} is ", one_line(root.row.name()))?;
    match (root.status.state(), root.status.not_ready()) {
        (State::Running, None) => f.write_str("ready")?,
        (State::Running, Some(reason)) => write!(f, "not ready ({})", one_line(&reason))?,
        (state, _) => write!(f, "{state}")?,
    }
    let states: Vec<_> = snapshot.rows().iter().skip(1).map(Row::state).collect();
    write!(f, "; {} {}", states.len(), if states.len() == 1 { "child" } else { "children" })?;
    for state in State::ALL.into_iter().filter(|state| *state != State::Running) {
        match states.iter().filter(|one| **one == state).count() {
            0 => {}
            count => write!(f, ", {count} {state}")?,
        }
    }
    f.write_str("\n")
}

/// `pool: one_for_one`, `(one_for_one)`, `worker[2]`
pub(super) fn title(row: &Row<'_>) -> String {
    match (row.label(), row.strategy()) {
        (label, Some(strategy)) if row.name() != format!("({strategy})") => format!("{label}: {strategy}"),
        (label, _) => label,
    }
}

fn below(parent: &Row<'_>, indent: &str, all: bool, rows: &mut Vec<Cells>) {
    let lines = lines(parent, all);
    let last = lines.len().saturating_sub(1);
    for (index, line) in lines.iter().enumerate() {
        let (branch, further) = branch(index == last);
        let named = |name: &str| format!("{indent}{branch}{}", one_line(name));
        match line {
            Line::One(told) => {
                rows.push(cells(named(&title(&told.row)), std::slice::from_ref(told)));
                below(&told.row, &format!("{indent}{further}"), all, rows);
            }
            Line::Same(told) => {
                let (row, first, last) = (&told[0].row, told[0].row.index(), told[told.len() - 1].row.index());
                rows.push(cells(named(&format!("{}[{first}..={last}] ×{}", row.name(), told.len())), told));
            }
            Line::Rest(told) => rows.push(rest(named(&format!("{} ×{}", told[0].row.name(), told.len())), told)),
        }
    }
}

/// The columns that are aligned.
const COLUMNS: usize = 4;

/// Between two columns.
const GAP: usize = 2;

pub(super) struct Cells {
    pub(super) columns: [String; COLUMNS],
    pub(super) note: String,
}

/// What one tells, or several that tell the same but for their numbers.
pub(super) fn cells(name: String, told: &[Told<'_>]) -> Cells {
    let Told { row, look, note, .. } = &told[0];
    let incarnations = span(told, |told| told.status.incarnation());
    let restarts = span(told, |told| told.status.restarts());
    let time = span(told, |told| told.status.in_state());
    let delay = span(told, |told| told.status.delay().unwrap_or_default());

    let mut notes = Vec::new();
    if look.state == State::Delayed {
        notes.push(format!("starts in {}", joined(delay, human)));
    }
    if !note.is_empty() {
        notes.push(note.clone());
    }
    let mut numbers: Vec<_> = limit_left(row).into_iter().collect();
    if incarnations.1 > 1 {
        numbers.push(format!("incarnation {}", joined(incarnations, |one| one.to_string())));
    }
    if restarts.1 > 0 {
        let plural = if restarts == (1, 1) { "" } else { "s" };
        numbers.push(format!("{} restart{plural}", joined(restarts, |one| one.to_string())));
    }
    Cells { columns: [name, look.to_string(), joined(time, human), numbers.join(", ")], note: notes.join("; ") }
}

/// What would take too many lines, counted.
fn rest(name: String, told: &[Told<'_>]) -> Cells {
    let mut columns = [const { String::new() }; COLUMNS];
    columns[0] = name;
    Cells { columns, note: format!("{}; `{{:#}}` shows each", in_each_state(told).join(", ")) }
}

/// `9/10 in 1s`
fn limit_left(row: &Row<'_>) -> Option<String> {
    let (limit, left) = (row.limit()?, row.restarts_left()?);
    Some(format!("{left}/{} in {}", limit.max_restarts, human(limit.over)))
}

/// The least and the most.
fn span<T: Copy + Ord>(told: &[Told<'_>], value: impl Fn(&Told<'_>) -> T) -> (T, T) {
    let first = value(&told[0]);
    told.iter().map(value).fold((first, first), |(least, most), one| (least.min(one), most.max(one)))
}

/// `2s .. 3d 4h`, or one where both read the same.
fn joined<T>((least, most): (T, T), shown: impl Fn(T) -> String) -> String {
    let (least, most) = (shown(least), shown(most));
    if least == most { least } else { format!("{least} .. {most}") }
}

impl Cells {
    fn write(&self, widths: &[usize; COLUMNS], room: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nothing is written behind the last word.
        let ends = if self.note.is_empty() {
            self.columns.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1)
        } else {
            COLUMNS
        };
        for (index, (cell, &width)) in self.columns.iter().zip(widths).enumerate().take(ends) {
            if width > 0 {
                let last = index + 1 == ends && self.note.is_empty();
                pad(f, cell, if last { 0 } else { width + GAP })?;
            }
        }
        // Where it is cut, two dots say so.
        if width(&self.note) <= room {
            writeln!(f, "{}", self.note)
        } else {
            writeln!(f, "{}", Abridged(&self.note, room - 3))
        }
    }
}

#[cfg(test)]
mod tests;
