//! Where stopped services wait.

use std::any::Any;
use std::sync::Mutex;

use rustc_hash::FxHashMap;

use crate::declare::Supervisor;
use crate::shell::panic::catch_drop;
use crate::sync::MutexExt;

/// Stopped services, by the index of their child, that wait for its next incarnation.
pub(super) struct Shelf<S>(pub(super) Mutex<FxHashMap<usize, S>>);

impl<S> Default for Shelf<S> {
    fn default() -> Self {
        Self(Mutex::new(FxHashMap::default()))
    }
}

impl<S: Send + 'static> Shelf<S> {
    pub(super) fn clear(&self) {
        let kept = std::mem::take(&mut *self.0.hold());
        kept.into_values().for_each(drop_kept);
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

impl<S> Shelf<S> {
    pub(super) fn put(&self, index: usize, service: S) {
        let before = self.0.hold().insert(index, service);
        debug_assert!(before.is_none(), "a child has one incarnation at a time");
    }

    pub(super) fn take(&self, index: usize) -> Option<S> {
        self.0.hold().remove(&index)
    }
}
