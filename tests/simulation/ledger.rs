//! What the events of a tree have told so far, for the oracles.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use supervisor_runtime::{Event, State, What};

use crate::declared::{self, Declared, without_index};

/// What is known of a tree by its events.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) declared: Declared,
    pub(crate) groups: HashMap<String, Group>,
    pub(crate) children: HashMap<String, Child>,
    /// The tree has ended.
    pub(crate) is_over: bool,
}

/// One incarnation of a group.
#[derive(Default)]
pub(crate) struct Group {
    /// When it made restarts.
    pub(crate) restarts: Vec<Instant>,
    pub(crate) gave_up: bool,
    /// How often it has failed.
    pub(crate) failures: u32,
    /// When it was asked to stop.
    pub(crate) asked_at: Option<Instant>,
    /// Since when nothing is to be started in it.
    pub(crate) ending_since: Option<Instant>,
    /// Since when the next incarnation starts, which has not made its group yet; it may be asked to stop before it does.
    pub(crate) next_since: Option<Instant>,
    /// Since when something was done by hand in it, or it was not at rest.
    pub(crate) is_steered: bool,
    pub(crate) was_steered: bool,
    steered_at: Option<Instant>,
    /// Since when something in it stops, and nothing starts.
    stopping_since: Option<Instant>,
}

/// A child, replica or member.
pub(crate) struct Child {
    pub(crate) state: State,
    pub(crate) incarnation: u32,
    pub(crate) starts: u64,
    pub(crate) exits: u64,
    pub(crate) has_started: bool,
    pub(crate) started_at: Option<Instant>,
    /// For how long an incarnation has run since the last restart, at most: until it failed or was asked to stop.
    pub(crate) ran: Duration,
    /// The same, until it had ended.
    pub(crate) lasted: Duration,
    /// The attempt of its last restart.
    pub(crate) attempt: u32,
    /// Until when its restart is delayed.
    pub(crate) until: Option<Instant>,
    /// When its incarnation was asked to stop.
    pub(crate) asked_at: Option<Instant>,
    /// It has been told how its incarnation ended.
    pub(crate) has_ended: bool,
    /// Something was done to it by hand since its last restart.
    pub(crate) is_steered: bool,
    /// It was steered, and nothing has come of it yet.
    is_ordered: bool,
}

impl Child {
    fn new() -> Self {
        Self {
            state: State::Waiting,
            incarnation: 0,
            starts: 0,
            exits: 0,
            has_started: false,
            started_at: None,
            ran: Duration::ZERO,
            lasted: Duration::ZERO,
            attempt: 0,
            until: None,
            asked_at: None,
            has_ended: false,
            is_steered: false,
            is_ordered: false,
        }
    }

    /// Whether it has come to rest, one way or the other.
    fn is_at_rest(&self) -> bool {
        !self.is_ordered && !matches!(self.state, State::Waiting | State::Delayed | State::Starting | State::Stopping)
    }
}

/// What an event is about: its child, and the group in which that stands.
pub(crate) struct About<'a> {
    pub(crate) event: &'a Event,
    pub(crate) path: String,
    pub(crate) declared: Option<&'a declared::Child>,
    pub(crate) group: Option<(&'a declared::Group, &'a Group)>,
    pub(crate) child: Option<&'a Child>,
}

impl Ledger {
    pub(crate) fn of(declared: Declared) -> Self {
        let groups = declared.groups.keys().map(|path| (path.clone(), Group::default())).collect();
        Self { declared, groups, ..Self::default() }
    }

    pub(crate) fn about<'a>(&'a self, event: &'a Event) -> About<'a> {
        let path = event.path();
        let declared = self.declared.child(&path);
        let group = declared.and_then(|child| self.group(&child.group));
        let child = self.children.get(&path);
        About { event, path, declared, group, child }
    }

    pub(crate) fn group(&self, path: &str) -> Option<(&declared::Group, &Group)> {
        Some((self.declared.groups.get(path)?, self.groups.get(path)?))
    }

    /// Whether the deadline that a group, or one around it, has set itself may be over. (When its stop begins is not always
    /// told, but not before something in it stops.)
    pub(crate) fn may_be_late(&self, path: &str, at: Instant) -> bool {
        self.declared.way_up(path).any(|path| {
            let Some((declared, group)) = self.group(path) else { return false };
            let since = group.ending_since.into_iter().chain(group.stopping_since).min();
            since.zip(declared.own_shutdown).is_some_and(|(since, own)| since + own <= at)
        })
    }

    /// Whether something was done by hand in a group, or below it.
    pub(crate) fn was_steered_at_or_below(&self, path: &str) -> bool {
        let mut steered = self.groups.iter().filter(|(_, group)| group.was_steered);
        steered.any(|(other, _)| self.declared.way_up(other).any(|above| above == path))
    }

    /// All that stand at a place of a group, with their paths.
    pub(crate) fn all_of<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, &'a Child)> + 'a {
        let known = self.children.iter().filter(move |(known, _)| without_index(known) == path);
        known.map(|(path, child)| (&**path, child))
    }

    /// Takes an event in.
    pub(crate) fn apply(&mut self, event: &Event) {
        let path = event.path();
        match event.what() {
            What::Initialized(initial) => {
                self.groups.insert(path.clone(), Group::default());
                let children = self.declared.groups.get(&path).map(|group| group.children.clone()).unwrap_or_default();
                // The groups in it are other ones, too.
                for inner in children.iter().filter(|child| self.declared.groups.contains_key(*child)) {
                    self.groups.insert(inner.clone(), Group::default());
                }
                self.children.retain(|known, _| !children.iter().any(|child| child == without_index(known)));
                self.children.extend(initial.paths().map(|path| (path, Child::new())));
                return;
            }
            What::ShutDown { .. } => self.is_over = true,
            What::GaveUp { .. } => self.group_mut(&path, |group| group.gave_up = true),
            _ => {}
        }
        if matches!(
            event.what(),
            What::GaveUp { .. } | What::RollingBack { .. } | What::Escalating { .. } | What::Crashing { .. }
        ) {
            self.group_mut(&path, |group| group.ending_since = group.ending_since.or(Some(event.at())));
            return;
        }
        if matches!(event.what(), What::Starting) {
            self.group_mut(&path, |group| group.next_since = Some(event.at()));
        }
        if matches!(event.what(), What::Stopping | What::ShuttingDown | What::Dropping) {
            self.group_mut(&path, |group| {
                group.ending_since.get_or_insert(event.at());
                group.asked_at.get_or_insert(event.at());
            });
        }
        if matches!(event.what(), What::Failed(_)) {
            self.group_mut(&path, |group| group.failures += 1);
        }
        let Some(above) = self.declared.child(&path).map(|child| child.group.clone()) else { return };
        if matches!(event.what(), What::Restarting { .. }) {
            self.group_mut(&above, |group| group.restarts.push(event.at()));
        }
        // Where one was scaled away before, this is another.
        if matches!(event.what(), What::Added) && event.incarnation() == Some(0) {
            self.children.remove(&path);
        }
        let is_by_hand = matches!(event.what(), What::Steered(_) | What::Added | What::Discarded);
        let child = self.children.entry(path).or_insert_with(Child::new);
        child.take_in(event, is_by_hand);
        self.group_mut(&above, |group| match event.what() {
            What::Stopping | What::Dropping => group.stopping_since = group.stopping_since.or(Some(event.at())),
            // It goes on.
            What::Starting => group.stopping_since = group.stopping_since.filter(|then| *then == event.at()),
            _ => {}
        });
        let is_steered = is_by_hand || self.groups.get(&above).is_some_and(|group| group.is_steered);
        if is_steered {
            let siblings = &self.declared.groups[&above].children;
            let mut known =
                self.children.iter().filter(|(path, _)| siblings.iter().any(|it| it == without_index(path)));
            let is_at_rest = known.all(|(_, child)| child.is_at_rest());
            self.group_mut(&above, |group| {
                if is_by_hand {
                    group.steered_at = Some(event.at());
                }
                // What follows from an order begins in the same instant.
                let is_over = is_at_rest && group.steered_at.is_none_or(|then| event.at() > then);
                group.is_steered = !is_over;
                group.was_steered |= is_by_hand;
            });
        }
    }

    fn group_mut(&mut self, path: &str, act: impl FnOnce(&mut Group)) {
        if let Some(group) = self.groups.get_mut(path) {
            act(group);
        }
    }
}

impl Child {
    fn take_in(&mut self, event: &Event, is_by_hand: bool) {
        self.is_steered |= is_by_hand;
        // What it says of itself, or how it fails, is not what comes of an order.
        self.is_ordered = match event.what() {
            What::Steered(_) => true,
            What::Ready | What::NotReady(_) | What::Failed(_) => self.is_ordered,
            _ => false,
        };
        let has_run = self.started_at.map(|then| event.at().saturating_duration_since(then)).unwrap_or_default();
        if self.state == State::Running {
            self.ran = self.ran.max(has_run);
        }
        if self.state.is_live() {
            self.lasted = self.lasted.max(has_run);
        }
        if let Some(state) = event.state() {
            if state.is_live() && !self.state.is_live() {
                self.starts += 1;
            }
            if !state.is_live() && self.state.is_live() {
                self.exits += 1;
                self.asked_at = None;
            }
            self.state = state;
        }
        match event.what() {
            What::Starting => {
                self.incarnation = event.incarnation().unwrap_or_default();
                self.started_at = None;
                self.until = None;
                self.has_ended = false;
            }
            What::Stopping | What::Dropping => self.asked_at = self.asked_at.or(Some(event.at())),
            What::Failed(_) | What::Done(_) | What::Stopped(Some(_)) => self.has_ended = true,
            // Another incident took it along: that one's delay is not told.
            What::Waiting => self.until = None,
            What::Started => {
                self.has_started = true;
                self.started_at = Some(event.at());
            }
            What::Restarting { attempt, delay, .. } => {
                self.attempt = *attempt;
                self.until = Some(event.at() + *delay);
                self.is_steered = false;
                self.started_at = None;
                (self.ran, self.lasted) = Default::default();
            }
            _ => {}
        }
    }
}
