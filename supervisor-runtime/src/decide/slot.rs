//! The place of one child or replica, and the counters that follow from it.

use std::time::Instant;

use super::{ChildId, Core, Restart};

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
}

/// What a slot becomes once it has been swept; a later plan can only make it stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum After {
    Restart,
    Gone,
    Stopped,
    Forfeited,
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
}

impl Slot {
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
            unstarted: matches!(self.state, State::Pending | State::Starting),
            open: !matches!(self.state, State::Down(Rest::Done | Rest::Forfeited | Rest::Gone)),
            awaited: !self.has_started && !matches!(self.state, State::Down(_) | State::Stuck),
            forfeited: self.state == State::Down(Rest::Forfeited),
            parked: matches!(self.state, State::Pending | State::Waiting(_)),
        }
    }
}

impl Core {
    /// Makes a slot for the replica `index` of `child`, that waits for a plan.
    pub(super) fn add(&mut self, child: ChildId, index: u32) -> SlotId {
        let id = self.slots.len() as SlotId;
        let absent = Slot {
            child,
            index,
            state: State::Down(Rest::Gone),
            plan: None,
            swept: false,
            after: After::Restart,
            has_started: false,
            attempts: 0,
            started_at: None,
        };
        self.slots.push(absent);
        self.children[child as usize].push(id);
        self.update(id, |slot| slot.state = State::Pending);
        id
    }

    /// Changes a slot, and with it every counter (invariant 5).
    pub(super) fn update(&mut self, id: SlotId, change: impl FnOnce(&mut Slot)) {
        let slot = &mut self.slots[id as usize];
        let before = slot.marks();
        change(slot);
        let after = slot.marks();
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
        if before.forfeited != after.forfeited {
            if after.forfeited { self.forfeited += 1 } else { self.forfeited -= 1 }
        }
        if before.parked && down {
            self.released.push(id);
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
        self.update(id, |slot| slot.state = State::Starting);
    }

    /// A swept incarnation has exited.
    pub(super) fn settle_swept(&mut self, id: SlotId) {
        self.update(id, |slot| match slot.after {
            After::Restart => {
                slot.state = State::Pending;
                slot.swept = false;
            }
            After::Gone => slot.come_down(Rest::Gone),
            After::Stopped => slot.come_down(Rest::Stopped),
            After::Forfeited => slot.come_down(Rest::Forfeited),
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
                },
                // A restart begins again, also what was done or stopped by hand; nothing else changes those.
                State::Down(Rest::Done | Rest::Stopped) if after == After::Restart && !temporary => {
                    slot.state = State::Pending;
                }
                State::Down(_) | State::Stuck => {}
            });
        }
        waited
    }
}
