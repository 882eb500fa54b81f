//! What was declared of a simulated tree, for those who judge it.

use std::collections::HashMap;
use std::time::Duration;

use supervisor_runtime::{Backoff, RestartLimit};

/// The groups of a tree by their paths, and the children by theirs, without an index.
#[derive(Default)]
pub(crate) struct Declared {
    pub(crate) groups: HashMap<String, Group>,
    pub(crate) children: HashMap<String, Child>,
}

pub(crate) struct Group {
    pub(crate) strategy: &'static str,
    pub(crate) limit: RestartLimit,
    /// The paths of its children, in order.
    pub(crate) children: Vec<String>,
    /// How long its stop may take.
    pub(crate) shutdown: Duration,
    /// The same where something may have been stopped by hand before.
    pub(crate) shutdown_when_steered: Duration,
    /// What it says itself of that; otherwise it is what its children need.
    pub(crate) own_shutdown: Option<Duration>,
}

#[derive(Clone)]
pub(crate) struct Child {
    /// The path of the group in which it stands.
    pub(crate) group: String,
    /// Which child of it, from 0.
    pub(crate) position: usize,
    /// The positions of those that it depends on.
    pub(crate) requires: Vec<usize>,
    pub(crate) backoff: Option<Backoff>,
    /// How long it may take to stop, if it is a service.
    pub(crate) shutdown: Option<Duration>,
    pub(crate) is_open: bool,
    /// Whether there is one of it, which only its group, or an order, stops.
    pub(crate) is_single: bool,
}

impl Declared {
    /// The path of a group, and of those around it.
    pub(crate) fn way_up<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        std::iter::successors(Some(group), |path| self.child(path).map(|child| &*child.group))
    }

    /// The child at a path that may have an index.
    pub(crate) fn child(&self, path: &str) -> Option<&Child> {
        self.children.get(without_index(path))
    }
}

/// `tree/pool/worker` of `tree/pool/worker[2]`.
pub(crate) fn without_index(path: &str) -> &str {
    path.strip_suffix(']').and_then(|path| path.rsplit_once('[')).map_or(path, |(path, _)| path)
}
