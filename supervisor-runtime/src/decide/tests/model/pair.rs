//! A deciding core beside the reference, in lockstep: whatever happens, happens to both, and both must say the same.
//!
//! This is the only file here that knows what the core looks like.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::reference::Reference;
use super::words::{Course, Ending, Is, Said, Why};
use crate::decide::{
    Action, Choice, Core, Ended, Next, Order, Outcome, Phase, Rest, Rules, Size, SlotId, State, Verdict,
};
use crate::declare::Kind;

/// One group, as it is and as it should be.
#[derive(Clone)]
pub(super) struct Pair {
    core: Core,
    pub(super) should: Reference,
    /// The slot of each place; what has left may share it with what came later.
    slots: Vec<SlotId>,
    /// The index of the next member of each open group: no index is given twice.
    next_indices: Vec<usize>,
    now: Instant,
    /// What was asked to stop while it was starting: its `start` may still succeed.
    asked_at_start: Vec<usize>,
    /// What the core has asked for since they were last compared.
    endings: Vec<Ending>,
    /// What it has told the groups below: by when they have to have stopped.
    told: Vec<(usize, Option<Instant>)>,
    /// What has happened, to be shown where the two differ.
    story: Vec<Told>,
}

/// What has happened to a group; to which place.
#[derive(Clone, Copy, Debug)]
enum Told {
    Started(usize),
    Fails(usize),
    SaysReady(usize, bool),
    Ends(usize, Is, Said),
    Stop,
    Steer(usize, u8, Order),
    Add(usize),
    Discard(usize),
    Scale(usize, usize),
    Settled(Instant),
}

/// What has happened to a group that stands in a place.
pub(super) enum Below {
    Nothing,
    Started,
    Ended(Said),
}

impl Pair {
    pub(super) fn new(rules: Rules, now: Instant) -> Self {
        let core = Core::new(rules.clone(), 7, now);
        Self {
            slots: (0..core.slots().len() as SlotId).collect(),
            next_indices: vec![0; rules.children.len()],
            core,
            should: Reference::new(rules, now),
            now,
            asked_at_start: Vec::new(),
            endings: Vec::new(),
            told: Vec::new(),
            story: Vec::new(),
        }
    }

    /// The places in which both have the same, and that are such.
    pub(super) fn places(&self, which: impl Fn(Is) -> bool) -> Vec<usize> {
        self.should.all().into_iter().filter(|&p| self.is(p) == self.should.places[p].is && which(self.is(p))).collect()
    }

    /// Where the core sees a place.
    pub(super) fn is(&self, p: usize) -> Is {
        let id = self.slots[p];
        let slot = self.core.slot(id);
        // What a group has failed for stays there to be told; its members are lost all the same.
        let is_lost = self.should.is_member(p) && self.core.is_ending() && matches!(slot.state, State::Down(_));
        if slot.removed || self.place(id) != p || is_lost {
            return Is::Left;
        }
        match slot.state {
            State::Pending | State::Waiting => Is::Waits,
            State::Starting => Is::Starting,
            State::Running => Is::Running,
            State::Stopping => Is::Asked,
            State::Killing => Is::Told,
            State::Stuck => Is::Stuck,
            State::Down(Rest::Done) => Is::Done,
            State::Down(Rest::Forfeited) => Is::Forfeited,
            State::Down(Rest::Stopped) => Is::Stopped,
            State::Down(Rest::Gone) => Is::Gone,
            State::Down(Rest::Removed) => Is::Left,
        }
    }

    /// Who has a slot now, or had it last.
    fn place(&self, slot: SlotId) -> usize {
        self.slots.iter().rposition(|&other| other == slot).expect("each slot was made for a place")
    }

    pub(super) fn now(&self) -> Instant {
        self.now
    }

    /// How many children it has.
    pub(super) fn children(&self) -> usize {
        self.core.rules().children.len()
    }

    /// How many replicas a child may have, or that it is an open group.
    pub(super) fn size(&self, child: usize) -> Size {
        self.core.rules().children[child].size
    }

    pub(super) fn holds_group(&self, p: usize) -> bool {
        self.should.rule(p).kind == Kind::Supervisor
    }

    // What happens, to both.

    /// What can still start: what is starting, and what was asked to stop while it was.
    pub(super) fn starting(&self) -> Vec<usize> {
        let starting = |&p: &usize| self.is(p) == Is::Starting || self.asked_at_start.contains(&p);
        self.places(|_| true).into_iter().filter(starting).collect()
    }

    pub(super) fn started(&mut self, p: usize) {
        self.story.push(Told::Started(p));
        self.asked_at_start.retain(|&other| other != p);
        self.core.started(self.slots[p], Some(self.now));
        self.should.started(p, self.now);
    }

    pub(super) fn fails(&mut self, p: usize) {
        self.story.push(Told::Fails(p));
        self.core.note_failing(self.slots[p], self.now);
        self.should.fails(p, self.now);
    }

    pub(super) fn says_ready(&mut self, p: usize, ready: bool) {
        self.story.push(Told::SaysReady(p, ready));
        self.core.note_ready(self.slots[p], ready, self.now);
        self.should.says_ready(p, ready);
    }

    pub(super) fn ends(&mut self, p: usize, said: Said, choice: &Choice) {
        self.story.push(Told::Ends(p, self.is(p), said));
        self.asked_at_start.retain(|&other| other != p);
        let ended = match said {
            Said::Ok => Ended::Ok,
            Said::Failed => Ended::Failed,
            Said::Forfeit => Ended::Forfeit,
            Said::Escalate => Ended::Escalate,
            Said::Stuck => Ended::Stuck,
        };
        let slot = self.slots[p];
        let verdict = self.core.exited(slot, ended, Some(choice), self.now);
        if self.core.next(slot) == Next::End {
            self.core.vacate(slot);
        }
        let delay = match verdict {
            Verdict::Restart { delay, .. } => Some(delay),
            _ => None,
        };
        let bounds = self.should.ends(p, said, choice, delay.unwrap_or_default(), self.now);
        match (delay, bounds) {
            (None, None) => {}
            (Some(delay), Some((least, most))) => {
                assert!(
                    least <= delay && delay <= most,
                    "a delay of {delay:?}, and not {least:?} to {most:?}
{}",
                    self.show()
                );
            }
            _ => panic!("place {p} {said:?}: {verdict:?}, but should be {bounds:?}\n{}", self.show()),
        }
    }

    /// Carries out an order for those members of a child that the mask chooses.
    pub(super) fn steer(&mut self, child: usize, mask: u8, order: Order) {
        let members = self.should.members(child).into_iter().enumerate();
        // What is on its way out can only go.
        let stays = |p: usize| order == Order::Stop || !self.should.is_leaving(p);
        let set: BTreeSet<usize> =
            members.filter(|&(n, p)| mask >> (n % 8) & 1 == 1 && stays(p)).map(|(_, p)| p).collect();
        if set.is_empty() {
            return;
        }
        self.story.push(Told::Steer(child, mask, order));
        let slots: Vec<_> = set.iter().map(|&p| self.slots[p]).collect();
        let refused = self.core.steer(&slots, order, self.now);
        let should = self.should.steer(&set, order, self.now);
        assert_eq!(refused.is_err(), should, "{order:?} is refused: {refused:?}\n{}", self.show());
    }

    /// Adds a member to an open group.
    pub(super) fn add(&mut self, child: usize) {
        self.story.push(Told::Add(child));
        let index = self.next_indices[child];
        self.next_indices[child] += 1;
        self.admit(child, &[index]);
    }

    /// Takes one of the members out of an open group.
    pub(super) fn discard(&mut self, child: usize, pick: usize) {
        let members: Vec<_> = self.should.members(child).into_iter().collect();
        if let Some(&p) = members.get(pick.checked_rem(members.len()).unwrap_or_default()) {
            self.story.push(Told::Discard(p));
            self.take_out(&[p].into());
        }
    }

    /// Changes the number of replicas of a child, as the shell does: those that are on their way out and are to stay come
    /// back, and who is surplus goes.
    pub(super) fn scale(&mut self, child: usize, count: usize) {
        self.story.push(Told::Scale(child, count));
        let members = self.should.members(child);
        let stays = |index| members.iter().any(|&p| self.should.places[p].index == index && !self.should.is_leaving(p));
        let missing: Vec<usize> = (0..count).filter(|&index| !stays(index)).collect();
        let surplus: BTreeSet<_> = members.iter().copied().filter(|&p| self.should.places[p].index >= count).collect();
        if (missing.is_empty() || self.admit(child, &missing)) && !surplus.is_empty() {
            self.take_out(&surplus);
        }
    }

    /// Whether they were admitted.
    fn admit(&mut self, child: usize, indices: &[usize]) -> bool {
        let mut actions = Vec::new();
        let wanted = indices.iter().map(|&index| index as u32);
        let slots = self.core.admit(child as u32, wanted, self.now, &mut actions);
        let places = self.should.admit(child, indices, self.now);
        assert_eq!(slots.is_ok(), places.is_some(), "{:?}\n{}", slots.err(), self.show());
        let (Ok(slots), Some(places)) = (slots, places) else { return false };
        for (slot, p) in slots.into_iter().zip(places) {
            if p == self.slots.len() {
                self.slots.push(slot);
            }
            assert_eq!(self.slots[p], slot, "what comes back is where it was\n{}", self.show());
        }
        true
    }

    fn take_out(&mut self, set: &BTreeSet<usize>) {
        let slots: Vec<_> = set.iter().map(|&p| self.slots[p]).collect();
        let discarded = self.core.discard(&slots, self.now);
        let refused = self.should.discard(set, self.now);
        assert_eq!(discarded.is_err(), refused, "{set:?} is discarded: {discarded:?}\n{}", self.show());
    }

    /// Each is told its own side's deadline.
    pub(super) fn stop(&mut self, deadline: Option<Instant>, should: Option<Instant>) {
        self.story.push(Told::Stop);
        self.core.stop(deadline, self.now);
        self.should.stop(should, self.now);
    }

    // What goes on by itself.

    /// Lets both do what they can, and compares them.
    pub(super) fn settle(&mut self, now: Instant) {
        self.story.push(Told::Settled(now));
        self.let_core_go_on(now);
        let mut should_end = self.should.goes_on(now);
        let mut endings = std::mem::take(&mut self.endings);
        endings.sort_unstable();
        // A group is asked again when its deadline moves.
        endings.dedup();
        should_end.sort_unstable();
        assert_eq!(endings, should_end, "what the core asks to end, and what it should\n{}", self.show());
        self.compare();
    }

    /// Lets time pass, from one timer to the next.
    pub(super) fn passes(&mut self, by: Duration) {
        self.settle(self.now);
        let until = self.now + by;
        while self.now < until {
            self.settle(self.next_timer().map_or(until, |then| then.min(until)));
        }
    }

    fn let_core_go_on(&mut self, now: Instant) {
        self.now = now;
        for p in self.should.all() {
            let slot = self.slots[p];
            if self.core.until(slot).is_some_and(|until| until <= now) {
                self.core.delay_over(slot, now);
            }
        }
        for _ in 0..10_000 {
            let before: Vec<_> = (0..self.slots.len()).map(|p| self.is(p)).collect();
            let mut actions = Vec::new();
            let more = self.core.step(now, 3, &mut actions);
            for action in actions {
                self.note(action, &before);
            }
            let is_late = self.core.next_timer().is_some_and(|then| then <= now);
            if !more && !is_late && !self.core.has_work() {
                return;
            }
        }
        panic!("it never comes to rest\n{}", self.show());
    }

    fn note(&mut self, action: Action, before: &[Is]) {
        match action {
            Action::Stop(slot, deadline) => {
                let p = self.place(slot);
                if self.holds_group(p) {
                    self.told.push((p, deadline));
                }
                if before[p] != Is::Asked {
                    self.endings.push(Ending::Asked(p));
                }
                if before[p] == Is::Starting {
                    self.asked_at_start.push(p);
                }
            }
            Action::Kill(slot, _) => self.endings.push(Ending::Told(self.place(slot))),
            Action::Release(slot) => {
                self.core.vacate(slot);
            }
            Action::Start(_) => {}
        }
    }

    /// What the core has told the groups below since the last time.
    pub(super) fn told(&mut self) -> Vec<(usize, Option<Instant>)> {
        std::mem::take(&mut self.told)
    }

    /// When something happens by itself, in the one or the other.
    pub(super) fn next_timer(&self) -> Option<Instant> {
        let timers = self.core_timer().into_iter().chain(self.should.next_timer());
        timers.filter(|&then| then > self.now).min()
    }

    /// When the core has to be asked again.
    fn core_timer(&self) -> Option<Instant> {
        let delays = self.should.all().into_iter().filter_map(|p| self.core.until(self.slots[p]));
        delays.chain(self.core.next_timer()).min()
    }

    pub(super) fn has_started(&self) -> bool {
        self.core.has_started()
    }

    /// What the group says to the one above, once it has ended.
    pub(super) fn has_ended(&self) -> Option<Said> {
        let Phase::Ended(outcome) = *self.core.phase() else { return None };
        Some(match outcome {
            _ if !self.core.stuck().is_empty() => Said::Stuck,
            Outcome::Done | Outcome::Stopped => Said::Ok,
            Outcome::Forfeited => Said::Forfeit,
            _ => Said::Failed,
        })
    }

    fn course(&self) -> Course {
        let why = |outcome| match outcome {
            Outcome::Done => Why::Done,
            Outcome::Stopped => Why::Stopped,
            Outcome::StartFailed(slot) => Why::StartFailed(self.place(slot)),
            Outcome::GaveUp(slot) => Why::GaveUp(self.place(slot)),
            Outcome::Escalated(slot) => Why::Escalated(self.place(slot)),
            Outcome::Crashed(slot) => Why::Crashed(self.place(slot)),
            Outcome::Forfeited => Why::Forfeited,
            Outcome::Stuck => Why::Stuck,
        };
        match *self.core.phase() {
            Phase::Starting => Course::Starting,
            Phase::Running => Course::Running,
            Phase::Stopping { outcome, .. } => Course::Ending(why(outcome)),
            Phase::Ended(outcome) => Course::Ended(why(outcome)),
        }
    }

    fn compare(&self) {
        let same = (0..).zip(&self.should.places).all(|(p, place)| self.is(p) == place.is)
            && (self.has_who_it_should() || self.should.is_ending())
            && self.course() == self.should.course
            && self.core.spent().eq(self.should.restarts().iter().copied())
            && self.core.has_started() == self.should.has_started
            && (self.core.is_ready() == self.should.is_ready() || self.should.is_ending());
        // It may want to be asked early, for what has stopped in time, but never late; and not while it is idle.
        let is_idle = !self.should.places.iter().any(|place| matches!(place.is, Is::Waits | Is::Asked | Is::Told));
        let in_time = match (self.core_timer(), self.should.next_timer()) {
            (Some(asks), Some(should)) => asks <= should,
            (asks, should) => should.is_none() && (asks.is_none() || !is_idle),
        };
        assert!(in_time, "the core wants to be asked again: {:?}\n{}", self.core_timer(), self.show());
        assert!(same, "the core, and what it should be:\n{}", self.show());
    }

    /// Whether each child has those replicas or members that it should have, each by its index.
    fn has_who_it_should(&self) -> bool {
        (0..self.children()).all(|child| {
            let roster = self.core.roster(child as u32);
            let mut should: Vec<_> =
                self.should.members(child).into_iter().map(|p| (self.should.places[p].index, self.slots[p])).collect();
            should.sort_unstable();
            roster.len() == should.len()
                && roster.iter().eq(should.iter().map(|&(_, slot)| slot))
                && should.iter().all(|&(index, slot)| roster.get(index as u32) == Some(slot))
        })
    }

    fn show(&self) -> String {
        let is: Vec<_> = (0..self.slots.len()).map(|p| self.is(p)).collect();
        let should: Vec<_> = self.should.places.iter().map(|place| place.is).collect();
        let facts = |course, started, ready| format!("{course:?} started: {started} ready: {ready}");
        let start = self.story.iter().find_map(|told| match told {
            Told::Settled(at) => Some(*at),
            _ => None,
        });
        let told = |told: &Told| match *told {
            Told::Started(p) => format!("{p} has started, "),
            Told::Fails(p) => format!("{p} fails, "),
            Told::SaysReady(p, ready) => format!("{p} says ready: {ready}, "),
            Told::Ends(p, is, said) => format!("{p} ends ({is:?}, {said:?}), "),
            Told::Steer(child, mask, order) => format!("{order:?} child {child} & {mask:#b}, "),
            Told::Add(child) => format!("add to child {child}, "),
            Told::Discard(p) => format!("discard {p}, "),
            Told::Scale(child, count) => format!("scale child {child} to {count}, "),
            Told::Stop => "stop, ".to_owned(),
            Told::Settled(at) => format!("| {:?}: ", at - start.unwrap_or(at)),
        };
        let story: String = self.story.iter().map(told).collect();
        format!(
            "is     {is:?} {} restarts: {}
should {should:?} {} restarts: {}
{story}
{}",
            facts(self.course(), self.core.has_started(), self.core.is_ready()),
            self.core.spent().count(),
            facts(self.should.course, self.should.has_started, self.should.is_ready()),
            self.should.restarts().len(),
            self.should.show(),
        )
    }
}

impl Below {
    /// What the group above notices first.
    pub(super) fn of(above: Is, below: &Pair) -> Self {
        match below.has_ended() {
            // One that has ended well before all have started needs no other start.
            said if above == Is::Starting && (below.has_started() || said == Some(Said::Ok)) => Self::Started,
            Some(said) => Self::Ended(said),
            None => Self::Nothing,
        }
    }
}
