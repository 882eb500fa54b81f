//! What has happened, from events.

use std::fmt;
use std::time::{Duration, Instant};

use super::diff::{Line, diff};
use super::notation::{Item, Target, Word};
use crate::declare::Kind;
use crate::view::{Event, What};

/// What has happened in a tree, in the [notation](super#the-trace) in which it is asserted.
#[derive(Clone, Debug)]
pub struct Trace {
    /// When the page begins.
    from: Instant,
    pub(super) happened: Vec<Happening>,
}

/// An event that a trace shows.
#[derive(Clone, Debug)]
pub(super) struct Happening {
    item: Item,
    at: Instant,
    /// What the event says besides.
    note: String,
}

impl Happening {
    /// What a trace shows of an event, if anything: what has happened to a service, not what was announced, and of supervisors
    /// what their children cannot tell.
    pub(super) fn of(event: &Event, tree: &str) -> Option<Self> {
        let (is_root, is_supervisor) = match event.place() {
            Some(place) => (event.path() == tree, place.label().kind == Kind::Supervisor),
            None => (false, true),
        };
        let word = match event.what() {
            What::ShutDown { .. } => Word::End,
            _ if is_root => return None,
            What::GaveUp { .. } => Word::GiveUp,
            What::Escalating { .. } => Word::Escalate,
            What::Crashing { .. } => Word::Crash,
            What::Failed(_) => Word::Fail,
            What::Dropped(_) => Word::Drop,
            What::Stuck => Word::Stuck,
            What::Done(_) => Word::Done,
            What::Forfeited => Word::Forfeit,
            _ if is_supervisor => return None,
            What::Started => Word::Start,
            What::Stopped(Some(_)) => Word::Stop,
            What::Ready => Word::Ready,
            What::NotReady(_) => Word::NotReady,
            What::Initialized(_)
            | What::Added
            | What::Waiting
            | What::Starting
            | What::Restarting { .. }
            | What::Steered(_)
            | What::Stopping
            | What::Dropping
            | What::Stopped(None)
            | What::Gone
            | What::NotStarted
            | What::Discarded
            | What::RollingBack { .. }
            | What::ShuttingDown => return None,
        };
        let note = match event.what() {
            What::Failed(_)
            | What::Dropped(_)
            | What::GaveUp { .. }
            | What::Escalating { .. }
            | What::Crashing { .. }
            | What::NotReady(_)
            | What::ShutDown { error: Some(_) } => event.what().to_string(),
            What::Stopped(Some(exit)) if exit.error().is_some() => exit.to_string(),
            _ => String::new(),
        };
        let target = match word {
            Word::End => Target { name: String::new(), indices: None },
            _ => Target::of(relative(&event.path(), tree)),
        };
        Some(Self { item: Item::Happened(word, target), at: event.at(), note })
    }

    pub(super) fn is(&self, item: &Item) -> bool {
        self.item == *item
    }
}

/// A path below the outermost supervisor, which is the way in which trees are asked for children.
pub(super) fn relative<'a>(path: &'a str, tree: &str) -> &'a str {
    path.strip_prefix(tree).and_then(|rest| rest.strip_prefix('/')).unwrap_or(path)
}

impl Trace {
    pub(super) fn from(from: Instant) -> Self {
        Self { from, happened: Vec::new() }
    }

    /// What is different from what was expected, if anything is; times count where the expectation has any. The notes tell times
    /// since `epoch`.
    pub(super) fn differs_from(&self, expected: &[Item], epoch: Instant) -> Option<String> {
        let is_timed = expected.iter().any(|item| matches!(item, Item::Passed(_)));
        let happened = self.lines(is_timed, epoch);
        let is_equal = happened.iter().map(|line| &line.item).eq(expected);
        (!is_equal).then(|| diff(expected, &happened))
    }

    /// The items in the form in which they are compared, with what else is known of each.
    fn lines(&self, is_timed: bool, epoch: Instant) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        let mut before = self.from;
        for Happening { item, at, note } in &self.happened {
            let passed = whole_millis(at.saturating_duration_since(before));
            before = *at;
            if is_timed && !passed.is_zero() {
                lines.push(Line { item: Item::Passed(passed), note: String::new() });
            }
            if lines.last_mut().is_some_and(|last| last.item.merge(item)) {
                continue;
            }
            let since = whole_millis(at.saturating_duration_since(epoch));
            // The beginning needs no telling.
            let at = if since.is_zero() { String::new() } else { format!("at {since:?}") };
            let separator = if at.is_empty() || note.is_empty() { "" } else { ": " };
            lines.push(Line { item: item.clone(), note: format!("{at}{separator}{note}") });
        }
        lines
    }
}

/// Tokio's timers are as exact as that.
fn whole_millis(time: Duration) -> Duration {
    Duration::from_millis(time.as_millis() as u64)
}

impl fmt::Display for Trace {
    /// `start db, fail db, start db`; with `{:#}` also the times that passed: `start db, +2s, fail db, +100ms, start db`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, line) in self.lines(f.alternate(), self.from).iter().enumerate() {
            write!(f, "{}{}", if number == 0 { "" } else { ", " }, line.item)?;
        }
        Ok(())
    }
}
