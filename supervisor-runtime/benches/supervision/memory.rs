//! The memory of an idle child: resident pages, each side in a process of its own, so that none inherits what the one
//! before has left to the allocator.

use std::process::Command;

use crate::measure::Flavor;
use crate::sides::start;

/// Of which children.
#[derive(Clone, Copy)]
pub(crate) enum Of {
    Replicas,
    Members,
    Tasks,
}

impl Of {
    fn name(self) -> &'static str {
        match self {
            Self::Replicas => "replicas",
            Self::Members => "members",
            Self::Tasks => "tasks",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Replicas, Self::Members, Self::Tasks].into_iter().find(|of| of.name() == name)
    }
}

/// Bytes for each child, measured in a new process.
pub(crate) fn of_each_child(of: Of, flavor: Flavor, children: usize) -> f64 {
    let program = std::env::current_exe().expect("the system knows this program");
    let output = Command::new(program)
        .args(["--memory", of.name(), flavor.name(), &children.to_string()])
        .output()
        .expect("this program can be started again");
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().unwrap_or_else(|_| panic!("no bytes but {text:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// What the new process does.
pub(crate) fn measure(of: Of, flavor: Flavor, children: usize) {
    let runtime = flavor.runtime();
    let bytes = runtime.block_on(async move {
        let started = tokio::spawn(async move {
            // What the runtime allocates at its first use is not the children's.
            start::replicas(1).await.shutdown().await.expect("it stops well");
            start::tasks(1).await.stop().await;
            let before = resident();
            match of {
                Of::Replicas => {
                    let running = start::replicas(children).await;
                    let bytes = resident() - before;
                    running.shutdown().await.expect("it stops well");
                    bytes
                }
                Of::Members => {
                    let running = start::members(children).await;
                    let bytes = resident() - before;
                    running.shutdown().await.expect("it stops well");
                    bytes
                }
                Of::Tasks => {
                    let tasks = start::tasks(children).await;
                    let bytes = resident() - before;
                    tasks.stop().await;
                    bytes
                }
            }
        });
        started.await.expect("a side of a benchmark does not fail")
    });
    println!("{:.1}", bytes / children as f64);
}

/// The resident memory of this process.
fn resident() -> f64 {
    const PAGE: f64 = 4096.0;
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux tells it");
    let resident = pages.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok());
    resident.expect("the second number is the resident pages") * PAGE
}
