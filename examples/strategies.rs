//! What each strategy does when one child of four fails.
//!
//! You will see a table: for each strategy what happened to `a`, `b`, `c` and `d` when `b` failed, in which
//! order it happened, and what became of the group. All rows supervise the same four services, of which `c`
//! needs `b`; the output is the same in every run.
//!
//! ```text
//! cargo run --example strategies
//! ```
//!
//! The groups are built by hand, as `supervision_tree!` would build them, because here the strategy is what
//! varies. The clock is paused: it moves only when no task has anything left to do, so when the one second of
//! [`reaction`] has passed, everything that could happen has happened.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use supervisor_runtime::{
    Child, Context, Decision, Exit, Failure, Service, ServiceResult, Set, Supervisor, TreeError, TreeErrorKind,
};
use tokio::sync::Notify;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), TreeError> {
    let strategies = [
        ("one_for_one", Supervisor::one_for_one("group")),
        ("one_for_all", Supervisor::one_for_all("group")),
        ("rest_for_one", Supervisor::rest_for_one("group")),
        ("dependents_for_one", Supervisor::dependents_for_one("group")),
        ("custom(every_other)", Supervisor::custom("group", every_other)),
        ("forfeit_one_for_one", Supervisor::forfeit_one_for_one("group")),
        ("forfeit_one_for_all", Supervisor::forfeit_one_for_all("group")),
        ("crashing", Supervisor::crashing("group")),
    ];
    println!("`b` fails; of the others only `c` needs it.\n");
    row("strategy", &NAMES.map(String::from), "in this order", "the group");
    for (strategy, group) in strategies {
        let (events, end) = reaction(strategy, group).await?;
        row(strategy, &NAMES.map(|name| fate(name, &events)), &order(&events), &end);
    }
    Ok(())
}

/// A strategy of one's own is a function from a failure to a decision: here, the child that failed, and every
/// other one after it.
fn every_other(failure: &Failure<'_>) -> Decision {
    let rest = failure.siblings().skip_while(|name| *name != failure.child());
    Decision::Restart(Set::Named(rest.step_by(2).map(String::from).collect()))
}

/// Runs a group, lets `b` fail, and returns what happened then, and what became of the group.
async fn reaction(strategy: &str, mut group: Supervisor) -> Result<(Vec<Event>, String), TreeError> {
    let stage = Stage::default();
    for name in NAMES {
        let actor = stage.clone();
        let mut child = Child::new(name, move || Actor { name, stage: actor.clone() });
        // Only this strategy looks at what depends on what; elsewhere it would be a mistake to say it.
        if strategy == "dependents_for_one" && name == "c" {
            child = child.requires(["b"]);
        }
        group = group.child(child);
    }
    let mut tree = group.start().await?;
    stage.take_events();
    stage.0.failure_of_b.notify_one();
    let end = match tokio::time::timeout(Duration::from_secs(1), tree.wait()).await {
        Err(_still_running) => "goes on".to_owned(),
        Ok(Err(error)) if error.kind() == TreeErrorKind::Forfeited => "is forfeited".to_owned(),
        Ok(Err(error)) => format!("fails: {}", error.source().unwrap_or(&error)),
        Ok(Ok(())) => "is done".to_owned(),
    };
    let events = stage.take_events();
    tree.shutdown().await?;
    Ok((events, end))
}

/// Something that happened to a child.
#[derive(Clone, Copy, PartialEq)]
enum Event {
    Stopped(&'static str),
    Started(&'static str),
}

/// What the services of one group share.
#[derive(Clone, Default)]
struct Stage(Arc<Shared>);

#[derive(Default)]
struct Shared {
    events: Mutex<Vec<Event>>,
    failure_of_b: Notify,
}

impl Stage {
    fn note(&self, event: Event) {
        self.0.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.events.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Notes when it starts and stops; `b` fails when it is told to.
struct Actor {
    name: &'static str,
    stage: Stage,
}

impl Service for Actor {
    async fn start(&mut self, _cx: &Context) -> ServiceResult {
        self.stage.note(Event::Started(self.name));
        Ok(())
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        if self.name == "b" {
            // `None` if it was asked to stop before.
            if let Some(()) = cx.until_stopped(self.stage.0.failure_of_b.notified()).await {
                return Err("b failed".into());
            }
        }
        cx.stopping().await;
        Ok(())
    }

    async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
        self.stage.note(Event::Stopped(self.name));
    }
}

/// What happened to one child, in a word.
fn fate(name: &'static str, events: &[Event]) -> String {
    let stopped = events.contains(&Event::Stopped(name));
    let started = events.contains(&Event::Started(name));
    match (stopped, started) {
        (true, true) => "restarted",
        (true, false) => "ended",
        (false, true) => "started",
        (false, false) => "-",
    }
    .to_owned()
}

/// `stop b d c, start b c d`
fn order(events: &[Event]) -> String {
    let mut text = String::new();
    let mut last = "";
    for event in events {
        let (verb, name) = match event {
            Event::Stopped(name) => ("stop", name),
            Event::Started(name) => ("start", name),
        };
        if verb != last {
            text += if last.is_empty() { "" } else { ", " };
            text += verb;
            last = verb;
        }
        text += " ";
        text += name;
    }
    text
}

fn row(strategy: &str, fates: &[String; 4], order: &str, group: &str) {
    let [a, b, c, d] = fates;
    println!("{strategy:<20} {a:<10} {b:<10} {c:<10} {d:<10} {order:<28} {group}");
}
