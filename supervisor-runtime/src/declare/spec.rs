//! A child as the group sees it: the type of its service erased.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use super::child::Child;
use super::wiring::{Provided, Use};
use super::{Backoff, GroupSpec, Name, Restart, Shutdown, Supervisor};
use crate::shell::Launch;
use crate::view::{Label, Members};

/// Any kind of child; what [`Supervisor::child`] takes.
pub struct AnyChild(pub(super) ChildSpec);

impl<S: 'static> From<Child<S>> for AnyChild {
    fn from(child: Child<S>) -> Self {
        Self(ChildSpec { launch: child.factory.into_launch(child.inserted, child.offers), ..child.spec })
    }
}

impl From<Supervisor> for AnyChild {
    fn from(supervisor: Supervisor) -> Self {
        Self(supervisor.into_child())
    }
}

/// A child, its service's type erased.
pub(crate) struct ChildSpec {
    pub(crate) name: Name,
    pub(crate) size: Size,
    /// The most members that an open group can have at a time.
    pub(crate) bound: Option<usize>,
    pub(crate) kind: Kind,
    /// How a supervisor without a name is called in a path: `(one_for_one)`.
    pub(super) label: String,
    pub(crate) options: ChildOptions,
    /// Whether the same value is started again.
    pub(crate) in_place: bool,
    /// It has `replace`, though its old value is kept by other means.
    pub(super) keeps_and_replaces: bool,
    pub(crate) launch: Arc<dyn Launch>,
    /// The name of the service's type.
    pub(crate) service: &'static str,
    /// The [`Inserted`] of the service's type.
    pub(crate) inserted: Arc<dyn Any + Send + Sync>,
    /// The [`Added`] of the service's type, if members can be added.
    pub(crate) added: Option<Arc<dyn Any + Send + Sync>>,
    /// The index of the next member; it lives as long as the tree, so that no index is given twice.
    pub(crate) next_index: AtomicU32,
    /// How many replicas there are to be, once it was scaled; [`usize::MAX`] before.
    pub(crate) scaled: AtomicUsize,
    /// The wires that it, or what is inside it, takes handles from, and finds no provider of in there.
    pub(super) uses: Vec<Use>,
    /// The wires that it offers its handle on.
    pub(super) provides: Vec<Provided>,
    /// The [`Handles`](super::wire::Handles) of those wires, for references.
    pub(crate) handles: Option<Arc<dyn Any + Send + Sync>>,
    /// The declaration inside it, if it is a supervisor that was declared.
    pub(crate) inner: Option<Arc<GroupSpec>>,
    /// How many supervisors stand one inside the other there, as far as is declared.
    pub(super) depth: usize,
    /// What is wrong inside it, if it is a supervisor.
    pub(super) problems: Vec<String>,
    /// The names of its children, if it is a supervisor without a name of its own.
    pub(super) inner_names: Vec<String>,
}

impl ChildSpec {
    pub(super) fn new(name: Name, kind: Kind, launch: Arc<dyn Launch>) -> Self {
        Self {
            name,
            size: Size::One,
            bound: None,
            kind,
            label: String::new(),
            options: ChildOptions::default(),
            in_place: false,
            keeps_and_replaces: false,
            launch,
            service: "",
            inserted: Arc::new(()),
            added: None,
            next_index: AtomicU32::new(0),
            scaled: AtomicUsize::new(usize::MAX),
            uses: Vec::new(),
            provides: Vec::new(),
            handles: None,
            inner: None,
            depth: 0,
            problems: Vec::new(),
            inner_names: Vec::new(),
        }
    }

    /// How many there are to be to begin with: as declared, or as it was scaled to since.
    pub(crate) fn size(&self) -> Size {
        match (self.size, self.scaled.load(Ordering::Relaxed)) {
            (size, usize::MAX) => size,
            (_, scaled) => Size::Replicas(scaled),
        }
    }

    /// Its name in a path.
    pub(crate) fn label(&self) -> &str {
        if self.name.is_anonymous() { &self.label } else { self.name.as_str() }
    }

    pub(super) fn to_label(&self, requires: Vec<u32>) -> Label {
        let members = match self.size {
            Size::One => Members::One,
            Size::Replicas(_) => Members::Replicas,
            Size::Open => Members::Open,
        };
        Label { text: self.label().to_owned(), kind: self.kind, members, requires }
    }

    /// How long `stop` may take after a failure; `None` is without limit.
    pub(crate) fn stop_limit(&self) -> Option<Duration> {
        match self.kind {
            Kind::Worker => self.options.shutdown.unwrap_or(Shutdown::DEFAULT).limit(),
            // It has stopped its children before it failed.
            Kind::Supervisor => None,
        }
    }
}

/// How many there are of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    One,
    /// So many to begin with.
    Replicas(usize),
    /// Those that are added.
    Open,
}

impl Size {
    /// How many there are to begin with.
    pub(crate) fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::Replicas(count) => count,
            Self::Open => 0,
        }
    }
}

/// A supervisor stops its own children in time; any other service has to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Worker,
    Supervisor,
}

impl Kind {
    pub(super) fn of<S: 'static>() -> Self {
        if std::any::TypeId::of::<S>() == std::any::TypeId::of::<Supervisor>() {
            Self::Supervisor
        } else {
            Self::Worker
        }
    }
}

/// The options that a child can have, whichever kind it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChildOptions {
    pub(crate) restart: Restart,
    pub(crate) shutdown: Option<Shutdown>,
    pub(crate) start_timeout: Option<Duration>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) heartbeat: Option<Duration>,
    pub(crate) requires: Vec<Name>,
    pub(crate) significant: bool,
}
