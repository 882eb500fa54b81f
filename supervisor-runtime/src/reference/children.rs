//! The members of an open group.

use std::any::type_name;
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::route::{Route, Stop};
use super::wait::done;
use super::{ChildRef, Rejected, SteerError};
use crate::declare::{ChildSpec, Declared, Makes};
use crate::shell::{Added, Evaluated, Factory, Ticket};
use crate::{Restart, Service};

/// A reference to an open group (`conn*..: Conn`): members are added and discarded while the tree runs.
///
/// OTP calls it `simple_one_for_one`. A member's index is its own for life, and not given again before 2³² others were. A
/// member that has ended and is not restarted leaves. A restart of the group's supervisor by its own is a new group, without
/// members; where a factory makes that supervisor, its indices begin with 0 again.
///
/// As [`ChildRef`], it does not keep the tree alive.
pub struct Children<S> {
    route: Route,
    service: PhantomData<fn() -> S>,
}

impl<S> Children<S> {
    pub(super) fn new(route: Route) -> Self {
        Self { route, service: PhantomData }
    }

    /// Where they stand in the tree, without an index: `server/conn`.
    pub fn path(&self) -> String {
        self.route.path().to_owned()
    }

    /// How many members there are; OTP's `count_children`.
    pub fn len(&self) -> usize {
        self.route.walk().map_or(0, |stop| stop.group.count(stop.child))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most members that there can be at a time, if there is a bound; also none when the tree has ended.
    pub fn bound(&self) -> Option<usize> {
        self.route.walk().ok().and_then(|stop| stop.spec().bound)
    }

    /// The indices of the members, in the order in which they were added; OTP's `which_children`.
    pub fn ids(&self) -> Vec<usize> {
        let indices = self.route.walk().map(|stop| stop.group.indices(stop.child)).unwrap_or_default();
        indices.into_iter().map(|index| index as usize).collect()
    }

    /// The member of an index, if it is there.
    pub fn get(&self, id: usize) -> Option<ChildRef<S>> {
        let index = u32::try_from(id).ok()?;
        let stop = self.route.walk().ok()?;
        stop.group.slot_of(stop.child, index).map(|_| ChildRef::new(self.route.clone(), index))
    }

    /// Every member, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = ChildRef<S>> + use<S> {
        let route = self.route.clone();
        self.ids().into_iter().map(move |index| ChildRef::new(route.clone(), index as u32))
    }

    /// Stops a member, and takes it out; returns when it has stopped. `mode`'s `discard`; OTP's `terminate_child`, with
    /// `delete_child`.
    ///
    /// # Errors
    ///
    /// [`SteerError::NotThere`] if there is no such member (any more).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not undo it.
    pub async fn discard(&self, id: usize) -> Result<(), SteerError> {
        let stop = self.route.walk()?;
        let index =
            u32::try_from(id).map_err(|_| SteerError::NotThere { path: format!("{}[{id}]", self.route.path()) })?;
        let ticket = stop.group.remove(stop.child, index).map_err(|error| stop.not_done(error, index))?;
        done(&self.route.tree, ticket).await
    }

    /// Waits for the start of a member.
    async fn started(&self, ticket: Ticket) -> Result<ChildRef<S>, SteerError> {
        let index = ticket.index();
        done(&self.route.tree, ticket).await?;
        Ok(ChildRef::new(self.route.clone(), index))
    }

    fn added<'a>(&self, stop: &'a Stop) -> Result<&'a Added<S>, SteerError>
    where
        S: Send + 'static,
    {
        let ChildSpec { added, service, .. } = stop.spec();
        let added = added.as_ref().and_then(|added| added.downcast_ref::<Added<S>>());
        added.ok_or_else(|| SteerError::Mismatch {
            path: self.path(),
            what: format!("of `{service}`, not an open group of `{}`", type_name::<S>()),
        })
    }
}

// Whether `S` is a service was asked where it was declared; asked again here, one mistake would be two errors.
impl<S: Send + 'static> Children<S> {
    /// Adds a member, and waits until its `start` has succeeded. `mode`'s `add`; OTP's `start_child`.
    ///
    /// The service is run once, so the group's members have to be `temporary`, as they are unless said, or `in_place`.
    ///
    /// ```
    /// # use supervisor_runtime::{Child, Context, Service, ServiceResult, SteerError, Supervisor};
    /// # struct Conn(u32);
    /// # impl Service for Conn { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Supervisor::one_for_one("server").child(Child::<Conn>::open("conn", ..=1));
    /// let running = server.start().await?;
    /// let conns = running.children::<Conn>("conn")?;
    /// conns.add(Conn(1)).await?;
    ///
    /// let rejected = conns.add(Conn(2)).await.unwrap_err();
    /// assert!(matches!(rejected.error(), SteerError::Full { bound: 1, .. }));
    /// assert_eq!(rejected.into_service().map(|conn| conn.0), Some(2)); // to say goodbye, for instance
    /// # running.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SteerError::Full`], [`NeedsFactory`](SteerError::NeedsFactory), [`Requires`](SteerError::Requires),
    /// [`NotRunning`](SteerError::NotRunning), [`Ended`](SteerError::Ended): the service comes back.
    /// [`StartFailed`](SteerError::StartFailed): then it is no member. [`Stopping`](SteerError::Stopping) and
    /// [`WaitsForItself`](SteerError::WaitsForItself): it is a member, whose start cannot be waited for here.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take the member out again.
    pub async fn add(&self, service: S) -> Result<ChildRef<S>, Rejected<S>> {
        let waker = waker_of_caller().await;
        let mut service = Some(service);
        let reject = |error, service| Err(Rejected::new(error, service));
        let stop = match self.route.walk() {
            Ok(stop) => stop,
            Err(error) => return reject(error, service),
        };
        let added = match self.added(&stop) {
            Ok(added) => added,
            Err(error) => return reject(error, service),
        };
        if stop.spec().options.restart != Restart::Temporary && !stop.spec().in_place {
            return reject(SteerError::NeedsFactory { path: self.path() }, service);
        }
        let put = |index: u32| {
            if let Some(service) = service.take() {
                added.put(index as usize, service);
            }
        };
        match stop.group.admit(stop.child, waker, put) {
            Err((error, index)) => reject(stop.not_done(error, index), service),
            Ok(promised) => {
                let started = self.started(Ticket::new(stop.group, promised)).await;
                started.map_err(|error| Rejected::new(error, None))
            }
        }
    }

    /// Adds a member whose every incarnation is made by calling `make`, and waits until its `start` has succeeded. It
    /// can be of any restart type. OTP's `start_child`, with its own arguments.
    ///
    /// `make` returns what a child's factory may return.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take the member out again.
    pub async fn add_with<F, R, M>(&self, make: F) -> Result<ChildRef<S>, SteerError>
    where
        F: Fn() -> R,
        F: Makes<S, (), M>,
        M: 'static,
        S: Service,
    {
        let waker = waker_of_caller().await;
        let stop = self.route.walk()?;
        let added = self.added(&stop)?;
        let factory: Arc<dyn Factory<S>> = Declared::factory(Arc::new(Evaluated::once_each(make)));
        let put = |index: u32| added.put_factory(index as usize, factory);
        match stop.group.admit(stop.child, waker, put) {
            Err((error, index)) => Err(stop.not_done(error, index)),
            Ok(promised) => self.started(Ticket::new(stop.group, promised)).await,
        }
    }
}

/// The waker of the task that waits here.
async fn waker_of_caller() -> Waker {
    poll_fn(|task| Poll::Ready(task.waker().clone())).await
}

impl<S> Clone for Children<S> {
    fn clone(&self) -> Self {
        Self::new(self.route.clone())
    }
}

impl<S> fmt::Debug for Children<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Children").field(&self.path()).finish()
    }
}
