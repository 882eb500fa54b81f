//! A real process under real signals: what it does, and with which exit code it ends.
//!
//! Each test starts this test binary again as the program under test (`the_program`), waits for a line that it
//! prints, and sends it signals.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Lines, Read};
use std::process::{Child as Process, ChildStdout, Command, Stdio};
use std::time::Duration;

use supervisor_runtime::{Child, Context, Exit, Service, ServiceResult, Shutdown, Supervisor};

#[test]
fn a_signal_stops_the_tree_gracefully() {
    for signal in ["TERM", "INT"] {
        let mut program = Program::start("graceful");
        program.until("b started");
        program.send(signal);
        assert_eq!(program.rest(), ["b stopped", "a stopped", "run returned Ok(())"], "{signal}");
        assert_eq!(program.exit_code(), 0, "{signal}");
    }
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    for (first, second, code) in
        [("INT", "INT", 130), ("TERM", "TERM", 143), ("INT", "TERM", 143), ("TERM", "INT", 130)]
    {
        let mut program = Program::start("deaf");
        program.until("deaf started");
        program.send(first);
        program.until("deaf was asked");
        program.send(second);
        assert_eq!(program.rest(), [""; 0], "{first} {second}");
        assert_eq!(program.exit_code(), code, "{first} {second}");
    }
}

#[test]
fn a_second_signal_ends_a_process_whose_every_thread_is_blocked() {
    let mut program = Program::start("wedged");
    program.until("blocking the only thread");
    // Nobody can tell us that the first has arrived; the kernel merges those that come too fast.
    let code = loop {
        program.send("TERM");
        if let Some(status) = program.process.try_wait().unwrap() {
            break status.code();
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(code, Some(143));
}

#[test]
fn a_signal_during_the_start_rolls_it_back() {
    let mut program = Program::start("starting");
    program.until("c is starting");
    program.send("TERM");
    assert_eq!(program.rest(), ["a stopped", "run returned Ok(())"]);
    assert_eq!(program.exit_code(), 0);
}

#[test]
fn after_run_has_returned_a_signal_ends_the_process_at_once() {
    let mut program = Program::start("done");
    program.until("run returned Ok(())");
    program.send("TERM");
    assert_eq!(program.exit_code(), 143);
}

#[test]
fn a_tree_that_fails_ends_the_process_with_its_story() {
    let mut program = Program::start("crashing");
    assert_eq!(program.rest(), ["a started", "a stopped"]);
    assert_eq!(program.exit_code(), 1);
    let story = "Error: supervisor `program` crashed with its child `program/broken`\n  caused by: disk full\n";
    assert!(program.errors().ends_with(story), "{}", program.errors());
}

/// The program under test, running.
struct Program {
    process: Process,
    lines: Lines<BufReader<ChildStdout>>,
    errors: Option<String>,
}

impl Program {
    fn start(mode: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["the_program", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env("PROGRAM", mode)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines, errors: None }
    }

    fn until(&mut self, line: &str) {
        let found = self.lines.by_ref().map(Result::unwrap).any(|printed| printed == line);
        assert!(found, "{line:?} was never printed");
    }

    fn send(&self, signal: &str) {
        // Without `unsafe`, a shell is what can send a signal.
        let kill = format!("kill -{signal} {}", self.process.id());
        Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status().unwrap();
    }

    /// What the program prints until it ends, without the test runner's own lines.
    fn rest(&mut self) -> Vec<String> {
        let own = |line: &String| !line.is_empty() && !line.starts_with("running ") && !line.starts_with("test ");
        self.lines.by_ref().map(Result::unwrap).filter(own).collect()
    }

    fn exit_code(&mut self) -> i32 {
        self.process.wait().unwrap().code().unwrap()
    }

    fn errors(&mut self) -> &str {
        let stderr = &mut self.process.stderr;
        self.errors.get_or_insert_with(|| {
            let mut errors = String::new();
            stderr.take().unwrap().read_to_string(&mut errors).unwrap();
            errors
        })
    }
}

/// Not a test: the program that the tests above start.
#[test]
#[ignore = "the program under test, which the other tests start"]
fn the_program() {
    let Ok(mode) = std::env::var("PROGRAM") else { return };
    // The test runner's own line has no end yet.
    println!();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tree = Supervisor::crashing("program").child(Child::new("a", || Told("a")));
    let tree = match &*mode {
        "graceful" => tree.child(Child::new("b", || Told("b"))),
        "deaf" => tree.child(Child::new("deaf", || Deaf).shutdown(Shutdown::Infinity)),
        "wedged" => tree.child(Child::new("wedge", || Wedge)),
        "starting" => tree.child(Child::new("c", || Blocked)),
        "done" => Supervisor::one_for_one("program").child(
            Child::new("a", || supervisor_runtime::service_fn(|_| async { Ok(()) }))
                .restart(supervisor_runtime::Restart::Transient),
        ),
        "crashing" => {
            tree.child(Child::new("broken", || supervisor_runtime::service_fn(|_| async { Err("disk full".into()) })))
        }
        other => panic!("unknown mode {other}"),
    };
    let end = runtime.block_on(tree.run());
    if let Err(error) = end {
        // As `main` does with an error that it returns.
        eprintln!("Error: {error:?}");
        std::process::exit(1);
    }
    println!("run returned Ok(())");
    if mode == "done" {
        loop {
            std::thread::park();
        }
    }
    std::process::exit(0);
}

struct Told(&'static str);

impl Service for Told {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        println!("{} started", self.0);
        cx.stopping().await;
        Ok(())
    }

    async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
        println!("{} stopped", self.0);
    }
}

struct Deaf;

impl Service for Deaf {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        println!("deaf started");
        cx.stopping().await;
        println!("deaf was asked");
        std::future::pending().await
    }
}

struct Wedge;

impl Service for Wedge {
    async fn run(&mut self, _cx: &Context) -> ServiceResult {
        println!("blocking the only thread");
        loop {
            std::thread::park();
        }
    }
}

struct Blocked;

impl Service for Blocked {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        println!("c is starting");
        cx.stopping().await;
        Err("interrupted".into())
    }

    async fn run(&mut self, _cx: &Context) -> ServiceResult {
        Ok(())
    }
}
