//! The names of a group's children, apart from the group: what is seen of a tree does not keep it alive.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::decide::later;
use crate::declare::Kind;

/// The number of one incarnation of a supervisor's group in its tree; 0 is what stands above the outermost.
pub(crate) type GroupId = u64;

/// What one group and its children are called.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) id: GroupId,
    /// When the group began: what happens in it is told in nanoseconds since then.
    pub(crate) epoch: Instant,
    /// The path of its supervisor.
    pub(crate) path: String,
    /// What the paths of its children begin with: the path of the nearest group that has a name.
    pub(crate) prefix: String,
    pub(crate) labels: Arc<[Label]>,
}

/// What a child is called, and what it is.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    /// Its name, or `(one_for_one)` for a supervisor that has none.
    pub(crate) text: String,
    pub(crate) kind: Kind,
    pub(crate) members: Members,
    /// The earlier children that it depends on, by number.
    pub(crate) requires: Vec<u32>,
}

/// How many there are of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Members {
    One,
    /// As many as are declared, or it was scaled to.
    Replicas,
    /// Those that were added while the tree ran.
    Open,
}

/// One child, replica or member of a group, by name.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) names: &'a Names,
    pub(crate) child: u32,
    pub(crate) index: u32,
}

impl Names {
    /// So many nanoseconds after the group began.
    pub(crate) fn time(&self, nanos: u64) -> Instant {
        later(self.epoch, Duration::from_nanos(nanos))
    }

    /// `orders/pool/worker[2]`
    pub(crate) fn path_of(&self, child: u32, index: u32) -> String {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        format!("{}{slash}{}", self.prefix, self.label_of(child, index))
    }

    /// `orders/pool/worker`, for all replicas or members together.
    pub(crate) fn path_of_all(&self, child: u32) -> String {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        format!("{}{slash}{}", self.prefix, self.labels[child as usize].text)
    }

    /// `worker[2]`
    pub(crate) fn label_of(&self, child: u32, index: u32) -> String {
        let label = &self.labels[child as usize];
        match label.members {
            Members::One => label.text.clone(),
            Members::Replicas | Members::Open => format!("{}[{index}]", label.text),
        }
    }
}

impl<'a> Place<'a> {
    pub(crate) fn path(&self) -> String {
        self.names.path_of(self.child, self.index)
    }

    pub(crate) fn label(&self) -> &'a Label {
        &self.names.labels[self.child as usize]
    }
}
