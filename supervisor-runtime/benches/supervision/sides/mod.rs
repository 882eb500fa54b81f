//! Each scenario twice: supervised, and as a good engineer would write it by hand with tokio.
//!
//! What "by hand" means here, everywhere:
//!
//! 1. It does what the supervised side does in this scenario, and nothing else: no events, no status, no deadlines, no
//!    backoff, where ours has all of them in place. Whoever writes it for one program leaves out what that program does not
//!    need. A loop that restarts counts what it restarts and hears its own shutdown, as ours does: see [`respawn`].
//! 2. Tasks live in a `JoinSet`, which catches panics already; `catch_unwind` is only used where the loop has to know
//!    which of many tasks has panicked.
//! 3. One `CancellationToken` asks all of them to stop. Each task has a clone, which is cheaper than a child token.
//! 4. "Has started" means the same on both sides: the first line of each task has run.
//! 5. Both sides run in a spawned task. Written directly into `main`, a loop by hand is slower: `block_on` is no worker.

pub(crate) mod fairness;
pub(crate) mod group;
pub(crate) mod idle;
pub(crate) mod latency;
pub(crate) mod least;
pub(crate) mod look;
pub(crate) mod respawn;
pub(crate) mod restart;
pub(crate) mod start;
pub(crate) mod steady;
pub(crate) mod storm;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use supervisor_runtime::{BoxError, Context, Service, ServiceResult};
use tokio::sync::Notify;

/// Limits that no scenario reaches. The window is short, so that the limit also has old restarts to forget. (One more would
/// be no limit at all, and nothing would be counted.)
pub(crate) const MAX_RESTARTS: u32 = u32::MAX - 1;
pub(crate) const OVER: Duration = Duration::from_millis(1);

/// What a child fails with: an error with a text, as `?` makes one from a message.
pub(crate) fn refused() -> BoxError {
    "connection refused".into()
}

/// Before what is timed, after what is not: who has run for long is the first to wait for other programs.
pub(crate) const PAUSE: Duration = Duration::from_millis(1);

/// Locks; nobody panics under a lock here.
pub(crate) fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nanoseconds for each of `count`.
pub(crate) fn each(took: Duration, count: usize) -> f64 {
    took.as_nanos() as f64 / count as f64
}

/// A service that waits until it is asked to stop.
pub(crate) struct Idle;

impl Service for Idle {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

/// Counts those who have arrived, and wakes who waits for the last of them.
#[derive(Clone)]
pub(crate) struct Arrivals(Arc<Expected>);

struct Expected {
    count: usize,
    arrived: AtomicUsize,
    all: Notify,
}

impl Arrivals {
    pub(crate) fn of(count: usize) -> Self {
        Self(Arc::new(Expected { count, arrived: AtomicUsize::new(0), all: Notify::new() }))
    }

    /// Whether this was the last one.
    pub(crate) fn arrive(&self) -> bool {
        let is_last = self.0.arrived.fetch_add(1, Ordering::Relaxed) + 1 == self.0.count;
        if is_last {
            self.0.all.notify_one();
        }
        is_last
    }

    pub(crate) async fn all(&self) {
        self.0.all.notified().await;
    }
}
