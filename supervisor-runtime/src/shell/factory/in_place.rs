//! The same value, started again.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Mutex;

use super::Source;
use super::shelf::Shelf;
use crate::declare::{Makes, MakesOnce, Uses};
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

impl<F, S, M> InPlace<Once<F, M>, S> {
    pub(crate) fn once(make: F) -> Self {
        Self { make: Once(Mutex::new(Some(make)), PhantomData), shelf: Shelf::default() }
    }
}

impl<F, S, M> InPlace<ByIndex<F, M>, S> {
    pub(crate) fn by_index(make: F) -> Self {
        Self { make: ByIndex(make, PhantomData), shelf: Shelf::default() }
    }
}

impl<F, U, S, M> InPlace<OnceUsing<F, U, M>, S> {
    pub(crate) fn once_using(uses: U, make: F) -> Self {
        Self { make: OnceUsing(Mutex::new(Some(make)), uses, PhantomData), shelf: Shelf::default() }
    }
}

impl<F, U, S, M> InPlace<ByIndexUsing<F, U, M>, S> {
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
    fn first(&self, index: usize) -> impl Future<Output = Result<S, BoxError>> + Send;
}

/// Why a second evaluation is refused.
const EVALUATED: &str = "the expression of an `in_place` child is evaluated once, and that failed or was interrupted";

impl<F, S: Service, M: 'static> First<S> for Once<F, M>
where
    F: MakesOnce<S, (), M>,
{
    async fn first(&self, _index: usize) -> Result<S, BoxError> {
        let make = self.0.hold().take().ok_or(EVALUATED)?;
        make.make_once(()).await
    }
}

impl<F, U: Uses, S: Service, M: 'static> First<S> for OnceUsing<F, U, M>
where
    F: MakesOnce<S, (U::Handles,), M>,
{
    async fn first(&self, _index: usize) -> Result<S, BoxError> {
        let handles = self.1.take()?;
        let make = self.0.hold().take().ok_or(EVALUATED)?;
        make.make_once((handles,)).await
    }
}

impl<F, U: Uses, S: Service, M: 'static> First<S> for ByIndexUsing<F, U, M>
where
    F: Makes<S, (usize, U::Handles), M>,
{
    async fn first(&self, index: usize) -> Result<S, BoxError> {
        self.0.make((index, self.1.take()?)).await
    }
}

impl<F, S: Service, M: 'static> First<S> for ByIndex<F, M>
where
    F: Makes<S, (usize,), M>,
{
    fn first(&self, index: usize) -> impl Future<Output = Result<S, BoxError>> + Send {
        self.0.make((index,))
    }
}

impl<S: Service> First<S> for Ready {
    async fn first(&self, _index: usize) -> Result<S, BoxError> {
        Err("the value of this child is gone: its task was dropped".into())
    }
}

impl<Make: First<S>, S: Service> Source for InPlace<Make, S> {
    type Service = S;

    async fn make(&self, index: usize) -> Result<S, BoxError> {
        match self.shelf.take(index) {
            Some(service) => Ok(service),
            None => self.make.first(index).await,
        }
    }

    fn keep(&self, index: usize, service: S) {
        self.shelf.put(index, service);
    }

    fn forget(&self, index: usize) {
        drop(self.shelf.take(index));
    }

    fn end(&self, _index: usize) {}

    fn clear(&self) {
        self.shelf.clear();
    }
}
