//! The replicas of one child of a running tree.

use std::fmt;
use std::marker::PhantomData;

use super::route::{Route, Stop};
use super::wait::{all_done, order, until, until_there, when_running};
use super::{ChildRef, Rejected, Replaces, Replacing, SteerError, Untyped};
use crate::decide::Order;

/// A reference to the replicas of one child (`worker*4`): each of them, and how many there are.
///
/// As [`ChildRef`]: it leads to whatever stands there, and does not keep the tree alive.
pub struct Replicas<S = Untyped> {
    route: Route,
    service: PhantomData<fn() -> S>,
}

impl<S> Replicas<S> {
    pub(super) fn new(route: Route) -> Self {
        Self { route, service: PhantomData }
    }

    /// Where they stand in the tree, without an index: `orders/pool/worker`.
    pub fn path(&self) -> String {
        self.route.path().to_owned()
    }

    /// How many there are; none when the tree has ended.
    pub fn len(&self) -> usize {
        self.route.walk().map_or(0, |stop| stop.group.count(stop.child))
    }

    /// Whether they were scaled to zero, or the tree has ended.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The replica of an index, if there is one.
    pub fn get(&self, index: usize) -> Option<ChildRef<S>> {
        let index = u32::try_from(index).ok()?;
        let stop = self.route.walk().ok()?;
        stop.group.stays(stop.child, index).then(|| ChildRef::new(self.route.clone(), index))
    }

    /// Every replica, in the order of the index.
    pub fn iter(&self) -> impl Iterator<Item = ChildRef<S>> + use<S> {
        let indices = self.route.walk().map(|stop| stop.group.indices(stop.child)).unwrap_or_default();
        let route = self.route.clone();
        indices.into_iter().map(move |index| ChildRef::new(route.clone(), index))
    }

    /// Changes how many there are, and waits until those that are added have started, or those that are surplus have
    /// stopped. Those of the highest index go first, and what depends on them is restarted. A restart that is under way is
    /// waited for; the number lives as long as the tree.
    ///
    /// ```
    /// # use supervisor_runtime::{Child, Context, Service, ServiceResult, Supervisor};
    /// # struct Worker(usize);
    /// # impl Service for Worker { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), supervisor_runtime::TreeError> {
    /// let pool = Supervisor::one_for_one("pool").child(Child::replicated("worker", 4, Worker));
    /// let running = pool.start().await?;
    /// let workers = running.replicas::<Worker>("worker")?;
    /// workers.scale_to(6).await?;
    /// assert_eq!(workers.get(5).map(|worker| worker.path()).as_deref(), Some("pool/worker[5]"));
    /// workers.scale_to(0).await?; // not the end of the tree
    /// assert!(workers.is_empty());
    /// running.shutdown().await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SteerError::StartFailed`] if one of those added did not start: it counts, and stays down until it is started by
    /// hand.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not undo it.
    pub async fn scale_to(&self, count: usize) -> Result<(), SteerError> {
        let scale = |stop: &Stop| stop.group.scale(stop.child, count).map_err(|error| stop.not_done(error, 0));
        let tickets = when_running(&self.route, scale).await?;
        all_done(&self.route.tree, tickets).await
    }

    /// Restarts all of them together; see [`ChildRef::restart`].
    ///
    /// # Errors
    ///
    /// The first that went wrong, as [`ChildRef::restart`].
    pub async fn restart(&self) -> Result<(), SteerError> {
        order(&self.route, None, Order::Restart).await
    }

    /// Stops all of them together; see [`ChildRef::stop`].
    ///
    /// # Errors
    ///
    /// The first that went wrong, as [`ChildRef::stop`].
    pub async fn stop(&self) -> Result<(), SteerError> {
        order(&self.route, None, Order::Stop).await
    }

    /// Starts those that are down; see [`ChildRef::start`].
    ///
    /// # Errors
    ///
    /// The first that went wrong, as [`ChildRef::start`].
    pub async fn start(&self) -> Result<(), SteerError> {
        order(&self.route, None, Order::Start).await
    }

    /// Waits until each of them is ready; see [`ChildRef::wait_ready`].
    ///
    /// # Errors
    ///
    /// The first that will not be; [`SteerError::Ended`] if the tree has ended.
    pub async fn wait_ready(&self) -> Result<(), SteerError> {
        let stop = until_there(&self.route).await?;
        let indices = stop.group.indices(stop.child);
        if indices.is_empty() && self.route.tree.has_ended() {
            return Err(SteerError::Ended);
        }
        for index in indices {
            until(&self.route, index, None).await?;
        }
        Ok(())
    }
}

impl<S: Send + 'static> Replicas<S> {
    /// Restarts one of them with this service; see [`ChildRef::replace`]. `mode`'s `insert`.
    ///
    /// # Errors
    ///
    /// As [`ChildRef::replace`]; [`SteerError::NotThere`] if there is no replica of this index.
    pub fn replace<R: Replaces<S>>(&self, index: usize, service: R) -> Replacing<'_, S> {
        let service = service.take_the_place();
        Box::pin(async move {
            match u32::try_from(index) {
                Ok(index) => ChildRef::new(self.route.clone(), index).replace(service).await,
                Err(_) => {
                    let error = SteerError::NotThere { path: format!("{}[{index}]", self.path()) };
                    Err(Rejected::new(error, Some(service)))
                }
            }
        })
    }
}

impl<S> Clone for Replicas<S> {
    fn clone(&self) -> Self {
        Self::new(self.route.clone())
    }
}

impl<S> fmt::Debug for Replicas<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Replicas").field(&self.path()).finish()
    }
}
