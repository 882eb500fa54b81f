//! The same value, started again.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Mutex;

use super::shelf::{Shelf, drop_kept};
use super::{Owner, Source};
use crate::declare::{Begun, Makes, MakesOnce, Never, Uses};
use crate::sync::MutexExt;
use crate::{BoxError, Service};

/// The same value, started again: evaluated once for each index.
pub(crate) struct InPlace<Make, S> {
    make: Make,
    shelf: Shelf<S>,
}

/// Evaluates what can be called once.
pub(crate) struct Once<F, M>(Mutex<Option<F>>, PhantomData<fn() -> M>);

/// Evaluates a function of the index.
pub(crate) struct ByIndex<F, M>(F, PhantomData<fn() -> M>);

/// [`Once`], with the handles of what it uses.
pub(crate) struct OnceUsing<F, U, M>(Mutex<Option<F>>, U, PhantomData<fn() -> M>);

/// [`ByIndex`], with the handles of what it uses.
pub(crate) struct ByIndexUsing<F, U, M>(F, U, PhantomData<fn() -> M>);

/// Has been evaluated already.
pub(crate) struct Ready;

impl<F: MakesOnce<S, (), M>, S, M> InPlace<Once<F, (S, M)>, F::Made> {
    pub(crate) fn once(make: F) -> Self {
        Self { make: Once(Mutex::new(Some(make)), PhantomData), shelf: Shelf::default() }
    }
}

impl<F: Makes<S, (usize,), M>, S, M> InPlace<ByIndex<F, (S, M)>, F::Made> {
    pub(crate) fn by_index(make: F) -> Self {
        Self { make: ByIndex(make, PhantomData), shelf: Shelf::default() }
    }
}

impl<F: MakesOnce<S, (U::Handles,), M>, U: Uses, S, M> InPlace<OnceUsing<F, U, (S, M)>, F::Made> {
    pub(crate) fn once_using(uses: U, make: F) -> Self {
        Self { make: OnceUsing(Mutex::new(Some(make)), uses, PhantomData), shelf: Shelf::default() }
    }
}

impl<F: Makes<S, (usize, U::Handles), M>, U: Uses, S, M> InPlace<ByIndexUsing<F, U, (S, M)>, F::Made> {
    pub(crate) fn by_index_using(uses: U, make: F) -> Self {
        Self { make: ByIndexUsing(make, uses, PhantomData), shelf: Shelf::default() }
    }
}

impl<S> InPlace<Ready, S> {
    pub(crate) fn ready(service: S) -> Self {
        let shelf = Shelf::default();
        shelf.put(0, service);
        Self { make: Ready, shelf }
    }
}

/// What is behind an `in_place` child until its first start.
trait First<S>: Send + Sync + 'static {
    fn first(&self, index: usize) -> Begun<impl Future<Output = Result<S, BoxError>> + Send>;
}

/// Why a second evaluation is refused.
const EVALUATED: &str = "the expression of an `in_place` child is evaluated once, and that failed or was interrupted";

fn take_once<F>(make: &Mutex<Option<F>>) -> Result<F, BoxError> {
    make.hold().take().ok_or_else(|| EVALUATED.into())
}

impl<F, S: 'static, M: 'static> First<F::Made> for Once<F, (S, M)>
where
    F: MakesOnce<S, (), M>,
{
    fn first(&self, _index: usize) -> Begun<impl Future<Output = Result<F::Made, BoxError>> + Send> {
        Begun::or_failed(take_once(&self.0).map(|make| make.make_once(())))
    }
}

impl<F, U: Uses, S: 'static, M: 'static> First<F::Made> for OnceUsing<F, U, (S, M)>
where
    F: MakesOnce<S, (U::Handles,), M>,
{
    fn first(&self, _index: usize) -> Begun<impl Future<Output = Result<F::Made, BoxError>> + Send> {
        Begun::or_failed(self.1.take().and_then(|handles| {
            let make = take_once(&self.0)?;
            Ok(make.make_once((handles,)))
        }))
    }
}

impl<F, U: Uses, S: 'static, M: 'static> First<F::Made> for ByIndexUsing<F, U, (S, M)>
where
    F: Makes<S, (usize, U::Handles), M>,
{
    fn first(&self, index: usize) -> Begun<impl Future<Output = Result<F::Made, BoxError>> + Send> {
        Begun::or_failed(self.1.take().map(|handles| self.0.make((index, handles))))
    }
}

impl<F, S: 'static, M: 'static> First<F::Made> for ByIndex<F, (S, M)>
where
    F: Makes<S, (usize,), M>,
{
    fn first(&self, index: usize) -> Begun<impl Future<Output = Result<F::Made, BoxError>> + Send> {
        self.0.make((index,))
    }
}

impl<S: Service> First<S> for Ready {
    fn first(&self, _index: usize) -> Begun<impl Future<Output = Result<S, BoxError>> + Send> {
        Begun::<Never<_>>::done(Err("the value of this child is gone: its task was dropped".into()))
    }
}

impl<Make: First<S>, S: Service> Source for InPlace<Make, S> {
    type Service = S;

    fn make(&self, index: usize) -> Begun<impl Future<Output = Result<S, BoxError>> + Send> {
        match self.shelf.take(index) {
            Some(service) => Begun::done(Ok(service)),
            None => self.make.first(index),
        }
    }

    fn keep(&self, index: usize, _owner: impl FnOnce() -> Owner, service: S) {
        self.shelf.put(index, service);
    }

    fn forget(&self, index: usize) {
        drop(self.shelf.take(index));
    }

    fn end(&self, _index: usize, _owner: Owner) {}

    fn clear(&self) {
        self.shelf.take_all().for_each(drop_kept);
    }
}
