//! The members of an open group: services, or what makes them.

use std::future::Future;
use std::sync::Arc;

use super::shelf::Shelf;
use super::{Factory, Owner, Source};
use crate::declare::Begun;
use crate::shell::panic::catch_drop;
use crate::{BoxError, Service};

/// What was added to an open group: for each member its service, or what makes it.
pub(crate) struct Added<S> {
    in_place: bool,
    members: Shelf<Member<S>>,
}

enum Member<S> {
    Value(S),
    Factory(Arc<dyn Factory<S>>),
}

impl<S> Member<S> {
    fn is_factory(&self) -> bool {
        matches!(self, Self::Factory(_))
    }
}

impl<S> Added<S> {
    pub(crate) fn new(in_place: bool) -> Self {
        Self { in_place, members: Shelf::default() }
    }

    pub(crate) fn put(&self, index: usize, service: S) {
        self.members.put(index, Member::Value(service));
    }

    pub(crate) fn put_factory(&self, index: usize, factory: Arc<dyn Factory<S>>) {
        self.members.put(index, Member::Factory(factory));
    }
}

impl<S: Service> Source for Added<S> {
    type Service = S;

    fn make(&self, index: usize) -> Begun<impl Future<Output = Result<S, BoxError>> + Send> {
        let member = self.members.change(|members| match members.get(&index)? {
            Member::Value(_) => members.remove(&index),
            Member::Factory(factory) => Some(Member::Factory(Arc::clone(factory))),
        });
        match member {
            Some(Member::Value(service)) => Begun::done(Ok(service)),
            // In a box, or every member would have room for a second service.
            Some(Member::Factory(factory)) => Begun::pending(Box::pin(async move { factory.make_boxed(index).await })),
            None => Begun::done(Err("what was added is gone: its task was dropped".into())),
        }
    }

    fn can_make(&self, index: usize) -> bool {
        // A service that is still there is that of the first incarnation, which is about to take it.
        self.in_place || self.members.has(index, Member::is_factory)
    }

    fn keep(&self, index: usize, _owner: impl FnOnce() -> Owner, service: S) {
        if self.in_place && !self.members.has(index, Member::is_factory) {
            self.members.put(index, Member::Value(service));
        }
    }

    fn forget(&self, index: usize) {
        drop(self.members.take(index));
    }

    /// What makes a member makes its next incarnations, too.
    fn supersede(&self, index: usize) {
        drop(self.members.take_if(index, |member| !member.is_factory()));
    }

    fn end(&self, _index: usize, _owner: Owner) {}

    fn clear(&self) {
        for member in self.members.take_all() {
            let _ = catch_drop(member);
        }
    }
}
