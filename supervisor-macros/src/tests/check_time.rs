//! How long `cargo check` takes with a tree of 100 children, beside the same tree written by hand:
//! `cargo test -p supervisor-macros --lib check_time -- --ignored --nocapture`.
//!
//! "By hand" is what a person writes who wants the same: the calls of the builder, a struct for the tree and one for each
//! group with the same typed references, and one function that looks them up. (Within the `async fn` that starts the tree,
//! where one would write them first, they cost more than all the rest.) The calls of the builder alone are shown, too.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs};

const ROUNDS: usize = 7;

const SERVICES: &str = "\
#![allow(dead_code)]
use supervisor_runtime::*;
#[derive(Clone)]
pub struct Pool;
pub struct Db;
pub struct Worker(usize);
impl Db { fn new() -> Self { Db } }
impl Worker {
    fn new(index: usize) -> Self { Worker(index) }
    fn with(index: usize, _: Pool) -> Self { Worker(index) }
}
impl Service for Db { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
impl Service for Worker { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
impl Provide for Db { type Handle = Pool; fn handle(&self) -> Pool { Pool } }
";

/// The tree in the language: ten groups, a child in each that others use, and nine more of three kinds.
fn declared() -> String {
    let child = |group: usize, child: usize| match child % 3 {
        0 => format!("child{child}*4: Worker::new,\n"),
        1 => format!("child{child}(restart = transient): Worker::new({child}),\n"),
        _ => format!("child{child}*2(backoff = 1s..9s): |index| Worker::with(index, first{group}.clone()),\n"),
    };
    let group = |number: usize| {
        let children: String = (1..10).map(|of| child(number, of)).collect();
        format!("group{number}: rest_for_one(shutdown = 30s) {{\nfirst{number}: Db = Db::new(),\n{children}}}\n")
    };
    let groups: String = (0..10).map(group).collect();
    format!("supervision_tree! {{ dependents_for_one(max_restarts = 10, over = 1m) {{\n{groups}}} }}\n")
}

/// The calls of the builder.
fn built() -> String {
    let child = |child: usize| match child % 3 {
        0 => format!(".child(Child::replicated(\"child{child}\", 4, Worker::new))\n"),
        1 => {
            format!(".child(Child::new(\"child{child}\", || Worker::new({child})).restart(Restart::Transient))\n")
        }
        _ => format!(
            ".child(Child::replicated_using(\"child{child}\", 2, &db, |index, db| Worker::with(index, db.clone()))\
            .backoff(Duration::from_secs(1)..Duration::from_secs(9)))\n"
        ),
    };
    let group = |number: usize| {
        let children: String = (1..10).map(child).collect();
        format!(
            ".child({{ let db = Wire::new(); Supervisor::rest_for_one(\"group{number}\").shutdown(Duration::from_secs(30))\n\
            .child(Child::<Db>::new(\"first{number}\", || Db::new()).provides(&db))\n{children}}})\n"
        )
    };
    let groups: String = (0..10).map(group).collect();
    format!(
        "use std::time::Duration;\npub fn service() -> Supervisor {{\n\
        Supervisor::dependents_for_one(\"Tree\").max_restarts(10).over(Duration::from_secs(60))\n{groups}}}\n"
    )
}

/// The references of the running tree as a type.
fn referred() -> String {
    let field = |child: usize| match child % 3 {
        1 => format!("pub child{child}: ChildRef,\n"),
        _ => format!("pub child{child}: Replicas,\n"),
    };
    let ty = |number: usize| {
        let fields: String = (1..10).map(field).collect();
        let first = format!("pub first{number}: ChildRef<Db>,\n");
        format!("#[derive(Clone, Debug)]\npub struct Group{number} {{\n{first}{fields}pub group: GroupRef,\n}}\n")
    };
    let value = |number: usize, child: usize| {
        let by = if child % 3 == 1 { "child" } else { "replicas" };
        format!("child{child}: running.{by}(\"group{number}/child{child}\")?,\n")
    };
    let group = |number: usize| {
        let values: String = (1..10).map(|child| value(number, child)).collect();
        format!(
            "group{number}: Group{number} {{\nfirst{number}: running.child(\"group{number}/first{number}\")?,\n{values}\
            group: running.group(\"group{number}\")?,\n}},\n"
        )
    };
    let types: String = (0..10).map(ty).collect();
    let fields: String = (0..10).map(|number| format!("pub group{number}: Group{number},\n")).collect();
    let groups: String = (0..10).map(group).collect();
    format!(
        "{types}#[derive(Debug)]\npub struct Tree {{\n{fields}pub running: Running,\n}}\n\
        impl Tree {{\n\
        pub async fn start() -> Result<Self, TreeError> {{ Self::of(service().start().await?) }}\n\
        pub async fn run() -> Result<(), TreeError> {{ service().run().await }}\n\
        pub async fn shutdown(self) -> Result<(), TreeError> {{ self.running.shutdown().await }}\n\
        fn of(running: Running) -> Result<Self, TreeError> {{ Ok(Self {{\n{groups}running,\n}}) }}\n}}\n"
    )
}

/// A workspace of its own, without the settings of this one: a user's.
fn workspace(crates: &[(&str, String)]) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in a workspace");
    let workspace = root.join("target/tests/check_time");
    let write = |path: PathBuf, text: &str| {
        fs::create_dir_all(path.parent().expect("a file is in a directory")).expect("a directory");
        fs::write(path, text).expect("a file");
    };
    let members: Vec<&str> = crates.iter().map(|(name, _)| *name).collect();
    write(workspace.join("Cargo.toml"), &format!("[workspace]\nmembers = {members:?}\nresolver = \"3\"\n"));
    fs::copy(root.join("Cargo.lock"), workspace.join("Cargo.lock")).expect("the lock file");
    let runtime = root.join("supervisor-runtime");
    for (name, source) in crates {
        let manifest = format!(
            "[package]\nname = {name:?}\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
            [dependencies]\nsupervisor-runtime = {{ path = {runtime:?} }}\n"
        );
        write(workspace.join(name).join("Cargo.toml"), &manifest);
        write(workspace.join(name).join("src/lib.rs"), &format!("{SERVICES}{source}"));
    }
    workspace
}

/// How long it takes to check one crate of which only the source is new.
fn check(workspace: &Path, name: &str) -> Duration {
    let source = workspace.join(name).join("src/lib.rs");
    let text = fs::read(&source).expect("the source");
    fs::write(&source, text).expect("the source");
    let mut check = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    check.args(["check", "--offline", "--quiet", "--color=never", "-p", name]);
    check.current_dir(workspace).env("CARGO_TARGET_DIR", workspace.join("target"));
    check.env("CARGO_INCREMENTAL", "0").env_remove("RUSTFLAGS");
    let begin = Instant::now();
    let output = check.output().expect("cargo runs");
    let time = begin.elapsed();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    time
}

#[test]
#[ignore = "a benchmark"]
fn check_time_is_that_of_a_tree_by_hand() {
    let crates = [("ours", declared()), ("by_hand", format!("{}{}", built(), referred())), ("builder_alone", built())];
    let workspace = workspace(&crates);
    let once = || crates.each_ref().map(|(name, _)| check(&workspace, name));
    // The first checks the runtime as well. Of the others the best counts, which nothing else has disturbed.
    once();
    let rounds: Vec<[Duration; 3]> = (0..ROUNDS).map(|_| once()).collect();
    let best = |of: usize| rounds.iter().map(|times| times[of]).min().unwrap_or_default().as_secs_f64() * 1e3;
    let (ours, by_hand, builder) = (best(0), best(1), best(2));
    let ratio = ours / by_hand;
    println!("check_time ours_ms={ours:.0} by_hand_ms={by_hand:.0} ratio={ratio:.2} builder_alone_ms={builder:.0}");
    assert!(ratio <= 1.2, "the macro costs {ratio:.2} times what the same costs by hand");
}
