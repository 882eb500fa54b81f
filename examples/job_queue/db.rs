//! The child `db`: it owns the open database, and everything else works on it through a [`Store`].

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use supervisor_runtime::{Context, Exit, Provide, Service, ServiceResult};
use tokio::sync::{Notify, RwLock, watch};
use tokio::task::{JoinError, spawn_blocking};

use crate::queue::{self, Queue};
use crate::status::Status;

/// Opens the database when it starts, closes it when it stops, and fails when a transaction does.
pub(crate) struct Db {
    store: Store,
}

impl Db {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }
}

/// Those who use `db` get the way to the database, once it is open.
impl Provide for Db {
    type Handle = Store;

    fn handle(&self) -> Store {
        self.store.clone()
    }
}

impl Service for Db {
    async fn start(&mut self, _cx: &Context) -> ServiceResult {
        let shared = &self.store.0;
        // A predecessor that had to be dropped could not do it.
        self.store.close().await;
        let path = shared.path.clone();
        let opened = blocking(move || Queue::open(&path)).await;
        let (queue, taken_back) = opened.map_err(|error| what_to_do(&shared.path, &error))?;
        *shared.queue.write().await = Some(queue);
        shared.failure.send_replace(None);
        let status = self.store.call(Queue::status).await?;
        if status != Status::default() {
            tracing::info!(taken_back, "going on where the last run ended: {}", status.in_words());
        }
        Ok(())
    }

    /// A failed transaction, on a full disk for instance, is an error for whoever asked for it, and it is the end
    /// of this incarnation: redb works again only when the file has been opened anew.
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        let mut failure = self.store.0.failure.subscribe();
        match cx.until_stopped(failure.wait_for(Option::is_some)).await {
            Some(Ok(failure)) => Err(failure.clone().unwrap_or_default().into()),
            Some(Err(_)) | None => Ok(()),
        }
    }

    async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
        self.store.close().await;
    }
}

/// The way to the database, cheap to clone.
///
/// The tree gives it to who uses `db`, and takes it back, with its user, before the database is closed. What it is made of
/// is older than the child: a predecessor that had to be dropped may have left the file open.
#[derive(Clone)]
pub(crate) struct Store(Arc<Shared>);

struct Shared {
    path: PathBuf,
    /// `None` while the child `db` is not running.
    queue: Arc<RwLock<Option<Queue>>>,
    /// What a transaction failed with.
    failure: watch::Sender<Option<String>>,
    submitted: Notify,
}

impl Store {
    pub(crate) fn new(path: PathBuf) -> Self {
        let (failure, _) = watch::channel(None);
        Self(Arc::new(Shared { path, queue: Arc::default(), failure, submitted: Notify::new() }))
    }

    /// Does one step on the queue, on a thread that may wait for the disk.
    ///
    /// A step that has begun is done to its end, even if this future is dropped; `db` waits for it when it stops.
    pub(crate) async fn call<T, F>(&self, step: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Queue) -> queue::Result<T> + Send + 'static,
    {
        let queue = Arc::clone(&self.0.queue).read_owned().await;
        if queue.is_none() {
            return Err(StoreError::Closed);
        }
        let result = blocking(move || queue.as_ref().map(step).transpose()).await;
        if let Err(error) = &result {
            self.0.failure.send_replace(Some(error.to_string()));
        }
        result?.ok_or(StoreError::Closed)
    }

    /// Waits for the steps under way, also those whose worker is gone, and closes the file.
    async fn close(&self) {
        let queue = self.0.queue.write().await.take();
        // Closing writes to the disk. Should it fail, opening repairs the file.
        let _ = spawn_blocking(move || drop(queue)).await;
    }

    /// Wakes a worker that waits for a job.
    pub(crate) fn note_submitted(&self) {
        self.0.submitted.notify_one();
    }

    /// Waits for a job to be submitted; somebody else may be faster to take it.
    pub(crate) async fn submitted(&self) {
        self.0.submitted.notified().await;
    }
}

/// Why a step on the queue could not be done.
#[derive(Debug)]
pub(crate) enum StoreError {
    /// The database is being opened anew, or the program is about to end.
    Closed,
    Failed(redb::Error),
    /// In debug builds, redb panics over a file that it cannot have written.
    Panicked(JoinError),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => write!(f, "the database is closed"),
            Self::Failed(error) => write!(f, "{error}"),
            Self::Panicked(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// Does what blocks where it may.
async fn blocking<T, F>(work: F) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: FnOnce() -> queue::Result<T> + Send + 'static,
{
    spawn_blocking(work).await.map_err(StoreError::Panicked)?.map_err(StoreError::Failed)
}

/// Why the database cannot be opened, for the one who has to do something about it.
fn what_to_do(path: &Path, error: &StoreError) -> String {
    let path = path.display();
    match error {
        StoreError::Failed(redb::Error::DatabaseAlreadyOpen) => {
            format!("the database `{path}` is in use by another process: stop that, or choose another --data")
        }
        StoreError::Failed(redb::Error::Io(error)) if error.kind() != std::io::ErrorKind::InvalidData => {
            format!("the database `{path}` cannot be opened: {error}")
        }
        _ => format!("`{path}` is not a database, or damaged ({error}): move it away, and all jobs are done anew"),
    }
}
