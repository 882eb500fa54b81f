//! A strategy of one's own: a pure function from a failure to a decision.

use crate::Exit;

/// What a [`custom`](crate::Supervisor::custom) strategy is told about a failure.
#[derive(Debug)]
pub struct Failure<'a> {
    pub(crate) child: &'a str,
    pub(crate) index: Option<usize>,
    pub(crate) exit: &'a Exit,
    pub(crate) siblings: &'a [String],
}

impl<'a> Failure<'a> {
    /// The name of the child that failed.
    pub fn child(&self) -> &'a str {
        self.child
    }

    /// Its index, if it is one of several replicas.
    pub fn index(&self) -> Option<usize> {
        self.index
    }

    /// How it ended.
    pub fn exit(&self) -> &'a Exit {
        self.exit
    }

    /// The names of all children of the supervisor in the order of their declaration, this one's included.
    pub fn siblings(&self) -> impl Iterator<Item = &'a str> {
        self.siblings.iter().map(String::as_str)
    }
}

/// What a [`custom`](crate::Supervisor::custom) strategy decides.
///
/// The child that failed always belongs to the set. Restart limit, backoff and the rules of one incident
/// apply as they do to the built-in strategies.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Stop the set in reverse order, then start it in order.
    Restart(Set),
    /// Stop the set in reverse order, for good.
    Forfeit(Set),
    /// Stop everything; the supervisor fails with the child's error.
    Escalate,
}

/// Children of one supervisor, as seen from the one that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Set {
    /// The one that failed; of several replicas, only that one.
    Failed,
    /// It and all that are declared after it.
    Rest,
    /// All of them.
    All,
    /// It and the children of these names, with all their replicas. A name that no child has is ignored.
    Named(Vec<String>),
}
