//! The place of one child or replica, and the counters that follow from it.

use std::time::Instant;

use self::fact::{
    AWAITED, DOWN, FORFEITED, LIVE, OPEN, PARKED, PENDING, REMOVED, ROLE, STARTING, STOPPING, SWEEPING, UNREADY,
    UNSTARTED,
};
use super::plan::PlanId;
use super::{Action, ChildId, Core, Restart, Roster, Size};

/// The number of a slot in its group.
pub(crate) type SlotId = u32;

/// What the core knows of one child or replica.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) child: ChildId,
    pub(crate) index: u32,
    pub(crate) state: State,
    /// The plan that it belongs to.
    pub(super) plan: Option<PlanId>,
    /// Whether that plan stops this incarnation.
    pub(super) swept: bool,
    /// What it becomes once it has been swept.
    pub(super) after: After,
    /// Whether a start has ever succeeded in this incarnation of the group.
    pub(super) has_started: bool,
    /// Restarts without a long enough run in between.
    pub(super) attempts: u32,
    /// Since when it has been in its state, from when its group began: smaller than an instant.
    pub(super) since: Nanos,
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
    /// It belongs to an open group.
    pub(super) is_member: bool,
    /// What is counted of it, see [`fact`].
    facts: u16,
}

/// A number of nanoseconds that need not stand at a multiple of eight bytes, which would make every slot larger.
#[derive(Clone, Copy, Debug)]
#[repr(Rust, packed(4))]
pub(super) struct Nanos(pub(super) u64);

/// The life cycle of a slot.
///
/// Its representation keeps the reason of [`Down`](Self::Down) apart, so that the rest is told by one byte: every event comes by
/// several questions about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    /// No incarnation; its plan will start one.
    Pending,
    /// No incarnation; its own task starts one [after a delay](Core::until).
    Waiting,
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
    Pending = 1,
    Starting,
    /// To be stopped, not asked yet.
    Sweeping,
    /// Asked or told.
    Stopping,
}

/// The facts that are counted of slots, a bit each, and the part that they play.
mod fact {
    pub(super) const LIVE: u16 = 1;
    pub(super) const UNSTARTED: u16 = 2;
    pub(super) const OPEN: u16 = 4;
    pub(super) const AWAITED: u16 = 8;
    pub(super) const FORFEITED: u16 = 16;
    pub(super) const PARKED: u16 = 32;
    pub(super) const UNREADY: u16 = 64;
    pub(super) const DOWN: u16 = 128;
    pub(super) const REMOVED: u16 = 256;
    /// The [`Role`](super::Role) that it plays in a plan: none, or one of four.
    pub(super) const ROLE: u16 = 7 << 9;
    pub(super) const PENDING: u16 = 1 << 9;
    pub(super) const STARTING: u16 = 2 << 9;
    pub(super) const SWEEPING: u16 = 3 << 9;
    pub(super) const STOPPING: u16 = 4 << 9;
}

/// What a change of a slot means for the counters.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Moved {
    /// The plan that it was in.
    plan: Option<PlanId>,
    /// And whether it still is.
    stays: bool,
    before: u16,
    after: u16,
}

/// The part in these facts, as it is counted: 0 is none.
fn part(facts: u16) -> usize {
    usize::from((facts & ROLE) / PENDING)
}

impl Slot {
    /// Since when it has been in its state, in nanoseconds from when its group began.
    pub(crate) fn since(&self) -> u64 {
        self.since.0
    }

    fn new(child: ChildId, index: u32, is_member: bool, since: u64) -> Self {
        Self {
            child,
            index,
            state: State::Down(Rest::Removed),
            plan: None,
            swept: false,
            after: After::Restart,
            has_started: false,
            attempts: 0,
            since: Nanos(since),
            restarts: 0,
            failing: false,
            not_ready: false,
            by_hand: false,
            anew: false,
            along: false,
            observed: false,
            removed: true,
            vacant: false,
            is_member,
            facts: DOWN | REMOVED,
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

    fn begin(&mut self, since: Nanos) {
        // Also where the last one had not come any further.
        self.since = since;
        self.failing = false;
        self.state = State::Starting;
        self.not_ready = false;
        self.anew = false;
    }

    pub(super) fn come_down(&mut self, rest: Rest) {
        self.state = State::Down(rest);
        self.swept = false;
        self.plan = None;
        self.by_hand = false;
        self.along &= rest == Rest::Stopped;
    }

    /// Whether it plays this part in this plan.
    #[inline]
    pub(super) fn plays(&self, role: Role, plan: PlanId) -> bool {
        part(self.facts) == role as usize && self.plan == Some(plan)
    }

    /// Its part in its plan, if it has one.
    pub(super) fn role(&self) -> Option<Role> {
        match self.facts & ROLE {
            PENDING => Some(Role::Pending),
            STARTING => Some(Role::Starting),
            SWEEPING => Some(Role::Sweeping),
            STOPPING => Some(Role::Stopping),
            _ => None,
        }
    }

    fn facts(&self) -> u16 {
        let mut facts = match self.state {
            State::Pending => UNSTARTED | OPEN | AWAITED | PARKED | UNREADY | PENDING,
            State::Waiting => UNSTARTED | OPEN | AWAITED | PARKED | UNREADY,
            State::Starting => LIVE | UNSTARTED | OPEN | AWAITED | UNREADY | STARTING,
            State::Running => LIVE | OPEN | AWAITED,
            State::Stopping | State::Killing => LIVE | OPEN | AWAITED | UNREADY | STOPPING,
            State::Stuck => OPEN | UNREADY,
            State::Down(Rest::Done | Rest::Gone) => DOWN,
            State::Down(Rest::Removed) => DOWN | REMOVED,
            State::Down(Rest::Forfeited) => DOWN | FORFEITED | UNREADY,
            State::Down(Rest::Stopped) => DOWN | OPEN | UNREADY,
        };
        if self.swept && facts & LIVE != 0 {
            facts |= UNSTARTED;
            if facts & ROLE != STOPPING {
                facts = facts & !ROLE | SWEEPING;
            }
            if self.after == After::Removed {
                facts &= !AWAITED;
            }
        }
        if self.state == State::Running {
            if self.failing {
                facts |= UNSTARTED | UNREADY;
            } else if self.not_ready {
                facts |= UNREADY;
            }
        }
        if self.has_started || self.by_hand {
            facts &= !AWAITED;
        }
        // Members of open groups come and go: one that is forfeited has left, and nothing waits for one to be ready.
        if self.is_member { facts & !(FORFEITED | UNREADY) } else { facts }
    }
}

/// Counts up or down.
pub(super) fn tally(count: &mut usize, enters: bool, times: usize) {
    if enters { *count += times } else { *count -= times }
}

impl Core {
    /// Makes a slot for the replica or member `index` of `child`, that waits for a plan; by hand, as slots are added.
    pub(super) fn add(&mut self, child: ChildId, index: u32) -> SlotId {
        let is_member = self.rules.children[child as usize].size == Size::Open;
        let mut slot = Slot::new(child, index, is_member, self.elapsed);
        slot.by_hand = !self.is_part_of_the_first_start(&slot);
        let members = &mut self.children[child as usize];
        let place = if is_member { members.take_vacant() } else { members.take_former(index) };
        let id = match place {
            Some(id) => {
                self.slots[id as usize] = slot;
                self.running_since.remove(&id);
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

    /// Makes the slots that a child begins with, which wait for a plan. They are alike: what counts of one is counted of all.
    pub(super) fn declare(&mut self, child: ChildId) {
        let count = self.rules.children[child as usize].size.count();
        let first = self.slots.len() as SlotId;
        let new = Slot::new(child, 0, false, self.elapsed);
        let mut slot = Slot { removed: false, state: State::Pending, ..new };
        slot.facts = slot.facts();
        self.children[child as usize] = Roster::of(first..first + count as SlotId);
        self.keep_open(child);
        if count > 0 {
            self.slots.extend((0..count as u32).map(|index| Slot { index, ..slot }));
            self.count(first, new.facts, slot.facts, count);
        }
    }

    /// Makes a slot one of its child's members, that waits for a plan.
    fn join(&mut self, id: SlotId) {
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
    fn keep_open(&mut self, child: ChildId) {
        let keeps = match self.rules.children[child as usize].size {
            Size::One => false,
            Size::Replicas(_) => self.children[child as usize].len() == 0,
            Size::Open => true,
        };
        let kept = &mut self.kept_open[child as usize];
        if std::mem::replace(kept, keeps) != keeps {
            tally(&mut self.open, keeps, 1);
        }
    }

    /// Changes a slot, and with it every counter (invariant 6).
    #[inline]
    pub(super) fn update(&mut self, id: SlotId, change: impl FnOnce(&mut Slot)) {
        let moved = self.change(id, change);
        self.count_moved(id, moved, 1);
    }

    /// The same of several slots of one child, of which none comes down: what counts of those that change alike is counted at once.
    pub(super) fn update_all(&mut self, ids: impl IntoIterator<Item = SlotId>, change: impl Fn(&mut Slot)) {
        let mut ids = ids.into_iter();
        let Some(mut last) = ids.next() else { return };
        let (mut moved, mut times) = (self.change(last, &change), 1);
        for id in ids {
            let next = self.change(id, &change);
            if next == moved {
                debug_assert_eq!(moved.after & DOWN, 0, "for each that comes down there is more to do");
                times += 1;
            } else {
                self.count_moved(last, moved, times);
                (moved, times) = (next, 1);
            }
            last = id;
        }
        self.count_moved(last, moved, times);
    }

    /// Changes a slot, and says what is to be counted. (Every event comes by here: a call takes longer than what it does.)
    #[inline(always)]
    fn change(&mut self, id: SlotId, change: impl FnOnce(&mut Slot)) -> Moved {
        let slot = &mut self.slots[id as usize];
        let (state, plan, before) = (slot.state, slot.plan, slot.facts);
        change(slot);
        if slot.state != state {
            slot.since = Nanos(self.elapsed);
            slot.failing = false;
            if self.recording || slot.observed {
                self.changes.push((id, slot.state));
            }
        }
        slot.facts = slot.facts();
        Moved { plan, stays: slot.plan.is_some(), before, after: slot.facts }
    }

    /// Keeps every counter, for a slot and as many more that have changed alike.
    #[inline(always)]
    fn count_moved(&mut self, id: SlotId, moved: Moved, times: usize) {
        let Moved { plan, stays, before, after } = moved;
        // A slot only leaves its plan by what changes; it enters one when that is made.
        if let Some(plan) = plan {
            let (before, now) = (part(before), if stays { part(after) } else { 0 });
            if before != now {
                self.count_in_plan(plan, before, now, times);
            }
        }
        if before != after {
            self.count(id, before, after, times);
        }
    }

    /// Keeps every counter but those of plans, for a slot and as many more as there are alike.
    #[inline]
    fn count(&mut self, id: SlotId, before: u16, after: u16, times: usize) {
        let changed = before ^ after;
        if changed & UNREADY != 0 {
            tally(&mut self.unready, after & UNREADY != 0, times);
        }
        if changed & AWAITED != 0 {
            tally(&mut self.awaited, after & AWAITED != 0, times);
            self.note_started();
        }
        if (changed | after) & DOWN != 0 {
            self.count_down(id, before, after, times);
        }
        if self.graph.is_some() {
            self.count_edges(id, changed, after, times);
        }
    }

    /// Counts for what depends on it.
    #[inline(never)]
    fn count_edges(&mut self, id: SlotId, changed: u16, after: u16, times: usize) {
        let child = self.slot(id).child;
        if changed & LIVE != 0 {
            self.count_live(child, after & LIVE != 0, times);
        }
        if changed & UNSTARTED != 0 {
            self.count_unstarted(child, after & UNSTARTED != 0, times);
        }
    }

    /// Counts what comes down, or up again.
    #[inline(never)]
    fn count_down(&mut self, id: SlotId, before: u16, after: u16, times: usize) {
        let changed = before ^ after;
        let Slot { child, state, removed, is_member, .. } = *self.slot(id);
        let significant = self.rules.children[child as usize].significant;
        if changed & OPEN != 0 {
            tally(&mut self.open, after & OPEN != 0, times);
            tally(&mut self.open_significant, after & OPEN != 0, if significant { times } else { 0 });
        }
        if changed & FORFEITED != 0 {
            tally(&mut self.forfeited, after & FORFEITED != 0, times);
        }
        // What is down, and yet may come up, was stopped.
        let [was_stopped, is_stopped] = [before, after].map(|facts| facts & (DOWN | OPEN) == DOWN | OPEN);
        if was_stopped != is_stopped {
            tally(&mut self.stopped, is_stopped, times);
        }
        if before & PARKED != 0 && after & DOWN != 0 {
            self.released.push(id);
        }
        let left = match state {
            State::Down(Rest::Removed) => true,
            State::Down(Rest::Done | Rest::Gone | Rest::Forfeited) => is_member,
            _ => false,
        };
        if left && !removed {
            self.leave(id);
            if before & (LIVE | PARKED) == 0 {
                self.released.push(id);
            }
        }
    }

    /// The next incarnation of the slot begins.
    #[inline]
    pub(super) fn start(&mut self, id: SlotId) {
        let since = Nanos(self.elapsed);
        self.update(id, |slot| slot.begin(since));
    }

    /// The next incarnations of slots of one child begin, not in the task of one that has ended.
    pub(super) fn start_all(&mut self, ids: &[SlotId], out: &mut Vec<Action>) {
        let since = Nanos(self.elapsed);
        self.update_all(ids.iter().copied(), |slot| slot.begin(since));
        out.extend(ids.iter().copied().map(Action::Start));
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
        self.sweep_each(set, after, |core, id| core.sweep_one(id, after))
    }

    /// The same of one slot.
    pub(super) fn sweep_one(&mut self, id: SlotId, after: After) -> Option<Instant> {
        let waited = self.until(id);
        let is_blocked = matches!(self.slot(id).state, State::Down(_)) && self.is_blocked(id);
        self.sweep_alike(&[id], after, is_blocked);
        waited
    }

    /// The same of a set, with another way for each that is not fresh; of those that are, the replicas of a child together. In the
    /// order of the set: one that is restarted no longer blocks what uses it.
    pub(super) fn sweep_each(
        &mut self,
        set: &[SlotId],
        after: After,
        sweep_one: impl Fn(&mut Self, SlotId) -> Option<Instant>,
    ) -> Option<Instant> {
        let (mut set, mut waited) = (set, None);
        while let Some((&first, others)) = set.split_first() {
            let fresh = self.fresh_ones(set);
            if fresh > 0 {
                self.sweep_alike(&set[..fresh], after, false);
                set = &set[fresh..];
            } else {
                waited = waited.max(sweep_one(self, first));
                set = others;
            }
        }
        waited
    }

    /// How many of these, from the first on, are fresh and of one child.
    fn fresh_ones(&self, set: &[SlotId]) -> usize {
        let Some(child) = set.first().map(|&first| self.slot(first).child) else { return 0 };
        let is_one = |slot: &Slot| slot.child == child && slot.is_fresh();
        set.iter().take_while(|&&id| is_one(self.slot(id))).count()
    }

    /// Marks slots of one child, which are all fresh, or of which there is one; that may be blocked.
    fn sweep_alike(&mut self, ids: &[SlotId], after: After, is_blocked: bool) {
        let Some(&first) = ids.first() else { return };
        let is_temporary = self.rules.children[self.slot(first).child as usize].restart == Restart::Temporary;
        self.update_all(ids.iter().copied(), |slot| match slot.state {
            State::Starting | State::Running | State::Stopping | State::Killing => {
                let after = if is_temporary { after.max(After::Gone) } else { after };
                slot.after = if slot.swept { slot.after.max(after) } else { after };
                slot.swept = true;
            }
            State::Pending | State::Waiting => match after.rest() {
                Some(rest) => slot.come_down(rest),
                None => slot.state = State::Pending,
            },
            // A restart begins again, also what was done or stopped by hand; nothing else changes those.
            State::Down(Rest::Done | Rest::Stopped) if after == After::Restart && !is_temporary && !is_blocked => {
                slot.state = State::Pending;
                slot.along = false;
            }
            State::Down(Rest::Stopped) if after == After::Gone => slot.come_down(Rest::Gone),
            // It would come up with what took it along, but for what is forfeited now it never can.
            State::Down(Rest::Stopped) if after == After::Forfeited && slot.along => slot.come_down(Rest::Forfeited),
            State::Down(_) if after == After::Removed => slot.come_down(Rest::Removed),
            State::Down(_) | State::Stuck => {}
        });
    }
}
