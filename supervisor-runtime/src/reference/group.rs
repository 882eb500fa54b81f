//! A supervisor below the outermost one of a running tree.

use std::any::type_name;
use std::fmt;

use super::route::Route;
use super::wait::until;
use super::{ChildRef, Children, Replicas, SteerError, Untyped};
use crate::declare::{ChildSpec, Kind, Size};
use crate::shell::{Added, Inserted};
use crate::view::{State, Status};

/// A reference to a named group of a running tree: a supervisor, and what is below it.
///
/// It is steered as any child, which it is of its own supervisor: see [`ChildRef`]. A stop by hand stops all that is in it; a
/// restart begins a new group, in which members of open groups are lost.
#[derive(Clone)]
pub struct GroupRef(ChildRef<Untyped>);

/// How many children a supervisor has, as OTP's `count_children` tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// How many children are declared (OTP: `specs`).
    pub declared: usize,
    /// How many children, replicas and members run, or are being started or stopped (OTP: `active`).
    pub active: usize,
    /// How many of all are supervisors.
    pub supervisors: usize,
    /// How many of all are not.
    pub workers: usize,
}

impl GroupRef {
    /// Where it stands in the tree: `orders/pool`.
    pub fn path(&self) -> String {
        self.0.path()
    }

    /// Where it stands in its own supervisor; it is ready when all below it is.
    ///
    /// # Errors
    ///
    /// As [`ChildRef::status`].
    pub fn status(&self) -> Result<Status, SteerError> {
        self.0.status()
    }

    /// Waits until all below it is ready; see [`ChildRef::wait_ready`].
    ///
    /// # Errors
    ///
    /// As [`ChildRef::wait_ready`], for what is below it, too.
    pub async fn wait_ready(&self) -> Result<(), SteerError> {
        self.0.wait_ready().await
    }

    /// Waits until it is in this state; see [`ChildRef::wait_for`].
    ///
    /// # Errors
    ///
    /// As [`ChildRef::wait_for`].
    pub async fn wait_for(&self, state: State) -> Result<(), SteerError> {
        self.0.wait_for(state).await
    }

    /// Stops and starts it, with all that is in it; see [`ChildRef::restart`].
    ///
    /// # Errors
    ///
    /// As [`ChildRef::restart`].
    pub async fn restart(&self) -> Result<(), SteerError> {
        self.0.restart().await
    }

    /// Stops it, with all that is in it; see [`ChildRef::stop`].
    ///
    /// # Errors
    ///
    /// As [`ChildRef::stop`].
    pub async fn stop(&self) -> Result<(), SteerError> {
        self.0.stop().await
    }

    /// Starts it if it is down, with all that is in it; see [`ChildRef::start`].
    ///
    /// # Errors
    ///
    /// As [`ChildRef::start`].
    pub async fn start(&self) -> Result<(), SteerError> {
        self.0.start().await
    }

    /// Every child, replica and member that stands in it, with its path; OTP's `which_children`.
    ///
    /// What is in a group without a name is listed as that group: a [snapshot](crate::TreeHandle::snapshot) shows all.
    ///
    /// # Errors
    ///
    /// [`SteerError::NotRunning`] if it has not been started yet.
    pub fn which_children(&self) -> Result<Vec<(String, Status)>, SteerError> {
        self.0.route().which_children()
    }

    /// How many children it has; OTP's `count_children`.
    ///
    /// # Errors
    ///
    /// [`SteerError::NotRunning`] if it has not been started yet.
    pub fn count_children(&self) -> Result<Counts, SteerError> {
        self.0.route().count_children()
    }

    /// As [`TreeHandle::child`](crate::TreeHandle::child), from here.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn child<S: 'static>(&self, path: &str) -> Result<ChildRef<S>, SteerError> {
        self.0.route().child(path)
    }

    /// As [`TreeHandle::replicas`](crate::TreeHandle::replicas), from here.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn replicas<S: 'static>(&self, path: &str) -> Result<Replicas<S>, SteerError> {
        self.0.route().replicas(path)
    }

    /// As [`TreeHandle::children`](crate::TreeHandle::children), from here.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn children<S: 'static>(&self, path: &str) -> Result<Children<S>, SteerError> {
        self.0.route().children(path)
    }

    /// As [`TreeHandle::group`](crate::TreeHandle::group), from here.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn group(&self, path: &str) -> Result<Self, SteerError> {
        self.0.route().group(path)
    }
}

impl fmt::Debug for GroupRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GroupRef").field(&self.path()).finish()
    }
}

/// What is declared of a child, as far as a reference to it is concerned.
struct Declared {
    size: Size,
    kind: Kind,
    service: &'static str,
    fits: bool,
}

impl Declared {
    fn of<S: 'static>(spec: &ChildSpec) -> Self {
        let untyped = type_name::<S>() == type_name::<Untyped>();
        let fits = match &spec.added {
            Some(added) => added.is::<Added<S>>(),
            None => spec.inserted.is::<Inserted<S>>(),
        };
        Self { size: spec.size, kind: spec.kind, service: spec.service, fits: fits || untyped }
    }

    /// What it is, if it is not what was asked for.
    fn mismatch<S>(&self, wanted: fn(Size) -> bool) -> Option<String> {
        if !wanted(self.size) {
            return Some(match (self.size, self.kind) {
                (Size::One, Kind::Supervisor) => "one supervisor: ask for it with `group`".to_owned(),
                (Size::One, Kind::Worker) => "one child: ask for it with `child`".to_owned(),
                (Size::Replicas(_), _) => "replicated: ask for it with `replicas`, or for one as `name[0]`".to_owned(),
                (Size::Open, _) => "an open group: ask for it with `children`".to_owned(),
            });
        }
        (!self.fits).then(|| format!("a `{}`, not a `{}`", self.service, type_name::<S>()))
    }
}

impl Route {
    pub(crate) fn child<S: 'static>(&self, path: &str) -> Result<ChildRef<S>, SteerError> {
        let (name, index) = super::route::last_index(path);
        let (route, declared) = self.find(name, Declared::of::<S>)?;
        let wanted = if index.is_some() { |size| size != Size::One } else { |size| size == Size::One };
        match declared.mismatch::<S>(wanted) {
            Some(what) => Err(SteerError::Mismatch { path: route.path().to_owned(), what }),
            None => Ok(ChildRef::new(route, index.unwrap_or(0))),
        }
    }

    pub(crate) fn replicas<S: 'static>(&self, path: &str) -> Result<Replicas<S>, SteerError> {
        let (route, declared) = self.find(path, Declared::of::<S>)?;
        match declared.mismatch::<S>(|size| matches!(size, Size::Replicas(_))) {
            Some(what) => Err(SteerError::Mismatch { path: route.path().to_owned(), what }),
            None => Ok(Replicas::new(route)),
        }
    }

    pub(crate) fn children<S: 'static>(&self, path: &str) -> Result<Children<S>, SteerError> {
        let (route, declared) = self.find(path, Declared::of::<S>)?;
        match declared.mismatch::<S>(|size| size == Size::Open) {
            Some(what) => Err(SteerError::Mismatch { path: route.path().to_owned(), what }),
            None => Ok(Children::new(route)),
        }
    }

    pub(crate) fn group(&self, path: &str) -> Result<GroupRef, SteerError> {
        let (name, index) = super::route::last_index(path);
        let (route, declared) = self.find(name, Declared::of::<Untyped>)?;
        if declared.kind != Kind::Supervisor {
            let what = "no supervisor: ask for it with `child`, `replicas` or `children`".to_owned();
            return Err(SteerError::Mismatch { path: route.path().to_owned(), what });
        }
        let index = index.unwrap_or(0);
        Ok(GroupRef(ChildRef::new(route.one(index), index)))
    }

    /// The supervisor at its end, which is not replicated.
    pub(crate) fn into_group(self) -> GroupRef {
        GroupRef(ChildRef::new(self, 0))
    }

    pub(crate) async fn wait_ready(&self) -> Result<(), SteerError> {
        until(self, 0, None).await
    }

    pub(crate) fn which_children(&self) -> Result<Vec<(String, Status)>, SteerError> {
        Ok(self.inside()?.children())
    }

    pub(crate) fn count_children(&self) -> Result<Counts, SteerError> {
        Ok(self.inside()?.counts())
    }
}
