//! Bringing a snapshot up to date by events, and taking one that way.

use std::collections::{BTreeMap, VecDeque};
use std::sync::OnceLock;
use std::time::Instant;

use super::event::{Beginning, Event, Initial, What};
use super::events::{Events, Missed};
use super::names::{GroupId, Members, Place};
use super::snapshot::{ChildPart, GroupPart, Snapshot};
use super::status::{Facts, State};
use crate::RestartLimit;
use crate::decide::later;
use crate::tree::TreeShared;

impl Snapshot {
    /// Takes one of a tree that has not been dropped.
    ///
    /// Group after group, each under its own lock; what happens meanwhile is recorded, and brings those that were
    /// looked at earlier up to date.
    pub(crate) fn take(tree: &TreeShared) -> Option<Self> {
        let mut events = Events::tap(tree.events());
        let anchor = tree.anchor()?;
        let mut snapshot = Self { number: 0, at: crate::shell::now(), groups: BTreeMap::new() };
        let mut todo = vec![anchor];
        while let Some(group) = todo.pop() {
            let (part, inner) = group.part();
            snapshot.number = snapshot.number.max(part.as_of);
            snapshot.groups.insert(part.names.id, part);
            todo.extend(inner);
        }
        snapshot.at = crate::shell::now();
        while let Some(Ok(event)) = events.try_next() {
            snapshot.change(&event);
        }
        Some(snapshot)
    }

    /// Brings it up to date by the next event: what is folded this way is what a snapshot taken then would show.
    ///
    /// An event that it takes into account already changes nothing, so that it does not matter whether the listener or the
    /// snapshot was first, as long as nothing is in between.
    ///
    /// ```
    /// use supervisor_runtime::{Child, State, Supervisor, service_fn};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let clock = Child::new("clock", || service_fn(|cx| async move { Ok(cx.stopping().await) }));
    /// let running = Supervisor::one_for_one("app").child(clock).start().await?;
    /// let mut events = running.events();
    /// let mut view = running.snapshot()?;
    /// running.child::<supervisor_runtime::Untyped>("clock")?.stop().await?;
    /// while let Some(event) = events.try_next() {
    ///     view.apply(&event?)?;
    /// }
    /// assert_eq!(view.get("app/clock").map(|row| row.status().state()), Some(State::Stopped));
    /// # running.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Missed`] if events between this one and the snapshot are missing: take a new snapshot.
    pub fn apply(&mut self, event: &Event) -> Result<(), Missed> {
        match event.number().checked_sub(self.number + 1) {
            None => Ok(()),
            Some(0) => {
                self.change(event);
                Ok(())
            }
            Some(missed) => Err(Missed(missed)),
        }
    }

    fn change(&mut self, event: &Event) {
        self.number = self.number.max(event.number());
        self.at = self.at.max(event.at());
        let Some(place) = event.place() else { return };
        let Some(group) = self.groups.get_mut(&place.names.id).filter(|group| group.as_of < event.number()) else {
            return;
        };
        group.as_of = event.number();
        let removed = group.change(place, event);
        if let What::Initialized(initial) = event.what() {
            self.begin(place, initial);
        } else if let Some(removed) = removed {
            self.forget(removed);
        }
    }

    /// A supervisor has made its group.
    fn begin(&mut self, place: Place<'_>, Initial(beginning): &Initial) {
        let Some(part) = self.groups.get_mut(&place.names.id).and_then(|group| group.children.get_mut(&key(place)))
        else {
            return;
        };
        if let Some(before) = part.group.replace(beginning.names.id) {
            self.forget(before);
        }
        self.groups.insert(beginning.names.id, GroupPart::of(beginning));
    }

    /// Forgets a group, and what is below it.
    fn forget(&mut self, group: GroupId) {
        let mut todo = vec![group];
        while let Some(group) = todo.pop() {
            let part = self.groups.remove(&group);
            todo.extend(part.into_iter().flat_map(|part| part.children.into_values()).filter_map(|child| child.group));
        }
    }
}

impl GroupPart {
    fn of(beginning: &Beginning) -> Self {
        let waiting = || ChildPart { facts: Facts::new(State::Waiting, beginning.names.epoch), group: None };
        let children = (0..).zip(&beginning.counts);
        let children = children.flat_map(|(child, &count)| (0..count).map(move |index| (child, index)));
        Self {
            names: beginning.names.clone(),
            strategy: beginning.strategy,
            limit: beginning.limit,
            spent: VecDeque::new(),
            as_of: 0,
            children: children.map(|key| (key, waiting())).collect(),
            progress: OnceLock::new(),
        }
    }

    /// Brings a child up to date; its group, if it left and had one.
    fn change(&mut self, place: Place<'_>, event: &Event) -> Option<GroupId> {
        let change = event.told().change?;
        let since = place.names.time(change.since);
        self.progress = OnceLock::new();
        let new = || ChildPart { facts: Facts::new(change.state, since), group: None };
        let child = self.children.entry(key(place)).or_insert_with(new);
        let facts = &mut child.facts;
        facts.state = change.state;
        facts.since = since;
        facts.incarnation = change.incarnation;
        facts.until = facts.until.filter(|_| change.state == State::Delayed);
        if !change.state.is_live() {
            facts.not_ready = None;
        }
        match event.what() {
            What::Failed(exit) | What::Done(exit) | What::Stopped(Some(exit)) => {
                facts.last_exit = Some(exit.clone());
            }
            // One that was dropped in the `stop` after its failure is told by that failure.
            What::Dropped(exit) if exit.asked => facts.last_exit = Some(exit.clone()),
            What::Restarting { delay, .. } => {
                facts.restarts = facts.restarts.saturating_add(1);
                facts.until = (change.state == State::Delayed).then(|| later(event.at(), *delay));
                self.spend(event.at());
            }
            What::NotReady(reason) => facts.not_ready = Some(reason.clone()),
            What::Ready | What::Starting => facts.not_ready = None,
            _ => {}
        }
        let is_over = matches!(change.state, State::Done | State::Gone | State::Forfeited);
        let leaves = is_over && place.label().members == Members::Open;
        if leaves || matches!(event.what(), What::Discarded) {
            return self.children.remove(&key(place)).and_then(|child| child.group);
        }
        None
    }

    fn spend(&mut self, at: Instant) {
        let Some(RestartLimit { over, .. }) = self.limit.filter(RestartLimit::counts) else { return };
        let at = self.spent.back().map_or(at, |&last| last.max(at));
        let expired = self.spent.partition_point(|&then| at.duration_since(then) > over);
        self.spent.drain(..expired);
        self.spent.push_back(at);
    }
}

fn key(place: Place<'_>) -> (u32, u32) {
    (place.child, place.index)
}
