//! One child of a running tree.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::route::Route;
use super::wait::{self, may_restart, order, status, until};
use super::{Rejected, Replaces, Replacing, SteerError, Untyped};
use crate::Provide;
use crate::decide::Order;
use crate::declare::Handles;
use crate::shell::Inserted;
use crate::view::{State, Status};

/// A reference to one child of a running tree, to one replica, or to one member of an open group.
///
/// It leads to whatever incarnation stands there, across restarts, and does not keep the tree alive. Steering concerns the
/// child and what depends on it, not the strategy, and does not count against the restart limit. An operation begins with the
/// first poll of its future, and goes on if that is dropped; from inside the tree, the future ends with [`SteerError::Stopping`] when the service that asks is
/// itself asked to stop.
///
/// In each state, as OTP has it where OTP has it:
///
/// | state | [`start`](Self::start) (`restart_child`) | [`stop`](Self::stop) (`terminate_child`) | [`restart`](Self::restart) |
/// |---|---|---|---|
/// | running | `Ok`; nothing happens (OTP: an error); is started after, if it is in `stop` | is stopped | is stopped and started |
/// | starting | waits for that start | is stopped | is stopped and started |
/// | waiting, delayed | is started now | will not be started | is started now |
/// | stopping | is started after | stays down after | is started after |
/// | done, stopped, forfeited, gone | is started | `Ok`; nothing happens | is started |
/// | stuck | an error | an error | an error |
pub struct ChildRef<S = Untyped> {
    route: Route,
    index: u32,
    service: PhantomData<fn() -> S>,
}

impl<S> ChildRef<S> {
    pub(super) fn new(route: Route, index: u32) -> Self {
        Self { route, index, service: PhantomData }
    }

    pub(super) fn route(&self) -> &Route {
        &self.route
    }

    /// Where it stands in the tree: `orders/pool/worker[2]`.
    pub fn path(&self) -> String {
        match self.route.walk() {
            Ok(stop) => stop.path(self.index),
            Err(_) => self.route.path_of(self.index),
        }
    }

    /// The index of the replica or member; 0 for a child that is not replicated.
    pub fn index(&self) -> usize {
        self.index as usize
    }

    /// Where it stands in its life cycle.
    ///
    /// # Errors
    ///
    /// [`SteerError::Ended`], [`NotRunning`](SteerError::NotRunning) if its supervisor has not been started yet, and
    /// [`NotThere`](SteerError::NotThere).
    pub fn status(&self) -> Result<Status, SteerError> {
        status(&self.route, self.index)
    }

    /// Waits until it is ready: its `start` has succeeded, and it has not said that it is
    /// [not ready](crate::Context::not_ready); at once if it is done.
    ///
    /// # Errors
    ///
    /// [`SteerError::Never`] if it, or a supervisor above it, is stopped by hand, forfeited, gone or stuck, and so will not be
    /// ready by itself.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn wait_ready(&self) -> Result<(), SteerError> {
        until(&self.route, self.index, None).await
    }

    /// Waits until it is in this state. One that passes quickly may be missed; [events](crate::TreeHandle::events) miss
    /// none.
    ///
    /// # Errors
    ///
    /// [`SteerError::Never`] if it, or a supervisor above it, is forfeited, gone or stuck, and so will not come into another
    /// state by itself.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn wait_for(&self, state: State) -> Result<(), SteerError> {
        until(&self.route, self.index, Some(state)).await
    }

    /// Stops it and what depends on it, and starts them again; returns when its `start` has succeeded.
    ///
    /// A new incarnation has been started since the call, whatever else happened meanwhile. (OTP has no word for it:
    /// `terminate_child`, then `restart_child`.)
    ///
    /// # Errors
    ///
    /// [`SteerError::StartFailed`]: then it stays down, and is not retried. [`Overtaken`](SteerError::Overtaken) if
    /// somebody stopped it meanwhile. [`NeedsFactory`](SteerError::NeedsFactory) for a member that was added as a service and
    /// cannot be made again; it is left alone.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not undo the restart.
    pub async fn restart(&self) -> Result<(), SteerError> {
        order(&self.route, Some(self.index), Order::Restart).await
    }

    /// Stops it, after what depends on it; returns when it has stopped. It stays down until it is started by hand, or
    /// restarted with a set that it belongs to: by the failure of another under `one_for_all`, of an earlier one under
    /// `rest_for_one`, of what it depends on, or by the restart of its supervisor. A pending restart is cancelled. OTP's `terminate_child`; a temporary
    /// member of an open group leaves with it.
    ///
    /// # Errors
    ///
    /// [`SteerError::Stuck`] if it blocks its thread.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not undo the stop.
    pub async fn stop(&self) -> Result<(), SteerError> {
        order(&self.route, Some(self.index), Order::Stop).await
    }

    /// Starts it if it is down, and what went down with it; returns when its `start` has succeeded. OTP's
    /// `restart_child`, for every kind of end: also a `temporary` child that was declared can be started again, because its
    /// declaration stays.
    ///
    /// # Errors
    ///
    /// [`SteerError::StartFailed`]: then it stays down, and is not retried. [`Requires`](SteerError::Requires) if something
    /// that it depends on is down.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not undo the start.
    pub async fn start(&self) -> Result<(), SteerError> {
        order(&self.route, Some(self.index), Order::Start).await
    }
}

impl<S: Send + 'static> ChildRef<S> {
    /// Restarts it with this service in place of what its declaration makes; `mode` calls this `insert`.
    ///
    /// The service is an `S`, so the declaration has to state the type: `db: Db = Db::new()`.
    ///
    /// It serves until its next restart, which makes the service as declared; `in_place` and `replace` go on with it.
    ///
    /// ```
    /// # use supervisor_runtime::{Child, Context, Service, ServiceResult, Supervisor};
    /// struct Greeter(&'static str);
    ///
    /// impl Service for Greeter {
    ///     async fn run(&mut self, cx: &Context) -> ServiceResult {
    ///         println!("{}", self.0);
    ///         cx.stopping().await;
    ///         Ok(())
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let greeter = Child::new("greeter", || Greeter("hello"));
    /// let running = Supervisor::one_for_one("app").child(greeter).start().await?;
    /// running.child("greeter")?.replace(Greeter("good evening")).await?;
    /// running.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`restart`](Self::restart); the service comes back if it was not started.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not undo it.
    pub fn replace<R: Replaces<S>>(&self, service: R) -> Replacing<'_, S> {
        Box::pin(self.insert(service.take_the_place()))
    }

    async fn insert(&self, service: S) -> Result<(), Rejected<S>> {
        let stop = match self.route.walk() {
            Ok(stop) => stop,
            Err(error) => return Err(Rejected::new(error, Some(service))),
        };
        let Ok(inserted) = Arc::clone(&stop.spec().inserted).downcast::<Inserted<S>>() else {
            let what = format!("a `{}`, not a `{}`", stop.spec().service, type_name::<S>());
            return Err(Rejected::new(SteerError::Mismatch { path: self.path(), what }, Some(service)));
        };
        if let Err(error) = may_restart(&self.route.tree, &stop, Some(self.index)) {
            return Err(Rejected::new(error, Some(service)));
        }
        let index = self.index as usize;
        let place = inserted.insert(index, service);
        let is_from = |first| place.is_from(first);
        let result = match stop.group.order_from(stop.child, Some(self.index), Order::Restart, is_from) {
            Err(error) => Err(stop.not_done(error, self.index)),
            Ok(tickets) => wait::all_done(&self.route.tree, tickets).await,
        };
        // Where only the wait is over, the order is not.
        if let Err(error @ (SteerError::Stopping | SteerError::WaitsForItself { .. })) = result {
            return Err(Rejected::new(error, None));
        }
        match (result, inserted.take_back(index, &place)) {
            (Ok(()), None) => Ok(()),
            (Err(error), service) => Err(Rejected::new(error, service)),
            // It was another's that was started.
            (Ok(()), service) => Err(Rejected::new(SteerError::Overtaken { path: self.path() }, service)),
        }
    }
}

impl<S: Provide> ChildRef<S> {
    /// The handle of its current incarnation, as those in the tree that use it get it.
    ///
    /// From outside of the tree nobody is restarted with the provider: ask again rather than keep it. A child offers its
    /// handle through the tree if another uses it (or, by hand, if it [provides](crate::Child::provides) a wire).
    ///
    /// ```
    /// # use supervisor_runtime::{Context, Provide, Service, ServiceResult, supervision_tree};
    /// # struct Db;
    /// # struct Worker(u32);
    /// # impl Db { fn new() -> Self { Self } }
    /// # impl Service for Db { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
    /// # impl Service for Worker { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
    /// # impl Provide for Db { type Handle = u32; fn handle(&self) -> u32 { 7 } }
    /// supervision_tree! {
    ///     dependents_for_one {
    ///         db: Db = Db::new(),
    ///         worker: Worker(db),
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), supervisor_runtime::TreeError> {
    /// let tree = Tree::start().await?;
    /// assert_eq!(tree.db.handle()?, 7);
    /// tree.shutdown().await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SteerError::NoHandle`] if it offers none: it has not started, or nobody in the tree uses it.
    pub fn handle(&self) -> Result<S::Handle, SteerError> {
        let stop = self.route.walk()?;
        let handles = stop.spec().handles.clone().and_then(|it| it.downcast::<Handles<S::Handle>>().ok());
        let handle = handles.and_then(|handles| handles.get(self.index as usize));
        handle.ok_or_else(|| SteerError::NoHandle { path: stop.path(self.index) })
    }
}

impl<S> Clone for ChildRef<S> {
    fn clone(&self) -> Self {
        Self::new(self.route.clone(), self.index)
    }
}

impl<S> fmt::Debug for ChildRef<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ChildRef").field(&self.path()).finish()
    }
}
