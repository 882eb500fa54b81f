//! Whoever uses a child is made anew with it, with the new handle; of a stable one, nobody has to be.
#![deny(warnings, clippy::pedantic)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use supervisor_runtime::{Context, Provide, Service, ServiceResult, StableHandle, supervision_tree};

static MADE: AtomicUsize = AtomicUsize::new(0);
static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Offers its number.
struct Db(usize);

impl Db {
    fn new() -> Self {
        Self(MADE.fetch_add(1, Ordering::Relaxed))
    }
}

impl Service for Db {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

impl Provide for Db {
    type Handle = usize;

    fn handle(&self) -> usize {
        self.0
    }
}

impl StableHandle for Db {}

/// Says which handles it was made with.
struct User(&'static str, Vec<usize>);

impl Service for User {
    async fn start(&mut self, _cx: &Context) -> ServiceResult {
        note(format!("{} {:?}", self.0, self.1));
        Ok(())
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    dependents_for_one {
        db: Db::new(),
        other: Db::new(),
        user: User("user", vec![db]),
        of_other: User("of other", vec![other]),
        one_for_one {
            both: User("both", vec![db, other]),
            kept(in_place): Db::new(),
            of_kept: User("of kept", vec![kept]),
        }
        more*2: |_index| Db::new(),
        of_more: User("of more", more),
    }
}

fn note(line: String) {
    LOG.lock().expect("nobody panics").push(line);
}

fn log() -> Vec<String> {
    let mut log = std::mem::take(&mut *LOG.lock().expect("nobody panics"));
    log.sort();
    log
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tree = Tree::start().await?;
    tree.wait_ready().await?;
    let first = log();
    assert_eq!(first.len(), 5, "{first:?}");

    let made = MADE.load(Ordering::Relaxed);
    tree.db.restart().await?;
    tree.wait_ready().await?;
    let after = log();
    // Those that use it, and nobody else; the group as a whole, in which what is `in_place` is the same.
    assert!(after[0].starts_with(&format!("both [{made}, ")), "{after:?}");
    assert!(after[1].starts_with("of kept") && first.contains(&after[1]), "{after:?}");
    assert_eq!(after[2..], [format!("user [{made}]")]);
    Ok(tree.shutdown().await?)
}
