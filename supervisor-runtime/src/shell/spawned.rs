//! The tasks that an incarnation has spawned: their failure is its failure, and none outlives it.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Poll};

use tokio::task::JoinSet;

use super::panic::catch;
use crate::sync::MutexExt;
use crate::{BoxError, Cause, Exit, Phase, ServiceResult};

/// The tasks of one incarnation.
#[derive(Clone, Default)]
pub(crate) struct Spawned(Arc<Mutex<JoinSet<Option<BoxError>>>>);

impl Spawned {
    pub(crate) fn spawn(&self, name: String, future: impl Future<Output = ServiceResult> + Send + 'static) {
        self.0.hold().spawn(async move {
            let mut future = pin!(future);
            let end = poll_fn(|task| match catch(|| future.as_mut().poll(task)) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(Ok(()))) => Poll::Ready(None),
                Ok(Poll::Ready(Err(error))) => Poll::Ready(Some(Cause::Error(error))),
                Err(panic) => Poll::Ready(Some(Cause::Panic(panic))),
            });
            let cause = end.await?;
            let exit = Exit { cause, phase: Phase::Run, asked: false, at: None };
            Some(Box::new(SpawnedTaskFailed { name, exit }) as BoxError)
        });
    }

    /// The failure of a task, once there is one.
    pub(crate) fn poll_failed(&self, task: &mut Task<'_>) -> Poll<BoxError> {
        let mut tasks = self.0.hold();
        while let Poll::Ready(Some(end)) = tasks.poll_join_next(task) {
            // Otherwise it is done, or it panicked while it was dropped after its end.
            if let Ok(Some(error)) = end {
                return Poll::Ready(error);
            }
        }
        Poll::Pending
    }

    /// Drops all that still run, and waits until they are gone.
    pub(crate) async fn reap(&self) {
        let mut tasks = std::mem::take(&mut *self.0.hold());
        tasks.abort_all();
        while tasks.join_next().await.is_some() {}
    }
}

/// A task that a service had spawned failed, and so did the service.
#[derive(Debug)]
pub(crate) struct SpawnedTaskFailed {
    name: String,
    pub(crate) exit: Exit,
}

impl fmt::Display for SpawnedTaskFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.exit.cause {
            Cause::Error(_) => write!(f, "its task `{}` failed", self.name),
            _ => write!(f, "its task `{}` {}", self.name, self.exit),
        }
    }
}

impl Error for SpawnedTaskFailed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.exit.error().map(|error| error as &(dyn Error + 'static))
    }
}
