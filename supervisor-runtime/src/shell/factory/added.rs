//! The members of an open group: services, or what makes them.

use std::sync::{Arc, Mutex};

use rustc_hash::FxHashMap;

use super::{Factory, Source};
use crate::shell::panic::catch_drop;
use crate::sync::MutexExt;
use crate::{BoxError, Service};

/// What was added to an open group: for each member its service, or what makes it.
pub(crate) struct Added<S> {
    in_place: bool,
    members: Mutex<FxHashMap<usize, Member<S>>>,
}

enum Member<S> {
    Value(S),
    Factory(Arc<dyn Factory<S>>),
}

impl<S> Added<S> {
    pub(crate) fn new(in_place: bool) -> Self {
        Self { in_place, members: Mutex::default() }
    }

    pub(crate) fn put(&self, index: usize, service: S) {
        self.members.hold().insert(index, Member::Value(service));
    }

    pub(crate) fn put_factory(&self, index: usize, factory: Arc<dyn Factory<S>>) {
        self.members.hold().insert(index, Member::Factory(factory));
    }

    /// Takes back what was put and has not been started.
    pub(crate) fn take(&self, index: usize) -> Option<S> {
        // In two steps: what makes it is the user's, and is dropped without the lock.
        let member = self.members.hold().remove(&index);
        match member? {
            Member::Value(service) => Some(service),
            Member::Factory(_) => None,
        }
    }
}

impl<S: Service> Source for Added<S> {
    type Service = S;

    async fn make(&self, index: usize) -> Result<S, BoxError> {
        let factory = {
            let mut members = self.members.hold();
            match members.remove(&index) {
                Some(Member::Value(service)) => return Ok(service),
                Some(Member::Factory(factory)) => {
                    members.insert(index, Member::Factory(Arc::clone(&factory)));
                    factory
                }
                None => return Err("what was added is gone: its task was dropped".into()),
            }
        };
        factory.make_boxed(index).await
    }

    fn can_make(&self, index: usize) -> bool {
        // A service that is still there is that of the first incarnation, which is about to take it.
        self.in_place || matches!(self.members.hold().get(&index), Some(Member::Factory(_)))
    }

    fn keep(&self, index: usize, service: S) {
        if self.in_place {
            let mut members = self.members.hold();
            if !matches!(members.get(&index), Some(Member::Factory(_))) {
                members.insert(index, Member::Value(service));
                return;
            }
        }
        drop(service);
    }

    fn forget(&self, index: usize) {
        let member = self.members.hold().remove(&index);
        drop(member);
    }

    /// What makes a member makes its next incarnations, too.
    fn supersede(&self, index: usize) {
        let mut members = self.members.hold();
        let is_value = matches!(members.get(&index), Some(Member::Value(_)));
        let value = is_value.then(|| members.remove(&index));
        drop(members);
        drop(value);
    }

    fn end(&self, _index: usize) {}

    fn clear(&self) {
        let members = std::mem::take(&mut *self.members.hold());
        for member in members.into_values() {
            let _ = catch_drop(member);
        }
    }
}
