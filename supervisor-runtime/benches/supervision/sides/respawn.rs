//! The loop that restarts tasks, by hand.

use std::any::Any;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Instant;

use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{MAX_RESTARTS, OVER};

/// The restarts of a loop that still count.
#[derive(Default)]
pub(crate) struct Window(VecDeque<Instant>);

impl Window {
    /// Counts a restart, and says whether it is one too many.
    pub(crate) fn is_full(&mut self, now: Instant) -> bool {
        while self.0.front().is_some_and(|&then| now.duration_since(then) > OVER) {
            self.0.pop_front();
        }
        self.0.push_back(now);
        self.0.len() > MAX_RESTARTS as usize
    }
}

/// The tasks of a loop, the token that asks it and them to stop, and the restarts in its window.
pub(crate) struct Respawn<T> {
    pub(crate) tasks: JoinSet<T>,
    pub(crate) token: CancellationToken,
    cancelled: Pin<Box<WaitForCancellationFutureOwned>>,
    spent: Window,
}

impl<T: Send + 'static> Respawn<T> {
    pub(crate) fn new(token: CancellationToken) -> Self {
        let cancelled = Box::pin(token.clone().cancelled_owned());
        Self { tasks: JoinSet::new(), token, cancelled, spent: Window::default() }
    }

    /// How the next task has ended; `None` once the loop is asked to stop, or no task is left.
    pub(crate) async fn next(&mut self) -> Option<Result<T, JoinError>> {
        tokio::select! {
            // In this order, and with one future for all turns: that is the quickest.
            biased;
            () = &mut self.cancelled => None,
            end = self.tasks.join_next() => end,
        }
    }

    /// Counts a restart, and says whether it is one too many.
    pub(crate) fn gives_up(&mut self) -> bool {
        self.spent.is_full(Instant::now())
    }
}

/// What a future gives, or what it panicked with.
pub(crate) async fn caught<F: Future>(future: F) -> Result<F::Output, Box<dyn Any + Send>> {
    let mut future = pin!(future);
    poll_fn(|task| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(task))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}
