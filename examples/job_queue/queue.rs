//! The queue on disk: every step in the life of a job is one transaction.
//!
//! Invariants:
//!
//! 1. A job is in exactly one of the tables `waiting`, `leased`, `done` and `failed`; that is its state.
//! 2. A worker holds at most one lease. What it finds under its index when it takes the next job was left
//!    behind by an incarnation that is gone.
//! 3. A result is written by the holder of the lease only, in the transaction that ends the lease. So each job
//!    is counted once, whatever dies and whenever.

use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, WriteTransaction};

use crate::count::Count;
use crate::status::Status;
use crate::tables::{DONE, FAILED, IDS, InFlight, JobId, LEASED, PATHS, TOTALS, WAITING, path_of};

pub(crate) type Result<T> = std::result::Result<T, redb::Error>;

/// The open database.
pub(crate) struct Queue(Database);

/// The right to do a job, for one worker and one attempt.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    worker: u64,
    pub(crate) job: JobId,
    /// Which attempt this is, from 1.
    pub(crate) attempt: u32,
    pub(crate) path: String,
}

/// What became of a job that was submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Submitted {
    New(JobId),
    /// The same path was submitted before.
    Known(JobId),
}

impl Queue {
    /// Opens the database, or creates it. Returns how many leases were left by a process that is gone; their
    /// jobs wait again.
    pub(crate) fn open(path: &Path) -> Result<(Self, usize)> {
        let queue = Self(Database::create(path)?);
        let taken_back = queue.write(|transaction| {
            // Opening a table creates it; readers want all of them to be there.
            transaction.open_table(PATHS)?;
            transaction.open_table(IDS)?;
            transaction.open_table(DONE)?;
            transaction.open_table(TOTALS)?;
            InFlight::open(transaction)?.take_all_back()
        })?;
        Ok((queue, taken_back))
    }

    /// Makes a job of a path; once, however often it is submitted.
    pub(crate) fn submit(&self, path: &str) -> Result<Submitted> {
        self.write(|transaction| {
            let mut ids = transaction.open_table(IDS)?;
            if let Some(known) = ids.get(path)? {
                return Ok(Submitted::Known(known.value()));
            }
            let job = ids.len()? + 1;
            ids.insert(path, job)?;
            transaction.open_table(PATHS)?.insert(job, path)?;
            transaction.open_table(WAITING)?.insert(job, 0)?;
            Ok(Submitted::New(job))
        })
    }

    /// Whether a path was submitted.
    pub(crate) fn knows(&self, path: &str) -> Result<bool> {
        Ok(self.0.begin_read()?.open_table(IDS)?.get(path)?.is_some())
    }

    /// Gives the worker the next job, if one waits.
    pub(crate) fn take(&self, worker: u64) -> Result<Option<Lease>> {
        if !self.has_work_for(worker)? {
            // An idle worker looks often, and a transaction that writes costs a sync of the disk.
            return Ok(None);
        }
        self.write(|transaction| {
            let mut tables = InFlight::open(transaction)?;
            tables.take_back(worker)?;
            let next = tables.waiting.pop_first()?.map(|(job, attempts)| (job.value(), attempts.value()));
            let Some((job, attempts)) = next else {
                return Ok(None);
            };
            let attempt = attempts + 1;
            tables.leased.insert(worker, (job, attempt))?;
            let path = path_of(&transaction.open_table(PATHS)?, job)?;
            Ok(Some(Lease { worker, job, attempt, path }))
        })
    }

    /// Ends the lease with a result. `false` if the lease was lost meanwhile; then nothing is written.
    pub(crate) fn complete(&self, lease: &Lease, count: Count) -> Result<bool> {
        self.end_lease(lease, |transaction| {
            let (bytes, lines, words) = count.into();
            transaction.open_table(DONE)?.insert(lease.job, (bytes, lines, words, lease.attempt))?;
            let mut totals = transaction.open_table(TOTALS)?;
            let mut all = totals.get(())?.map(|totals| Count::from(totals.value())).unwrap_or_default();
            all += count;
            totals.insert((), <(u64, u64, u64)>::from(all))?;
            Ok(())
        })
    }

    /// Ends the lease for good without a result: the text is the reason, and another attempt would not help.
    pub(crate) fn reject(&self, lease: &Lease, reason: &str) -> Result<bool> {
        self.end_lease(lease, |transaction| {
            transaction.open_table(FAILED)?.insert(lease.job, reason)?;
            Ok(())
        })
    }

    /// Gives the lease back, as if it had never been taken.
    pub(crate) fn release(&self, lease: &Lease) -> Result<bool> {
        self.end_lease(lease, |transaction| {
            transaction.open_table(WAITING)?.insert(lease.job, lease.attempt - 1)?;
            Ok(())
        })
    }

    pub(crate) fn status(&self) -> Result<Status> {
        let transaction = self.0.begin_read()?;
        Ok(Status {
            waiting: transaction.open_table(WAITING)?.len()?,
            leased: transaction.open_table(LEASED)?.len()?,
            done: transaction.open_table(DONE)?.len()?,
            failed: transaction.open_table(FAILED)?.len()?,
        })
    }

    /// The running totals of all that is done.
    pub(crate) fn totals(&self) -> Result<Count> {
        let totals = self.0.begin_read()?.open_table(TOTALS)?.get(())?;
        Ok(totals.map(|totals| Count::from(totals.value())).unwrap_or_default())
    }

    /// The path of each job that is done, and how many attempts it took.
    pub(crate) fn done(&self) -> Result<Vec<(String, u32)>> {
        let transaction = self.0.begin_read()?;
        let paths = transaction.open_table(PATHS)?;
        let mut done = Vec::new();
        for entry in transaction.open_table(DONE)?.iter()? {
            let (job, result) = entry?;
            done.push((path_of(&paths, job.value())?, result.value().3));
        }
        Ok(done)
    }

    /// The path of each job that failed, and why.
    pub(crate) fn failed(&self) -> Result<Vec<(String, String)>> {
        let transaction = self.0.begin_read()?;
        let paths = transaction.open_table(PATHS)?;
        let mut failed = Vec::new();
        for entry in transaction.open_table(FAILED)?.iter()? {
            let (job, reason) = entry?;
            failed.push((path_of(&paths, job.value())?, reason.value().to_owned()));
        }
        Ok(failed)
    }

    fn has_work_for(&self, worker: u64) -> Result<bool> {
        let transaction = self.0.begin_read()?;
        let is_waiting = !transaction.open_table(WAITING)?.is_empty()?;
        Ok(is_waiting || transaction.open_table(LEASED)?.get(worker)?.is_some())
    }

    /// Ends the lease and does what comes of it: both, or neither. `false` if the lease was lost meanwhile.
    fn end_lease(&self, lease: &Lease, then: impl FnOnce(&WriteTransaction) -> Result<()>) -> Result<bool> {
        self.write(|transaction| {
            let mut leased = transaction.open_table(LEASED)?;
            let held = leased.get(lease.worker)?.map(|held| held.value());
            if held != Some((lease.job, lease.attempt)) {
                return Ok(false);
            }
            leased.remove(lease.worker)?;
            then(transaction)?;
            Ok(true)
        })
    }

    fn write<T>(&self, step: impl FnOnce(&WriteTransaction) -> Result<T>) -> Result<T> {
        let transaction = self.0.begin_write()?;
        let value = step(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }
}
