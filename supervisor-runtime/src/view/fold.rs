//! Many of one child in few lines: what is the same is said once.

use super::look::{Look, Tone};
use super::names::Members;
use super::snapshot::Row;
use super::status::Status;

/// More than this many members in a row that all tell the same are one line. As many as fit on a screen beside others.
const FOLDED_BEYOND: usize = 16;

/// More lines than this of one child, and the rest is counted: whoever wants more wants all of them.
const LINES: usize = 3 * FOLDED_BEYOND;

/// A row, and what it has to tell.
pub(super) struct Told<'a> {
    pub(super) row: Row<'a>,
    pub(super) status: Status,
    pub(super) look: Look,
    /// What is said besides the numbers.
    pub(super) note: String,
}

/// What is drawn as one line.
pub(super) enum Line<'a> {
    One(Told<'a>),
    /// Some of one child in a row that tell the same.
    Same(Vec<Told<'a>>),
    /// The rest of a child that would take too many lines.
    Rest(Vec<Told<'a>>),
}

impl<'a> Told<'a> {
    pub(super) fn of(row: Row<'a>) -> Self {
        let status = row.status();
        let look = Look::of(&status);
        let note = super::note::note(&row, &status);
        Self { row, status, look, note }
    }

    fn tells_the_same_as(&self, other: &Self) -> bool {
        self.look == other.look && self.note == other.note
    }
}

/// What stands in a supervisor, in lines; `all`, if nothing is to be folded.
pub(super) fn lines<'a>(parent: &Row<'a>, all: bool) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    for members in members_by_child(parent) {
        if all || !can_be_folded(&members[0].row) {
            lines.extend(members.into_iter().map(Line::One));
        } else {
            lines.extend(folded(members));
        }
    }
    lines
}

/// A supervisor has children of its own to show.
fn can_be_folded(row: &Row<'_>) -> bool {
    row.members() != Members::One && !row.is_supervisor()
}

/// What stands in a supervisor, the replicas or members of each child together.
pub(super) fn members_by_child<'a>(parent: &Row<'a>) -> Vec<Vec<Told<'a>>> {
    let rows = parent.children().map(Told::of).collect();
    in_runs(rows, |one: &Told<'_>, next| one.row.child() == next.row.child())
}

fn folded(members: Vec<Told<'_>>) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut rest = Vec::new();
    for run in in_runs(members, Told::tells_the_same_as) {
        if lines.len() >= LINES {
            rest.extend(run);
        } else if run.len() > FOLDED_BEYOND {
            lines.push(Line::Same(run));
        } else {
            lines.extend(run.into_iter().map(Line::One));
        }
    }
    if !rest.is_empty() {
        lines.push(Line::Rest(rest));
    }
    lines
}

/// Cuts between two neighbours that are not alike.
fn in_runs<T>(items: Vec<T>, alike: impl Fn(&T, &T) -> bool) -> Vec<Vec<T>> {
    let mut runs: Vec<Vec<T>> = Vec::new();
    for item in items {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| alike(last, &item)) => run.push(item),
            _ => runs.push(vec![item]),
        }
    }
    runs
}

/// How many are in which state, in the order of a life: `3 ◔ delayed`.
pub(super) fn in_each_state(told: &[Told<'_>]) -> Vec<String> {
    let mut counts: Vec<(Look, usize)> = Vec::new();
    for Told { look, .. } in told {
        match counts.iter_mut().find(|(known, _)| known == look) {
            Some((_, count)) => *count += 1,
            None => counts.push((*look, 1)),
        }
    }
    counts.sort_by_key(|(look, _)| (look.state as u8, look.tone()));
    let counted = |(look, count): (Look, usize)| match look.tone() {
        // Nothing else here says what the glyph means.
        Tone::Unready => format!("{count} {} not ready", look.glyph()),
        _ => format!("{count} {look}"),
    };
    counts.into_iter().map(counted).collect()
}
