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
    fn first(&self, index: usize) -> impl Future<Output = Result<S, BoxError>> + Send;
}

/// Why a second evaluation is refused.
const EVALUATED: &str = "the expression of an `in_place` child is evaluated once, and that failed or was interrupted";

impl<F, S: 'static, M: 'static> First<F::Made> for Once<F, (S, M)>
where
    F: MakesOnce<S, (), M>,
{
    async fn first(&self, _index: usize) -> Result<F::Made, BoxError> {
        let make = self.0.hold().take().ok_or(EVALUATED)?;
        make.make_once(()).await
    }
}

impl<F, U: Uses, S: 'static, M: 'static> First<F::Made> for OnceUsing<F, U, (S, M)>
where
    F: MakesOnce<S, (U::Handles,), M>,
{
    async fn first(&self, _index: usize) -> Result<F::Made, BoxError> {
        let handles = self.1.take()?;
        let make = self.0.hold().take().ok_or(EVALUATED)?;
        make.make_once((handles,)).await
    }
}

impl<F, U: Uses, S: 'static, M: 'static> First<F::Made> for ByIndexUsing<F, U, (S, M)>
where
    F: Makes<S, (usize, U::Handles), M>,
{
    async fn first(&self, index: usize) -> Result<F::Made, BoxError> {
        self.0.make((index, self.1.take()?)).await
    }
}

impl<F, S: 'static, M: 'static> First<F::Made> for ByIndex<F, (S, M)>
where
    F: Makes<S, (usize,), M>,
{
    fn first(&self, index: usize) -> impl Future<Output = Result<F::Made, BoxError>> + Send {
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
