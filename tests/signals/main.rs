//! A real process under real signals: what it does, how long it takes, what it leaves undone, and with which exit code it
//! ends.
//!
//! Each test starts this test binary again as the program under test (`program`), waits for lines that it prints, and
//! sends it signals. The last test runs all of them, over and over, for 200 processes; `SIGNAL_CYCLES=10000` asks for more.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod process;
mod program;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use process::{Process, started};

/// Nothing has to be waited for. Generous, for a machine that is busy.
const AT_ONCE: Duration = Duration::from_secs(10);
/// A child blocks its thread: its `shutdown`, and the second until it counts as stuck.
const STUCK: Duration = program::SHUTDOWN.saturating_add(Duration::from_secs(1));

#[test]
fn a_signal_stops_the_tree_gracefully() {
    for (mode, signal) in [("graceful", "TERM"), ("graceful", "INT"), ("graceful on two threads", "TERM")] {
        let mut process = Process::start(mode);
        process.until("b started");
        process.send(signal);
        assert_eq!(process.rest(), ["b stopped", "a stopped", "run returned Ok(())"], "{signal}");
        assert_eq!(process.exit_code(AT_ONCE), 0, "{signal}");
    }
}

#[test]
fn a_signal_stops_every_tree_of_the_process() {
    let mut process = Process::start("two trees");
    process.until("b started");
    process.send("TERM");
    let mut rest = process.rest();
    rest.sort();
    assert_eq!(rest, ["a stopped", "b stopped", "run returned Ok(())"]);
    assert_eq!(process.exit_code(AT_ONCE), 0);
}

#[test]
fn before_a_tree_runs_a_signal_does_what_it_did() {
    let mut process = Process::start("before");
    process.until("no tree runs");
    process.send("TERM");
    assert_eq!(process.rest(), [""; 0]);
    assert_eq!(process.ended_by(AT_ONCE), 15);
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    for (first, second, code) in
        [("INT", "INT", 130), ("TERM", "TERM", 143), ("INT", "TERM", 143), ("TERM", "INT", 130)]
    {
        let mut process = Process::start("deaf");
        process.until("deaf started");
        process.send(first);
        process.until("deaf was asked");
        process.send(second);
        // Nothing else is stopped, and no destructor runs.
        assert_eq!(process.rest(), [""; 0], "{first} {second}");
        assert_eq!(process.exit_code(AT_ONCE), code, "{first} {second}");
    }
}

#[test]
fn a_second_interrupt_ends_the_process_however_soon_it_comes() {
    for gap in [0, 1, 10] {
        let mut process = Process::start("deaf");
        process.until("deaf started");
        process.send_twice("INT", Duration::from_millis(gap));
        let asked = process.first_of_rest();
        if gap == 0 && asked.is_some() {
            // The kernel may have made one of the two; then this is the second.
            process.send("INT");
        }
        assert!(asked.is_none_or(|line| line == "deaf was asked"), "after {gap} ms");
        assert_eq!(process.rest(), [""; 0], "after {gap} ms");
        assert_eq!(process.exit_code(AT_ONCE), 130, "after {gap} ms");
    }
}

#[test]
fn two_interrupts_at_once_end_a_quick_tree_in_order_or_at_once() {
    for gap in [0, 1, 10] {
        let mut process = Process::start("graceful");
        process.until("b started");
        process.send_twice("INT", Duration::from_millis(gap));
        let (rest, code) = (process.rest(), process.exit_code(AT_ONCE));
        let whole = ["b stopped", "a stopped", "run returned Ok(())"];
        assert!(whole.starts_with(&rest.iter().map(String::as_str).collect::<Vec<_>>()), "after {gap} ms: {rest:?}");
        // It was quicker than the second, or the kernel made one of the two; or the second has cut it short.
        assert!(code == 130 || code == 0 && rest.len() == whole.len(), "after {gap} ms: {code}, {rest:?}");
    }
}

#[test]
fn a_kill_leaves_everything_undone() {
    for (mode, line) in [("graceful", "b started"), ("deaf", "deaf started"), ("slow stop", "b started")] {
        let mut process = Process::start(mode);
        process.until(line);
        process.send("KILL");
        assert_eq!(process.rest(), [""; 0], "{mode}");
        assert_eq!(process.ended_by(AT_ONCE), 9, "{mode}");
    }
}

#[test]
fn a_second_signal_ends_a_process_whose_every_thread_is_blocked() {
    for mode in ["wedged", "wedged on two threads"] {
        let mut process = Process::start(mode);
        process.until("the last thread is blocked");
        // Nobody can tell us that the first has arrived; the kernel merges those that come too fast.
        let mut sent = 0;
        while process.is_running() {
            process.send("TERM");
            sent += 1;
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(sent > 1, "{mode}: the first must not end it");
        assert_eq!(process.rest(), [""; 0], "{mode}");
        assert_eq!(process.exit_code(AT_ONCE), 143, "{mode}");
    }
}

#[test]
fn a_first_signal_is_heard_though_the_thread_that_waited_for_io_is_blocked() {
    let mut process = Process::start("blocked");
    process.until("one of two threads is blocked");
    process.send("TERM");
    assert_eq!(process.rest(), ["a stopped"]);
    process.took_at_least(STUCK);
    assert_eq!(process.exit_code(STUCK + AT_ONCE), 1);
    assert!(process.errors().contains("`program/blocked`"), "{}", process.errors());
    assert!(process.errors().contains("stuck"), "{}", process.errors());
}

#[test]
fn what_waits_for_a_blocking_call_is_dropped_at_its_deadline() {
    let mut process = Process::start("blocking call");
    process.until("the call blocks");
    process.send("TERM");
    assert_eq!(process.rest(), ["a stopped"]);
    process.took_at_least(program::SHUTDOWN);
    assert_eq!(process.exit_code(program::SHUTDOWN + AT_ONCE), 1);
    assert!(process.errors().contains("`program/caller` in run, "), "{}", process.errors());
}

#[test]
fn where_a_runtime_waits_for_a_blocking_call_after_the_tree_a_second_signal_ends_the_process() {
    let mut process = Process::start("blocking call, and a runtime that waits");
    process.until("the call blocks");
    process.send("INT");
    process.until("run returned an error");
    process.send("INT");
    assert_eq!(process.rest(), [""; 0]);
    assert_eq!(process.exit_code(program::SHUTDOWN + AT_ONCE), 130);
}

#[test]
fn a_signal_during_the_start_rolls_it_back() {
    let mut process = Process::start("starting");
    process.until("c is starting");
    process.send("TERM");
    assert_eq!(process.rest(), ["a stopped", "run returned Ok(())"]);
    assert_eq!(process.exit_code(AT_ONCE), 0);
}

#[test]
fn a_start_that_does_not_listen_is_dropped_at_its_deadline() {
    let mut process = Process::start("starting, deaf");
    process.until("c is starting");
    process.send("INT");
    assert_eq!(process.rest(), ["a stopped"]);
    process.took_at_least(program::SHUTDOWN);
    assert_eq!(process.exit_code(program::SHUTDOWN + AT_ONCE), 1);
    assert!(process.errors().contains("`program/c` in start, "), "{}", process.errors());
}

#[test]
fn a_signal_ends_a_loop_of_restarts() {
    for (mode, rest) in [
        ("restarting", &["a stopped", "run returned Ok(())"][..]),
        ("restarting all", &["run returned Ok(())"]),
        ("restarting on two threads", &["a stopped", "run returned Ok(())"]),
        ("restarting in an hour", &["a stopped", "run returned Ok(())"]),
    ] {
        let mut process = Process::start(mode);
        process.until("restarting");
        process.send("TERM");
        assert_eq!(process.rest(), rest, "{mode}");
        assert_eq!(process.exit_code(AT_ONCE), 0, "{mode}");
    }
}

#[test]
fn a_second_signal_cuts_a_slow_stop_short() {
    let mut process = Process::start("slow stop");
    process.until("b started");
    process.send("INT");
    process.until("b is stopping");
    process.send("TERM");
    assert_eq!(process.rest(), [""; 0], "neither `b` nor `a` has stopped");
    assert_eq!(process.exit_code(AT_ONCE), 143);
}

#[test]
fn after_run_has_returned_or_was_dropped_a_signal_ends_the_process_at_once() {
    for (mode, line) in [("done", "run returned Ok(())"), ("dropped", "run was dropped")] {
        let mut process = Process::start(mode);
        process.until(line);
        process.send("TERM");
        assert_eq!(process.rest(), [""; 0], "{mode}");
        assert_eq!(process.exit_code(AT_ONCE), 143, "{mode}");
    }
}

#[test]
fn a_tree_that_fails_ends_the_process_with_its_story() {
    let mut process = Process::start("crashing");
    assert_eq!(process.rest(), ["a started", "a stopped"]);
    assert_eq!(process.exit_code(AT_ONCE), 1);
    let story = "Error: supervisor `program` crashed with its child `program/broken`\n  caused by: disk full\n";
    assert!(process.errors().ends_with(story), "{}", process.errors());
}

/// All of the above.
const TESTS: [fn(); 17] = [
    a_signal_stops_the_tree_gracefully,
    a_signal_stops_every_tree_of_the_process,
    before_a_tree_runs_a_signal_does_what_it_did,
    a_second_signal_ends_the_process_at_once,
    a_second_interrupt_ends_the_process_however_soon_it_comes,
    two_interrupts_at_once_end_a_quick_tree_in_order_or_at_once,
    a_kill_leaves_everything_undone,
    a_second_signal_ends_a_process_whose_every_thread_is_blocked,
    a_first_signal_is_heard_though_the_thread_that_waited_for_io_is_blocked,
    what_waits_for_a_blocking_call_is_dropped_at_its_deadline,
    where_a_runtime_waits_for_a_blocking_call_after_the_tree_a_second_signal_ends_the_process,
    a_signal_during_the_start_rolls_it_back,
    a_start_that_does_not_listen_is_dropped_at_its_deadline,
    a_signal_ends_a_loop_of_restarts,
    a_second_signal_cuts_a_slow_stop_short,
    after_run_has_returned_or_was_dropped_a_signal_ends_the_process_at_once,
    a_tree_that_fails_ends_the_process_with_its_story,
];

#[test]
fn all_of_it_holds_for_two_hundred_processes() {
    let cycles = std::env::var("SIGNAL_CYCLES").map_or(200, |cycles| cycles.parse().unwrap());
    let (before, next) = (started(), AtomicUsize::new(0));
    // Most of them wait for something, so that there may be more at a time than the machine has cores.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while started() - before < cycles {
                    TESTS[next.fetch_add(1, Ordering::Relaxed) % TESTS.len()]();
                }
            });
        }
    });
}
