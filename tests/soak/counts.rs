//! What services count themselves, and what is heard of them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use supervisor_runtime::{Running, What};
use tokio::runtime::Builder;

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// What services count themselves.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Everywhere.
    pub(crate) all: Tally,
    /// Below `alone`, whose children are on their own.
    pub(crate) alone: Tally,
    wild: AtomicBool,
}

/// How often what has happened.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Incarnations: each has a service of its own, or the one of the last.
    pub(crate) begun: Count,
    /// Services that were made, and dropped.
    pub(crate) made: Count,
    pub(crate) dropped: Count,
    /// `start` that was successful, and `stop` that followed it.
    pub(crate) started: Count,
    pub(crate) stopped: Count,
    /// Incarnations that had started and have ended: `run` has returned, panicked, or was never called.
    pub(crate) ended: Count,
    /// Errors and panics, wherever.
    pub(crate) failed: Count,
    /// Providers that were made while somebody used a handle of the one before.
    pub(crate) stale: Count,
    /// Tasks that were spawned, and that have ended.
    pub(crate) spawned: Count,
    pub(crate) reaped: Count,
}

impl Counts {
    /// From now on, services fail.
    pub(crate) fn begin(&self) {
        self.wild.store(true, Ordering::SeqCst);
    }

    /// From now on, none does.
    pub(crate) fn calm(&self) {
        self.wild.store(false, Ordering::SeqCst);
    }

    pub(crate) fn are_wild(&self) -> bool {
        self.wild.load(Ordering::SeqCst)
    }

    /// How much has happened.
    pub(crate) fn moves(&self) -> u64 {
        let Tally { begun, started, ended, failed, .. } = &self.all;
        begun.get() + started.get() + ended.get() + failed.get()
    }

    /// Nothing of the tree is left.
    pub(crate) fn check_the_end(&self) {
        for Tally { made, dropped, started, stopped, ended, spawned, reaped, .. } in [&self.all, &self.alone] {
            assert_eq!(made.get(), dropped.get(), "services that were made, and dropped");
            assert_eq!(started.get(), stopped.get(), "successful starts, and stops");
            assert_eq!(started.get(), ended.get(), "successful starts, and ends");
            assert_eq!(spawned.get(), reaped.get(), "tasks that were spawned, and reaped");
        }
        assert_eq!(self.all.stale.get(), 0, "somebody has used a handle of an incarnation that was gone");
        assert!(self.all.failed.get() > 5_000, "too few failures to prove anything");
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { begun, made, started, stopped, failed, spawned, .. } = &self.all;
        write!(f, "services: {} made for {} incarnations, ", made.get(), begun.get())?;
        write!(f, "{} started, {} stopped, {} failed", started.get(), stopped.get(), failed.get())?;
        write!(f, "; {} tasks spawned", spawned.get())
    }
}

/// What a listener hears while the tree runs.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    starting: u64,
    started: u64,
    failed: u64,
    /// Failures that were answered by a restart below `alone`.
    restarting_alone: u64,
    done: u64,
    stopped: u64,
    dropped: u64,
    all: u64,
    missed: u64,
    /// What was there before.
    running: u64,
    started_before: u64,
}

/// A listener on a thread of its own.
pub(crate) struct Seen(JoinHandle<Heard>);

impl Seen {
    /// Listens from now on, while nothing fails yet.
    pub(crate) fn listen(tree: &Running, counts: &Counts) -> Self {
        let mut events = tree.events();
        // All but the outermost, whose end is that of the tree.
        let rows = tree.snapshot().unwrap();
        let running = rows.rows().iter().skip(1).filter(|row| row.status().state().is_live()).count() as u64;
        let mut heard = Heard { running, started_before: counts.all.started.get(), ..Heard::default() };
        Self(std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let mut last = None;
                while let Some(event) = events.next().await {
                    match event {
                        Ok(event) => {
                            let number = event.number();
                            assert!(last.is_none_or(|last| number == last + 1), "{number} follows {last:?}");
                            last = Some(number);
                            heard.note(event.what(), || event.path());
                        }
                        Err(missed) => {
                            heard.missed += missed.0;
                            last = last.map(|last| last + missed.0);
                        }
                    }
                }
            });
            heard
        }))
    }

    pub(crate) fn until_the_end(self) -> Heard {
        self.0.join().unwrap()
    }
}

impl Heard {
    fn note(&mut self, what: &What, path: impl Fn() -> String) {
        self.all += 1;
        match what {
            What::Starting => self.starting += 1,
            What::Started => self.started += 1,
            What::Failed(_) => self.failed += 1,
            What::Restarting { .. } => self.restarting_alone += u64::from(path().starts_with("tree/alone/")),
            What::Done(_) => self.done += 1,
            What::Stopped(Some(_)) => self.stopped += 1,
            What::Dropped(_) => self.dropped += 1,
            _ => {}
        }
    }

    /// What is heard is what services have counted themselves, but for what was missed.
    pub(crate) fn check(&self, counts: &Counts) {
        let agree = |what: &str, heard: u64, counted: u64| {
            assert!(
                heard <= counted && counted <= heard + self.missed,
                "{what}: {heard} heard, {counted} counted: {self:?}"
            );
        };
        agree("restarts of those on their own", self.restarting_alone, counts.alone.failed.get());
        let ends = self.failed + self.done + self.stopped + self.dropped;
        let begun = self.running + self.starting;
        assert!(begun.abs_diff(ends) <= self.missed, "{begun} have begun, {ends} have ended: {self:?}");
        assert_eq!(self.dropped, 0, "none had to be dropped by force");
        // Supervisors start, too.
        assert!(self.started + self.missed >= counts.all.started.get() - self.started_before, "{self:?}");
        assert!(self.missed < self.all, "it has missed more than it has heard");
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "events: {} heard, {} missed; {} starting, {} started, ",
            self.all, self.missed, self.starting, self.started
        )?;
        write!(f, "{} failed, {} done, {} stopped", self.failed, self.done, self.stopped)
    }
}

/// The counts of one child: everywhere, and perhaps below `alone`.
#[derive(Clone)]
pub(crate) struct Own {
    counts: Arc<Counts>,
    is_alone: bool,
}

impl Own {
    pub(crate) fn new(counts: &Arc<Counts>, is_alone: bool) -> Self {
        Self { counts: Arc::clone(counts), is_alone }
    }

    pub(crate) fn are_wild(&self) -> bool {
        self.counts.are_wild()
    }

    pub(crate) fn count(&self, which: fn(&Tally) -> &Count) {
        which(&self.counts.all).add();
        if self.is_alone {
            which(&self.counts.alone).add();
        }
    }
}
