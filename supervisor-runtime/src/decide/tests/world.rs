//! A small world around the core: it does what the shell does, and checks each step.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::super::*;
use super::Event;
use crate::RestartLimit;

/// Carries out actions as the shell does, and checks each (see `check`).
pub(super) struct World {
    pub(super) core: Core,
    pub(super) now: Instant,
    pub(super) restarts: Vec<Instant>,
    /// Before when nothing may be started in a slot.
    pub(super) not_before: HashMap<SlotId, Instant>,
    /// When a slot was told to be dropped.
    pub(super) killed_at: HashMap<SlotId, Instant>,
    /// Until when the whole process stood still.
    pub(super) stood_still: Instant,
    pub(super) ending: bool,
    /// The deadline of the group, once it is stopping; after it, order no longer counts.
    pub(super) deadline: Option<Instant>,
    /// Slots whose task has been spawned and has not ended.
    tasks: HashSet<SlotId>,
    /// Parked tasks that were told to look, and have not yet.
    told: Vec<SlotId>,
    settled: usize,
    /// Places of members that have left, with nothing of them left.
    vacant: HashSet<SlotId>,
    /// Slots that were stopped by hand, or did not start by hand: nothing but a group restart starts them by itself.
    pub(super) held: HashSet<SlotId>,
    /// Slots whose next start was asked for by hand.
    by_hand: HashSet<SlotId>,
    /// Those of them of which an incarnation was alive when it was asked: it is about the one after that.
    anew: HashSet<SlotId>,
    /// Slots that have started at some time, in this incarnation of the group.
    begun: HashSet<SlotId>,
    /// Slots whose next incarnation has another handle also where handles are stable: it was asked for by hand.
    pub(super) renewed: HashSet<SlotId>,
    /// Those whose handles an incarnation was made with.
    pub(super) taken: HashMap<SlotId, Vec<SlotId>>,
    /// How many members each open child ever had.
    indices: Vec<u32>,
}

impl World {
    pub(super) fn new(rules: Rules) -> Self {
        let now = Instant::now();
        let mut world = Self {
            indices: vec![0; rules.children.len()],
            core: Core::new(rules, 7, now),
            now,
            restarts: Vec::new(),
            not_before: HashMap::new(),
            killed_at: HashMap::new(),
            stood_still: now,
            ending: false,
            deadline: None,
            tasks: HashSet::new(),
            told: Vec::new(),
            settled: 0,
            vacant: HashSet::new(),
            held: HashSet::new(),
            by_hand: HashSet::new(),
            anew: HashSet::new(),
            begun: HashSet::new(),
            renewed: HashSet::new(),
            taken: HashMap::new(),
        };
        world.settle();
        world
    }

    pub(super) fn live(&self) -> Vec<SlotId> {
        self.slots(Slot::is_live)
    }

    pub(super) fn slots(&self, which: impl Fn(&Slot) -> bool) -> Vec<SlotId> {
        (0..).zip(self.core.slots()).filter(|(_, slot)| which(slot)).map(|(id, _)| id).collect()
    }

    pub(super) fn happens(&mut self, event: &Event) {
        match *event {
            Event::Started(pick) => {
                let starting = self.slots(|slot| slot.state == State::Starting);
                if let Some(&slot) = choose(&starting, pick) {
                    self.started(slot);
                }
            }
            Event::Exits(pick, ended, settles) => {
                if let Some(&slot) = choose(&self.live(), pick) {
                    self.exits(slot, ended);
                }
                if !settles {
                    return;
                }
            }
            Event::Fails(pick) => {
                if let Some(&slot) = choose(&self.slots(|slot| slot.state == State::Running && !slot.failing), pick) {
                    self.core.note_failing(slot, self.now);
                    self.notice();
                }
            }
            Event::SaysReady(pick, ready) => {
                let fresh = self.slots(|slot| matches!(slot.state, State::Starting | State::Running));
                if let Some(&slot) = choose(&fresh, pick) {
                    self.core.note_ready(slot, ready, self.now);
                }
            }
            Event::Steer(child, mask, order, settles) => {
                let child = child % self.core.rules.children.len();
                let members = self.core.roster(child as ChildId).iter().enumerate();
                let slots: Vec<_> = members.filter(|(n, _)| mask >> (n % 8) & 1 == 1).map(|(_, slot)| slot).collect();
                if !slots.is_empty() {
                    let _ = self.steer(&slots, order);
                }
                if !settles {
                    return;
                }
            }
            Event::Adds(pick) => {
                let open = self.children(|size| size == Size::Open);
                if let Some(&child) = choose(&open, pick) {
                    let index = self.indices[child as usize];
                    self.indices[child as usize] += 1;
                    self.admit(child, vec![index]);
                }
            }
            Event::Discards(child, pick) => {
                if let Some(&child) = choose(&self.children(|size| size == Size::Open), child)
                    && let Some(&slot) = choose(&self.core.roster(child).iter().collect::<Vec<_>>(), pick)
                {
                    self.discard(&[slot]);
                }
            }
            Event::Scales(pick, count) => {
                let replicated = self.children(|size| matches!(size, Size::Replicas(_)));
                if let Some(&child) = choose(&replicated, pick) {
                    self.scale(child, count);
                }
            }
            Event::Passes(ms) => self.passes(Duration::from_millis(ms)),
            Event::StandsStill(ms) => {
                self.now += Duration::from_millis(ms);
                self.stood_still = self.now;
            }
            Event::Stop => self.core.stop(None, self.now),
        }
        self.settle();
    }

    /// Lets time pass, from one timer to the next.
    fn passes(&mut self, by: Duration) {
        self.settle();
        let until = self.now + by;
        while let Some(next) = self.next_timer().filter(|&next| next <= until) {
            self.now = self.now.max(next);
            self.settle();
        }
        self.now = until;
    }

    fn next_timer(&self) -> Option<Instant> {
        let delays = (0..self.core.slots().len() as SlotId).filter_map(|slot| self.core.until(slot));
        delays.chain(self.core.next_timer()).min()
    }

    fn children(&self, which: impl Fn(Size) -> bool) -> Vec<ChildId> {
        (0..).zip(&self.core.rules.children).filter(|(_, child)| which(child.size)).map(|(id, _)| id).collect()
    }

    fn started(&mut self, slot: SlotId) {
        assert_eq!(self.core.started(slot, Some(self.now)), Started::Run);
        self.begun.insert(slot);
        if !self.anew.contains(&slot) {
            self.by_hand.remove(&slot);
        }
    }

    pub(super) fn exits(&mut self, slot: SlotId, ended: Ended) {
        let Slot { state, swept, .. } = *self.core.slot(slot);
        let asked = matches!(state, State::Stopping | State::Killing);
        let ended = if asked { Ended::Ok } else { ended };
        // `start` does not return `Ok` as the end of an incarnation.
        let starting = state == State::Starting;
        let ended = if starting && ended == Ended::Ok && !asked { Ended::Failed } else { ended };
        let choice = match self.restarts.len() % 3 {
            0 => Choice::Forfeit(Swept::All),
            _ => Choice::Restart(Swept::Rest),
        };
        let before = self.core.slots().to_vec();
        let verdict = self.core.exited(slot, ended, Some(&choice), self.now);
        if !asked && ended == Ended::Forfeit {
            assert!(matches!(self.core.slot(slot).state, State::Down(_)), "it said: do not restart me");
        }
        if starting && !swept && ended == Ended::Failed {
            assert_eq!(verdict == Verdict::NotStarted, self.by_hand.contains(&slot), "slot {slot}: {verdict:?}");
        }
        if verdict == Verdict::NotStarted {
            assert!(matches!(self.core.slot(slot).state, State::Down(Rest::Stopped | Rest::Removed)));
            self.held.insert(slot);
        }
        if let Verdict::Restart { delay, .. } = verdict {
            self.restarts.push(self.now);
            self.restarts_with(slot, delay);
        }
        if self.core.slot(slot).state == State::Starting {
            self.check_start(slot, &before);
            self.begins(slot);
        }
        if self.core.next(slot) == Next::End {
            self.ends_task(slot);
        }
        self.notice();
    }

    fn begins(&mut self, slot: SlotId) {
        self.anew.remove(&slot);
        self.note_handles(slot);
    }

    /// A failure of `failed` was answered by a restart.
    fn restarts_with(&mut self, failed: SlotId, delay: Duration) {
        for swept in self.swept_with(failed) {
            let slot = self.core.slot(swept);
            assert!(swept == failed || !slot.is_live() || slot.swept, "slot {swept} goes on");
            let until = self.not_before.entry(swept).or_insert(self.now);
            *until = (*until).max(self.now + delay);
            self.held.remove(&swept);
        }
        let RestartLimit { max_restarts, over } = self.core.rules.limit;
        let in_window = self.restarts.iter().filter(|&&then| self.now - then <= over).count();
        assert!(in_window <= max_restarts as usize, "{in_window} restarts in a window of {max_restarts}");
    }

    /// What the failure of a slot takes along, itself included.
    fn swept_with(&self, slot: SlotId) -> Vec<SlotId> {
        let child = self.core.slot(slot).child;
        let taken = |other: ChildId| match self.core.rules.strategy {
            StrategyRule::OneForAll => true,
            StrategyRule::RestForOne | StrategyRule::Custom => other > child,
            StrategyRule::DependentsForOne => self.depends(other, child),
            _ => false,
        };
        (0..).zip(self.core.slots()).filter(|&(id, other)| id == slot || taken(other.child)).map(|(id, _)| id).collect()
    }

    /// Whether one child depends on another, directly or not.
    pub(super) fn depends(&self, child: ChildId, on: ChildId) -> bool {
        // Requirements are declared before: looking down ends.
        let requires = &self.core.rules.children[child as usize].requires;
        requires.iter().any(|&required| required == on || self.depends(required, on))
    }

    /// Gives an order by hand.
    fn steer(&mut self, slots: &[SlotId], order: Order) -> Result<(), Refused> {
        let before = self.core.slots().to_vec();
        let first: Vec<_> = slots.iter().copied().filter(|&slot| self.is_first(slot)).collect();
        let up: Vec<_> = slots.iter().copied().filter(|&slot| self.core.is_up(slot)).collect();
        let refused = self.expected_refusal(slots, order);
        let steered = self.core.steer(slots, order, self.now);
        match (&steered, &refused) {
            (Err(Refused::Missing(slot)), Some(Refused::Missing(_))) => {
                let child = self.core.slot(*slot).child;
                assert!(self.depends(before[slots[0] as usize].child, child));
            }
            (steered, refused) => assert_eq!(steered.err(), *refused, "{order:?} of {slots:?}"),
        }
        if steered.is_err() {
            assert_eq!(format!("{before:?}"), format!("{:?}", self.core.slots()), "what is refused changes nothing");
            return steered;
        }
        for &id in slots {
            let slot = self.core.slot(id);
            match order {
                Order::Stop => {
                    let goes = slot.swept && slot.after >= After::Stopped;
                    assert!(goes || matches!(slot.state, State::Down(_) | State::Stuck), "slot {id}: {slot:?}");
                    self.held.insert(id);
                    self.by_hand.remove(&id);
                }
                Order::Start | Order::Restart => {
                    assert!(self.core.is_up(id) || slot.state == State::Pending, "slot {id}: {slot:?}");
                    self.held.remove(&id);
                    self.not_before.remove(&id);
                    // What is taken along waits no longer, either.
                    let child = slot.child;
                    let with = self.slots(|other| {
                        slot.plan.is_some() && other.plan == slot.plan || self.depends(other.child, child)
                    });
                    self.not_before.retain(|other, _| !with.contains(other));
                    if order == Order::Restart || !up.contains(&id) {
                        self.renewed.insert(id);
                    }
                    if !first.contains(&id) && (order == Order::Restart || !up.contains(&id)) {
                        self.by_hand.insert(id);
                        self.note_anew(id, before[id as usize].is_live());
                    }
                }
            }
        }
        self.notice();
        steered
    }

    fn note_anew(&mut self, slot: SlotId, is_live: bool) {
        if is_live {
            self.anew.insert(slot);
        } else {
            self.anew.remove(&slot);
        }
    }

    /// Whether the next start of a slot belongs to the start of the group.
    fn is_first(&self, slot: SlotId) -> bool {
        let Slot { child, index, .. } = *self.core.slot(slot);
        let declared = self.core.rules.children[child as usize].size.count();
        let known = self.begun.contains(&slot) || self.by_hand.contains(&slot);
        self.core.phase == Phase::Starting && !known && (index as usize) < declared
    }

    /// Why an order has to be refused, if it has.
    fn expected_refusal(&self, slots: &[SlotId], order: Order) -> Option<Refused> {
        if self.core.is_ending() {
            return Some(Refused::Ending);
        }
        if order == Order::Stop {
            return None;
        }
        if slots.iter().any(|&slot| self.core.slot(slot).state == State::Stuck) {
            return Some(Refused::Stuck);
        }
        let child = self.core.slot(slots[0]).child;
        let missing = self.slots(|slot| self.depends(child, slot.child) && is_missing(slot));
        missing.first().map(|&slot| Refused::Missing(slot))
    }

    fn admit(&mut self, child: ChildId, indices: Vec<u32>) {
        let before = self.core.slots().to_vec();
        let mut actions = Vec::new();
        let admitted = self.core.admit(child, indices.iter().copied(), self.now, &mut actions);
        let Ok(slots) = admitted else {
            let missing = self.slots(|slot| self.depends(child, slot.child) && is_missing(slot));
            assert!(self.core.is_ending() || !missing.is_empty());
            // Those that it was refused had their places for a moment.
            self.vacant.retain(|&slot| self.core.slot(slot).index == before[slot as usize].index);
            self.notice();
            return;
        };
        assert!(!self.core.is_ending());
        let is_new = |id: SlotId| before.get(id as usize).is_none_or(|old| old.removed);
        let anew: HashSet<u32> = slots.iter().zip(&indices).filter(|(id, _)| is_new(**id)).map(|(_, &n)| n).collect();
        let is_open = self.core.rules.children[child as usize].size == Size::Open;
        let free = self.vacant.iter().map(|&slot| &before[slot as usize]).filter(|slot| slot.child == child);
        let vacant = match is_open {
            true => free.count().min(anew.len()),
            // Each to its own index.
            false => free.map(|slot| slot.index).filter(|index| anew.contains(index)).collect::<HashSet<_>>().len(),
        };
        let mut reused = 0;
        for (&id, &index) in slots.iter().zip(&indices) {
            let slot = self.core.slot(id);
            assert_eq!((slot.child, slot.index, slot.removed), (child, index, false));
            match before.get(id as usize) {
                Some(old) if old.removed => {
                    assert!(self.vacant.remove(&id), "slot {id} is not vacant");
                    assert!(!old.is_live() && old.child == child && !self.tasks.contains(&id));
                    reused += 1;
                }
                Some(old) => assert!(old.index == index && old.is_leaving(), "slot {id} belongs to another"),
                None => {}
            }
            self.held.remove(&id);
            self.not_before.remove(&id);
            if is_new(id) {
                self.begun.remove(&id);
            }
            if !self.is_first(id) {
                self.by_hand.insert(id);
                self.note_anew(id, before.get(id as usize).is_some_and(Slot::is_live));
            }
        }
        self.users_wait_no_longer(child);
        assert_eq!(reused, vacant, "places are taken again");
        self.carry_out(&before, &actions);
    }

    /// What is done by hand to a child ends the waits of those that it takes along.
    fn users_wait_no_longer(&mut self, child: ChildId) {
        let users = self.slots(|slot| self.depends(slot.child, child));
        self.not_before.retain(|slot, _| !users.contains(slot));
    }

    fn discard(&mut self, slots: &[SlotId]) {
        let ending = self.core.is_ending();
        let discarded = self.core.discard(slots, self.now);
        assert_eq!(discarded.is_err(), ending);
        if discarded.is_ok() {
            if let Some(&first) = slots.first() {
                self.users_wait_no_longer(self.core.slot(first).child);
            }
            for &id in slots {
                assert!(self.core.slot(id).is_leaving() || self.core.slot(id).state == State::Stuck);
                self.held.remove(&id);
                self.by_hand.remove(&id);
            }
        }
        self.notice();
    }

    /// As the shell does.
    fn scale(&mut self, child: ChildId, count: usize) {
        let roster = self.core.roster(child);
        let stays = |index: u32| roster.get(index).is_some_and(|slot| !self.core.slot(slot).is_leaving());
        let missing: Vec<u32> = (0..count as u32).filter(|&index| !stays(index)).collect();
        let beyond = |slot: &SlotId| self.core.slot(*slot).index as usize >= count;
        let surplus: Vec<SlotId> = roster.iter().rev().filter(beyond).collect();
        if missing.is_empty() {
            self.discard(&surplus);
        } else {
            self.admit(child, missing);
        }
    }

    /// Lets the core go on until it waits for something, checking each action.
    pub(super) fn settle(&mut self) {
        let mut waited = self.slots(|slot| slot.state == State::Waiting);
        waited.retain(|&slot| self.core.until(slot).is_some_and(|until| until <= self.now));
        for slot in waited {
            assert!(!self.ending, "nothing starts after the end began");
            let before = self.core.slots().to_vec();
            self.core.delay_over(slot, self.now);
            // What it uses may be in its `stop`.
            if self.core.slot(slot).state == State::Starting {
                self.check_start(slot, &before);
                self.begins(slot);
            }
        }
        loop {
            let before = self.core.slots().to_vec();
            if let Phase::Stopping { deadline: Some(deadline), .. } = *self.core.phase() {
                self.deadline = Some(deadline);
            }
            let mut actions = Vec::new();
            let more = self.core.step(self.now, 3, &mut actions);
            self.carry_out(&before, &actions);
            self.check_the_dropped(&actions);
            self.ending |= self.core.is_ending();
            if !more && !self.core.has_work() {
                break;
            }
        }
        self.check_nothing_is_lost();
        // Tasks that were told to look do so some time later.
        self.settled += 1;
        if self.settled.is_multiple_of(3) {
            for slot in std::mem::take(&mut self.told) {
                if self.core.next(slot) == Next::End {
                    self.ends_task(slot);
                }
            }
        }
    }

    fn carry_out(&mut self, before: &[Slot], actions: &[Action]) {
        self.check_actions(before, actions);
        for action in actions {
            match *action {
                Action::Start(slot) => {
                    self.tasks.insert(slot);
                    self.begins(slot);
                }
                Action::Release(slot) if self.tasks.contains(&slot) => self.told.push(slot),
                Action::Release(slot) => self.vacates(slot),
                Action::Stop(..) | Action::Kill(..) => {}
            }
        }
        self.notice();
    }

    fn ends_task(&mut self, slot: SlotId) {
        if self.tasks.remove(&slot) {
            self.vacates(slot);
        }
    }

    fn vacates(&mut self, slot: SlotId) {
        if self.core.vacate(slot).is_some() {
            assert!(self.vacant.insert(slot), "slot {slot} is vacant already");
        }
    }

    /// Looks at what has changed, and checks what holds between any two events.
    fn notice(&mut self) {
        for slot in self.slots(|slot| matches!(slot.state, State::Down(_))) {
            self.by_hand.remove(&slot);
            self.not_before.remove(&slot);
        }
        self.check_counters();
        self.check_steering();
        self.check_handles();
    }

    /// Everything goes well from here on.
    pub(super) fn all_goes_well(&mut self) {
        for _ in 0..10_000 {
            self.settle();
            if let Some(&slot) = self.slots(|slot| slot.state == State::Starting).first() {
                self.started(slot);
            } else if let Some(&slot) = self.slots(is_asked).first() {
                self.exits(slot, Ended::Ok);
            } else {
                match self.next_timer() {
                    Some(next) => self.now = self.now.max(next),
                    None => return,
                }
            }
        }
        panic!("it never comes to rest");
    }

    /// What is to run comes to run, and what is started by hand, too.
    pub(super) fn comes_up(&mut self, child: usize) {
        while let Some(&slot) = self.slots(|slot| slot.failing).first() {
            self.exits(slot, Ended::Failed);
            self.settle();
        }
        let child = (child % self.core.rules.children.len()) as ChildId;
        let mut wanted = self.slots(|slot| matches!(slot.state, State::Pending | State::Waiting));
        wanted.extend((0..self.core.slots.len() as SlotId).filter(|&slot| self.core.is_up(slot)));
        let members: Vec<_> = self.core.roster(child).iter().collect();
        if !members.is_empty() && self.steer(&members, Order::Start).is_ok() {
            wanted.extend(&members);
            // What was added and uses one that is started by hand cannot be made again.
            wanted.retain(|&slot| !self.core.slot(slot).is_leaving());
        }
        if self.core.is_ending() {
            return;
        }
        self.all_goes_well();
        // A temporary one is taken along by what it depends on, and not started again.
        let is_gone = |slot: &Slot| {
            self.core.rules.children[slot.child as usize].restart == crate::Restart::Temporary && !slot.is_live()
        };
        wanted.retain(|&slot| members.contains(&slot) || !is_gone(self.core.slot(slot)));
        for slot in wanted {
            assert_eq!(self.core.slot(slot).state, State::Running, "slot {slot} was to come up");
        }
    }

    /// Everything that is alive gets to its end.
    pub(super) fn finish(&mut self) {
        self.core.stop(None, self.now);
        self.settle();
        while let Some(&slot) = self.live().first() {
            self.exits(slot, Ended::Ok);
            self.settle();
        }
        assert!(matches!(self.core.phase(), Phase::Ended(_)), "{:?}", self.core.phase());
    }
}

/// What keeps those that depend on it from being started.
pub(super) fn is_missing(slot: &Slot) -> bool {
    let is_down = matches!(slot.state, State::Down(Rest::Stopped | Rest::Forfeited | Rest::Gone) | State::Stuck);
    let goes_down =
        slot.is_live() && slot.swept && matches!(slot.after, After::Stopped | After::Forfeited | After::Gone);
    !slot.removed && (is_down || goes_down)
}

pub(super) fn is_asked(slot: &Slot) -> bool {
    matches!(slot.state, State::Stopping | State::Killing)
}

fn choose<T>(from: &[T], pick: usize) -> Option<&T> {
    if from.is_empty() { None } else { from.get(pick % from.len()) }
}
