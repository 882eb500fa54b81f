//! What a table says of a child besides its state and its numbers.

use std::error::Error;
use std::fmt::Write;

use super::snapshot::Row;
use super::status::{State, Status};
use crate::line::one_line;
use crate::{Cause, Exit};

/// What it waits for, why it is not ready, if it has said so, and its last exit, if that is worth a word.
pub(super) fn note(row: &Row<'_>, status: &Status) -> String {
    let mut note = match row.waits_for().split_first() {
        Some((first, [])) => format!("waits for {first}"),
        Some((first, more)) => format!("waits for {first} and {} more", more.len()),
        None => String::new(),
    };
    // Why a supervisor is not ready is told below it, and at the head of the table.
    if status.state() == State::Running
        && !row.is_supervisor()
        && let Some(reason) = status.not_ready()
    {
        let _ = write!(note, "not ready: {}", one_line(&reason));
    }
    if let Some(exit) = status.last_exit()
        && is_telling(exit, status.state())
    {
        let separator = if note.is_empty() { "" } else { "; " };
        let _ = write!(note, "{separator}last exit: {}", whole(exit));
    }
    note
}

/// One that was asked to stop and did has nothing to add, and `done` says what an `Ok` would say.
fn is_telling(exit: &Exit, state: State) -> bool {
    match exit.cause() {
        Cause::Done => !exit.was_asked() && !matches!(state, State::Done | State::Gone),
        _ => true,
    }
}

/// How it ended, with the whole chain of its error, in one line.
fn whole(exit: &Exit) -> String {
    let mut text = exit.to_string();
    for source in sources(exit) {
        let _ = write!(text, ": {source}");
    }
    one_line(&text)
}

/// What stands behind the error with which it ended.
pub(crate) fn sources(exit: &Exit) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let first = exit.error().and_then(|error| error.source());
    std::iter::successors(first, |&error| error.source())
}
