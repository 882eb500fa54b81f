//! What is seen of a core from outside: who is where, and what has changed.

use super::super::*;
use super::cases::{child, group, rules, settles, told};
use super::ms;
use crate::Shutdown;

/// The child in `slot` fails and is started again; what is noted of it.
fn changes_as_it_fails(core: &mut Core, slot: SlotId, now: Instant) -> Vec<State> {
    core.exited(slot, Ended::Failed, None, now);
    core.started(slot, Some(now));
    let changes = core.changes();
    assert!(changes.iter().all(|&(id, _)| id == slot), "{changes:?}");
    changes.into_iter().map(|(_, state)| state).collect()
}

#[test]
fn a_change_is_noted_only_if_somebody_wants_to_know_of_it() {
    let now = Instant::now();
    let mut core = group(StrategyRule::OneForOne, vec![child(Restart::Permanent); 2], now);
    let noted = [State::Pending, State::Starting, State::Running];
    assert_eq!((core.is_recording(), changes_as_it_fails(&mut core, 0, now)), (false, vec![]));
    core.record(true);
    assert_eq!((core.is_recording(), changes_as_it_fails(&mut core, 0, now)), (true, noted.into()));
    core.record(false);
    core.await_change(1);
    assert_eq!(changes_as_it_fails(&mut core, 0, now), []);
    assert_eq!(changes_as_it_fails(&mut core, 1, now), noted);
    core.forget_waiters(1);
    assert_eq!(changes_as_it_fails(&mut core, 1, now), []);
}

#[test]
fn changes_are_there_until_they_are_taken() {
    let now = Instant::now();
    let mut core = group(StrategyRule::OneForOne, vec![child(Restart::Permanent)], now);
    core.record(true);
    assert!(!core.has_changes());
    core.exited(0, Ended::Failed, None, now);
    assert!(core.has_changes());
    core.changes();
    assert!(!core.has_changes());
}

#[test]
fn the_room_for_changes_is_kept_unless_there_were_many() {
    let now = Instant::now();
    let mut core = group(StrategyRule::OneForOne, vec![child(Restart::Permanent)], now);
    core.forget(Vec::with_capacity(50));
    assert!(core.changes().capacity() >= 50);
    core.forget(Vec::with_capacity(1_000));
    assert!(core.changes().capacity() < 1_000);
}

#[test]
fn each_slot_is_the_place_of_a_child_and_an_index() {
    let replicas = ChildRules { size: Size::Replicas(2), ..child(Restart::Permanent) };
    let open = ChildRules { size: Size::Open, ..child(Restart::Transient) };
    let core = group(StrategyRule::OneForOne, vec![child(Restart::Permanent), replicas, open], Instant::now());
    assert_eq!([0, 1, 2].map(|slot| core.place(slot)), [(0, 0), (1, 0), (1, 1)]);
    assert_eq!(core.roster(1).iter().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(core.counts(), [1, 2, 0]);
}

#[test]
fn an_anchor_shows_what_it_is_told_to() {
    let now = Instant::now();
    let mut core = group(StrategyRule::OneForOne, vec![child(Restart::Permanent)], now);
    let then = now + ms(1);
    core.show(0, State::Stopping, then);
    assert_eq!((core.slot(0).state, core.since(0), core.now), (State::Stopping, then, then));
}

#[test]
fn what_could_not_be_dropped_is_named_and_not_ready() {
    let now = Instant::now();
    let mut core = group(StrategyRule::OneForOne, vec![child(Restart::Transient); 2], now);
    core.exited(0, Ended::Ok, None, now);
    core.stop(None, now);
    settles(&mut core, now);
    settles(&mut core, now + ms(5_000));
    assert_eq!((core.slot(1).state, core.stuck()), (State::Killing, &[][..]));
    settles(&mut core, now + ms(6_000));
    assert_eq!((core.slot(1).state, core.stuck()), (State::Stuck, &[1][..]));
    assert!(!core.is_ready());
}

#[test]
fn what_was_told_to_be_dropped_gets_more_time_once_if_the_supervisor_could_not_look_either() {
    let now = Instant::now();
    let stopping = |looks: &[u64]| {
        let mut core = group(StrategyRule::OneForOne, vec![child(Restart::Transient)], now);
        core.stop(None, now);
        looks.iter().for_each(|&at| settles(&mut core, now + ms(at)));
        (core.slot(0).state, core.next_timer().map(|next| next - now))
    };
    let more = |at| (State::Killing, Some(ms(at)));
    assert_eq!(stopping(&[0, 5_000]), more(6_000));
    assert_eq!(stopping(&[0, 5_000, 6_099]), (State::Stuck, None));
    assert_eq!(stopping(&[0, 5_000, 6_100]), more(7_100));
    assert_eq!(stopping(&[0, 5_000, 6_100, 7_100]), (State::Stuck, None));
    assert_eq!(stopping(&[0, 5_000, 9_000, 20_000]), (State::Stuck, None), "once");
    // It was late for the end of `shutdown`, not for a drop.
    assert_eq!(stopping(&[0, 8_000, 9_500]), more(10_500));
}

#[test]
fn who_is_told_to_be_dropped_was_asked_before_or_is_now() {
    let now = Instant::now();
    let dropped = |shutdown, looks: &[u64]| {
        let child = ChildRules { shutdown: Some(shutdown), ..child(Restart::Transient) };
        let mut core = group(StrategyRule::OneForOne, vec![child], now);
        core.stop(None, now + ms(10));
        let told: Vec<_> = looks.iter().flat_map(|&at| told(&mut core, now + ms(at))).collect();
        (told.last().copied(), core.next_timer().map(|next| next - now))
    };
    let asked_at = Some(Action::Kill(0, now + ms(10)));
    assert_eq!(dropped(Shutdown::BrutalKill, &[10]), (asked_at, Some(ms(1_010))));
    assert_eq!(dropped(Shutdown::DEFAULT, &[10, 5_010]), (asked_at, Some(ms(6_010))));
}

#[test]
fn what_does_not_run_and_will_not_by_itself_is_lost() {
    let now = Instant::now();
    let mut core = group(StrategyRule::OneForOne, vec![child(Restart::Transient); 2], now);
    assert!(!core.has_lost());
    assert_eq!(core.steer(&[0], Order::Stop, now), Ok(()));
    settles(&mut core, now);
    core.exited(0, Ended::Ok, None, now);
    assert!(core.has_lost(), "it was stopped by hand");
    assert_eq!(core.steer(&[0], Order::Start, now), Ok(()));
    assert!(!core.has_lost());
    settles(&mut core, now);
    core.exited(0, Ended::Forfeit, None, now);
    assert!(core.has_lost(), "it was forfeited");
    assert_eq!(core.steer(&[0], Order::Start, now), Ok(()));
    settles(&mut core, now);
    core.exited(0, Ended::Ok, None, now);
    core.exited(1, Ended::Ok, None, now);
    assert!(!core.has_lost(), "it is done");
    let mut core = group(StrategyRule::OneForOne, vec![child(Restart::Transient)], now);
    core.stop(None, now);
    [0, 5_000, 6_000].iter().for_each(|&at| settles(&mut core, now + ms(at)));
    assert!(core.has_lost(), "it is stuck");
}

#[test]
fn a_start_that_never_waited_took_no_time() {
    let now = Instant::now();
    for (told_at, since) in [(None, now), (Some(now + ms(20)), now + ms(20))] {
        let mut core = Core::new(rules(StrategyRule::OneForOne, vec![child(Restart::Permanent); 2]), 7, now);
        settles(&mut core, now);
        core.started(1, Some(now + ms(10)));
        assert_eq!(core.elapsed(), 10_000_000);
        core.started(0, told_at);
        assert_eq!((core.slot(0).state, core.since(0)), (State::Running, since));
    }
}

#[test]
fn what_starts_only_after_another_has_started_is_known() {
    let now = Instant::now();
    let replicas = ChildRules { size: Size::Replicas(2), ..child(Restart::Permanent) };
    let children = vec![child(Restart::Permanent), replicas, child(Restart::Permanent)];
    let mut core = Core::new(rules(StrategyRule::OneForAll, children), 7, now);
    settles(&mut core, now);
    assert_eq!([0, 1, 3].map(|slot| core.starts_after(slot, 0)), [false, true, true]);
    core.started(0, Some(now));
    // There was room for one of them.
    core.step(now, 1, &mut Vec::new());
    assert_eq!([1, 2].map(|slot| core.slot(slot).state), [State::Starting, State::Pending]);
    assert_eq!([0, 1, 2, 3].map(|slot| core.starts_after(slot, 1)), [false, false, false, true]);
}

#[test]
fn what_is_started_by_hand_starts_after_what_stands_before_it() {
    let now = Instant::now();
    let mut core = Core::new(rules(StrategyRule::OneForAll, vec![child(Restart::Permanent); 3]), 7, now);
    settles(&mut core, now);
    for order in [Order::Stop, Order::Start] {
        assert_eq!(core.steer(&[1], order, now), Ok(()));
    }
    assert_eq!((core.slot(1).state, core.slot(1).plan), (State::Pending, None), "it waits");
    assert!(core.starts_after(1, 0));
}

#[test]
fn a_state_is_new_if_it_is_more_than_the_end_of_what_was_before() {
    let new = [State::Starting, State::Down(Rest::Removed)];
    let old = [State::Pending, State::Running, State::Stopping, State::Stuck, State::Down(Rest::Done)];
    assert_eq!(new.map(State::is_new), [true; 2]);
    assert_eq!(old.map(State::is_new), [false; 5]);
}

#[test]
fn who_is_to_end_is_not_fresh_and_leaves_only_if_it_is_discarded() {
    let now = Instant::now();
    let replicas = ChildRules { size: Size::Replicas(4), ..child(Restart::Permanent) };
    let mut core = group(StrategyRule::OneForOne, vec![replicas], now);
    assert_eq!(core.steer(&[1], Order::Restart, now), Ok(()));
    assert_eq!(core.discard(&[2], now), Ok(()));
    let seen = |core: &Core| [0, 1, 2].map(|slot| (core.slot(slot).is_fresh(), core.slot(slot).is_leaving()));
    assert_eq!(seen(&core), [(true, false), (false, false), (false, true)]);
    settles(&mut core, now);
    [1, 2].iter().for_each(|&slot| _ = core.exited(slot, Ended::Ok, None, now));
    assert_eq!(seen(&core), [(true, false), (false, false), (false, true)]);
    settles(&mut core, now);
    assert_eq!(seen(&core), [(true, false), (true, false), (false, true)]);
}

#[test]
fn who_was_restarted_for_a_failure_has_failed() {
    let now = Instant::now();
    let mut core = group(StrategyRule::OneForOne, vec![child(Restart::Permanent); 2], now);
    core.exited(1, Ended::Failed, None, now);
    assert_eq!([0, 1].map(|slot| core.slot(slot).has_failed()), [false, true]);
}
