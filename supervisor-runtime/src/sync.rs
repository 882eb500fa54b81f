//! What threads share: the primitives of the standard library, and tasks of tokio.
//!
//! Under `--cfg interleavings` they are those of `loom`, which runs a test again and again, until it has tried every order in
//! which threads may come to them; a task is a thread of its own there. See `interleavings`.

use std::sync::PoisonError;
#[cfg(not(all(test, interleavings)))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic};

#[cfg(not(all(test, interleavings)))]
pub(crate) use tokio::task::JoinHandle;

#[cfg(all(test, interleavings))]
pub(crate) use self::modelled::{JoinHandle, Mutex, MutexGuard, atomic};

pub(crate) trait MutexExt {
    /// A guard of the lock.
    type Guard<'a>
    where
        Self: 'a;

    /// Locks, also after a panic under the lock: no user code runs under ours, and one that panicked in
    /// spite of that must not take the supervisor with it.
    fn hold(&self) -> Self::Guard<'_>;
}

impl<T> MutexExt for std::sync::Mutex<T> {
    type Guard<'a>
        = std::sync::MutexGuard<'a, T>
    where
        T: 'a;

    fn hold(&self) -> Self::Guard<'_> {
        self.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Spawns a task.
#[cfg(not(all(test, interleavings)))]
pub(crate) fn spawn<F>(runtime: &tokio::runtime::Handle, future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    runtime.spawn(future)
}

#[cfg(all(test, interleavings))]
pub(crate) use self::modelled::spawn;

#[cfg(all(test, interleavings))]
mod modelled {
    use std::pin::Pin;
    use std::sync::PoisonError;
    use std::task::{Context, Poll};

    pub(crate) use loom::sync::{Mutex, MutexGuard, atomic};
    use tokio::sync::oneshot;

    use super::MutexExt;

    impl<T> MutexExt for Mutex<T> {
        type Guard<'a>
            = MutexGuard<'a, T>
        where
            T: 'a;

        fn hold(&self) -> Self::Guard<'_> {
            self.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    /// What a task returns, when it has ended.
    pub(crate) struct JoinHandle<T>(oneshot::Receiver<T>);

    impl<T> JoinHandle<T> {
        pub(crate) fn is_finished(&self) -> bool {
            !self.0.is_empty()
        }
    }

    impl<T> Future for JoinHandle<T> {
        type Output = Result<T, oneshot::error::RecvError>;

        fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
            Pin::new(&mut self.0).poll(task)
        }
    }

    /// Runs a task in a thread of its own.
    pub(crate) fn spawn<F>(_runtime: &tokio::runtime::Handle, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (tell, end) = oneshot::channel();
        loom::thread::spawn(move || tell.send(loom::future::block_on(future)).is_ok());
        JoinHandle(end)
    }
}
