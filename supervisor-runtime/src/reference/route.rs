//! The way from the outermost supervisor to a child: names, so that it leads to whatever stands there now.

use std::ops::Deref;
use std::sync::Arc;

use super::SteerError;
use crate::decide::{ChildId, SlotId};
use crate::declare::{ChildSpec, GroupSpec, Kind, Size};
use crate::handle::TreeHandle;
use crate::shell::Group;
use crate::view::State;

/// The way to a child, or to all replicas or members of one.
#[derive(Clone)]
pub(crate) struct Route(Arc<Way>);

/// What a route is: shared, so that a reference costs no more than a count.
pub(crate) struct Way {
    pub(super) tree: TreeHandle,
    /// Its own name at the end, with 0 as the index.
    steps: Vec<Step>,
    /// Without the index at the end.
    path: String,
    /// Of what stands at the end, as it was declared when that was found.
    size: Size,
}

/// One name on the way.
#[derive(Clone, Debug)]
struct Step {
    name: String,
    /// Its number where it was found; looked for again if another stands there now.
    child: ChildId,
    index: u32,
}

/// A group on the way that is running, and the number of the next child.
pub(super) struct Stop {
    pub(super) group: Arc<Group>,
    pub(super) child: ChildId,
}

impl Stop {
    pub(super) fn spec(&self) -> &ChildSpec {
        self.group.child(self.child)
    }

    /// The slot of one child, replica or member.
    pub(super) fn slot(&self, index: u32) -> Result<SlotId, SteerError> {
        self.group.slot_of(self.child, index).ok_or_else(|| self.not_there(index))
    }

    pub(super) fn not_there(&self, index: u32) -> SteerError {
        SteerError::NotThere { path: self.path(index) }
    }

    pub(super) fn path(&self, index: u32) -> String {
        self.group.names().path_of(self.child, index)
    }
}

impl Deref for Route {
    type Target = Way;

    fn deref(&self) -> &Way {
        &self.0
    }
}

impl Route {
    fn new(tree: TreeHandle, steps: Vec<Step>, path: String, size: Size) -> Self {
        Self(Arc::new(Way { tree, steps, path, size }))
    }

    /// The way to the outermost supervisor.
    pub(crate) fn root(tree: TreeHandle) -> Self {
        let path = tree.name().to_owned();
        Self::new(tree, vec![Step { name: String::new(), child: 0, index: 0 }], path, Size::One)
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The path of one replica or member, or of a child that is not replicated.
    pub(super) fn path_of(&self, index: u32) -> String {
        match self.size {
            Size::One => self.path.clone(),
            _ => format!("{}[{index}]", self.path),
        }
    }

    /// Where the way ends: the group in which the child stands, if it is running.
    pub(super) fn walk(&self) -> Result<Stop, SteerError> {
        let (last, before) = self.steps.split_last().expect("a way has an end");
        let (mut group, before) = match (before, self.tree.outermost()) {
            ([_outermost, below @ ..], Some(group)) => (group, below),
            _ => (self.tree.anchor().ok_or(SteerError::Ended)?, before),
        };
        for step in before {
            let child = number(group.spec(), step).ok_or_else(|| self.unknown())?;
            group = inner(&group, child, step.index)?;
        }
        let child = number(group.spec(), last).ok_or_else(|| self.unknown())?;
        Ok(Stop { group, child })
    }

    /// Whether the group in which the child stands is not running now, but will be by itself: a supervisor on the way is on
    /// its own way up.
    pub(super) fn comes_up(&self) -> bool {
        let Some((_, before)) = self.steps.split_last() else { return false };
        let Some(mut group) = self.tree.anchor() else { return false };
        for (depth, step) in before.iter().enumerate() {
            let slot = number(group.spec(), step).and_then(|child| group.slot_of(child, step.index));
            let Some(slot) = slot else { return false };
            // The outermost one that does not run decides: what is below it comes and goes with it.
            let state = group.status(slot).state();
            let on_its_way = [State::Waiting, State::Delayed, State::Starting, State::Stopping];
            if depth > 0 && state != State::Running {
                return on_its_way.contains(&state) && !self.tree.is_stopping();
            }
            let Some(inner) = group.inner(slot) else { break };
            group = inner;
        }
        before.len() > 1 && !self.tree.is_stopping()
    }

    /// The outermost supervisor on the way that does not run, though the one above it does: its path, and its state. What is
    /// below it comes and goes with it.
    pub(super) fn lost(&self) -> Option<(String, State)> {
        let (_, before) = self.steps.split_last()?;
        let mut group = self.tree.anchor()?;
        for (depth, step) in before.iter().enumerate() {
            let child = number(group.spec(), step)?;
            let Some(slot) = group.slot_of(child, step.index) else {
                return Some((group.names().path_of(child, step.index), State::Gone));
            };
            let state = group.status(slot).state();
            if depth > 0 && state != State::Running {
                return group.lost_in(slot, state);
            }
            group = group.inner(slot)?;
        }
        None
    }

    /// The group of the supervisor at the end of the way.
    pub(super) fn inside(&self) -> Result<Arc<Group>, SteerError> {
        let stop = self.walk()?;
        inner(&stop.group, stop.child, self.steps.last().map_or(0, |last| last.index))
    }

    /// The last on the way that is there: what it leads to may be made later.
    pub(super) fn as_far_as_there(&self) -> Option<(Arc<Group>, SlotId)> {
        let mut group = self.tree.anchor()?;
        let mut last = None;
        for step in self.steps.iter() {
            let slot = number(group.spec(), step).and_then(|child| group.slot_of(child, step.index))?;
            let inner = group.inner(slot);
            last = Some((group, slot));
            match inner {
                Some(inner) => group = inner,
                None => break,
            }
        }
        last
    }

    fn unknown(&self) -> SteerError {
        SteerError::Unknown { path: self.path.clone(), known: Vec::new() }
    }

    /// The way to what stands at `path` below the supervisor at the end of this one, with what is declared of it.
    pub(super) fn find<T>(&self, path: &str, read: impl FnOnce(&ChildSpec) -> T) -> Result<(Self, T), SteerError> {
        let mut at = self.walk()?;
        let mut steps = self.steps.clone();
        let mut spec = Inside::of(&at, 0, || self.path.clone());
        let mut way = self.path.clone();
        let mut names = path.split('/').peekable();
        loop {
            let segment = names.next().unwrap_or_default();
            let (name, index) = split(segment);
            let inside = spec?;
            let mut found = Vec::new();
            let is_found = search(inside.spec(), name, &mut found);
            // A whole path, as events and snapshots tell it, leads there, too.
            if !is_found && segment == way && names.peek().is_some() {
                spec = Ok(inside);
                continue;
            }
            if !is_found {
                let mut known = Vec::new();
                list(inside.spec(), &mut known);
                return Err(SteerError::Unknown { path: format!("{way}/{segment}"), known });
            }
            // Through groups without a name, which are declared, to the child.
            let (last, before) = found.split_last().expect("what was found has a place");
            let mut declared = inside.into_spec();
            for step in before {
                let next = declared.children[step.child as usize].inner.clone();
                declared = next.expect("only declared groups are looked into");
            }
            steps.extend(found.iter().cloned());
            way = format!("{way}/{segment}");
            let child = &declared.children[last.child as usize];
            if names.peek().is_none() {
                let found = Self::new(self.tree.clone(), steps, way, child.size);
                return Ok((found, read(child)));
            }
            if let Some(step) = steps.last_mut() {
                step.index = index.unwrap_or(0);
            }
            spec = match (&child.inner, child.kind) {
                (Some(inner), _) => Ok(Inside::Declared(Arc::clone(inner))),
                (None, Kind::Worker) => {
                    Err(SteerError::Mismatch { path: way.clone(), what: "a child that has none below it".to_owned() })
                }
                // Made by a factory: what is in it shows only when it runs.
                (None, Kind::Supervisor) => {
                    let way = Self::new(self.tree.clone(), steps.clone(), way.clone(), child.size);
                    at = way.walk()?;
                    Inside::of(&at, index.unwrap_or(0), || way.path.clone())
                }
            };
        }
    }

    /// The way to one replica or member, for what goes on from there.
    pub(super) fn one(&self, index: u32) -> Self {
        let mut steps = self.steps.clone();
        if let Some(last) = steps.last_mut() {
            last.index = index;
        }
        Self::new(self.tree.clone(), steps, self.path.clone(), self.size)
    }
}

/// What is declared inside a supervisor.
enum Inside {
    Declared(Arc<GroupSpec>),
    Running(Arc<Group>),
}

impl Inside {
    fn of(at: &Stop, index: u32, path: impl FnOnce() -> String) -> Result<Self, SteerError> {
        if let Some(declared) = &at.spec().inner {
            return Ok(Self::Declared(Arc::clone(declared)));
        }
        let inner = at.group.inner_of(at.child, index);
        inner.map(Self::Running).ok_or_else(|| SteerError::NotRunning { supervisor: path() })
    }

    fn spec(&self) -> &GroupSpec {
        match self {
            Self::Declared(spec) => spec,
            Self::Running(group) => group.spec(),
        }
    }

    fn into_spec(self) -> Arc<GroupSpec> {
        match self {
            Self::Declared(spec) => spec,
            Self::Running(group) => Arc::clone(group.spec()),
        }
    }
}

/// The group of a supervisor, if it runs.
fn inner(group: &Arc<Group>, child: ChildId, index: u32) -> Result<Arc<Group>, SteerError> {
    group.inner_of(child, index).ok_or_else(|| match group.tree().has_ended() {
        true => SteerError::Ended,
        false => SteerError::NotRunning { supervisor: group.names().path_of(child, index) },
    })
}

/// The number of a step in a group as it is declared now.
fn number(spec: &GroupSpec, step: &Step) -> Option<ChildId> {
    let is_it = |child: &ChildSpec| child.name.as_str() == step.name;
    match spec.children.get(step.child as usize) {
        // The outermost supervisor goes by its place.
        Some(child) if is_it(child) || step.name.is_empty() => Some(step.child),
        _ => spec.children.iter().position(is_it).map(|child| child as ChildId),
    }
}

/// Looks for a child by name, also in groups without a name.
fn search(spec: &GroupSpec, name: &str, found: &mut Vec<Step>) -> bool {
    for (number, child) in (0..).zip(&spec.children) {
        let step = Step { name: child.name.to_string(), child: number, index: 0 };
        if !child.name.is_anonymous() && child.name.as_str() == name {
            found.push(step);
            return true;
        }
        if let Some(inner) = child.inner.as_ref().filter(|_| child.name.is_anonymous()) {
            found.push(step);
            if search(inner, name, found) {
                return true;
            }
            found.pop();
        }
    }
    false
}

/// The names that can be asked for.
fn list(spec: &GroupSpec, names: &mut Vec<String>) {
    for child in &spec.children {
        match &child.inner {
            Some(inner) if child.name.is_anonymous() => list(inner, names),
            _ => names.push(child.name.to_string()),
        }
    }
}

/// `pool/worker[2]` as `pool/worker` and 2.
pub(super) fn last_index(path: &str) -> (&str, Option<u32>) {
    let (segment, index) = split(path);
    // Of the last name only.
    if index.is_some_and(|_| !path[segment.len()..].contains('/')) { (segment, index) } else { (path, None) }
}

/// `worker[2]` as `worker` and 2.
fn split(segment: &str) -> (&str, Option<u32>) {
    let index = |segment: &str| segment.strip_suffix(']').and_then(|s| s.rsplit_once('[')?.1.parse().ok());
    match index(segment) {
        Some(index) => (&segment[..segment.rfind('[').unwrap_or(0)], Some(index)),
        None => (segment, None),
    }
}
