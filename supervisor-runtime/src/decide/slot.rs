//! The place of one child or replica, and the counters that follow from it.

use std::time::Instant;

use super::{ChildId, Core, Restart, Size};

/// The number of a slot in its group.
pub(crate) type SlotId = u32;

/// What the core knows of one child or replica.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) child: ChildId,
    pub(crate) index: u32,
    pub(crate) state: State,
    /// The plan that it belongs to.
    pub(super) plan: Option<u32>,
    /// Whether that plan stops this incarnation.
    pub(super) swept: bool,
    /// What it becomes once it has been swept.
    pub(super) after: After,
    /// Whether a start has ever succeeded in this incarnation of the group.
    pub(super) has_started: bool,
    /// Restarts without a long enough run in between.
    pub(super) attempts: u32,
    /// Known only where a backoff wants to know how long it ran.
    pub(super) started_at: Option<Instant>,
    /// Since when it has been in its state.
    pub(crate) since: Instant,
    /// How often it was asked to stop or told to be dropped, whoever had the place.
    pub(super) asked: u32,
    /// Its failures that were answered by a restart.
    pub(crate) restarts: u32,
    /// It has failed, and what is left of it is in `stop`.
    pub(crate) failing: bool,
    /// It has said that it is not ready.
    pub(crate) not_ready: bool,
    /// Its next start was asked for by hand, or it was added: its failure is told to who asked, and not retried.
    pub(crate) by_hand: bool,
    /// That was asked when an incarnation was alive, so it is about the one after that.
    pub(super) anew: bool,
    /// It is down because something that it depends on was taken down: it comes up with that.
    pub(super) along: bool,
    /// Somebody waits for its state to change.
    pub(crate) observed: bool,
    /// It has left its child's members.
    pub(crate) removed: bool,
    /// And its place can be taken by another.
    pub(super) vacant: bool,
}

/// The life cycle of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// No incarnation; its plan will start one.
    Pending,
    /// No incarnation; its own task starts one at that time.
    Waiting(Instant),
    Starting,
    Running,
    /// Asked to stop.
    Stopping,
    /// Told to be dropped.
    Killing,
    /// It was told to be dropped and was not: something blocks its thread.
    Stuck,
    /// No incarnation, and none to come by itself.
    Down(Rest),
}

/// Why a slot is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    Done,
    Forfeited,
    /// With its group, or by hand.
    Stopped,
    /// It was temporary.
    Gone,
    /// It was scaled away, or discarded.
    Removed,
}

/// What a slot becomes once it has been swept; a later plan can only make it stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum After {
    Restart,
    Gone,
    Stopped,
    Forfeited,
    Removed,
}

impl State {
    /// Whether it is more than the end of what was before: the next incarnation, or leaving for good.
    pub(crate) fn is_new(self) -> bool {
        matches!(self, Self::Starting | Self::Down(Rest::Removed))
    }
}

impl After {
    fn rest(self) -> Option<Rest> {
        match self {
            Self::Restart => None,
            Self::Gone => Some(Rest::Gone),
            Self::Stopped => Some(Rest::Stopped),
            Self::Forfeited => Some(Rest::Forfeited),
            Self::Removed => Some(Rest::Removed),
        }
    }
}

/// What part a slot plays in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Pending,
    Starting,
    /// To be stopped, not asked yet.
    Sweeping,
    /// Asked or told.
    Stopping,
}

/// All that is counted about a slot.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Marks {
    plan: Option<(u32, Role)>,
    live: bool,
    unstarted: bool,
    open: bool,
    awaited: bool,
    forfeited: bool,
    parked: bool,
    unready: bool,
    removed: bool,
}

impl Slot {
    fn new(child: ChildId, index: u32, since: Instant) -> Self {
        Self {
            child,
            index,
            state: State::Down(Rest::Removed),
            plan: None,
            swept: false,
            after: After::Restart,
            has_started: false,
            attempts: 0,
            started_at: None,
            since,
            asked: 0,
            restarts: 0,
            failing: false,
            not_ready: false,
            by_hand: false,
            anew: false,
            along: false,
            observed: false,
            removed: true,
            vacant: false,
        }
    }

    /// Whether its incarnation is one that nobody has asked to end.
    pub(crate) fn is_fresh(&self) -> bool {
        matches!(self.state, State::Starting | State::Running) && !self.swept
    }

    /// Whether it is on its way out of its child's members.
    pub(crate) fn is_leaving(&self) -> bool {
        self.removed || self.swept && self.after == After::Removed
    }

    /// Whether it is down, or will be, and does not come up by itself: what depends on it cannot be started.
    pub(super) fn is_missing(&self) -> bool {
        match self.state {
            State::Down(rest) => matches!(rest, Rest::Stopped | Rest::Forfeited | Rest::Gone),
            State::Stuck => true,
            _ => self.swept && matches!(self.after, After::Gone | After::Stopped | After::Forfeited),
        }
    }

    /// Whether it is down, or will be, and does not come up with what took it along.
    pub(super) fn is_down_for_good(&self) -> bool {
        let is_down = matches!(self.state, State::Down(_)) || self.swept && self.after != After::Restart;
        self.state == State::Stuck || is_down && !self.along
    }

    pub(crate) fn is_live(&self) -> bool {
        matches!(self.state, State::Starting | State::Running | State::Stopping | State::Killing)
    }

    /// Whether a failure of it has been answered by a restart.
    pub(crate) fn has_failed(&self) -> bool {
        self.attempts > 0
    }

    pub(super) fn come_down(&mut self, rest: Rest) {
        self.state = State::Down(rest);
        self.swept = false;
        self.plan = None;
        self.by_hand = false;
        self.along &= rest == Rest::Stopped;
    }

    /// Its part in its plan, if it has one.
    pub(super) fn role(&self) -> Option<Role> {
        match self.state {
            State::Pending => Some(Role::Pending),
            State::Stopping | State::Killing => Some(Role::Stopping),
            State::Starting | State::Running if self.swept => Some(Role::Sweeping),
            State::Starting => Some(Role::Starting),
            State::Running | State::Waiting(_) | State::Stuck | State::Down(_) => None,
        }
    }

    fn marks(&self) -> Marks {
        Marks {
            plan: self.plan.zip(self.role()),
            live: self.is_live(),
            unstarted: matches!(self.state, State::Pending | State::Waiting(_) | State::Starting)
                || self.is_live() && (self.swept || self.failing),
            open: !matches!(self.state, State::Down(Rest::Done | Rest::Forfeited | Rest::Gone | Rest::Removed)),
            awaited: !self.has_started && !self.by_hand && !matches!(self.state, State::Down(_) | State::Stuck),
            forfeited: self.state == State::Down(Rest::Forfeited),
            parked: matches!(self.state, State::Pending | State::Waiting(_)),
            unready: match self.state {
                State::Running => self.failing || self.not_ready,
                State::Down(Rest::Done | Rest::Gone | Rest::Removed) => false,
                _ => true,
            },
            removed: self.state == State::Down(Rest::Removed),
        }
    }
}

impl Core {
    /// Makes a slot for the replica or member `index` of `child`, that waits for a plan.
    pub(super) fn add(&mut self, child: ChildId, index: u32) -> SlotId {
        let slot = Slot::new(child, index, self.now);
        let members = &mut self.children[child as usize];
        let place = match self.rules.children[child as usize].size {
            Size::Open => members.take_vacant(),
            Size::One | Size::Replicas(_) => members.take_former(index),
        };
        let id = match place {
            Some(id) => {
                let asked = self.slots[id as usize].asked;
                self.slots[id as usize] = Slot { asked, ..slot };
                id
            }
            None => {
                self.slots.push(slot);
                self.slots.len() as SlotId - 1
            }
        };
        self.join(id);
        id
    }

    /// Makes a slot one of its child's members, that waits for a plan.
    pub(super) fn join(&mut self, id: SlotId) {
        let Slot { child, index, .. } = *self.slot(id);
        self.children[child as usize].insert(index, id);
        self.keep_open(child);
        self.update(id, |slot| {
            slot.removed = false;
            slot.state = State::Pending;
        });
    }

    /// A slot that is down is no longer one of its child's members.
    fn leave(&mut self, id: SlotId) {
        let Slot { child, index, .. } = *self.slot(id);
        self.slots[id as usize].removed = true;
        self.children[child as usize].remove(index);
        self.keep_open(child);
    }

    /// A child that was scaled to zero, or to which members can be added, keeps the group from being done.
    pub(super) fn keep_open(&mut self, child: ChildId) {
        let keeps = match self.rules.children[child as usize].size {
            Size::One => false,
            Size::Replicas(_) => self.children[child as usize].len() == 0,
            Size::Open => true,
        };
        let kept = &mut self.kept_open[child as usize];
        if std::mem::replace(kept, keeps) != keeps {
            if keeps { self.open += 1 } else { self.open -= 1 }
        }
    }

    /// Changes a slot, and with it every counter (invariant 6).
    pub(super) fn update(&mut self, id: SlotId, change: impl FnOnce(&mut Slot)) {
        let slot = &mut self.slots[id as usize];
        let (before, state) = (slot.marks(), slot.state);
        change(slot);
        let after = slot.marks();
        if slot.state != state {
            slot.since = self.now;
            slot.failing = false;
            if self.recording || slot.observed {
                self.changes.push((id, slot.state));
            }
        }
        if before == after {
            return;
        }
        let (child, down) = (slot.child, matches!(slot.state, State::Down(_)));
        if before.plan != after.plan {
            self.count_in_plan(before.plan, false);
            self.count_in_plan(after.plan, true);
        }
        if before.open != after.open {
            let significant = usize::from(self.rules.children[child as usize].significant);
            if after.open {
                self.open += 1;
                self.open_significant += significant;
            } else {
                self.open -= 1;
                self.open_significant -= significant;
            }
        }
        if before.awaited != after.awaited {
            if after.awaited {
                self.awaited += 1;
            } else {
                self.awaited -= 1;
                self.note_started();
            }
        }
        let open = self.rules.children[child as usize].size == Size::Open;
        // Members of open groups come and go: one that is forfeited has left, and nothing waits for one to be ready.
        if before.forfeited != after.forfeited && !open {
            if after.forfeited { self.forfeited += 1 } else { self.forfeited -= 1 }
        }
        if before.parked && down {
            self.released.push(id);
        }
        if before.unready != after.unready && !open {
            if after.unready { self.unready += 1 } else { self.unready -= 1 }
        }
        let left = match self.slot(id).state {
            State::Down(Rest::Removed) => true,
            State::Down(Rest::Done | Rest::Gone | Rest::Forfeited) => open,
            _ => false,
        };
        if left && !self.slot(id).removed {
            self.leave(id);
            if !before.live && !before.parked {
                self.released.push(id);
            }
        }
        if self.graph.is_some() {
            if before.live != after.live {
                self.count_live(child, after.live);
            }
            if before.unstarted != after.unstarted {
                self.count_unstarted(child, after.unstarted);
            }
        }
    }

    /// The next incarnation of the slot begins.
    pub(super) fn start(&mut self, id: SlotId) {
        self.update(id, |slot| {
            slot.state = State::Starting;
            slot.not_ready = false;
            slot.anew = false;
        });
    }

    /// A swept incarnation has exited.
    pub(super) fn settle_swept(&mut self, id: SlotId) {
        self.update(id, |slot| match slot.after.rest() {
            Some(rest) => slot.come_down(rest),
            None => {
                slot.state = State::Pending;
                slot.swept = false;
            }
        });
    }

    /// Marks a set to be swept: the live ones are stopped by their plan, the others get there at once.
    ///
    /// Returns the latest time until when one of them was waiting by itself.
    pub(super) fn sweep(&mut self, set: &[SlotId], after: After) -> Option<Instant> {
        let mut waited = None;
        for &id in set {
            let temporary = self.rules.children[self.slot(id).child as usize].restart == Restart::Temporary;
            if let State::Waiting(until) = self.slot(id).state {
                waited = waited.max(Some(until));
            }
            let blocked = matches!(self.slot(id).state, State::Down(_)) && self.is_blocked(id);
            self.update(id, |slot| match slot.state {
                State::Starting | State::Running | State::Stopping | State::Killing => {
                    let after = if temporary { after.max(After::Gone) } else { after };
                    slot.after = if slot.swept { slot.after.max(after) } else { after };
                    slot.swept = true;
                }
                State::Pending | State::Waiting(_) => match after {
                    After::Restart => slot.state = State::Pending,
                    After::Gone | After::Stopped => slot.come_down(Rest::Stopped),
                    After::Forfeited => slot.come_down(Rest::Forfeited),
                    After::Removed => slot.come_down(Rest::Removed),
                },
                // A restart begins again, also what was done or stopped by hand; nothing else changes those.
                State::Down(Rest::Done | Rest::Stopped) if after == After::Restart && !temporary && !blocked => {
                    slot.state = State::Pending;
                    slot.along = false;
                }
                State::Down(_) if after == After::Removed => slot.come_down(Rest::Removed),
                State::Down(_) | State::Stuck => {}
            });
        }
        waited
    }
}
