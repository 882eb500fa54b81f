//! The memory of an idle child, each time in a new process.

use std::process::Command;

use crate::contestants::CONTESTANTS;
use crate::measure::{Effort, Flavor, Run};
use crate::scenario::{Can, Contestant};

/// Bytes for each child.
pub(crate) fn of_each_child(contestant: &Contestant, flavor: Flavor, children: usize) -> f64 {
    let program = std::env::current_exe().expect("the system knows this program");
    let output = Command::new(program)
        .args(["--memory", contestant.name, flavor.name(), &children.to_string()])
        .output()
        .expect("this program can be started again");
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().unwrap_or_else(|_| panic!("no bytes but {text:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// What the new process does.
pub(crate) fn measure(mut args: impl Iterator<Item = String>) {
    let mut arg = || args.next().expect("three arguments follow `--memory`");
    let (name, flavor, children) = (arg(), arg(), arg());
    let contestant = CONTESTANTS.iter().find(|it| it.name == name).expect("a contestant");
    let flavor = Flavor::named(&flavor).expect("a flavor");
    let children = children.parse().expect("a number of children");
    let Can::Do(_, scenario) = contestant.idle else { return };
    let run = Run::new(flavor, Effort::Full);
    // What is allocated at the first use of a runtime is not the children's.
    run.once(scenario(1));
    println!("{:.1}", run.once(scenario(children)).bytes);
}
