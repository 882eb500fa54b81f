//! Small histories whose right end is worth a name of its own.

use super::super::*;
use super::ms;
use crate::declare::Kind;
use crate::{AutoShutdown, Backoff, RestartLimit, Shutdown};

pub(super) fn child(restart: Restart) -> ChildRules {
    ChildRules {
        kind: Kind::Worker,
        size: Size::One,
        restart,
        shutdown: Some(Shutdown::DEFAULT),
        backoff: None,
        significant: false,
        requires: Vec::new(),
    }
}

pub(super) fn rules(strategy: StrategyRule, children: Vec<ChildRules>) -> Rules {
    let limit = RestartLimit { max_restarts: 10, over: ms(1_000) };
    Rules { strategy, limit, shutdown: None, auto_shutdown: AutoShutdown::Never, children }
}

/// A group that has started.
pub(super) fn group(strategy: StrategyRule, children: Vec<ChildRules>, now: Instant) -> Core {
    let mut core = Core::new(rules(strategy, children), 7, now);
    starts(&mut core, now);
    core
}

pub(super) fn settles(core: &mut Core, now: Instant) {
    while core.step(now, 8, &mut Vec::new()) || core.has_work() {}
}

/// What the shell is told now.
pub(super) fn told(core: &mut Core, now: Instant) -> Vec<Action> {
    let mut actions = Vec::new();
    core.step(now, 8, &mut actions);
    actions
}

/// What is to be started starts.
pub(super) fn starts(core: &mut Core, now: Instant) {
    settles(core, now);
    while let Some(slot) = core.slots().iter().position(|slot| slot.state == State::Starting) {
        core.started(slot as SlotId, Some(now));
        settles(core, now);
    }
}

/// Which restart in a row it is.
fn attempt(verdict: Verdict) -> u32 {
    match verdict {
        Verdict::Restart { attempt, .. } => attempt,
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_an_incarnations_own_run_starts_its_backoff_over() {
    let backoff = Some(Backoff { initial: ms(10), max: ms(40) });
    let children = vec![child(Restart::Permanent), ChildRules { backoff, ..child(Restart::Permanent) }];
    let now = Instant::now();
    let mut core = group(StrategyRule::OneForAll, children, now);
    assert_eq!(attempt(core.exited(1, Ended::Failed, None, now)), 1);
    settles(&mut core, now);
    core.exited(0, Ended::Ok, None, now);
    starts(&mut core, now);
    // Its sibling's failure ends a run that was short, and it takes long to stop and to start again.
    core.exited(0, Ended::Failed, None, now);
    settles(&mut core, now);
    core.exited(1, Ended::Ok, None, now + ms(1));
    settles(&mut core, now + ms(1));
    core.started(0, Some(now + ms(100)));
    settles(&mut core, now + ms(100));
    assert_eq!(attempt(core.exited(1, Ended::Failed, None, now + ms(100))), 2, "it has never run for long");
}

#[test]
fn a_temporary_child_that_forfeits_is_forfeited_alone() {
    let now = Instant::now();
    let children = vec![child(Restart::Permanent), child(Restart::Temporary)];
    let mut core = group(StrategyRule::ForfeitOneForAll, children, now);
    assert_eq!(core.exited(1, Ended::Forfeit, None, now), Verdict::Forfeited);
    assert_eq!(core.slot(1).state, State::Down(Rest::Forfeited));
    assert_eq!(*core.phase(), Phase::Running);
}

#[test]
fn a_deadline_that_has_passed_is_told_to_the_groups_that_were_asked_without_one() {
    let now = Instant::now();
    let below = ChildRules { kind: Kind::Supervisor, shutdown: None, ..child(Restart::Permanent) };
    let mut core = group(StrategyRule::OneForOne, vec![below, child(Restart::Permanent)], now);
    core.exited(1, Ended::Escalate, None, now);
    settles(&mut core, now);
    assert_eq!(core.slot(0).state, State::Stopping);
    core.stop(Some(now), now);
    let actions = told(&mut core, now);
    assert!(actions.contains(&Action::Stop(0, Some(now))), "{actions:?}");
}

#[test]
fn a_group_restart_starts_again_what_is_just_being_stopped_by_hand() {
    let now = Instant::now();
    let mut core = group(StrategyRule::OneForAll, vec![child(Restart::Permanent), child(Restart::Permanent)], now);
    assert_eq!(core.steer(&[1], Order::Stop, now), Ok(()));
    settles(&mut core, now);
    core.exited(0, Ended::Failed, None, now);
    settles(&mut core, now);
    core.exited(1, Ended::Ok, None, now);
    starts(&mut core, now);
    assert_eq!(core.slot(1).state, State::Running, "as if it had been down already");
}

#[test]
fn what_is_started_by_hand_waits_only_while_what_stands_before_it_is_on_its_way() {
    let now = Instant::now();
    let mut children = vec![child(Restart::Permanent); 4];
    children[0].restart = Restart::Temporary;
    let mut core = group(StrategyRule::Custom, children, now);
    assert_eq!(core.steer(&[1], Order::Stop, now), Ok(()));
    settles(&mut core, now);
    core.exited(1, Ended::Ok, None, now);
    let choice = Choice::Restart(Swept::Children(vec![0, 3]));
    core.exited(2, Ended::Failed, Some(&choice), now);
    settles(&mut core, now);
    assert_eq!(core.steer(&[1], Order::Start, now), Ok(()));
    settles(&mut core, now);
    assert_eq!(core.slot(1).state, State::Pending);
    // The first is gone before it is asked to stop, for the last is still being stopped.
    core.exited(0, Ended::Failed, None, now);
    assert!(core.has_work());
    settles(&mut core, now);
    assert_eq!([core.slot(1).state, core.slot(3).state], [State::Starting, State::Stopping]);
}

#[test]
fn an_earlier_deadline_is_told_to_the_groups_that_were_asked_already() {
    let now = Instant::now();
    let below = ChildRules { kind: Kind::Supervisor, shutdown: None, ..child(Restart::Permanent) };
    let mut core = group(StrategyRule::OneForOne, vec![child(Restart::Permanent), below], now);
    core.stop(None, now);
    settles(&mut core, now);
    let soon = now + ms(10);
    core.stop(Some(soon), now);
    assert!(core.has_work());
    assert_eq!(told(&mut core, now), [Action::Stop(1, Some(soon))]);
}

#[test]
fn a_group_restart_leaves_alone_what_is_just_being_forfeited() {
    let now = Instant::now();
    let mut core = group(StrategyRule::Custom, vec![child(Restart::Permanent); 3], now);
    core.exited(0, Ended::Failed, Some(&Choice::Forfeit(Swept::Children(vec![1]))), now);
    settles(&mut core, now);
    core.exited(2, Ended::Failed, Some(&Choice::Restart(Swept::All)), now);
    settles(&mut core, now);
    core.exited(1, Ended::Ok, None, now);
    starts(&mut core, now);
    assert_eq!([0, 1].map(|slot| core.slot(slot).state), [State::Down(Rest::Forfeited); 2]);
    assert_eq!(core.slot(2).state, State::Running);
}

#[test]
fn what_a_custom_strategy_forfeits_takes_along_what_uses_it() {
    let now = Instant::now();
    let mut children = vec![child(Restart::Permanent); 4];
    children[2].requires = vec![1];
    let mut core = group(StrategyRule::Custom, children, now);
    core.exited(0, Ended::Failed, Some(&Choice::Forfeit(Swept::Children(vec![1]))), now);
    settles(&mut core, now);
    assert_eq!([2, 3].map(|slot| core.slot(slot).state), [State::Stopping, State::Running]);
    core.exited(2, Ended::Ok, None, now);
    settles(&mut core, now);
    core.exited(1, Ended::Ok, None, now);
    settles(&mut core, now);
    assert_eq!(core.forfeited().collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn a_deadline_is_not_lost_behind_a_delay_that_is_over() {
    let now = Instant::now();
    let within = |limit| ChildRules { shutdown: Some(Shutdown::Within(ms(limit))), ..child(Restart::Permanent) };
    let mut children = vec![within(20), within(20), within(20), within(50), within(20)];
    children[0].backoff = Some(Backoff { initial: ms(10), max: ms(10) });
    children[1].requires = vec![0, 2];
    children[3].requires = vec![2];
    children[4].requires = vec![2];
    let mut core = group(StrategyRule::DependentsForOne, children, now);
    // The second failure waits, with what depends on it.
    for _ in 0..2 {
        core.exited(0, Ended::Failed, None, now);
        settles(&mut core, now);
        if core.slot(1).is_live() {
            core.exited(1, Ended::Ok, None, now);
            settles(&mut core, now);
        }
    }
    core.exited(2, Ended::Failed, None, now);
    settles(&mut core, now);
    assert_eq!([3, 4].map(|slot| core.slot(slot).state), [State::Stopping; 2]);
    settles(&mut core, now + ms(20));
    assert_eq!([3, 4].map(|slot| core.slot(slot).state), [State::Stopping, State::Killing]);
    assert_eq!(core.next_timer(), Some(now + ms(50)));
}

#[test]
fn the_deadline_of_one_that_has_left_is_not_that_of_the_next_in_its_place() {
    let now = Instant::now();
    let open = ChildRules { size: Size::Open, ..child(Restart::Transient) };
    let mut core = group(StrategyRule::OneForOne, vec![open], now);
    let members = core.admit(0, 0..2, now, &mut Vec::new()).expect("nothing is missing");
    starts(&mut core, now);
    assert_eq!(core.discard(&members, now), Ok(()));
    settles(&mut core, now);
    core.exited(members[0], Ended::Ok, None, now);
    core.vacate(members[0]);
    let next = core.admit(0, 2..3, now, &mut Vec::new()).expect("nothing is missing");
    assert_eq!(next[..], [members[0]], "in the same place");
    starts(&mut core, now);
    assert_eq!(core.steer(&next, Order::Stop, now + ms(4_000)), Ok(()));
    settles(&mut core, now + ms(4_000));
    settles(&mut core, now + ms(5_000));
    assert_eq!([next[0], members[1]].map(|slot| core.slot(slot).state), [State::Stopping, State::Killing]);
}

#[test]
fn who_waits_for_its_backoff_still_does_when_what_it_uses_fails_with_its_own_provider() {
    let backoff = Some(Backoff { initial: ms(100), max: ms(400) });
    let middle = ChildRules { requires: vec![0], ..child(Restart::Permanent) };
    let user = ChildRules { requires: vec![1], backoff, ..child(Restart::Permanent) };
    let now = Instant::now();
    let mut core = group(StrategyRule::DependentsForOne, vec![child(Restart::Permanent), middle, user], now);
    core.exited(2, Ended::Failed, None, now);
    core.started(2, Some(now));
    let Verdict::Restart { delay, .. } = core.exited(2, Ended::Failed, None, now) else { panic!("it is restarted") };
    // The provider is in its `stop`, and takes what it is used by along when that is over.
    core.note_failing(0, now);
    assert_eq!(core.exited(1, Ended::Failed, None, now), Verdict::Swept);
    core.exited(0, Ended::Failed, None, now);
    starts(&mut core, now + delay / 2);
    assert_eq!(core.slot(2).state, State::Pending, "it waits for {delay:?}");
    starts(&mut core, now + delay);
    assert_eq!(core.slot(2).state, State::Running);
}

#[test]
fn a_replica_that_was_scaled_away_comes_back_in_its_place() {
    let now = Instant::now();
    let replicas = ChildRules { size: Size::Replicas(3), ..child(Restart::Permanent) };
    let mut core = group(StrategyRule::OneForOne, vec![replicas], now);
    assert_eq!(core.discard(&[1, 2], now), Ok(()));
    settles(&mut core, now);
    for slot in [1, 2] {
        core.exited(slot, Ended::Ok, None, now);
        assert_eq!(core.vacate(slot), Some(Vacated::ForTheSame));
    }
    assert_eq!([0, 1].map(|slot| core.vacate(slot)), [None; 2], "it is in its place, and is vacant already");
    assert_eq!(core.admit(0, 1..3, now, &mut Vec::new()).as_deref(), Ok(&[1, 2][..]));
}

#[test]
fn what_no_clock_reaches_is_as_good_as_never() {
    let now = Instant::now();
    let years = |count: u64| Duration::from_secs(count * 365 * 86_400);
    assert_eq!(later(now, years(29)), now + years(29));
    assert_eq!(later(now, Duration::MAX), now + years(30));
}

#[test]
fn the_time_spent_in_stop_is_no_running() {
    let backoff = Some(Backoff { initial: ms(10), max: ms(40) });
    for (ran, is_attempt) in [(40, 2), (41, 1)] {
        let mut now = Instant::now();
        let mut core = group(StrategyRule::OneForOne, vec![ChildRules { backoff, ..child(Restart::Permanent) }], now);
        assert_eq!(attempt(core.exited(0, Ended::Failed, None, now)), 1);
        starts(&mut core, now);
        now += ms(ran + 20);
        core.forget_stop(0, ms(20));
        assert_eq!(attempt(core.exited(0, Ended::Failed, None, now)), is_attempt, "it ran for {ran} ms");
    }
}

#[test]
fn what_fails_to_start_again_starts_from_when_it_is_restarted() {
    let now = Instant::now();
    let mut core = group(StrategyRule::OneForOne, vec![child(Restart::Permanent)], now);
    core.exited(0, Ended::Failed, None, now + ms(5));
    core.note_failing(0, now + ms(6));
    core.exited(0, Ended::Failed, None, now + ms(9));
    let Slot { state, failing, .. } = *core.slot(0);
    assert_eq!((state, failing, core.since(0)), (State::Starting, false, now + ms(9)));
}

#[test]
fn only_what_has_a_backoff_needs_the_time_of_its_start() {
    let backoff = Some(Backoff { initial: ms(10), max: ms(40) });
    let children = vec![child(Restart::Permanent), ChildRules { backoff, ..child(Restart::Permanent) }];
    let core = group(StrategyRule::OneForOne, children, Instant::now());
    assert_eq!([0, 1].map(|slot| core.has_backoff(slot)), [false, true]);
    assert_eq!(core.running_since.keys().collect::<Vec<_>>(), [&1]);
}

#[test]
fn who_was_asked_to_stop_while_it_started_does_not_run() {
    let now = Instant::now();
    let mut core = Core::new(rules(StrategyRule::OneForOne, vec![child(Restart::Permanent); 2]), 7, now);
    settles(&mut core, now);
    assert_eq!(core.started(0, Some(now)), Started::Run);
    settles(&mut core, now);
    core.stop(None, now);
    settles(&mut core, now);
    assert_eq!(core.started(1, Some(now)), Started::Stop);
}

#[test]
fn who_fails_while_what_it_uses_is_in_its_stop_waits_for_that_with_its_own_users() {
    let now = Instant::now();
    for strategy in [StrategyRule::RestForOne, StrategyRule::DependentsForOne] {
        let mut children = vec![child(Restart::Permanent); 3];
        children[1].requires = vec![0];
        children[2].requires = vec![1];
        let mut core = group(strategy, children, now);
        core.note_failing(0, now);
        assert_eq!(core.exited(1, Ended::Failed, None, now), Verdict::Swept, "{strategy:?}");
        settles(&mut core, now);
        assert_eq!([1, 2].map(|slot| core.slot(slot).state), [State::Pending, State::Stopping], "{strategy:?}");
        core.exited(2, Ended::Ok, None, now);
        assert!(matches!(core.exited(0, Ended::Failed, None, now), Verdict::Restart { attempt: 1, others: 2, .. }));
        starts(&mut core, now);
        assert!(core.slots().iter().all(|slot| slot.state == State::Running), "{strategy:?}");
    }
}

#[test]
fn who_has_waited_for_its_backoff_waits_on_while_what_it_uses_is_in_its_stop() {
    let now = Instant::now();
    let backoff = Some(Backoff { initial: ms(100), max: ms(400) });
    for strategy in [StrategyRule::RestForOne, StrategyRule::DependentsForOne] {
        let user = ChildRules { requires: vec![0], backoff, ..child(Restart::Permanent) };
        let mut core = group(strategy, vec![child(Restart::Permanent), user], now);
        core.exited(1, Ended::Failed, None, now);
        core.started(1, Some(now));
        let Verdict::Restart { delay, .. } = core.exited(1, Ended::Failed, None, now) else {
            panic!("it is restarted")
        };
        core.note_failing(0, now);
        core.delay_over(1, now + delay);
        settles(&mut core, now + delay);
        assert_eq!(core.slot(1).state, State::Pending, "{strategy:?}");
        assert!(matches!(core.exited(0, Ended::Failed, None, now + delay), Verdict::Restart { others: 1, .. }));
        starts(&mut core, now + delay);
        assert!(core.slots().iter().all(|slot| slot.state == State::Running), "{strategy:?}");
    }
}

#[test]
fn who_fails_when_it_was_asked_to_stop_already_has_no_more_time_for_that() {
    let now = Instant::now();
    let mut core = group(StrategyRule::OneForOne, vec![child(Restart::Permanent)], now);
    core.stop(None, now);
    settles(&mut core, now);
    core.note_failing(0, now + ms(1_000));
    for (after, state) in [(4_999, State::Stopping), (5_000, State::Killing)] {
        settles(&mut core, now + ms(after));
        assert_eq!(core.slot(0).state, state, "after {after} ms");
    }
}

#[test]
fn who_waits_for_what_it_uses_holds_up_nobody_else_by_a_user_that_is_still_to_start() {
    let now = Instant::now();
    let mut children = vec![child(Restart::Permanent); 4];
    children[1].requires = vec![0];
    children[3].requires = vec![1];
    let mut core = group(StrategyRule::RestForOne, children, now);
    core.exited(2, Ended::Failed, None, now);
    settles(&mut core, now);
    core.exited(3, Ended::Ok, None, now);
    settles(&mut core, now);
    core.note_failing(0, now);
    assert_eq!(core.exited(1, Ended::Failed, None, now), Verdict::Swept);
    core.exited(2, Ended::Failed, None, now);
    settles(&mut core, now);
    assert_eq!([1, 2, 3].map(|slot| core.slot(slot).state), [State::Pending, State::Starting, State::Pending]);
}
