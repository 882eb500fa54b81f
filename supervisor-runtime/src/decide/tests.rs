//! Properties of the core: a small world that carries out its actions, and random histories in it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::plan::Stage;
use super::rules::ChildRules;
use super::slot::Role;
use super::*;
use crate::declare::Kind;
use crate::{AutoShutdown, Backoff, RestartLimit, Shutdown};

/// With its type, because a number can also be compared with a value of `serde_json`.
const NONE: [SlotId; 0] = [];

/// What a random history is made of; the numbers choose among what is possible.
#[derive(Clone, Debug)]
enum Event {
    Started(usize),
    /// An incarnation ends; whether the supervisor gets to run before the next event.
    Exits(usize, Ended, bool),
    Passes(u64),
    Stop,
}

/// Carries out actions as the shell does, and checks each.
struct World {
    core: Core,
    now: Instant,
    restarts: Vec<Instant>,
    /// Before when nothing may be started in a slot.
    not_before: HashMap<SlotId, Instant>,
    /// When a slot was told to be dropped.
    killed_at: HashMap<SlotId, Instant>,
    ending: bool,
    /// The deadline of the group, once it is stopping; after it, order no longer counts.
    deadline: Option<Instant>,
}

impl World {
    fn new(rules: Rules) -> Self {
        let now = Instant::now();
        let mut world = Self {
            core: Core::new(rules, 7, now),
            now,
            restarts: Vec::new(),
            not_before: HashMap::new(),
            killed_at: HashMap::new(),
            ending: false,
            deadline: None,
        };
        world.settle();
        world
    }

    fn live(&self) -> Vec<SlotId> {
        self.slots(Slot::is_live)
    }

    fn slots(&self, which: impl Fn(&Slot) -> bool) -> Vec<SlotId> {
        (0..).zip(self.core.slots()).filter(|(_, slot)| which(slot)).map(|(id, _)| id).collect()
    }

    fn happens(&mut self, event: &Event) {
        match event {
            Event::Started(pick) => {
                let starting = self.slots(|slot| slot.state == State::Starting);
                if let Some(&slot) = choose(&starting, *pick) {
                    assert_eq!(self.core.started(slot, Some(self.now)), Started::Run);
                }
            }
            Event::Exits(pick, ended, settles) => {
                if let Some(&slot) = choose(&self.live(), *pick) {
                    self.exits(slot, *ended);
                }
                if !settles {
                    return;
                }
            }
            Event::Passes(ms) => self.now += Duration::from_millis(*ms),
            Event::Stop => self.core.stop(None, self.now),
        }
        self.settle();
    }

    fn exits(&mut self, slot: SlotId, ended: Ended) {
        let asked = matches!(self.core.slot(slot).state, State::Stopping | State::Killing);
        let ended = if asked { Ended::Ok } else { ended };
        // `start` does not return `Ok` as the end of an incarnation.
        let starting = self.core.slot(slot).state == State::Starting;
        let ended = if starting && ended == Ended::Ok && !asked { Ended::Failed } else { ended };
        let choice = match self.restarts.len() % 3 {
            0 => Choice::Forfeit(Swept::All),
            _ => Choice::Restart(Swept::Rest),
        };
        let verdict = self.core.exited(slot, ended, Some(&choice), self.now);
        if !asked && ended == Ended::Forfeit {
            assert!(matches!(self.core.slot(slot).state, State::Down(_)), "it said: do not restart me");
        }
        if let Verdict::Restart { delay, .. } = verdict {
            self.restarts.push(self.now);
            let failed = slot;
            for swept in self.swept_with(failed) {
                let slot = self.core.slot(swept);
                assert!(swept == failed || !slot.is_live() || slot.swept, "slot {swept} goes on");
                let until = self.not_before.entry(swept).or_insert(self.now);
                *until = (*until).max(self.now + delay);
            }
            let RestartLimit { max_restarts, over } = self.core.rules.limit;
            let in_window = self.restarts.iter().filter(|&&then| self.now - then <= over).count();
            assert!(in_window <= max_restarts as usize, "{in_window} restarts in a window of {max_restarts}");
        }
    }

    /// What the failure of a slot takes along, itself included.
    fn swept_with(&self, slot: SlotId) -> Vec<SlotId> {
        let child = self.core.slot(slot).child;
        let children = &self.core.rules.children;
        let depends = |mut other: ChildId| {
            // Requirements are declared before: looking down from `other` ends.
            let mut above = vec![other];
            while let Some(next) = above.pop() {
                other = next;
                above.extend(&children[other as usize].requires);
                if children[other as usize].requires.contains(&child) {
                    return true;
                }
            }
            false
        };
        (0..)
            .zip(self.core.slots())
            .filter(|&(id, other)| {
                id == slot
                    || match self.core.rules.strategy {
                        StrategyRule::OneForAll => true,
                        StrategyRule::RestForOne | StrategyRule::Custom => other.child > child,
                        StrategyRule::DependentsForOne => depends(other.child),
                        _ => false,
                    }
            })
            .map(|(id, _)| id)
            .collect()
    }

    /// Lets the core go on until it waits for something, checking each action.
    fn settle(&mut self) {
        for slot in self.slots(|slot| matches!(slot.state, State::Waiting(until) if until <= self.now)) {
            assert!(!self.ending, "nothing starts after the end began");
            self.core.delay_over(slot, self.now);
        }
        loop {
            let before = self.core.slots().to_vec();
            if let Phase::Stopping { deadline: Some(deadline), .. } = *self.core.phase() {
                self.deadline = Some(deadline);
            }
            let mut actions = Vec::new();
            let more = self.core.step(self.now, 3, &mut actions);
            self.check_actions(&before, &actions);
            self.check_the_dropped(&actions);
            self.check_counters();
            self.ending |= self.core.is_ending();
            if !more && !self.core.has_work() {
                break;
            }
        }
        self.check_nothing_is_lost();
    }

    fn check_actions(&self, before: &[Slot], actions: &[Action]) {
        for action in actions {
            match *action {
                Action::Start(slot) => {
                    assert!(!before[slot as usize].is_live(), "slot {slot} is started beside itself");
                    assert!(!self.ending, "slot {slot} is started after the end began");
                    assert!(self.not_before.get(&slot).is_none_or(|&then| then <= self.now), "slot {slot} is early");
                    self.check_start_order(slot);
                }
                Action::Stop(slot, _) | Action::Kill(slot) if !is_asked(&before[slot as usize]) => {
                    self.check_stop_order(slot);
                }
                Action::Stop(..) | Action::Kill(_) | Action::Release(_) => {}
            }
        }
    }

    /// What was told to be dropped is gone, or given up on after a while.
    fn check_the_dropped(&mut self, actions: &[Action]) {
        for action in actions {
            if let Action::Kill(slot) = action {
                self.killed_at.insert(*slot, self.now);
            }
        }
        for &slot in self.core.stuck() {
            assert!(self.now >= self.killed_at[&slot] + GRACE, "slot {slot} is given up on too early");
        }
        for slot in self.slots(|slot| slot.state == State::Killing) {
            assert!(self.now < self.killed_at[&slot] + GRACE, "slot {slot} is waited for, for ever");
        }
    }

    /// What is declared before it, or what it requires, has started.
    fn check_start_order(&self, slot: SlotId) {
        let child = self.core.slot(slot).child;
        let waits = |other: &Slot| matches!(other.state, State::Pending | State::Starting);
        let earlier = |other: &Slot| match self.core.rules.strategy {
            StrategyRule::OneForAll => other.child < child,
            StrategyRule::DependentsForOne => self.core.rules.children[child as usize].requires.contains(&other.child),
            _ => false,
        };
        let wrong = self.slots(|other| earlier(other) && waits(other));
        assert_eq!(wrong, NONE, "slot {slot} is started before these");
    }

    /// What is declared after it, or what depends on it, is down.
    fn check_stop_order(&self, slot: SlotId) {
        if self.deadline.is_some_and(|deadline| deadline <= self.now) {
            return;
        }
        let child = self.core.slot(slot).child;
        let later = |other: &Slot| match self.core.rules.strategy {
            StrategyRule::DependentsForOne => self.core.rules.children[other.child as usize].requires.contains(&child),
            // Under the other strategies, only a sweep of everything has to look at everything.
            StrategyRule::OneForAll => other.child > child,
            _ => self.core.is_ending() && other.child > child,
        };
        let wrong = self.slots(|other| other.is_live() && later(other));
        assert_eq!(wrong, NONE, "slot {slot} is stopped before these");
    }

    /// Every slot that waits is waited for by something that will happen.
    fn check_nothing_is_lost(&self) {
        if self.core.next_timer().is_some() {
            return;
        }
        let busy = |slot: &Slot| matches!(slot.state, State::Starting | State::Stopping | State::Killing);
        if self.slots(busy).is_empty() {
            assert_eq!(self.slots(|slot| slot.state == State::Pending), NONE, "nobody will start these");
            assert_eq!(self.slots(|slot| slot.is_live() && slot.swept), NONE, "nobody will stop these");
            assert!(!self.core.has_plans(), "a plan waits for nothing");
            assert_ne!(*self.core.phase(), Phase::Starting);
        }
        if self.live().is_empty() && self.slots(|slot| matches!(slot.state, State::Waiting(_))).is_empty() {
            assert!(matches!(self.core.phase(), Phase::Ended(_)), "{:?}", self.core.phase());
        }
    }

    /// Invariant 5, counted again from nothing.
    fn check_counters(&self) {
        let count = |which: &dyn Fn(&Slot) -> bool| self.slots(which).len();
        let settled = |slot: &Slot| matches!(slot.state, State::Down(Rest::Done | Rest::Forfeited | Rest::Gone));
        assert_eq!(self.core.open, count(&|slot| !settled(slot)));
        assert_eq!(self.core.forfeited, self.core.forfeited().count());
        for (id, plan) in (0..).zip(&self.core.plans) {
            let part = |role| count(&|slot: &Slot| slot.plan == Some(id) && slot.role() == Some(role));
            let Some(plan) = plan else {
                assert_eq!(count(&|slot| slot.plan == Some(id)), 0, "plan {id} is over");
                continue;
            };
            let counts = [plan.counts.pending, plan.counts.starting, plan.counts.sweeping, plan.counts.stopping];
            assert_eq!(counts, [Role::Pending, Role::Starting, Role::Sweeping, Role::Stopping].map(part));
            assert!(plan.stage == Stage::Sweep || plan.counts.sweeping + plan.counts.stopping == 0, "invariant 3");
        }
    }

    /// Everything that is alive gets to its end.
    fn finish(&mut self) {
        self.core.stop(None, self.now);
        self.settle();
        while let Some(&slot) = self.live().first() {
            self.exits(slot, Ended::Ok);
            self.settle();
        }
        assert!(matches!(self.core.phase(), Phase::Ended(_)), "{:?}", self.core.phase());
    }
}

fn is_asked(slot: &Slot) -> bool {
    matches!(slot.state, State::Stopping | State::Killing)
}

fn choose<T>(from: &[T], pick: usize) -> Option<&T> {
    if from.is_empty() { None } else { from.get(pick % from.len()) }
}

fn strategy() -> impl Strategy<Value = StrategyRule> {
    prop_oneof![
        Just(StrategyRule::OneForOne),
        Just(StrategyRule::OneForAll),
        Just(StrategyRule::RestForOne),
        Just(StrategyRule::DependentsForOne),
        Just(StrategyRule::ForfeitOneForOne),
        Just(StrategyRule::ForfeitOneForAll),
        Just(StrategyRule::Crashing),
        Just(StrategyRule::Custom),
    ]
}

fn child() -> impl Strategy<Value = ChildRules> {
    let restart = prop_oneof![
        3 => Just(Restart::Permanent),
        1 => Just(Restart::Transient),
        1 => Just(Restart::Temporary),
    ];
    let backoff =
        proptest::option::of(Just(Backoff { initial: Duration::from_millis(10), max: Duration::from_millis(80) }));
    let supervisor = prop_oneof![4 => Just(Kind::Worker), 1 => Just(Kind::Supervisor)];
    (restart, backoff, supervisor, 1_usize..4, any::<bool>(), proptest::collection::vec(0_u32..5, 0..3)).prop_map(
        |(restart, backoff, kind, replicas, significant, requires)| ChildRules {
            kind,
            size: if replicas == 1 { Size::One } else { Size::Replicas(replicas) },
            restart,
            shutdown: (kind == Kind::Worker).then_some(Shutdown::DEFAULT),
            backoff,
            significant: significant && restart != Restart::Permanent,
            requires,
        },
    )
}

prop_compose! {
    fn rules()(
        strategy in strategy(),
        max_restarts in 0_u32..8,
        auto_shutdown in prop_oneof![
            3 => Just(AutoShutdown::Never),
            1 => Just(AutoShutdown::AnySignificant),
            1 => Just(AutoShutdown::AllSignificant),
        ],
        deadline in proptest::option::of(0_u64..6_000),
        mut children in proptest::collection::vec(child(), 1..6),
    ) -> Rules {
        for (position, child) in children.iter_mut().enumerate() {
            child.requires.retain(|&required| (required as usize) < position);
            if strategy != StrategyRule::DependentsForOne {
                child.requires.clear();
            }
        }
        let limit = RestartLimit { max_restarts, over: Duration::from_millis(100) };
        let shutdown = deadline.map(|ms| Shutdown::Within(Duration::from_millis(ms)));
        Rules { strategy, limit, shutdown, auto_shutdown, children }
    }
}

fn event() -> impl Strategy<Value = Event> {
    let ended = prop_oneof![
        8 => Just(Ended::Failed),
        4 => Just(Ended::Ok),
        1 => Just(Ended::Forfeit),
        1 => Just(Ended::Escalate),
    ];
    prop_oneof![
        20 => any::<usize>().prop_map(Event::Started),
        12 => (any::<usize>(), ended, any::<bool>()).prop_map(|(pick, ended, settles)| Event::Exits(pick, ended, settles)),
        8 => (0_u64..60).prop_map(Event::Passes),
        // Long enough for every deadline: what has not stopped by then is killed, then stuck.
        1 => Just(Event::Passes(5_500)),
        1 => Just(Event::Stop),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8_000, ..ProptestConfig::default() })]

    #[test]
    fn every_history_keeps_the_invariants_and_can_be_ended(
        rules in rules(),
        events in proptest::collection::vec(event(), 0..120),
    ) {
        let mut world = World::new(rules);
        for event in &events {
            world.happens(event);
        }
        world.finish();
    }
}
