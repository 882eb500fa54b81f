//! How plans go on, step by step.

use super::super::*;
use super::cases::{child, group, rules, settles, starts, told};
use super::ms;
use crate::Backoff;

#[test]
fn replicas_start_by_rising_index_and_are_asked_to_stop_by_falling() {
    let now = Instant::now();
    for strategy in [StrategyRule::OneForAll, StrategyRule::DependentsForOne] {
        let used = ChildRules { size: Size::Replicas(2), ..child(Restart::Permanent) };
        let users = ChildRules { requires: vec![0], ..used.clone() };
        let mut core = Core::new(rules(strategy, vec![used, users]), 7, now);
        for slots in [[0, 1], [2, 3]] {
            assert_eq!(told(&mut core, now), slots.map(Action::Start), "{strategy:?}");
            slots.iter().for_each(|&slot| _ = core.started(slot, Some(now)));
        }
        core.stop(None, now);
        for slots in [[3, 2], [1, 0]] {
            assert_eq!(told(&mut core, now), slots.map(|slot| Action::Stop(slot, None)), "{strategy:?}");
            slots.iter().for_each(|&slot| _ = core.exited(slot, Ended::Ok, None, now));
        }
    }
}

#[test]
fn a_step_does_no_more_than_there_is_room_for() {
    let now = Instant::now();
    for strategy in [StrategyRule::OneForAll, StrategyRule::DependentsForOne] {
        let replicas = ChildRules { size: Size::Replicas(5), ..child(Restart::Permanent) };
        let mut core = Core::new(rules(strategy, vec![replicas]), 7, now);
        for (done, is_more) in [(2, true), (2, true), (1, false)] {
            let mut actions = Vec::new();
            assert_eq!((core.step(now, 2, &mut actions), actions.len()), (is_more, done), "{strategy:?}: {actions:?}");
        }
    }
}

#[test]
fn what_another_plan_has_left_of_the_room_is_all_that_there_is() {
    let now = Instant::now();
    let replicas = ChildRules { size: Size::Replicas(3), ..child(Restart::Permanent) };
    let mut core = group(StrategyRule::OneForOne, vec![replicas.clone(), replicas], now);
    for slots in [[0, 1, 2], [3, 4, 5]] {
        assert_eq!(core.steer(&slots, Order::Stop, now), Ok(()));
    }
    for (done, is_more) in [(4, true), (2, false)] {
        let mut actions = Vec::new();
        assert_eq!((core.step(now, 4, &mut actions), actions.len()), (is_more, done), "{actions:?}");
    }
}

#[test]
fn a_plan_that_waits_is_not_looked_at() {
    let now = Instant::now();
    let replicas = ChildRules { size: Size::Replicas(2), ..child(Restart::Permanent) };
    let mut core = Core::new(rules(StrategyRule::OneForAll, vec![replicas, child(Restart::Permanent)]), 7, now);
    settles(&mut core, now);
    core.started(0, Some(now));
    assert!(!core.has_work(), "the other replica is still starting");
    core.started(1, Some(now));
    assert!(core.has_work());
}

#[test]
fn others_may_go_on_with_a_plan_unless_the_group_ends() {
    let now = Instant::now();
    let mut core = group(StrategyRule::OneForAll, vec![child(Restart::Permanent)], now);
    assert!(!core.can_proceed(), "there is none");
    assert_eq!(core.steer(&[0], Order::Restart, now), Ok(()));
    assert!(core.can_proceed());
    core.stop(None, now);
    assert!(core.has_work());
    assert!(!core.can_proceed());
}

#[test]
fn that_a_group_has_started_is_news_to_its_supervisor() {
    let now = Instant::now();
    let mut core = Core::new(rules(StrategyRule::OneForAll, vec![child(Restart::Permanent); 2]), 7, now);
    let mut news = Vec::new();
    for slot in 0..2 {
        settles(&mut core, now);
        core.started(slot, None);
        news.push(core.has_news());
    }
    settles(&mut core, now);
    news.push(core.has_news());
    assert_eq!(news, [false, true, false]);
}

#[test]
fn nothing_of_a_group_restart_starts_before_its_delay_is_over() {
    let now = Instant::now();
    let backoff = Some(Backoff { initial: ms(10), max: ms(10) });
    let children = vec![child(Restart::Permanent), ChildRules { backoff, ..child(Restart::Permanent) }];
    let mut core = group(StrategyRule::OneForAll, children, now);
    let fails = |core: &mut Core| match core.exited(1, Ended::Failed, None, now) {
        Verdict::Restart { delay, .. } => {
            settles(core, now);
            core.exited(0, Ended::Ok, None, now);
            delay
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(fails(&mut core), Duration::ZERO);
    starts(&mut core, now);
    let delay = fails(&mut core);
    assert!(delay >= ms(5));
    for (then, state) in [(now, State::Pending), (now + delay - ms(1), State::Pending), (now + delay, State::Starting)]
    {
        settles(&mut core, then);
        assert_eq!(core.slot(0).state, state);
    }
}

#[test]
fn what_is_to_be_stopped_waits_for_no_user_of_what_is_down_already() {
    let now = Instant::now();
    let mut children = vec![child(Restart::Permanent); 3];
    children[2].requires = vec![1];
    let mut core = group(StrategyRule::Custom, children, now);
    // The handle of the one that failed lasts: who uses it goes on.
    core.exited(1, Ended::Failed, Some(&Choice::Restart(Swept::Children(vec![0]))), now);
    settles(&mut core, now);
    assert_eq!([0, 1, 2].map(|slot| core.slot(slot).state), [State::Stopping, State::Pending, State::Running]);
}

#[test]
fn a_plan_waits_for_nothing_of_who_has_left_it() {
    let now = Instant::now();
    let mut children = vec![child(Restart::Permanent); 3];
    children[1].requires = vec![0];
    let mut core = group(StrategyRule::Custom, children, now);
    core.exited(2, Ended::Failed, Some(&Choice::Restart(Swept::Children(vec![1]))), now);
    assert_eq!(core.steer(&[1], Order::Stop, now), Ok(()));
    settles(&mut core, now);
    core.exited(1, Ended::Ok, None, now);
    // It comes back in another plan, after what it uses.
    for (slot, order) in [(1, Order::Start), (0, Order::Restart)] {
        assert_eq!(core.steer(&[slot], order, now), Ok(()));
    }
    settles(&mut core, now);
    assert_eq!([0, 1, 2].map(|slot| core.slot(slot).state), [State::Stopping, State::Pending, State::Starting]);
}

#[test]
fn who_will_not_start_again_is_released_once() {
    let now = Instant::now();
    let replicas = ChildRules { size: Size::Replicas(2), ..child(Restart::Permanent) };
    let mut core = Core::new(rules(StrategyRule::OneForAll, vec![replicas]), 7, now);
    core.step(now, 1, &mut Vec::new());
    let mut orders = |slot, order| {
        match order {
            Some(order) => assert_eq!(core.steer(&[slot], order, now), Ok(())),
            None => assert_eq!(core.discard(&[slot], now), Ok(())),
        }
        let told = told(&mut core, now);
        if told == [Action::Stop(slot, None)] {
            core.exited(slot, Ended::Ok, None, now);
        }
        told
    };
    let stop = Some(Order::Stop);
    assert_eq!(orders(1, stop), [Action::Release(1)], "it was to start");
    assert_eq!(orders(1, None), [Action::Release(1)], "it was down, and leaves");
    assert_eq!(orders(0, None), [Action::Stop(0, None)], "it is alive, and ends by itself");
    assert_eq!(told(&mut core, now), []);
}

#[test]
fn who_waits_for_its_backoff_is_released_when_it_is_stopped() {
    let now = Instant::now();
    let backoff = Some(Backoff { initial: ms(10), max: ms(10) });
    let delayed = ChildRules { backoff, ..child(Restart::Permanent) };
    let mut core = group(StrategyRule::OneForOne, vec![delayed], now);
    // The first restart is at once.
    core.exited(0, Ended::Failed, None, now);
    core.exited(0, Ended::Failed, None, now);
    assert_eq!(core.slot(0).state, State::Waiting);
    assert_eq!(core.steer(&[0], Order::Stop, now), Ok(()));
    assert_eq!(told(&mut core, now), [Action::Release(0)], "its task waits for the delay");
}

#[test]
fn a_member_that_waits_is_released_when_the_group_ends() {
    let now = Instant::now();
    let member = ChildRules { size: Size::Open, ..child(Restart::Transient) };
    let mut core = group(StrategyRule::RestForOne, vec![child(Restart::Permanent), member], now);
    assert_eq!(core.steer(&[0], Order::Restart, now), Ok(()));
    assert_eq!(core.admit(1, 0..1, now, &mut Vec::new()).as_deref(), Ok(&[1][..]));
    core.stop(None, now);
    assert_eq!(told(&mut core, now), [Action::Release(1), Action::Stop(0, None)]);
}
