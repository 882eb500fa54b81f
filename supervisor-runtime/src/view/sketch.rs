//! Snapshots made by hand, for the tests of what is drawn of them.

use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::names::{GroupId, Label, Members, Names};
use super::snapshot::{ANCHOR, ChildPart, GroupPart, Snapshot};
use super::status::{Facts, State};
use crate::declare::Kind;
use crate::exit::PanicPlace;
use crate::{BoxError, Cause, Exit, Panic, Phase, RestartLimit};

/// A child in a sketch: its name, what is known of it, of each replica, of each member.
pub(crate) struct Part {
    name: String,
    members: Members,
    facts: Vec<(u32, Facts)>,
    group: Option<Below>,
}

struct Below {
    strategy: &'static str,
    limit: Option<RestartLimit>,
    spent: u32,
    children: Vec<Part>,
}

/// When every sketch is taken: late enough that anything can have begun before.
pub(crate) fn at() -> Instant {
    static BEGIN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *BEGIN.get_or_init(|| Instant::now() + Duration::from_secs(400 * 86_400))
}

pub(crate) fn facts(state: State, millis: u64) -> Facts {
    let incarnation = u32::from(state != State::Waiting);
    Facts { incarnation, ..Facts::new(state, at() - Duration::from_millis(millis)) }
}

pub(crate) fn running(millis: u64) -> Facts {
    facts(State::Running, millis)
}

impl Facts {
    pub(crate) fn not_ready(self, reason: &str) -> Self {
        Self { not_ready: Some(reason.into()), ..self }
    }

    pub(crate) fn restarted(self, incarnation: u32, restarts: u32) -> Self {
        Self { incarnation, restarts, ..self }
    }

    pub(crate) fn starts_in(self, millis: u64) -> Self {
        Self { until: Some(at() + Duration::from_millis(millis)), ..self }
    }

    pub(crate) fn exited(self, cause: Cause, phase: Phase) -> Self {
        Self { last_exit: Some(Arc::new(Exit { cause, phase, asked: false, at: None })), ..self }
    }

    pub(crate) fn failed(self, error: impl Into<BoxError>) -> Self {
        self.exited(Cause::Error(error.into()), Phase::Run)
    }

    pub(crate) fn panicked(self, message: &str) -> Self {
        let panic = Panic::new(message.to_owned(), Some(PanicPlace::new("src/worker.rs", 7, 9)));
        self.exited(Cause::Panic(panic), Phase::Run)
    }

    pub(crate) fn asked(self) -> Self {
        Self { last_exit: Some(Arc::new(Exit::stopped(Phase::Run))), ..self }
    }
}

pub(crate) fn child(name: &str, facts: Facts) -> Part {
    Part { name: name.to_owned(), members: Members::One, facts: vec![(0, facts)], group: None }
}

pub(crate) fn replicas(name: &str, facts: impl IntoIterator<Item = Facts>) -> Part {
    Part { name: name.to_owned(), members: Members::Replicas, facts: (0..).zip(facts).collect(), group: None }
}

pub(crate) fn members(name: &str, facts: impl IntoIterator<Item = (u32, Facts)>) -> Part {
    Part { name: name.to_owned(), members: Members::Open, facts: facts.into_iter().collect(), group: None }
}

/// Without a name it is anonymous.
pub(crate) fn group<const N: usize>(name: &str, strategy: &'static str, facts: Facts, children: [Part; N]) -> Part {
    let below = Below { strategy, limit: None, spent: 0, children: children.into() };
    Part { group: Some(below), ..child(name, facts) }
}

impl Part {
    pub(crate) fn limit(mut self, max_restarts: u32, over: Duration, spent: u32) -> Self {
        let below = self.group.as_mut().expect("it is a group");
        below.limit = Some(RestartLimit { max_restarts, over });
        below.spent = spent;
        self
    }

    /// The replicas of a supervisor all show the same group.
    pub(crate) fn replicated(mut self, count: usize) -> Self {
        let facts = self.facts[0].1.clone();
        self.members = Members::Replicas;
        self.facts = (0..).zip(vec![facts; count]).collect();
        self
    }

    fn label(&self) -> Label {
        let (text, kind) = match &self.group {
            Some(group) if self.name.is_empty() => (format!("({})", group.strategy), Kind::Supervisor),
            Some(_) => (self.name.clone(), Kind::Supervisor),
            None => (self.name.clone(), Kind::Worker),
        };
        Label { text, kind, members: self.members, requires: Vec::new() }
    }
}

/// The snapshot of a tree of which this is the outermost supervisor.
pub(crate) fn snapshot(root: Part) -> Snapshot {
    let mut snapshot = Snapshot { number: 7, at: at(), groups: BTreeMap::new() };
    let anchor = Below { strategy: "anchor", limit: None, spent: 0, children: vec![root] };
    add(&mut snapshot, ANCHOR, "", "", anchor);
    snapshot
}

fn add(snapshot: &mut Snapshot, id: GroupId, path: &str, prefix: &str, below: Below) {
    let labels = below.children.iter().map(Part::label).collect();
    let names = Names { id, epoch: at(), path: path.to_owned(), prefix: prefix.to_owned(), labels };
    let part = GroupPart {
        names: Arc::new(names),
        strategy: below.strategy,
        limit: below.limit,
        spent: VecDeque::from(vec![at(); below.spent as usize]),
        as_of: 7,
        children: BTreeMap::new(),
        progress: std::sync::OnceLock::new(),
    };
    let names = Arc::clone(&part.names);
    snapshot.groups.insert(id, part);
    for (number, mut child) in (0..).zip(below.children) {
        let group = child.group.take().map(|below| {
            let id = snapshot.groups.len() as GroupId;
            let path = names.path_of(number, 0);
            let prefix = if child.name.is_empty() { prefix } else { &path };
            add(snapshot, id, &path, prefix, below);
            id
        });
        let children = &mut snapshot.groups.get_mut(&id).expect("just inserted").children;
        children.extend(child.facts.into_iter().map(|(index, facts)| ((number, index), ChildPart { facts, group })));
    }
}

/// An error with one behind it.
#[derive(Debug)]
pub(crate) struct While(pub(crate) &'static str, pub(crate) BoxError);

impl fmt::Display for While {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for While {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.1)
    }
}
