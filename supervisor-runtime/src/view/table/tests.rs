use std::time::Duration;

use expect_test::{Expect, expect};

use super::super::sketch::{While, at, child, facts, group, members, replicas, running, snapshot};
use super::*;
use crate::{Cause, Phase};

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;

fn check(actual: impl fmt::Display, expected: &Expect) {
    expected.assert_eq(&actual.to_string());
}

#[test]
fn a_table_shows_every_column_in_lines() {
    // It is the one in the documentation.
    let down = While("connecting", "refused".into());
    let tree = group(
        "Orders",
        "one_for_all",
        running(3 * DAY + 4 * HOUR),
        [
            child("db", running(3 * DAY + 4 * HOUR)),
            child("mail", running(125 * SECOND).restarted(2, 1).not_ready("no relay").failed(down)),
            group(
                "pool",
                "one_for_one",
                running(3 * DAY),
                [replicas(
                    "worker",
                    [running(1_250), facts(State::Delayed, 15).restarted(4, 4).starts_in(1_200).failed("no route")],
                )],
            )
            .limit(10, Duration::from_secs(1), 1),
            group("", "crashing", running(DAY), [child("last", facts(State::Starting, 400))]),
        ],
    )
    .limit(100, Duration::from_secs(90), 0);
    check(
        snapshot(tree),
        &expect![[r#"
            Orders is not ready (Orders/mail: no relay); 7 children, 1 delayed, 1 starting
            Orders: one_for_all   ▲ running   3d 4h  100/100 in 1m 30s
            ├─ db                 ● running   3d 4h
            ├─ mail               ▲ running   2m 5s  incarnation 2, 1 restart   not ready: no relay; last exit: failed: connecting: refused
            ├─ pool: one_for_one  ▲ running   3d     9/10 in 1s
            │  ├─ worker[0]       ● running   1.2s
            │  └─ worker[1]       ◔ delayed   15ms   incarnation 4, 4 restarts  starts in 1.2s; last exit: failed: no route
            └─ (crashing)         ▲ running   1d
               └─ last            ◐ starting  400ms
        "#]],
    );
}

#[test]
fn what_nobody_has_takes_no_room() {
    let tree = group("Tree", "crashing", running(5 * SECOND), [child("db", running(2 * SECOND))]);
    check(
        snapshot(tree),
        &expect![[r#"
        Tree is ready; 1 child
        Tree: crashing  ● running  5s
        └─ db           ● running  2s
    "#]],
    );
}

#[test]
fn every_state_has_its_row() {
    let states = State::ALL.map(|state| child(state.word(), facts(state, SECOND)));
    check(
        snapshot(group("All", "one_for_one", running(DAY), states)),
        &expect![[r#"
            All is not ready (All/waiting: waiting); 10 children, 1 waiting, 1 delayed, 1 starting, 1 stopping, 1 stuck, 1 done, 1 stopped, 1 forfeited, 1 gone
            All: one_for_one  ▲ running    1d
            ├─ waiting        ◌ waiting    1s  waits for All/stopping
            ├─ delayed        ◔ delayed    1s  starts in 0s
            ├─ starting       ◐ starting   1s
            ├─ running        ● running    1s
            ├─ stopping       ↓ stopping   1s
            ├─ stuck          ⊘ stuck      1s
            ├─ done           ✓ done       1s
            ├─ stopped        ■ stopped    1s
            ├─ forfeited      ✗ forfeited  1s
            └─ gone           · gone       1s
        "#]],
    );
}

#[test]
fn the_head_says_where_the_tree_stands() {
    let table = [
        (running(0), running(0), "Tree is ready; 1 child"),
        (running(0), running(0).not_ready("no\nlink"), "Tree is not ready (Tree/db: no link); 1 child"),
        (running(0), facts(State::Forfeited, 0), "Tree is not ready (Tree/db: forfeited); 1 child, 1 forfeited"),
        (
            running(0),
            facts(State::Delayed, 0).starts_in(1_200),
            "Tree is not ready (Tree/db: delayed for 1.2s); 1 child, 1 delayed",
        ),
        (facts(State::Stopping, 0), facts(State::Stopped, 0), "Tree is stopping; 1 child, 1 stopped"),
        (facts(State::Done, 0), facts(State::Done, 0), "Tree is done; 1 child, 1 done"),
    ];
    for (root, db, expected) in table {
        let row = format!("{root:?}, {db:?}");
        let drawn = snapshot(group("Tree", "crashing", root, [child("db", db)])).to_string();
        assert_eq!(drawn.lines().next(), Some(expected), "{row}");
    }
}

#[test]
fn a_last_exit_is_shown_if_it_tells_something() {
    let left_alone = facts(State::Running, 0).exited(Cause::Done, Phase::Run);
    let table = [
        (running(0).asked(), ""),
        (facts(State::Stopped, 0).asked(), ""),
        (facts(State::Done, 0).exited(Cause::Done, Phase::Run), ""),
        (left_alone, "last exit: returned Ok"),
        (facts(State::Stopped, 0).exited(Cause::Dropped, Phase::Stop), "last exit: was dropped by force in stop"),
        (
            facts(State::Gone, 0).panicked("left: 1\n right: 2"),
            "last exit: panicked at src/worker.rs:7:9: left: 1 right: 2",
        ),
        (
            running(0).failed(crate::forfeit(While("opening", "disk full".into()))),
            "last exit: failed: opening: disk full",
        ),
    ];
    for (facts, expected) in table {
        let row = format!("{facts:?}");
        let drawn = snapshot(group("Tree", "crashing", running(0), [child("db", facts)])).to_string();
        let note = drawn.lines().last().unwrap_or_default().split_once("0s").map(|(_, note)| note.trim());
        assert_eq!(note, Some(expected), "{row}");
    }
}

#[test]
fn a_message_is_cut_where_a_line_ends_but_not_in_the_whole() {
    let message = "word ".repeat(40);
    let snapshot = snapshot(group("Tree", "crashing", running(0), [child("db", running(0).failed(&*message))]));
    let short = snapshot.to_string();
    let last = short.lines().last().unwrap_or_default();
    assert!(last.ends_with(" .."), "{last}");
    assert!((WIDTH - 1..=WIDTH).contains(&width(last)), "{} columns: {last}", width(last));
    assert!(format!("{snapshot:#}").contains(message.trim()));
}

#[test]
fn many_that_tell_the_same_are_one_row() {
    let conns = (0..100_000).filter(|index| *index != 4).map(|index| {
        let facts = running(u64::from(index) * SECOND);
        (index, if index == 2 { facts.restarted(3, 2).failed("reset") } else { facts })
    });
    let tree = group("Tree", "one_for_one", running(2 * DAY), [members("conn", conns), child("db", running(DAY))]);
    let snapshot = snapshot(tree);
    check(
        &snapshot,
        &expect![[r#"
        Tree is ready; 100000 children
        Tree: one_for_one          ● running  2d
        ├─ conn[0]                 ● running  0s
        ├─ conn[1]                 ● running  1s
        ├─ conn[2]                 ● running  2s           incarnation 3, 2 restarts  last exit: failed: reset
        ├─ conn[3..=99999] ×99996  ● running  3s .. 1d 3h
        └─ db                      ● running  1d
    "#]],
    );
    let all = format!("{snapshot:#}");
    assert_eq!(all.lines().count(), 1 + 1 + 99_999 + 1);
    assert!(all.contains("├─ conn[99999]"));
}

#[test]
fn what_many_say_folds_with_their_numbers() {
    let workers = (0..20).map(|index| {
        facts(State::Delayed, 100 * index)
            .restarted(2 + index as u32 % 3, 1)
            .starts_in(SECOND + index)
            .failed("refused")
    });
    check(
        snapshot(group("Tree", "one_for_one", running(DAY), [replicas("worker", workers)])),
        &expect![[r#"
        Tree is not ready (Tree/worker[0]: delayed for 1s); 20 children, 20 delayed
        Tree: one_for_one      ▲ running  1d
        └─ worker[0..=19] ×20  ◔ delayed  0s .. 1.9s  incarnation 2 .. 4, 1 restart  starts in 1s; last exit: failed: refused
    "#]],
    );
}

#[test]
fn sixteen_are_shown_and_seventeen_are_folded() {
    for (count, rows) in [(16, 16), (17, 1)] {
        let tree = group("Tree", "one_for_one", running(0), [replicas("worker", vec![running(0); count])]);
        assert_eq!(snapshot(tree).to_string().lines().count(), 2 + rows, "{count}");
    }
}

#[test]
fn what_does_not_fold_is_counted_after_a_screen() {
    let workers = (0..1_000).map(|index| match index % 2 {
        0 => running(SECOND),
        _ => facts(State::Stopping, SECOND).failed(format!("error {index}")),
    });
    let drawn = snapshot(group("Tree", "one_for_one", running(DAY), [replicas("worker", workers)])).to_string();
    assert_eq!(drawn.lines().count(), 2 + 48 + 1);
    let last = drawn.lines().last().unwrap_or_default();
    let words: Vec<_> = last.split_whitespace().collect();
    assert_eq!(words.join(" "), "└─ worker ×952 476 ● running, 476 ↓ stopping; `{:#}` shows each");
}

#[test]
fn a_supervisor_is_never_folded() {
    let pools = group("pool", "crashing", running(0), [child("db", running(0))]).replicated(20);
    let tree = snapshot(group("Tree", "one_for_one", running(0), [pools]));
    assert_eq!(tree.to_string().lines().count(), 2 + 40);
}

#[test]
fn a_name_cannot_break_the_table() {
    let tree = group("Tr\nee", "crashing", running(0), [child("a\n\u{1b}[2Jb", running(0))]);
    check(
        snapshot(tree),
        &expect![[r#"
        Tr ee is ready; 1 child
        Tr ee: crashing  ● running  0s
        └─ a [2Jb        ● running  0s
    "#]],
    );
}

#[test]
fn a_limit_shows_what_is_left_at_that_instant() {
    let mut snapshot = snapshot(group("Tree", "one_for_one", running(0), []).limit(3, Duration::from_secs(1), 2));
    let drawn = |snapshot: &Snapshot| snapshot.to_string().contains("1/3 in 1s");
    assert!(drawn(&snapshot));
    snapshot.at = at() + Duration::from_millis(1_001);
    assert!(!drawn(&snapshot));
}
