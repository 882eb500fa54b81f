//! A child's place: what its source makes, or what was put there by hand, and the wires on which it is offered.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as Task, Poll};

use pin_project_lite::pin_project;

use super::Source;
use super::shelf::Shelf;
use crate::BoxError;
use crate::declare::Offer;
use crate::shell::panic::catch;
use crate::sync::MutexExt;

/// A child's place, into which another service can be put than its source makes.
pub(crate) struct Seat<T: Source> {
    pub(super) source: Arc<T>,
    pub(super) inserted: Arc<Inserted<T::Service>>,
    pub(super) offers: Offers<T::Service>,
}

pin_project! {
    /// The service for a place, wherever it comes from. (An `async` block would keep all that it takes twice.)
    #[project = TakenProjection]
    enum Taken<S, F> {
        Inserted { service: Option<S> },
        Made { #[pin] making: F },
    }
}

impl<S, F: Future<Output = Result<S, BoxError>>> Future for Taken<S, F> {
    type Output = Result<S, BoxError>;

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Self::Output> {
        match self.project() {
            TakenProjection::Inserted { service } => Poll::Ready(Ok(service.take().expect("polled after its end"))),
            TakenProjection::Made { making } => making.poll(task),
        }
    }
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

    fn make(&self, index: usize) -> impl Future<Output = Result<T::Service, BoxError>> + Send {
        match self.inserted.take(index) {
            Some(service) => {
                self.source.supersede(index);
                Taken::Inserted { service: Some(service) }
            }
            None => Taken::Made { making: self.source.make(index) },
        }
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
