//! A source whose service's type is erased, so that a test can stand between it and the child's task.

use std::any::Any;

use super::{Owner, Source};
use crate::service::{BoxFuture, DynService};
use crate::{BoxError, Context};

/// A [`Source`] that gives boxed services, and takes them back.
pub(crate) trait Erased: Send + Sync + 'static {
    fn make_for<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Box<dyn DynService>, BoxError>>;
    fn keep(&self, index: usize, owner: Owner, service: Box<dyn DynService>);
    fn offer(&self, index: usize, owner: Owner, service: &dyn DynService);
    fn is_used(&self) -> bool;
    fn withdraw(&self, index: usize, owner: Owner, for_good: bool);
    fn end(&self, index: usize, owner: Owner);
    fn leave(&self, cx: &Context, owner: Owner);
    fn clear(&self);
}

impl<T: Source> Erased for T {
    fn make_for<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Box<dyn DynService>, BoxError>> {
        Box::pin(async move { Ok(Box::new(Source::make_for(self, cx).await?) as Box<dyn DynService>) })
    }

    fn keep(&self, index: usize, owner: Owner, service: Box<dyn DynService>) {
        let service: Box<dyn Any> = service;
        let service = service.downcast().expect("what comes back is what was made");
        Source::keep(self, index, || owner, *service);
    }

    fn offer(&self, index: usize, owner: Owner, service: &dyn DynService) {
        let service: &dyn Any = service;
        let service = service.downcast_ref().expect("what is offered is what was made");
        Source::offer(self, index, owner, service);
    }

    fn is_used(&self) -> bool {
        Source::is_used(self)
    }

    fn withdraw(&self, index: usize, owner: Owner, for_good: bool) {
        Source::withdraw(self, index, owner, for_good);
    }

    fn end(&self, index: usize, owner: Owner) {
        Source::end(self, index, owner);
    }

    fn leave(&self, cx: &Context, owner: Owner) {
        Source::leave(self, cx, owner);
    }

    fn clear(&self) {
        Source::clear(self);
    }
}
