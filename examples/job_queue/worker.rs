//! The child `worker*4`: takes a job, counts its text, writes the result, takes the next.

use std::path::PathBuf;
use std::time::Duration;

use supervisor_runtime::{BoxError, Context, Service, ServiceResult};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::count::{Count, count_file};
use crate::db::{Store, StoreError};
use crate::mishap;
use crate::queue::Lease;

/// A worker keeps no state that matters: the queue knows who works on what, also when the worker is dropped in
/// the middle, and what an incarnation leaves behind is taken back when the next takes a job.
pub(crate) struct Worker {
    index: usize,
    store: Store,
}

impl Worker {
    pub(crate) fn new(index: usize, store: Store) -> Self {
        Self { index, store }
    }

    async fn take(&self) -> Result<Option<Lease>, StoreError> {
        let worker = self.index as u64;
        self.store.call(move |queue| queue.take(worker)).await
    }

    /// Does a job, or gives it back if it is time to stop.
    async fn work(&self, lease: Lease, cx: &Context) -> ServiceResult {
        let written = match self.result(&lease, cx).await? {
            Some(Ok(count)) => self.store.call(move |queue| queue.complete(&lease, count)).await?,
            Some(Err(reason)) => {
                tracing::warn!(text = lease.path, reason, "the text cannot be counted");
                self.store.call(move |queue| queue.reject(&lease, &reason)).await?
            }
            None => self.store.call(move |queue| queue.release(&lease)).await?,
        };
        if !written {
            tracing::warn!(worker = self.index, "the job was taken back meanwhile: somebody else does it");
        }
        Ok(())
    }

    /// The count, or why this text has none; `None` if it is time to stop. An error is the worker's own.
    async fn result(&self, lease: &Lease, cx: &Context) -> Result<Option<Result<Count, String>>, BoxError> {
        /// The texts come from a slow archive, so that there is something to watch, and to kill.
        const FETCH: Duration = Duration::from_millis(150);
        cx.heartbeat();
        if cx.sleep(FETCH).await.is_none() {
            return Ok(None);
        }
        mishap::strike(lease.job, lease.attempt).await?;
        let path = PathBuf::from(&lease.path);
        let cx = cx.clone();
        // The thread cannot be dropped with us. It sees that it is no longer needed: to a thread that is left
        // over from an incarnation, too, the context says "stopping".
        let counted = spawn_blocking(move || {
            count_file(&path, || {
                cx.heartbeat();
                !cx.is_stopping()
            })
        });
        Ok(counted.await?.map_err(|error| error.to_string()).transpose())
    }
}

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        /// Shorter than the `heartbeat` of the declaration: to have nothing to do is no reason to be silent.
        const IDLE: Duration = Duration::from_millis(250);
        while !cx.is_stopping() {
            cx.heartbeat();
            match self.take().await? {
                Some(lease) => self.work(lease, cx).await?,
                None => {
                    let _ = cx.until_stopped(timeout(IDLE, self.store.submitted())).await;
                }
            }
        }
        Ok(())
    }
}
