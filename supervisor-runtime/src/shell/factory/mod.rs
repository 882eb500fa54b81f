//! Where a child's services come from: evaluated anew, kept in place, made from the old one, or given by hand.
//!
//! [`Source`] is what the child's task calls, with the service's type known; [`Factory`] and [`Launch`]
//! are the same with the types erased, for the builder and for the group.

mod added;
#[cfg(feature = "test-util")]
mod erased;
mod evaluated;
mod in_place;
mod replaced;
mod seat;
mod shelf;

use std::cmp::Ordering;
use std::convert::identity;
use std::future::Future;
use std::sync::Arc;

use tokio::runtime::Handle;

pub(crate) use self::added::Added;
#[cfg(feature = "test-util")]
pub(crate) use self::erased::Erased;
pub(crate) use self::evaluated::{Evaluated, Using};
pub(crate) use self::in_place::InPlace;
pub(crate) use self::replaced::Replaced;
pub(crate) use self::seat::{Inserted, Offers, Seat};
use super::cell::is_from;
use super::panic::catch;
use super::task;
use crate::decide::SlotId;
use crate::declare::{Begun, Size};
use crate::service::BoxFuture;
use crate::view::GroupId;
use crate::{BoxError, Context, Service, sync};

/// Whose something is. Who has left tidies up late, and another may have taken its index by then, and its slot, whose things stay.
#[derive(Clone, Copy)]
pub(crate) struct Owner {
    group: GroupId,
    slot: SlotId,
    /// See [`Cell::stay`](super::Cell::stay).
    stay: u16,
    incarnation: u32,
}

impl Owner {
    pub(crate) fn new(group: GroupId, slot: SlotId, stay: u16, incarnation: u32) -> Self {
        Self { group, slot, stay, incarnation }
    }

    /// Whether what that incarnation has left falls to this one: it is the same, or a later one of its stay in its slot, or of a
    /// group that was made later.
    pub(crate) fn inherits(self, from: Self) -> bool {
        match self.group.cmp(&from.group) {
            Ordering::Less => false,
            Ordering::Equal => self.is_beside(from) && is_from(self.incarnation, from.incarnation),
            Ordering::Greater => true,
        }
    }

    /// Whether what is for that incarnation, or a later one, is not to come when this one has left.
    fn takes_along(self, first: Self) -> bool {
        first.group < self.group || first.group == self.group && self.is_beside(first)
    }

    /// Whether both are in the same stay in the same slot.
    fn is_beside(self, other: Self) -> bool {
        (self.slot, self.stay) == (other.slot, other.stay)
    }
}

/// Gives the services of a child, one for each incarnation, and takes them back when they have stopped.
pub(crate) trait Source: Send + Sync + 'static {
    type Service: Service;

    fn make(&self, index: usize) -> Begun<impl Future<Output = Result<Self::Service, BoxError>> + Send>;

    /// Makes the service of the incarnation of `cx`.
    fn make_for(&self, cx: &Context) -> Begun<impl Future<Output = Result<Self::Service, BoxError>> + Send> {
        self.make(cx.index())
    }

    /// Takes back the service of an incarnation that has ended; drops it where it is of no more use.
    fn keep(&self, index: usize, owner: impl FnOnce() -> Owner, service: Self::Service) {
        let _ = (index, owner);
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
    fn offer(&self, index: usize, owner: Owner, service: &Self::Service) {
        let _ = (index, owner, service);
    }

    /// Whether others may use its handle.
    fn is_used(&self) -> bool {
        false
    }

    /// Nobody uses the handle of the incarnation any more: takes it back. One that works across restarts, only if no incarnation
    /// follows.
    fn withdraw(&self, index: usize, owner: Owner, for_good: bool) {
        let _ = (index, owner, for_good);
    }

    /// Drops what was kept of a child: it has left, or another service takes its place.
    fn forget(&self, index: usize) {
        let _ = index;
    }

    /// Drops what was kept of a child in whose place another service is put, for one incarnation.
    fn supersede(&self, index: usize) {
        self.forget(index);
    }

    /// Drops what was kept of a child that has left: of a replica, unless that is the replica itself.
    fn leave(&self, cx: &Context, owner: Owner) {
        match cx.child().size {
            Size::Open => self.forget(cx.index()),
            Size::One | Size::Replicas(_) => self.end(cx.index(), owner),
        }
    }

    /// Drops what was kept of a child that has ended, unless that is the child itself.
    fn end(&self, index: usize, owner: Owner) {
        let _ = owner;
        self.forget(index);
    }
}

/// A [`Source`] of which only the service's type is known.
pub(crate) trait Factory<S>: Send + Sync + 'static {
    fn make_boxed(&self, index: usize) -> Begun<BoxFuture<'_, Result<S, BoxError>>>;

    fn into_launch(self: Arc<Self>, inserted: Arc<Inserted<S>>, offers: Offers<S>) -> Arc<dyn Launch>;
}

impl<T: Source> Factory<T::Service> for T {
    fn make_boxed(&self, index: usize) -> Begun<BoxFuture<'_, Result<T::Service, BoxError>>> {
        self.make(index).boxed(identity)
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
    /// Spawns the task of the child of `cx`, by whatever thread: members are also added from outside of the runtime.
    fn launch(self: Arc<Self>, cx: Context, runtime: &Handle);

    /// Drops everything that was kept: the tree has ended, though somebody may still hold a context of it.
    fn clear_kept(&self);

    /// One has left for good that had no task any more: takes back what it offered, and drops what was kept of it.
    fn tidy_up(&self, cx: &Context, owner: Owner);

    /// Whether there is something to make the next incarnation of.
    fn can_restart(&self, index: u32) -> bool;

    /// The source itself, for a test that stands between it and the child's task.
    #[cfg(feature = "test-util")]
    fn erase(self: Arc<Self>) -> Arc<dyn Erased>;
}

impl<T: Source> Launch for T {
    fn launch(self: Arc<Self>, cx: Context, runtime: &Handle) {
        sync::spawn(runtime, task::child(self, cx));
    }

    fn can_restart(&self, index: u32) -> bool {
        self.can_make(index as usize)
    }

    fn tidy_up(&self, cx: &Context, owner: Owner) {
        // Both are the user's.
        let _ = catch(|| self.withdraw(cx.index(), owner, true));
        let _ = catch(|| self.leave(cx, owner));
    }

    fn clear_kept(&self) {
        self.clear();
    }

    #[cfg(feature = "test-util")]
    fn erase(self: Arc<Self>) -> Arc<dyn Erased> {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_incarnation_leaves_falls_to_the_later_ones_of_its_place() {
        let (group, slot, stay, incarnation) = (7, 3, 2, 5);
        let left = Owner::new(group, slot, stay, incarnation);
        for (of, inherits, takes_along) in [
            ((group, slot, stay, incarnation), true, true),
            ((group, slot, stay, incarnation + 1), true, true),
            ((group, slot, stay, incarnation - 1), false, true),
            ((group, slot, stay + 1, incarnation + 1), false, false),
            ((group, slot + 1, stay, incarnation + 1), false, false),
            ((group + 1, slot + 1, 0, 1), true, true),
            ((group - 1, slot, stay, incarnation + 1), false, false),
        ] {
            let owner = Owner::new(of.0, of.1, of.2, of.3);
            assert_eq!((owner.inherits(left), owner.takes_along(left)), (inherits, takes_along), "{of:?}");
        }
    }
}
