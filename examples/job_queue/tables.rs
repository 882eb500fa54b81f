//! The tables of the database, and the way back from one to another when a worker is gone.

use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};

use crate::queue::Result;

/// The number of a job, from 1.
pub(crate) type JobId = u64;

/// A job of which so many attempts came to no end is given up: one poisonous text must not keep the workers
/// failing for ever.
const MAX_ATTEMPTS: u32 = 5;

pub(crate) const PATHS: TableDefinition<'_, JobId, &str> = TableDefinition::new("paths");
pub(crate) const IDS: TableDefinition<'_, &str, JobId> = TableDefinition::new("ids");
/// How often each has been tried.
pub(crate) const WAITING: TableDefinition<'_, JobId, u32> = TableDefinition::new("waiting");
/// By the index of the worker: the job, and which attempt it is.
pub(crate) const LEASED: TableDefinition<'_, u64, (JobId, u32)> = TableDefinition::new("leased");
/// Bytes, lines and words, and how many attempts it took.
pub(crate) const DONE: TableDefinition<'_, JobId, (u64, u64, u64, u32)> = TableDefinition::new("done");
/// Why.
pub(crate) const FAILED: TableDefinition<'_, JobId, &str> = TableDefinition::new("failed");
/// The running totals of all that is done: bytes, lines and words.
pub(crate) const TOTALS: TableDefinition<'_, (), (u64, u64, u64)> = TableDefinition::new("totals");

/// The tables between which a job moves until it has a result.
pub(crate) struct InFlight<'t> {
    pub(crate) waiting: Table<'t, JobId, u32>,
    pub(crate) leased: Table<'t, u64, (JobId, u32)>,
    failed: Table<'t, JobId, &'static str>,
}

impl<'t> InFlight<'t> {
    pub(crate) fn open(transaction: &'t WriteTransaction) -> Result<Self> {
        Ok(Self {
            waiting: transaction.open_table(WAITING)?,
            leased: transaction.open_table(LEASED)?,
            failed: transaction.open_table(FAILED)?,
        })
    }

    /// Lets all jobs wait again that were in work when the process died, and returns how many. That it died was
    /// hardly their fault, so it does not count as an attempt.
    pub(crate) fn take_all_back(&mut self) -> Result<usize> {
        let mut taken_back = 0;
        while let Some((_, left)) = self.leased.pop_first()? {
            let (job, attempt) = left.value();
            self.waiting.insert(job, attempt - 1)?;
            taken_back += 1;
        }
        Ok(taken_back)
    }

    /// Lets the job wait again that an earlier incarnation of the worker has left behind, if it has.
    pub(crate) fn take_back(&mut self, worker: u64) -> Result<()> {
        let left = self.leased.remove(worker)?.map(|left| left.value());
        match left {
            Some((job, attempts)) if attempts < MAX_ATTEMPTS => {
                tracing::debug!(job, attempts, worker, "taken back");
                self.waiting.insert(job, attempts)?;
            }
            Some((job, attempts)) => {
                tracing::warn!(job, attempts, "given up: no attempt came to an end");
                self.failed.insert(job, format!("given up: none of {attempts} attempts came to an end").as_str())?;
            }
            None => {}
        }
        Ok(())
    }
}

pub(crate) fn path_of(paths: &impl ReadableTable<JobId, &'static str>, job: JobId) -> Result<String> {
    Ok(paths.get(job)?.map(|path| path.value().to_owned()).unwrap_or_default())
}
