//! The tasks that an incarnation has spawned: their failure is its failure, and none outlives it.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Poll};

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::panic::{catch, catch_drop};
use crate::sync::MutexExt;
use crate::{BoxError, Cause, Exit, Phase, ServiceResult};

/// The tasks of one incarnation.
#[derive(Clone, Default)]
pub(crate) struct Spawned(Arc<Mutex<Tasks>>);

#[derive(Default)]
struct Tasks {
    running: JoinSet<Option<BoxError>>,
    /// They are being dropped, and what is spawned for that must not be left behind.
    are_over: bool,
}

impl Spawned {
    /// Also from a thread that knows no runtime.
    pub(crate) fn spawn(
        &self,
        name: String,
        future: impl Future<Output = ServiceResult> + Send + 'static,
        runtime: &Handle,
    ) {
        let task = async move {
            let mut future = Box::pin(future);
            let end = poll_fn(|task| match catch(|| future.as_mut().poll(task)) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(Ok(()))) => Poll::Ready(None),
                Ok(Poll::Ready(Err(error))) => Poll::Ready(Some(Cause::Error(error))),
                Err(panic) => Poll::Ready(Some(Cause::Panic(panic))),
            });
            let cause = end.await;
            // It counts how it ended, whatever its destructors do then.
            let dropped = catch_drop(future).err().map(Cause::Panic);
            let exit = Exit { cause: cause.or(dropped)?, phase: Phase::Run, asked: false, at: None };
            Some(Box::new(SpawnedTaskFailed { name, exit }) as BoxError)
        };
        let mut tasks = self.0.hold();
        if !tasks.are_over {
            tasks.running.spawn_on(task, runtime);
        }
    }

    /// The failure of a task, once there is one.
    pub(crate) fn poll_failed(&self, task: &mut Task<'_>) -> Poll<BoxError> {
        let mut tasks = self.0.hold();
        while let Poll::Ready(Some(end)) = tasks.running.poll_join_next(task) {
            // Otherwise it is done.
            if let Ok(Some(error)) = end {
                return Poll::Ready(error);
            }
        }
        Poll::Pending
    }

    /// Drops all that still run, and waits until they are gone.
    pub(crate) async fn reap(&self) {
        let mut running = {
            let mut tasks = self.0.hold();
            tasks.are_over = true;
            std::mem::take(&mut tasks.running)
        };
        running.abort_all();
        while let Some(end) = running.join_next().await {
            let _ = catch_drop(end);
        }
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
