//! One way to take a lock.

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) trait MutexExt<T> {
    /// Locks, also after a panic under the lock: no user code runs under ours, and one that panicked in
    /// spite of that must not take the supervisor with it.
    fn hold(&self) -> MutexGuard<'_, T>;
}

impl<T> MutexExt<T> for Mutex<T> {
    fn hold(&self) -> MutexGuard<'_, T> {
        self.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
