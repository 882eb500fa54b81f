//! The whole tree at one instant.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::names::{GroupId, Members, Names};
use super::status::{Facts, State, Status};
use crate::RestartLimit;
use crate::declare::Kind;

/// The whole tree at one instant.
///
/// `Display` draws it as a table for a terminal. It keeps nothing of the tree alive, but the errors of the last exits.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) number: u64,
    pub(crate) at: Instant,
    pub(crate) groups: BTreeMap<GroupId, GroupPart>,
}

/// What stands above the outermost supervisor: one place, in which that stands.
pub(crate) const ANCHOR: GroupId = 0;

/// One group in a snapshot.
#[derive(Clone)]
pub(crate) struct GroupPart {
    pub(crate) names: Arc<Names>,
    pub(crate) strategy: &'static str,
    /// `None` where nothing is ever restarted.
    pub(crate) limit: Option<RestartLimit>,
    /// When the restarts were decided that still counted when this was taken.
    pub(crate) spent: VecDeque<Instant>,
    /// The number of the last event that it takes into account.
    pub(crate) as_of: u64,
    pub(crate) children: BTreeMap<(u32, u32), ChildPart>,
    /// Looked for when it is asked for, and forgotten with each change.
    pub(crate) progress: OnceLock<Progress>,
}

/// The children of a group that are on their way, by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    stopping: BTreeSet<u32>,
    /// Being started, or waiting for their delay.
    starting: BTreeSet<u32>,
    waiting: BTreeSet<u32>,
}

impl Progress {
    /// What has to come before a child that waits: of what it requires, where that is the order.
    fn before(&self, child: u32, requires: Option<&[u32]>) -> Vec<u32> {
        let Self { stopping, starting, waiting } = self;
        if let Some(requires) = requires {
            let unsettled =
                |child: &u32| [stopping, starting, waiting].iter().any(|on_the_way| on_the_way.contains(child));
            return requires.iter().copied().filter(unsettled).collect();
        }
        // What is being stopped for a restart may stand anywhere; then it goes on in order.
        let under_way: BTreeSet<u32> = stopping.iter().chain(starting.range(..child)).copied().collect();
        if under_way.is_empty() {
            waiting.range(..child).next().copied().into_iter().collect()
        } else {
            under_way.into_iter().collect()
        }
    }
}

impl GroupPart {
    fn progress(&self) -> &Progress {
        self.progress.get_or_init(|| {
            let mut progress = Progress::default();
            for ((child, _), part) in &self.children {
                let on_the_way = match part.facts.state {
                    State::Stopping => &mut progress.stopping,
                    State::Starting | State::Delayed => &mut progress.starting,
                    State::Waiting => &mut progress.waiting,
                    _ => continue,
                };
                on_the_way.insert(*child);
            }
            progress
        })
    }
}

/// One child in a snapshot.
#[derive(Clone)]
pub(crate) struct ChildPart {
    pub(crate) facts: Facts,
    /// Its own group, if it is a supervisor that has been made.
    pub(crate) group: Option<GroupId>,
}

/// One child, replica, member or supervisor in a [`Snapshot`].
#[derive(Clone, Copy)]
pub struct Row<'a> {
    snapshot: &'a Snapshot,
    group: &'a GroupPart,
    key: (u32, u32),
    part: &'a ChildPart,
    depth: usize,
}

impl Snapshot {
    /// The number of the last [event](super::Event) that it takes into account.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// When it was taken.
    pub fn at(&self) -> Instant {
        self.at
    }

    /// The outermost supervisor.
    pub fn root(&self) -> Row<'_> {
        let group = &self.groups[&ANCHOR];
        let (&key, part) = group.children.first_key_value().expect("the anchor has one place");
        Row { snapshot: self, group, key, part, depth: 0 }
    }

    /// Every row, the outermost supervisor first, each before what is below it.
    pub fn rows(&self) -> Vec<Row<'_>> {
        let mut rows = Vec::new();
        let mut todo = vec![self.root()];
        while let Some(row) = todo.pop() {
            rows.push(row);
            let below = todo.len();
            todo.extend(row.children());
            todo[below..].reverse();
        }
        rows
    }

    /// The row of a path: `orders/pool/worker[2]`.
    pub fn get(&self, path: &str) -> Option<Row<'_>> {
        // From group to group by the names on the way; those that have none are on every way.
        let mut todo = vec![(&self.groups[&ANCHOR], 0)];
        while let Some((group, depth)) = todo.pop() {
            for (child, part) in group.candidates(path) {
                let row = Row { snapshot: self, group, key: child, part, depth };
                if row.path() == path {
                    return Some(row);
                }
                todo.extend(row.below().map(|below| (below, depth + 1)));
            }
        }
        None
    }
}

impl GroupPart {
    /// What stands at a path, or may have it below itself.
    fn candidates<'a>(&'a self, path: &str) -> impl Iterator<Item = ((u32, u32), &'a ChildPart)> {
        let Names { prefix, labels, .. } = &*self.names;
        let rest = match prefix.is_empty() {
            true => Some(path),
            false => path.strip_prefix(prefix.as_str()).and_then(|rest| rest.strip_prefix('/')),
        };
        let on_the_way = (0..).zip(labels.iter()).filter_map(move |(child, label)| {
            let rest = rest?;
            // A supervisor without a name is not part of a path, other than of its own.
            if label.kind == Kind::Supervisor && label.text.starts_with('(') {
                return Some((child, 0));
            }
            let rest = rest.strip_prefix(label.text.as_str())?;
            let index = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')?.0.parse().ok());
            (rest.is_empty() || rest.starts_with(['/', '['])).then_some((child, index.unwrap_or(0)))
        });
        on_the_way.filter_map(|key| self.children.get_key_value(&key)).map(|(key, part)| (*key, part))
    }
}

impl<'a> Row<'a> {
    /// Where it stands in the tree: `orders/pool/worker[2]`.
    pub fn path(&self) -> String {
        self.group.names.path_of(self.key.0, self.key.1)
    }

    /// Its name, with the index of a replica or member: `worker[2]`.
    pub fn label(&self) -> String {
        self.group.names.label_of(self.key.0, self.key.1)
    }

    /// How deep it stands, from 0.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Where it stands in its life cycle, and since when. Of a supervisor, ready means that all below it is.
    pub fn status(&self) -> Status {
        let mut status = Status { facts: self.part.facts.clone(), at: self.snapshot.at };
        if let Some(reason) = self.unready_below() {
            status.facts.not_ready = Some(reason.into());
        }
        status
    }

    /// The strategy, if it is a supervisor.
    pub fn strategy(&self) -> Option<&'static str> {
        self.below().map(|group| group.strategy)
    }

    /// The restart limit, if it is a supervisor that restarts.
    pub fn limit(&self) -> Option<RestartLimit> {
        self.below().and_then(|group| group.limit)
    }

    /// How many more restarts it may make in this window, if it is a supervisor that restarts.
    pub fn restarts_left(&self) -> Option<u32> {
        let group = self.below()?;
        let RestartLimit { max_restarts, over } = group.limit?;
        let counts = |then: &&Instant| self.snapshot.at.saturating_duration_since(**then) <= over;
        Some(max_restarts.saturating_sub(group.spent.iter().rev().take_while(counts).count() as u32))
    }

    /// Whether it is a supervisor.
    pub fn is_supervisor(&self) -> bool {
        self.group.names.labels[self.key.0 as usize].kind == Kind::Supervisor
    }

    /// What stands in it, in the order of declaration.
    pub fn children(&self) -> impl Iterator<Item = Row<'a>> + 'a {
        let (snapshot, depth) = (self.snapshot, self.depth + 1);
        self.below().into_iter().flat_map(move |group| {
            group.children.iter().map(move |(&key, part)| Row { snapshot, group, key, part, depth })
        })
    }

    /// The names of the earlier children of its supervisor that it depends on: those that it uses, and those that it names in
    /// `requires`.
    pub fn requires(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let labels = &self.group.names.labels;
        self.requirements().iter().map(|&child| &*labels[child as usize].text)
    }

    /// The same, by number.
    pub(crate) fn requirements(&self) -> &'a [u32] {
        &self.group.names.labels[self.key.0 as usize].requires
    }

    /// What it waits for, if it is to be started and its turn has not come: the paths, without an index, of what has to
    /// start, or to stop, first.
    ///
    /// In a `dependents_for_one` group, what it depends on; in any other what is being stopped or started before it, or the
    /// first that is to be.
    pub fn waits_for(&self) -> Vec<String> {
        if self.state() != State::Waiting {
            return Vec::new();
        }
        let GroupPart { names, strategy, .. } = self.group;
        let requires = (*strategy == "dependents_for_one").then(|| &*names.labels[self.key.0 as usize].requires);
        let children = self.group.progress().before(self.key.0, requires);
        children.into_iter().map(|child| names.path_of_all(child)).collect()
    }

    /// Where it stands, for those who need no more than that.
    pub(crate) fn state(&self) -> State {
        self.part.facts.state
    }

    /// Which child of its supervisor it is, in the order of declaration.
    pub(crate) fn child(&self) -> u32 {
        self.key.0
    }

    /// Its index among the replicas or members of that child.
    pub(crate) fn index(&self) -> u32 {
        self.key.1
    }

    /// Its name without an index: `worker`.
    pub(crate) fn name(&self) -> &'a str {
        &self.group.names.labels[self.key.0 as usize].text
    }

    /// How many there may be of it.
    pub(crate) fn members(&self) -> Members {
        self.group.names.labels[self.key.0 as usize].members
    }

    fn below(&self) -> Option<&'a GroupPart> {
        self.snapshot.groups.get(&self.part.group?)
    }

    /// Whether readiness asks for it: members of open groups come and go.
    fn has_to_be_ready(&self) -> bool {
        self.group.names.labels[self.key.0 as usize].members != Members::Open && self.part.facts.state != State::Gone
    }

    /// The first below it that is not ready, and why.
    fn unready_below(&self) -> Option<String> {
        if self.part.facts.state != State::Running {
            return None;
        }
        self.children().filter(Row::has_to_be_ready).find_map(|row| {
            let reason = row.status().not_ready()?;
            // One in an anonymous group, or deeper, has been named already.
            Some(if row.is_supervisor() && row.part.facts.state == State::Running {
                reason
            } else {
                format!("{}: {reason}", row.path())
            })
        })
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("number", &self.number).finish_non_exhaustive()
    }
}
