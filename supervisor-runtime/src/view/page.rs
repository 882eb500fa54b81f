//! What is told, by the page: many events share what they are kept in.

use std::sync::Arc;

use super::event::{Change, What};
use super::names::{Names, Place};

/// How many lines there are on a page.
///
/// Who keeps one event keeps its page, with the errors that are told on it.
pub(super) const LINES: usize = 64;

/// Some of the events of a tree, one after the other.
pub(crate) struct Page {
    /// The number of the first.
    pub(super) first: u64,
    /// Of which groups it tells, each with its first line; one may be there several times.
    names: Vec<(u32, Arc<Names>)>,
    lines: Vec<Told>,
}

/// What is told of one child or supervisor.
#[derive(Clone)]
pub(crate) struct Told {
    /// In nanoseconds since the group began: smaller than an instant.
    pub(crate) at: u64,
    pub(crate) subject: Subject,
    pub(crate) what: What,
    /// What it did to the state of a child.
    pub(crate) change: Option<Change>,
}

/// Whom it is told of.
#[derive(Clone, Copy)]
pub(crate) enum Subject {
    Child {
        child: u32,
        index: u32,
    },
    /// A supervisor as such; how it stands as a child is told of a child.
    Group,
}

impl Page {
    /// An empty page, with room for so many lines.
    pub(super) fn new(first: u64, room: usize) -> Self {
        Self { first, names: Vec::new(), lines: Vec::with_capacity(room) }
    }

    /// The same paper for others, with nothing on it.
    pub(super) fn wipe(&mut self) {
        self.names.clear();
        self.lines.clear();
    }

    #[inline]
    pub(super) fn write(&mut self, names: &Arc<Names>, told: Told) {
        if !self.names.last().is_some_and(|(_, last)| Arc::ptr_eq(last, names)) {
            self.names.push((self.lines.len() as u32, Arc::clone(names)));
        }
        self.lines.push(told);
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The number that comes after its last.
    pub(super) fn end(&self) -> u64 {
        self.first + self.lines.len() as u64
    }

    pub(super) fn told(&self, line: u32) -> &Told {
        &self.lines[line as usize]
    }

    /// What the group of that line and its children are called.
    pub(super) fn names(&self, line: u32) -> &Names {
        &self.names[self.names.partition_point(|(first, _)| *first <= line) - 1].1
    }
}

impl Told {
    /// The child that it is about, in a group with these names.
    pub(crate) fn place<'a>(&self, names: &'a Names) -> Option<Place<'a>> {
        match self.subject {
            Subject::Child { child, index } => Some(Place { names, child, index }),
            Subject::Group => None,
        }
    }
}
