//! A job queue that loses nothing: HTTP intake, four workers, a database on disk, all supervised.
//!
//! You will see sixty texts being counted, while a quarter of the jobs panic, fail or hang on their first attempt:
//! the log says which, the workers come back, the jobs are done again. In the end the totals are compared with
//! those of a plain count. It takes about five seconds.
//!
//! ```text
//! cargo run --example job_queue                      the texts are its own
//! cargo run --example job_queue -- ~/notes           yours, .txt and .md
//! cargo run --example job_queue -- --serve           until Ctrl-C; see --help
//! ```
//!
//! Kill it in the middle, `kill -9` as well, or let its disk run full, and run it again: it goes on where it was,
//! and still counts each text exactly once. The exit code is 0 only if all of it was done and the totals are right.
//!
//! Where to read on: the declaration is below; [`worker`] is the heart; [`queue`] says why no job is lost or
//! done twice; [`db`] shows how a resource lives as a child and others work on it.

mod client;
mod count;
mod db;
mod intake;
mod mishap;
mod options;
mod queue;
mod report;
mod status;
mod tables;
mod texts;
mod worker;

use std::error::Error;
use std::io::IsTerminal;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, io, thread};

use supervisor_runtime::{TreeError, TreeErrorKind, supervision_tree};
use tracing_subscriber::EnvFilter;

use crate::client::{Client, WhenDone};
use crate::db::{Db, Store};
use crate::intake::Intake;
use crate::options::{Asked, Options};
use crate::report::{Outcome, report};
use crate::worker::Worker;

supervision_tree! {
    /// Nothing works without `db`: whoever uses its name gets a way to the database, and is stopped and made anew when the
    /// database is opened anew. The rest is independent: a worker that fails disturbs nobody.
    struct JobQueue(
        store: Store,
        listener: Arc<TcpListener>,
        address: SocketAddr,
        texts: Arc<[String]>,
        when_done: WhenDone,
    );

    dependents_for_one(max_restarts = 3, over = 10s, backoff = 100ms..2s, auto_shutdown = any_significant) {
        db: Db::new(store),

        // Workers fail often, as jobs do: they have a limit of their own. One that hangs holds a stop up for two
        // seconds, and is then dropped: its job is done by the next run.
        workers: one_for_one(max_restarts = 50, over = 10s, backoff = 50ms..1s) {
            worker*4(heartbeat = 1s, shutdown = 2s): |index| Worker::new(index, db),
        }

        intake: Intake::new(listener, address, db),

        // When the client has seen the last result, it is done, and the program with it.
        client(restart = transient, significant): Client::new(intake, texts, when_done),
    }
}

fn main() -> ExitCode {
    let options = match options::parse(env::args_os().skip(1)) {
        Ok(Asked::Run(options)) => options,
        Ok(Asked::Help) => {
            print!("{}", options::HELP);
            return ExitCode::SUCCESS;
        }
        Err(mistake) => {
            eprintln!("error: {mistake}; see --help");
            return ExitCode::from(2);
        }
    };
    log_to_stderr();
    match run(options) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<ExitCode, Box<dyn Error>> {
    let base = env::temp_dir().join("supervisor-job-queue");
    let texts: Arc<[String]> = match &options.folder {
        Some(folder) => texts::in_folder(folder)?,
        None if options.serve => Vec::new(),
        None => texts::of_our_own(&base.join("texts"))?,
    }
    .into();
    let data = options.data.unwrap_or_else(|| base.join("data"));
    fs::create_dir_all(&data).map_err(|error| format!("the directory `{}` cannot be made: {error}", data.display()))?;
    let database = data.join("jobs.redb");
    let (listener, address) = listen(options.port)?;
    let when_done = if options.serve { WhenDone::Stay } else { WhenDone::Finish };

    println!("{} texts to count, more are taken at http://{address}/jobs", texts.len());
    println!("the database is {}", database.display());
    let store = Store::new(database.clone());
    supervise(JobQueue::run(store, Arc::new(listener), address, Arc::clone(&texts), when_done))?;

    match (report(&database, &texts)?, when_done) {
        (_, WhenDone::Stay) => Ok(ExitCode::SUCCESS),
        (Outcome::Unfinished, WhenDone::Finish) => Ok(ExitCode::FAILURE),
        (Outcome::Finished, WhenDone::Finish) => {
            put_away(&database)?;
            Ok(ExitCode::SUCCESS)
        }
        (Outcome::FinishedWithout(failed), WhenDone::Finish) => {
            put_away(&database)?;
            Err(format!("{failed} texts could not be counted").into())
        }
    }
}

/// Runs the tree to its end, in a runtime of its own.
fn supervise(tree: impl Future<Output = Result<(), TreeError>>) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let end = runtime.block_on(tree);
    // `#[tokio::main]` would wait for ever for a thread that hangs in a read, from a dead disk for instance.
    runtime.shutdown_timeout(Duration::from_secs(1));
    // `Debug` of a `TreeError` tells the whole story: the path to the child, the limits, the causes.
    end.map_err(|error| match error.kind() {
        TreeErrorKind::StartFailed => format!("{error:?}").into(),
        _ => {
            format!("{error:?}\nno job is lost: what is done is in the database, and the next run does the rest").into()
        }
    })
}

/// Binds once, before the tree starts: a port that is taken is no reason to restart anything.
fn listen(port: u16) -> Result<(TcpListener, SocketAddr), String> {
    let bind = || {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        // As tokio needs it.
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    bind().map_err(|error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("port {port} is in use: choose another --port, or leave it out")
        }
        _ => format!("port {port} cannot be listened on: {error}"),
    })
}

/// A finished run has nothing to go on with: the next one begins anew.
fn put_away(database: &Path) -> Result<(), String> {
    let finished = database.with_file_name("finished.redb");
    fs::rename(database, &finished)
        .map_err(|error| format!("the finished database `{}` cannot be renamed: {error}", database.display()))
}

/// Warnings of the supervisors, and what the example says; `RUST_LOG` asks for more or less.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,job_queue=info"));
    let colours = io::stderr().is_terminal();
    tracing_subscriber::fmt().compact().with_env_filter(filter).with_ansi(colours).with_writer(io::stderr).init();
    // The supervisors log a panic with its place. The standard hook would say it again, in more lines.
    let standard = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if thread::current().name() == Some("main") {
            standard(panic);
        } else {
            tracing::debug!("{panic}");
        }
    }));
}
