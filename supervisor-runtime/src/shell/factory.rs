//! Where a child's services come from: evaluated anew, kept in place, made from the old one, or given by hand.
//!
//! [`Source`] is what the child's task calls, with the service's type known; [`Factory`] and [`Launch`]
//! are the same with the types erased, for the builder and for the group.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::group::Group;
use super::panic::{catch, catch_drop};
use super::task;
use crate::declare::{Makes, MakesOnce, Offer, Supervisor, Uses};
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

    /// Whether there is something to make the next incarnation of.
    fn can_make(&self, index: usize) -> bool {
        let _ = index;
        true
    }

    /// Drops everything that was kept: the tree has ended.
    fn clear(&self) {}

    /// The incarnation has started: offers its handle to those that use it.
    fn offer(&self, index: usize, service: &Self::Service) {
        let _ = (index, service);
    }

    /// Whether others may use its handle.
    fn is_used(&self) -> bool {
        false
    }

    /// Nobody uses the handle of the incarnation any more: takes it back.
    fn withdraw(&self, index: usize) {
        let _ = index;
    }

    /// Drops what was kept of a child: it has left, or another service takes its place.
    fn forget(&self, index: usize) {
        let _ = index;
    }

    /// Drops what was kept of a child in whose place another service is put, for one incarnation.
    fn supersede(&self, index: usize) {
        self.forget(index);
    }

    /// Drops what was kept of a child that has ended, unless that is the child itself.
    fn end(&self, index: usize) {
        self.forget(index);
    }
}

/// A [`Source`] of which only the service's type is known.
pub(crate) trait Factory<S>: Send + Sync + 'static {
    fn make_boxed(&self, index: usize) -> BoxFuture<'_, Result<S, BoxError>>;

    fn into_launch(self: Arc<Self>, inserted: Arc<Inserted<S>>, offers: Offers<S>) -> Arc<dyn Launch>;
}

impl<T: Source> Factory<T::Service> for T {
    fn make_boxed(&self, index: usize) -> BoxFuture<'_, Result<T::Service, BoxError>> {
        Box::pin(self.make(index))
    }

    fn into_launch(
        self: Arc<Self>,
        inserted: Arc<Inserted<T::Service>>,
        offers: Offers<T::Service>,
    ) -> Arc<dyn Launch> {
        Arc::new(Seat { source: self, inserted, offers })
    }
}

/// A [`Source`] of which nothing is known but that its services can run.
pub(crate) trait Launch: Send + Sync + 'static {
    /// Spawns the task of the child in `slot` of `group`.
    fn launch(self: Arc<Self>, group: Arc<Group>, slot: u32);

    /// Drops everything that was kept: the tree has ended, though somebody may still hold a context of it.
    fn clear_kept(&self);

    /// Drops what was kept of one that has left.
    fn forget_kept(&self, index: u32);

    /// Whether there is something to make the next incarnation of.
    fn can_restart(&self, index: u32) -> bool;
}

impl<T: Source> Launch for T {
    fn launch(self: Arc<Self>, group: Arc<Group>, slot: u32) {
        task::spawn(self, group, slot);
    }

    fn can_restart(&self, index: u32) -> bool {
        self.can_make(index as usize)
    }

    fn forget_kept(&self, index: u32) {
        // It is the user's.
        let _ = catch(|| self.forget(index as usize));
    }

    fn clear_kept(&self) {
        self.clear();
    }
}

/// A child's place, into which another service can be put than its source makes.
pub(crate) struct Seat<T: Source> {
    source: Arc<T>,
    inserted: Arc<Inserted<T::Service>>,
    offers: Offers<T::Service>,
}

/// The wires that a child offers its handle on.
pub(crate) type Offers<S> = Vec<Arc<dyn Offer<S>>>;

impl<T: Source> Seat<T> {
    pub(crate) fn new(source: T) -> Self {
        Self { source: Arc::new(source), inserted: Arc::default(), offers: Vec::new() }
    }
}

impl<T: Source> Source for Seat<T> {
    type Service = T::Service;

    async fn make(&self, index: usize) -> Result<T::Service, BoxError> {
        if let Some(service) = self.inserted.take(index) {
            self.source.supersede(index);
            return Ok(service);
        }
        self.source.make(index).await
    }

    fn can_make(&self, index: usize) -> bool {
        self.inserted.0.0.hold().contains_key(&index) || self.source.can_make(index)
    }

    fn keep(&self, index: usize, service: T::Service) {
        self.source.keep(index, service);
    }

    fn offer(&self, index: usize, service: &T::Service) {
        self.offers.iter().for_each(|offer| offer.offer(index, service));
    }

    fn is_used(&self) -> bool {
        !self.offers.is_empty()
    }

    fn withdraw(&self, index: usize) {
        self.offers.iter().for_each(|offer| offer.withdraw(index));
    }

    fn forget(&self, index: usize) {
        drop(self.inserted.take(index));
        self.source.forget(index);
    }

    fn end(&self, index: usize) {
        self.source.end(index);
    }

    fn clear(&self) {
        self.inserted.0.clear();
        self.source.clear();
        // The handles are the user's.
        self.offers.iter().for_each(|offer| drop(catch(|| offer.clear())));
    }
}

/// Services that were put in the place of what a child's source makes, by index, until they are started.
pub(crate) struct Inserted<S>(Shelf<S>, AtomicUsize);

impl<S> Default for Inserted<S> {
    fn default() -> Self {
        Self(Shelf::default(), AtomicUsize::new(0))
    }
}

impl<S> Inserted<S> {
    /// Puts one in; what was there, and had not been started, comes back.
    pub(crate) fn insert(&self, index: usize, service: S) -> Option<S> {
        let before = self.0.0.hold().insert(index, service);
        if before.is_none() {
            self.1.fetch_add(1, Ordering::Release);
        }
        before
    }

    /// Takes one out; every start comes by here, so it looks without a lock first.
    pub(crate) fn take(&self, index: usize) -> Option<S> {
        if self.1.load(Ordering::Acquire) == 0 {
            return None;
        }
        let service = self.0.take(index)?;
        self.1.fetch_sub(1, Ordering::Release);
        Some(service)
    }
}

/// What was added to an open group: for each member its service, or what makes it.
pub(crate) struct Added<S> {
    in_place: bool,
    members: Mutex<HashMap<usize, Member<S>>>,
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
        match self.members.hold().remove(&index)? {
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
        self.in_place || self.members.hold().contains_key(&index)
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

/// As [`Evaluated`], with the handles of what it uses, as they are when it is made.
pub(crate) struct Using<F, U, A, S, M> {
    make: F,
    uses: U,
    types: PhantomData<fn(A) -> (S, M)>,
}

impl<F, U, S, M> Using<F, U, (), S, M> {
    pub(crate) fn once_each(uses: U, make: F) -> Self {
        Self { make, uses, types: PhantomData }
    }
}

impl<F, U, S, M> Using<F, U, (usize,), S, M> {
    pub(crate) fn by_index(uses: U, make: F) -> Self {
        Self { make, uses, types: PhantomData }
    }
}

impl<F, U: Uses, S: Service, M: 'static> Source for Using<F, U, (), S, M>
where
    F: Makes<S, (U::Handles,), M>,
{
    type Service = S;

    async fn make(&self, _index: usize) -> Result<S, BoxError> {
        self.make.make((self.uses.take()?,)).await
    }
}

impl<F, U: Uses, S: Service, M: 'static> Source for Using<F, U, (usize,), S, M>
where
    F: Makes<S, (usize, U::Handles), M>,
{
    type Service = S;

    async fn make(&self, index: usize) -> Result<S, BoxError> {
        self.make.make((index, self.uses.take()?)).await
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
