//! Locks and atomics: one way to take a lock, and one place that says whose they are.
//!
//! What several threads touch without more ado than these takes them from here, so that `loom` can go through every order in
//! which the threads may run: see CONTRIBUTING.md.

use std::sync::PoisonError;

#[cfg(all(test, interleavings))]
pub(crate) use loom::sync::{Mutex, atomic};
#[cfg(not(all(test, interleavings)))]
pub(crate) use std::sync::{Mutex, atomic};

pub(crate) trait MutexExt {
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

#[cfg(all(test, interleavings))]
impl<T> MutexExt for loom::sync::Mutex<T> {
    type Guard<'a>
        = loom::sync::MutexGuard<'a, T>
    where
        T: 'a;

    fn hold(&self) -> Self::Guard<'_> {
        self.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
