//! Each incarnation made from the one before.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use super::shelf::{Shelf, drop_kept};
use super::{Factory, Owner, Source};
use crate::declare::{Begun, Declared, Makes};
use crate::{BoxError, Context, Service};

/// Each incarnation but the first is made from the one before.
pub(crate) struct Replaced<F, S, M> {
    base: Arc<dyn Factory<S>>,
    replace: F,
    shelf: Shelf<(Owner, S)>,
    types: PhantomData<fn() -> M>,
}

impl<F, S, M> Replaced<F, S, M> {
    pub(crate) fn new(base: Arc<dyn Factory<S>>, replace: F) -> Self {
        Self { base, replace, shelf: Shelf::default(), types: PhantomData }
    }
}

impl<F, S: Service, M: 'static> Source for Replaced<F, S, M>
where
    F: Makes<S, (S, usize), M>,
{
    type Service = S;

    fn make(&self, index: usize) -> Begun<impl Future<Output = Result<S, BoxError>> + Send> {
        self.base.make_boxed(index)
    }

    fn make_for(&self, cx: &Context) -> Begun<impl Future<Output = Result<S, BoxError>> + Send> {
        let index = cx.index();
        match self.shelf.take(index) {
            Some((of, old)) if cx.owner().inherits(of) => {
                self.replace.make((old, index)).boxed(|made| made.map(Declared::declared))
            }
            // One that has left, and has not tidied up yet.
            Some((_, another)) => {
                drop_kept(another);
                self.base.make_boxed(index)
            }
            None => self.base.make_boxed(index),
        }
    }

    fn keep(&self, index: usize, owner: impl FnOnce() -> Owner, service: S) {
        self.shelf.put(index, (owner(), service));
    }

    fn forget(&self, index: usize) {
        drop(self.shelf.take(index));
    }

    fn end(&self, index: usize, owner: Owner) {
        drop(self.shelf.take_if(index, |(of, _)| owner.inherits(*of)));
    }

    fn clear(&self) {
        self.shelf.take_all().for_each(|(_, service)| drop_kept(service));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::{Evaluated, Seat};
    use crate::{Context, ServiceResult};

    struct Idle;

    impl Service for Idle {
        async fn run(&mut self, _cx: &Context) -> ServiceResult {
            Ok(())
        }
    }

    #[test]
    fn who_ends_late_drops_nothing_of_the_one_that_has_taken_its_place() {
        let replaced = Replaced::new(Arc::new(Seat::new(Evaluated::by_index(|_| Idle))), |old: Idle, _: usize| old);
        let [left, here] = [3, 4].map(|slot| Owner::new(0, slot, 0, 1));
        replaced.keep(0, || here, Idle);
        replaced.end(0, left);
        assert!(replaced.shelf.has(0, |_| true));
        replaced.end(0, here);
        assert!(!replaced.shelf.has(0, |_| true));
    }
}
