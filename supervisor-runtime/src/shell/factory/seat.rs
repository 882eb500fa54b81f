//! A child's place: what its source makes, or what was put there by hand, and the wires on which it is offered.

use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::shelf::{Shelf, drop_kept};
use super::{Owner, Source};
use crate::declare::{Begun, Offer};
use crate::shell::panic::{catch, catch_drop};
use crate::sync::MutexExt;
use crate::{BoxError, Context, log};

/// A child's place, into which another service can be put than its source makes.
pub(crate) struct Seat<T: Source> {
    pub(super) source: Arc<T>,
    pub(super) inserted: Arc<Inserted<T::Service>>,
    pub(super) offers: Offers<T::Service>,
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

    fn make(&self, index: usize) -> Begun<impl Future<Output = Result<T::Service, BoxError>> + Send> {
        self.source.make(index)
    }

    fn make_for(&self, cx: &Context) -> Begun<impl Future<Output = Result<T::Service, BoxError>> + Send> {
        let index = cx.index();
        match self.inserted.take(cx) {
            Some(service) => {
                // What was kept is the user's, and the one that takes its place is not to be lost for it.
                let _ = catch(|| self.source.supersede(index));
                Begun::done(Ok(service))
            }
            None => self.source.make_for(cx),
        }
    }

    fn can_make(&self, index: usize) -> bool {
        self.inserted.places.has(index, |_| true) || self.source.can_make(index)
    }

    fn keep(&self, index: usize, owner: impl FnOnce() -> Owner, service: T::Service) {
        self.source.keep(index, owner, service);
    }

    fn offer(&self, index: usize, owner: Owner, service: &T::Service) {
        self.offers.iter().for_each(|offer| offer.offer(index, owner, service));
    }

    fn is_used(&self) -> bool {
        !self.offers.is_empty()
    }

    fn withdraw(&self, index: usize, owner: Owner, for_good: bool) {
        self.offers.iter().for_each(|offer| offer.withdraw(index, owner, for_good));
    }

    fn end(&self, index: usize, owner: Owner) {
        self.source.end(index, owner);
    }

    fn leave(&self, cx: &Context, owner: Owner) {
        // Where its start was overtaken, nobody is to find it in what comes to its index next.
        let place = self.inserted.places.take_if(cx.index(), |place| place.has_waited_for(owner));
        // It is the user's, as is what was kept.
        if let Err(panic) = catch_drop(place) {
            log::drop_panicked(cx, &panic);
        }
        self.source.leave(cx, owner);
    }

    fn clear(&self) {
        self.inserted.clear();
        self.source.clear();
        // The handles are the user's.
        self.offers.iter().for_each(|offer| drop(catch(|| offer.clear())));
    }
}

/// Services that were put in the place of what a child's source makes, by index, until they are started.
pub(crate) struct Inserted<S> {
    places: Shelf<Arc<Place<S>>>,
}

/// Where a service waits until it is started, known to who put it there: as long as it does, it can come back.
pub(crate) struct Place<S> {
    service: Mutex<Option<S>>,
    /// The incarnation that it is for, or one that comes after that. One that had begun before it was put there is stopped for
    /// it, and must not take it along.
    first: OnceLock<Owner>,
}

impl<S> Place<S> {
    /// Says for which incarnation it is; before that, it is for none.
    pub(crate) fn is_from(&self, first: Owner) {
        let _ = self.first.set(first);
    }

    fn is_for(&self, owner: Owner) -> bool {
        self.first.get().is_some_and(|first| owner.inherits(*first))
    }

    /// Whether it waits for an incarnation that does not come now that this one has left.
    fn has_waited_for(&self, left: Owner) -> bool {
        self.first.get().is_some_and(|first| left.takes_along(*first))
    }
}

impl<S> Default for Inserted<S> {
    fn default() -> Self {
        Self { places: Shelf::default() }
    }
}

impl<S> Inserted<S> {
    /// Puts one in; what was there, and had not been started, is left to who had put it there.
    pub(crate) fn insert(&self, index: usize, service: S) -> Arc<Place<S>> {
        let place = Arc::new(Place { service: Mutex::new(Some(service)), first: OnceLock::new() });
        drop(self.places.change(|places| places.insert(index, Arc::clone(&place))));
        place
    }

    /// Takes the one out that is for the incarnation of `cx`, if there is one.
    fn take(&self, cx: &Context) -> Option<S> {
        let place = self.places.take_if(cx.index(), |place| place.is_for(cx.owner()))?;
        place.service.hold().take()
    }

    /// Takes a service back that was put in, if it has not been started.
    pub(crate) fn take_back(&self, index: usize, place: &Arc<Place<S>>) -> Option<S> {
        drop(self.places.take_if(index, |other| Arc::ptr_eq(other, place)));
        place.service.hold().take()
    }
}

impl<S: Send + 'static> Inserted<S> {
    fn clear(&self) {
        // Whoever has put one in, and still waits, takes it back.
        for place in self.places.take_all().filter_map(Arc::into_inner) {
            let service = place.service.into_inner().unwrap_or_else(PoisonError::into_inner);
            service.into_iter().for_each(drop_kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_comes_back_to_who_waits_when_the_tree_ends() {
        let inserted = Inserted::default();
        let waits = inserted.insert(0, "a");
        drop(inserted.insert(1, "b"));
        inserted.clear();
        assert_eq!(inserted.take_back(0, &waits), Some("a"));
        assert!(!inserted.places.has(1, |_| true));
    }
}
