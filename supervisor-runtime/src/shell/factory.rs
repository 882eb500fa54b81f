//! Where a child's services come from: evaluated anew, kept in place, or made from the old one.
//!
//! [`Source`] is what the child's task calls, with the service's type known; [`Factory`] and [`Launch`]
//! are the same with the types erased, for the builder and for the group.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use super::group::Group;
use super::panic::catch_drop;
use super::task;
use crate::declare::{Makes, MakesOnce, Supervisor};
use crate::sync::MutexExt;
use crate::{BoxError, Service};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Gives the services of a child, one for each incarnation, and takes them back when they have stopped.
pub(crate) trait Source: Send + Sync + 'static {
    type Service: Service;

    fn make(&self, index: usize) -> impl Future<Output = Result<Self::Service, BoxError>> + Send;

    /// Takes back the service of an incarnation that has ended; drops it where it is of no more use.
    fn keep(&self, index: usize, service: Self::Service) {
        let _ = index;
        drop(service);
    }

    /// Drops everything that was kept: the tree has ended.
    fn clear(&self) {}

    /// Drops what was kept of a child that has ended for good.
    fn forget(&self, index: usize) {
        let _ = index;
    }
}

/// A [`Source`] of which only the service's type is known.
pub(crate) trait Factory<S>: Send + Sync + 'static {
    fn make_boxed(&self, index: usize) -> BoxFuture<'_, Result<S, BoxError>>;

    fn into_launch(self: Arc<Self>) -> Arc<dyn Launch>;
}

impl<T: Source> Factory<T::Service> for T {
    fn make_boxed(&self, index: usize) -> BoxFuture<'_, Result<T::Service, BoxError>> {
        Box::pin(self.make(index))
    }

    fn into_launch(self: Arc<Self>) -> Arc<dyn Launch> {
        self
    }
}

/// A [`Source`] of which nothing is known but that its services can run.
pub(crate) trait Launch: Send + Sync + 'static {
    /// Spawns the task of the child in `slot` of `group`.
    fn launch(self: Arc<Self>, group: Arc<Group>, slot: u32);

    /// Drops everything that was kept: the tree has ended, though somebody may still hold a context of it.
    fn clear_kept(&self);
}

impl<T: Source> Launch for T {
    fn launch(self: Arc<Self>, group: Arc<Group>, slot: u32) {
        task::spawn(self, group, slot);
    }

    fn clear_kept(&self) {
        self.clear();
    }
}

/// Clean state: every incarnation is made by calling the function.
pub(crate) struct Evaluated<F, A, S, M> {
    make: F,
    types: PhantomData<fn(A) -> (S, M)>,
}

impl<F, S, M> Evaluated<F, (), S, M> {
    pub(crate) fn once_each(make: F) -> Self {
        Self { make, types: PhantomData }
    }
}

impl<F, S, M> Evaluated<F, (usize,), S, M> {
    pub(crate) fn by_index(make: F) -> Self {
        Self { make, types: PhantomData }
    }
}

impl<F, S: Service, M: 'static> Source for Evaluated<F, (), S, M>
where
    F: Makes<S, (), M>,
{
    type Service = S;

    fn make(&self, _index: usize) -> impl Future<Output = Result<S, BoxError>> + Send {
        self.make.make(())
    }
}

impl<F, S: Service, M: 'static> Source for Evaluated<F, (usize,), S, M>
where
    F: Makes<S, (usize,), M>,
{
    type Service = S;

    fn make(&self, index: usize) -> impl Future<Output = Result<S, BoxError>> + Send {
        self.make.make((index,))
    }
}

/// The same value, started again: evaluated once for each index.
pub(crate) struct InPlace<Make, S> {
    make: Make,
    shelf: Shelf<S>,
}

/// Evaluates what can be called once.
pub(crate) struct Once<F, M>(Mutex<Option<F>>, PhantomData<fn() -> M>);

/// Evaluates a function of the index.
pub(crate) struct ByIndex<F, M>(F, PhantomData<fn() -> M>);

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

impl<F, S: Service, M: 'static> First<S> for Once<F, M>
where
    F: MakesOnce<S, M>,
{
    async fn first(&self, _index: usize) -> Result<S, BoxError> {
        let make = self.0.hold().take();
        match make {
            Some(make) => make.make_once().await,
            None => {
                Err("the expression of an `in_place` child is evaluated once, and that failed or was interrupted"
                    .into())
            }
        }
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

    fn clear(&self) {
        self.shelf.clear();
    }
}

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

    async fn make(&self, index: usize) -> Result<S, BoxError> {
        match self.shelf.take(index) {
            Some(old) => self.replace.make((old, index)).await,
            None => self.base.make_boxed(index).await,
        }
    }

    fn keep(&self, index: usize, service: S) {
        self.shelf.put(index, service);
    }

    fn forget(&self, index: usize) {
        drop(self.shelf.take(index));
    }

    fn clear(&self) {
        self.shelf.clear();
    }
}

/// Stopped services, by the index of their child, that wait for its next incarnation.
struct Shelf<S>(Mutex<HashMap<usize, S>>);

impl<S> Default for Shelf<S> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<S: Send + 'static> Shelf<S> {
    /// Also of what the supervisors in it have kept.
    fn clear(&self) {
        let kept = std::mem::take(&mut *self.0.hold());
        for service in kept.into_values() {
            if let Some(supervisor) = (&service as &dyn Any).downcast_ref::<Supervisor>() {
                supervisor.clear_kept();
            }
            // A panic in a destructor must not keep the others from running.
            let _ = catch_drop(service);
        }
    }
}

impl<S> Shelf<S> {
    fn put(&self, index: usize, service: S) {
        let before = self.0.hold().insert(index, service);
        debug_assert!(before.is_none(), "a child has one incarnation at a time");
    }

    fn take(&self, index: usize) -> Option<S> {
        self.0.hold().remove(&index)
    }
}
