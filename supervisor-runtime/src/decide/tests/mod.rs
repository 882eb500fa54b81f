//! Properties of the core: a small world that carries out its actions, and random histories in it.

mod by_hand;
mod cases;
mod check;
mod handles;
mod model;
mod plans;
mod seen;
mod world;

use std::time::Duration;

use proptest::prelude::*;

use self::world::World;
use super::*;
use crate::declare::Kind;
use crate::{AutoShutdown, Backoff, RestartLimit, Shutdown};

/// What a random history is made of; the numbers choose among what is possible.
#[derive(Clone, Debug)]
enum Event {
    Started(usize),
    /// An incarnation ends; whether the supervisor gets to run before the next event.
    Exits(usize, Ended, bool),
    /// It has failed, and its `stop` takes time.
    Fails(usize),
    SaysReady(usize, bool),
    /// An order for those members of a child that the mask chooses; whether the supervisor gets to run.
    Steer(usize, u8, Order, bool),
    Adds(usize),
    Discards(usize, usize),
    Scales(usize, usize),
    Passes(u64),
    /// Nothing and nobody gets to run for so long, as when a machine is moved.
    StandsStill(u64),
    Stop,
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
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
    let size = prop_oneof![
        3 => Just(Size::One),
        2 => (1_usize..4).prop_map(Size::Replicas),
        1 => Just(Size::Open),
    ];
    (restart, backoff, supervisor, size, any::<bool>(), proptest::collection::vec(0_u32..5, 0..3)).prop_map(
        |(restart, backoff, kind, size, significant, requires)| ChildRules {
            kind: if size == Size::Open { Kind::Worker } else { kind },
            size,
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
        // What may come and go is nothing to depend on.
        let stays: Vec<_> =
            children.iter().map(|child| child.size != Size::Open && child.restart != Restart::Temporary).collect();
        for (position, child) in children.iter_mut().enumerate() {
            child.requires.retain(|&required| (required as usize) < position && stays[required as usize]);
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
    let order = prop_oneof![3 => Just(Order::Start), 3 => Just(Order::Stop), 2 => Just(Order::Restart)];
    // Of all members, more often than not.
    let mask = prop_oneof![3 => Just(u8::MAX), 2 => any::<u8>()];
    let steer = (any::<usize>(), mask, order, any::<bool>());
    prop_oneof![
        20 => any::<usize>().prop_map(Event::Started),
        12 => (any::<usize>(), ended, any::<bool>()).prop_map(|(pick, ended, settles)| Event::Exits(pick, ended, settles)),
        2 => any::<usize>().prop_map(Event::Fails),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(pick, ready)| Event::SaysReady(pick, ready)),
        6 => steer.prop_map(|(child, mask, order, settles)| Event::Steer(child, mask, order, settles)),
        3 => any::<usize>().prop_map(Event::Adds),
        1 => (any::<usize>(), any::<usize>()).prop_map(|(child, pick)| Event::Discards(child, pick)),
        2 => (any::<usize>(), 0_usize..5).prop_map(|(child, count)| Event::Scales(child, count)),
        8 => (0_u64..60).prop_map(Event::Passes),
        // Long enough for every deadline: what has not stopped by then is killed, then stuck.
        1 => Just(Event::Passes(6_500)),
        1 => (0_u64..7_000).prop_map(Event::StandsStill),
        1 => Just(Event::Stop),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn every_history_keeps_the_invariants_and_can_be_ended(
        rules in rules(),
        events in proptest::collection::vec(event(), 0..120),
        started_at_last in any::<usize>(),
    ) {
        let mut world = World::new(rules);
        for event in &events {
            world.happens(event);
        }
        world.comes_up(started_at_last);
        world.finish();
    }
}
