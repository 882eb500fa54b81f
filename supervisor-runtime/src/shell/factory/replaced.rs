//! Each incarnation made from the one before.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use super::shelf::{Shelf, drop_kept};
use super::{Factory, Source};
use crate::declare::{Begun, Declared, Makes};
use crate::{BoxError, Service};

/// Each incarnation but the first is made from the one before.
pub(crate) struct Replaced<F, S, M> {
    base: Arc<dyn Factory<S>>,
    replace: F,
    shelf: Shelf<S>,
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
        match self.shelf.take(index) {
            Some(old) => self.replace.make((old, index)).boxed(|made| made.map(Declared::declared)),
            None => self.base.make_boxed(index),
        }
    }

    fn keep(&self, index: usize, service: S) {
        self.shelf.put(index, service);
    }

    fn forget(&self, index: usize) {
        drop(self.shelf.take(index));
    }

    fn clear(&self) {
        self.shelf.take_all().for_each(drop_kept);
    }
}
