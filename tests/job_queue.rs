//! The example `job_queue` as its users meet it: killed, stopped, given bad input.
//!
//! The binary is the one that `cargo test` builds with everything else; run alone, this file needs a
//! `cargo build --example job_queue` before.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// Enough that a kill finds some done and some not, few enough for a short test.
const TEXTS: usize = 24;

#[test]
fn a_run_that_was_killed_is_continued_and_every_text_is_counted_once() {
    let place = Place::new("killed");
    let mut killed = place.job_queue([place.texts()]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let _unread = wait_for_progress(&mut killed);
    killed.kill().unwrap();
    killed.wait().unwrap();

    let resumed = place.job_queue([place.texts()]).output().unwrap();
    assert!(resumed.status.success(), "{resumed:#?}");
    assert!(stderr(&resumed).contains("going on where the last run ended"), "{resumed:#?}");
    assert!(stdout(&resumed).contains(&format!("{TEXTS} jobs done")), "{resumed:#?}");
    let expected = format!("counted by the workers  {}", place.plain_count());
    assert!(stdout(&resumed).contains(&expected), "expected {expected:?}, got {resumed:#?}");
}

#[test]
fn a_finished_run_is_not_continued() {
    let place = Place::new("finished");
    for _ in 0..2 {
        let run = place.job_queue([place.texts()]).output().unwrap();
        assert!(run.status.success(), "{run:#?}");
        assert!(!stderr(&run).contains("going on"), "{run:#?}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_stops_in_order_and_says_so() {
    let place = Place::new("interrupted");
    let mut run = place.job_queue([place.texts()]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let rest = wait_for_progress(&mut run);
    let pid = run.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let said: Vec<_> = rest.map(Result::unwrap).collect();
    let end = run.wait_with_output().unwrap();
    assert_eq!(end.status.code(), Some(1), "{said:#?} {end:#?}");
    // A job that hangs at that moment has to be dropped by force, and then the tree's error says the same.
    let stopped = said.last().is_some_and(|line| line.contains("nothing is lost"));
    let dropped = stderr(&end).contains("had to be dropped by force") && stderr(&end).contains("no job is lost");
    assert!(stopped || dropped, "{said:#?} {end:#?}");
    assert!(!stderr(&end).contains("ERROR"), "{end:#?}");
}

#[test]
fn bad_input_is_one_clear_error() {
    let place = Place::new("bad_input");
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let empty = place.0.join("empty");
    fs::create_dir(&empty).unwrap();
    let texts = place.texts();
    let cases: [(&[&str], i32, &str); 6] = [
        (&["no/such/folder"], 1, "error: the folder `no/such/folder` cannot be read"),
        (&[empty.to_str().unwrap()], 1, "has no texts"),
        (&[&texts, "--port", &port], 1, "is in use: choose another --port"),
        (&["--port", "http"], 2, "--port needs a number"),
        (&["--sreve"], 2, "unknown option --sreve; see --help"),
        (&["one", "two"], 2, "one folder is enough"),
    ];
    for (arguments, code, message) in cases {
        let run = place.job_queue(arguments).output().unwrap();
        assert_eq!(run.status.code(), Some(code), "{arguments:?} {run:#?}");
        assert!(stderr(&run).contains(message), "{arguments:?} {run:#?}");
        assert_eq!(stderr(&run).lines().count(), 1, "{arguments:?} {run:#?}");
    }
}

#[test]
fn a_damaged_database_is_named_with_what_to_do() {
    let place = Place::new("damaged");
    let database = place.0.join("data/jobs.redb");
    fs::create_dir(place.0.join("data")).unwrap();
    fs::write(&database, "this is no database\n".repeat(1000)).unwrap();
    let run = place.job_queue([place.texts()]).output().unwrap();
    assert_eq!(run.status.code(), Some(1), "{run:#?}");
    let expected = format!("caused by: `{}` is not a database, or damaged", database.display());
    assert!(stderr(&run).contains(&expected), "{run:#?}");
    assert!(stderr(&run).contains("move it away"), "{run:#?}");
    assert!(!stderr(&run).contains("panicked"), "{run:#?}");
}

/// A folder of a test's own, with texts in it.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let place = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join("job_queue").join(name));
        // What an earlier run of the test has left.
        let _ = fs::remove_dir_all(&place.0);
        fs::create_dir_all(place.texts()).unwrap();
        for number in 0..TEXTS {
            let path = Path::new(&place.texts()).join(format!("{number}.txt"));
            fs::write(path, format!("text number {number}\n").repeat(100 + number)).unwrap();
        }
        place
    }

    fn texts(&self) -> String {
        self.0.join("texts").to_str().unwrap().to_owned()
    }

    fn job_queue<A: AsRef<str>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let deps = std::env::current_exe().unwrap();
        let target = deps.parent().and_then(Path::parent).unwrap();
        let binary = target.join("examples").join(format!("job_queue{}", std::env::consts::EXE_SUFFIX));
        assert!(binary.exists(), "{} is missing: cargo build --example job_queue", binary.display());
        let mut command = Command::new(binary);
        command.env_remove("RUST_LOG").arg("--data").arg(self.0.join("data"));
        for argument in arguments {
            command.arg(argument.as_ref());
        }
        command
    }

    /// What the example says of the texts, counted by other means.
    fn plain_count(&self) -> String {
        let texts = fs::read_dir(self.texts()).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
        let all: String = texts.collect();
        format!("{} words, {} lines, {} bytes", all.split_whitespace().count(), all.lines().count(), all.len())
    }
}

/// Reads what the example says until some jobs are done, but not all; returns what it will say.
fn wait_for_progress(run: &mut Child) -> impl Iterator<Item = std::io::Result<String>> + use<> {
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines();
    let some = |line: &str| line.contains(&format!(" of {TEXTS} done")) && !line.trim_start().starts_with("0 ");
    let line = lines.by_ref().map(Result::unwrap).find(|line| some(line)).expect("no progress");
    assert!(!line.contains(&format!("{TEXTS} of")), "too late to kill it: {line}");
    lines
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
