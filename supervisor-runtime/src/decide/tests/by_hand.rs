//! What is done by hand: small histories whose right end is worth a name of its own.

use super::super::*;
use super::cases::{child, group, rules, settles, starts};

/// An order by hand that is not refused.
fn steers(core: &mut Core, slot: SlotId, order: Order, now: Instant) {
    assert_eq!(core.steer(&[slot], order, now), Ok(()));
}

/// It is stopped by hand, and is down.
fn stops(core: &mut Core, slot: SlotId, now: Instant) {
    steers(core, slot, Order::Stop, now);
    settles(core, now);
    core.exited(slot, Ended::Ok, None, now);
    settles(core, now);
    assert_eq!(core.slot(slot).state, State::Down(Rest::Stopped));
}

fn member(restart: Restart) -> ChildRules {
    ChildRules { size: Size::Open, ..child(restart) }
}

fn admits(core: &mut Core, child: ChildId, index: u32, now: Instant) -> SlotId {
    core.admit(child, index..index + 1, now, &mut Vec::new()).expect("nothing is missing")[0]
}

#[test]
fn what_is_started_by_hand_waits_for_what_stands_before_it_where_there_is_an_order() {
    let now = Instant::now();
    for (strategy, waits) in [
        (StrategyRule::OneForOne, false),
        (StrategyRule::ForfeitOneForOne, false),
        (StrategyRule::DependentsForOne, false),
        (StrategyRule::OneForAll, true),
        (StrategyRule::RestForOne, true),
    ] {
        let mut core = group(strategy, vec![child(Restart::Permanent); 2], now);
        stops(&mut core, 1, now);
        // Not even asked to stop yet.
        steers(&mut core, 0, Order::Restart, now);
        steers(&mut core, 1, Order::Start, now);
        settles(&mut core, now);
        let expected = if waits { State::Pending } else { State::Starting };
        assert_eq!(core.slot(1).state, expected, "{strategy:?}: the other is being stopped");
        core.exited(0, Ended::Ok, None, now);
        settles(&mut core, now);
        assert_eq!(core.slot(0).state, State::Starting);
        assert_eq!(core.slot(1).state, expected, "{strategy:?}: the other is starting");
        core.started(0, Some(now));
        settles(&mut core, now);
        assert_eq!(core.slot(1).state, State::Starting, "{strategy:?}");
    }
}

#[test]
fn what_is_started_by_hand_waits_for_no_other_replica() {
    let now = Instant::now();
    let replicas = ChildRules { size: Size::Replicas(2), ..child(Restart::Permanent) };
    let mut core = group(StrategyRule::RestForOne, vec![child(Restart::Permanent), replicas], now);
    stops(&mut core, 2, now);
    steers(&mut core, 0, Order::Restart, now);
    steers(&mut core, 1, Order::Restart, now);
    steers(&mut core, 2, Order::Start, now);
    settles(&mut core, now);
    assert_eq!(core.slot(2).state, State::Pending, "the first child is on its way");
    core.exited(0, Ended::Ok, None, now);
    starts(&mut core, now);
    assert_eq!([1, 2].map(|slot| core.slot(slot).state), [State::Stopping, State::Running]);
}

#[test]
fn what_is_started_by_hand_waits_for_nothing_that_is_restarted_alone() {
    let now = Instant::now();
    let mut core = Core::new(rules(StrategyRule::OneForOne, vec![child(Restart::Permanent); 3]), 7, now);
    settles(&mut core, now);
    steers(&mut core, 1, Order::Stop, now);
    core.started(0, Some(now));
    settles(&mut core, now);
    core.exited(0, Ended::Failed, None, now);
    assert_eq!(
        [0, 1, 2].map(|slot| core.slot(slot).state),
        [State::Starting, State::Down(Rest::Stopped), State::Starting]
    );
    steers(&mut core, 1, Order::Start, now);
    settles(&mut core, now);
    assert_eq!(core.slot(1).state, State::Starting);
}

#[test]
fn who_is_added_starts_at_once_beside_another_that_is_on_its_way() {
    let now = Instant::now();
    for strategy in [StrategyRule::OneForOne, StrategyRule::RestForOne, StrategyRule::DependentsForOne] {
        let mut core = group(strategy, vec![member(Restart::Transient)], now);
        for index in 0..2 {
            let mut actions = Vec::new();
            assert_eq!(core.admit(0, index..index + 1, now, &mut actions).as_deref(), Ok(&[index][..]));
            assert_eq!(actions, [Action::Start(index)], "{strategy:?}");
            core.started(index, Some(now));
            steers(&mut core, index, Order::Restart, now);
        }
    }
}

#[test]
fn a_member_that_never_started_is_none_and_one_that_did_stays() {
    let now = Instant::now();
    let mut core = group(StrategyRule::OneForOne, vec![member(Restart::Transient)], now);
    for (has_run, rest) in [(false, Rest::Removed), (true, Rest::Stopped)] {
        let slot = admits(&mut core, 0, u32::from(has_run), now);
        if has_run {
            core.started(slot, Some(now));
            steers(&mut core, slot, Order::Restart, now);
            settles(&mut core, now);
            core.exited(slot, Ended::Ok, None, now);
            settles(&mut core, now);
        }
        assert_eq!(core.exited(slot, Ended::Failed, None, now), Verdict::NotStarted);
        assert_eq!(core.slot(slot).state, State::Down(rest));
    }
}

#[test]
fn who_is_added_while_the_group_starts_is_answered_for_by_who_asked() {
    let now = Instant::now();
    let children = vec![member(Restart::Transient), child(Restart::Permanent)];
    let mut core = Core::new(rules(StrategyRule::OneForOne, children), 7, now);
    settles(&mut core, now);
    let slot = admits(&mut core, 0, 0, now);
    assert_eq!(core.exited(slot, Ended::Failed, None, now), Verdict::NotStarted);
    assert_eq!(*core.phase(), Phase::Starting);
}

#[test]
fn only_a_temporary_member_leaves_when_it_is_stopped() {
    let now = Instant::now();
    for (rules, rest) in [
        (member(Restart::Temporary), Rest::Removed),
        (member(Restart::Transient), Rest::Stopped),
        (ChildRules { size: Size::Replicas(0), ..child(Restart::Temporary) }, Rest::Stopped),
    ] {
        let mut core = group(StrategyRule::OneForOne, vec![rules], now);
        let slot = admits(&mut core, 0, 0, now);
        core.started(slot, Some(now));
        steers(&mut core, slot, Order::Stop, now);
        settles(&mut core, now);
        core.exited(slot, Ended::Ok, None, now);
        assert_eq!(core.slot(slot).state, State::Down(rest));
    }
}

#[test]
fn what_two_others_took_down_comes_up_when_both_are_up() {
    let now = Instant::now();
    for strategy in [StrategyRule::OneForAll, StrategyRule::DependentsForOne] {
        let mut children = vec![child(Restart::Permanent); 3];
        children[2].requires = vec![0, 1];
        let mut core = group(strategy, children, now);
        steers(&mut core, 0, Order::Stop, now);
        settles(&mut core, now);
        core.exited(2, Ended::Ok, None, now);
        settles(&mut core, now);
        core.exited(0, Ended::Ok, None, now);
        stops(&mut core, 1, now);
        for (slot, state) in [(0, State::Down(Rest::Stopped)), (1, State::Running)] {
            steers(&mut core, slot, Order::Start, now);
            starts(&mut core, now);
            assert_eq!(core.slot(2).state, state, "{strategy:?}");
        }
    }
}

#[test]
fn a_member_is_gone_with_its_group_also_if_it_was_stopped() {
    let now = Instant::now();
    for (strategy, rest) in [(StrategyRule::OneForOne, Rest::Gone), (StrategyRule::ForfeitOneForAll, Rest::Forfeited)] {
        let mut core = group(strategy, vec![member(Restart::Transient), child(Restart::Permanent)], now);
        let members = [0, 1].map(|index| admits(&mut core, 0, index, now));
        starts(&mut core, now);
        stops(&mut core, members[1], now);
        if strategy == StrategyRule::ForfeitOneForAll {
            core.exited(0, Ended::Failed, None, now);
        } else {
            core.stop(None, now);
            settles(&mut core, now);
            core.exited(0, Ended::Ok, None, now);
        }
        settles(&mut core, now);
        core.exited(members[0], Ended::Ok, None, now);
        let rests = members.map(|slot| core.slot(slot).state);
        let stopped = if rest == Rest::Gone { rest } else { Rest::Stopped };
        assert_eq!(rests, [rest, stopped].map(State::Down), "{strategy:?}");
    }
}

#[test]
fn who_was_stopped_by_hand_does_not_come_up_with_what_it_uses() {
    let now = Instant::now();
    let mut children = vec![child(Restart::Permanent); 2];
    children[1].requires = vec![0];
    let mut core = group(StrategyRule::OneForAll, children, now);
    stops(&mut core, 1, now);
    stops(&mut core, 0, now);
    steers(&mut core, 0, Order::Start, now);
    starts(&mut core, now);
    assert_eq!([0, 1].map(|slot| core.slot(slot).state), [State::Running, State::Down(Rest::Stopped)]);
}

#[test]
fn a_child_that_was_scaled_to_nothing_keeps_the_group_from_being_done() {
    let now = Instant::now();
    let replicas = ChildRules { size: Size::Replicas(1), ..child(Restart::Transient) };
    let mut core = group(StrategyRule::OneForOne, vec![child(Restart::Transient), replicas], now);
    assert_eq!(core.discard(&[1], now), Ok(()));
    settles(&mut core, now);
    core.exited(1, Ended::Ok, None, now);
    core.exited(0, Ended::Ok, None, now);
    assert_eq!(*core.phase(), Phase::Running);
    let slot = admits(&mut core, 1, 0, now);
    core.started(slot, Some(now));
    core.exited(slot, Ended::Ok, None, now);
    assert!(matches!(core.phase(), Phase::Stopping { outcome: Outcome::Done, .. }), "{:?}", core.phase());
}

#[test]
fn what_is_stopped_by_hand_keeps_the_group_from_being_done_until_it_is_scaled_away() {
    let now = Instant::now();
    let replicas = ChildRules { size: Size::Replicas(2), ..child(Restart::Transient) };
    let mut core = group(StrategyRule::OneForOne, vec![replicas], now);
    stops(&mut core, 1, now);
    core.exited(0, Ended::Ok, None, now);
    assert_eq!(*core.phase(), Phase::Running);
    assert_eq!(core.discard(&[1], now), Ok(()));
    assert_eq!(core.slot(1).state, State::Down(Rest::Removed));
    assert!(matches!(core.phase(), Phase::Stopping { outcome: Outcome::Done, .. }), "{:?}", core.phase());
}

#[test]
fn what_was_forfeited_and_is_scaled_away_no_longer_counts() {
    let now = Instant::now();
    let replicas = ChildRules { size: Size::Replicas(2), ..child(Restart::Transient) };
    for (is_scaled, expected) in [(false, Outcome::Forfeited), (true, Outcome::Done)] {
        let mut core = group(StrategyRule::OneForOne, vec![replicas.clone()], now);
        core.exited(1, Ended::Forfeit, None, now);
        if is_scaled {
            assert_eq!(core.discard(&[1], now), Ok(()));
        }
        core.exited(0, Ended::Ok, None, now);
        assert!(
            matches!(core.phase(), Phase::Stopping { outcome, .. } if *outcome == expected),
            "{is_scaled}: {:?}",
            core.phase()
        );
    }
}

#[test]
fn who_is_started_by_hand_waits_for_what_it_uses_to_be_restarted() {
    let now = Instant::now();
    let mut children = vec![child(Restart::Permanent); 2];
    children[1].requires = vec![0];
    let mut core = group(StrategyRule::DependentsForOne, children, now);
    stops(&mut core, 1, now);
    steers(&mut core, 0, Order::Restart, now);
    steers(&mut core, 1, Order::Start, now);
    settles(&mut core, now);
    assert_eq!([0, 1].map(|slot| core.slot(slot).state), [State::Stopping, State::Pending]);
}

#[test]
fn a_member_that_is_done_leaves() {
    let now = Instant::now();
    let mut core = group(StrategyRule::OneForOne, vec![member(Restart::Transient)], now);
    let slot = admits(&mut core, 0, 0, now);
    core.started(slot, Some(now));
    assert_eq!(core.counts(), [1]);
    core.exited(slot, Ended::Ok, None, now);
    assert_eq!((core.counts(), core.vacate(slot)), (vec![0], Some(Vacated::ForAnother)));
}

#[test]
fn nothing_waits_for_a_member_to_be_ready() {
    let now = Instant::now();
    for (size, is_ready) in [(Size::Open, true), (Size::Replicas(0), false)] {
        let mut core = group(StrategyRule::OneForOne, vec![ChildRules { size, ..child(Restart::Transient) }], now);
        assert!(core.is_ready());
        admits(&mut core, 0, 0, now);
        assert_eq!(core.is_ready(), is_ready, "{size:?}");
    }
}

#[test]
fn who_is_up_runs_or_will_by_itself() {
    let now = Instant::now();
    let mut core = group(StrategyRule::OneForOne, vec![child(Restart::Permanent); 4], now);
    let ups = |core: &Core| [0, 1, 2, 3].map(|slot| core.is_up(slot));
    assert_eq!(ups(&core), [true; 4]);
    steers(&mut core, 1, Order::Restart, now);
    steers(&mut core, 2, Order::Stop, now);
    core.note_failing(3, now);
    assert_eq!(ups(&core), [true, true, false, false]);
    settles(&mut core, now);
    assert_eq!([1, 2].map(|slot| core.slot(slot).state), [State::Stopping; 2]);
    assert_eq!(ups(&core), [true, true, false, false]);
    [1, 2].iter().for_each(|&slot| _ = core.exited(slot, Ended::Ok, None, now));
    assert_eq!([1, 2].map(|slot| core.slot(slot).state), [State::Pending, State::Down(Rest::Stopped)]);
    assert_eq!(ups(&core), [true, false, false, false]);
}

#[test]
fn a_replica_on_its_way_out_does_not_come_back_when_its_group_restarts() {
    let now = Instant::now();
    let replicas = ChildRules { size: Size::Replicas(2), ..child(Restart::Permanent) };
    let mut core = group(StrategyRule::OneForAll, vec![replicas, child(Restart::Permanent)], now);
    assert_eq!(core.discard(&[1], now), Ok(()));
    settles(&mut core, now);
    core.exited(2, Ended::Failed, None, now);
    settles(&mut core, now);
    for slot in [1, 0] {
        core.exited(slot, Ended::Ok, None, now);
    }
    assert_eq!([0, 1].map(|slot| core.slot(slot).state), [State::Pending, State::Down(Rest::Removed)]);
}

#[test]
fn who_uses_a_replica_that_was_added_comes_back_with_it() {
    let now = Instant::now();
    let replicas = ChildRules { size: Size::Replicas(1), ..child(Restart::Permanent) };
    let user = ChildRules { requires: vec![0], ..child(Restart::Permanent) };
    let mut core = group(StrategyRule::OneForAll, vec![replicas, user, child(Restart::Permanent)], now);
    let ends = |core: &mut Core, slot| {
        settles(core, now);
        core.exited(slot, Ended::Ok, None, now);
    };
    let added = admits(&mut core, 0, 1, now);
    ends(&mut core, 1);
    starts(&mut core, now);
    steers(&mut core, added, Order::Stop, now);
    ends(&mut core, 1);
    ends(&mut core, added);
    assert_eq!([1, added].map(|slot| core.slot(slot).state), [State::Down(Rest::Stopped); 2]);
    // What it uses comes first, though its slot is the last.
    core.exited(2, Ended::Failed, None, now);
    ends(&mut core, 0);
    starts(&mut core, now);
    assert_eq!([0, 1, 2, added].map(|slot| core.slot(slot).state), [State::Running; 4]);
}

#[test]
fn a_restart_concerns_those_that_are_named_and_all_that_use_them() {
    let now = Instant::now();
    let replicas = ChildRules { size: Size::Replicas(2), ..child(Restart::Permanent) };
    let user = ChildRules { requires: vec![0], ..child(Restart::Permanent) };
    let core = group(StrategyRule::OneForOne, vec![replicas, user, child(Restart::Permanent)], now);
    let taken = |child, index| [0, 1, 2, 3].map(|slot| core.takes_along(child, index, slot));
    assert_eq!(taken(0, Some(1)), [false, true, true, false]);
    assert_eq!(taken(0, None), [true, true, true, false]);
    assert_eq!(taken(2, Some(0)), [false, false, false, true]);
}

#[test]
fn to_stop_what_is_done_takes_nobody_along() {
    let now = Instant::now();
    let user = ChildRules { requires: vec![0], ..child(Restart::Permanent) };
    let mut core = group(StrategyRule::OneForOne, vec![child(Restart::Transient), user], now);
    core.exited(0, Ended::Ok, None, now);
    steers(&mut core, 0, Order::Stop, now);
    settles(&mut core, now);
    assert_eq!([0, 1].map(|slot| core.slot(slot).state), [State::Down(Rest::Done), State::Running]);
}
