//! What waits for a child: a service that has stopped, or was added, or put in by hand.

use std::any::Any;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustc_hash::FxHashMap;

use crate::declare::Supervisor;
use crate::shell::panic::catch_drop;
use crate::sync::MutexExt;

/// What waits for the next incarnations, each under the index of its child.
///
/// Mostly nothing is there, and who comes to take something sees that without a lock. He has heard of what was put in for him, by
/// his own hand or through the group's lock; then he reads no less than one, until it has been taken.
pub(super) struct Shelf<T> {
    places: Mutex<FxHashMap<usize, T>>,
    /// How many those are; written under the lock.
    count: AtomicUsize,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { places: Mutex::default(), count: AtomicUsize::new(0) }
    }
}

impl<T> Shelf<T> {
    /// Changes what is there; what is to be dropped, which may be the user's, has to be given back for that.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut FxHashMap<usize, T>) -> R) -> R {
        let mut places = self.places.hold();
        let result = change(&mut places);
        self.count.store(places.len(), Ordering::Release);
        result
    }

    /// Puts it under an index that is free.
    pub(super) fn put(&self, index: usize, it: T) {
        let before = self.change(|places| places.insert(index, it));
        debug_assert!(before.is_none(), "there is one at a time");
    }

    pub(super) fn take(&self, index: usize) -> Option<T> {
        self.take_if(index, |_| true)
    }

    pub(super) fn take_if(&self, index: usize, is_it: impl FnOnce(&T) -> bool) -> Option<T> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.change(|places| {
            places.get(&index).filter(|it| is_it(it))?;
            places.remove(&index)
        })
    }

    /// Whether there is one like that.
    pub(super) fn has(&self, index: usize, is_it: impl FnOnce(&T) -> bool) -> bool {
        self.places.hold().get(&index).is_some_and(is_it)
    }

    pub(super) fn take_all(&self) -> impl Iterator<Item = T> {
        self.change(std::mem::take).into_values()
    }
}

/// Drops a service that no incarnation will have, and what it has kept if it is a supervisor.
pub(super) fn drop_kept<S: Send + 'static>(service: S) {
    if let Some(supervisor) = (&service as &dyn Any).downcast_ref::<Supervisor>() {
        supervisor.clear_kept();
    }
    // A panic in a destructor must not keep others from running.
    let _ = catch_drop(service);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_however_it_got_there() {
        let shelf = Shelf::default();
        assert_eq!(shelf.take(7), None);
        shelf.put(7, "a");
        shelf.change(|places| places.extend([(8, "b"), (9, "c")]));
        assert_eq!(shelf.take_if(7, |it| *it != "a"), None);
        assert!(shelf.has(7, |it| *it == "a") && !shelf.has(10, |_| true));
        assert_eq!([7, 7, 9].map(|index| shelf.take(index)), [Some("a"), None, Some("c")]);
        assert_eq!(shelf.take_all().collect::<Vec<_>>(), ["b"]);
        assert_eq!((shelf.take(8), shelf.count.into_inner()), (None, 0));
    }
}
