//! How large a declaration may be, so that no number overflows, no recursion goes deeper than a thread's stack, and every
//! error can be read.

use super::{Size, Supervisor};
use crate::line::Abridged;

/// Of a child, and of a group with all its children: so that every number of a slot fits.
pub(crate) const MAX_REPLICAS: usize = 10_000_000;

/// How many supervisors may stand one inside the other. A tree that a person can read has far fewer, and what looks at a
/// tree from top to bottom does so level by level, each on the stack above the one before.
pub(crate) const MAX_DEPTH: usize = 100;

/// How many bytes a name may have: paths repeat it, and so does every line of the log.
const MAX_NAME: usize = 255;

/// How many names of a path show where it is too deep.
const SHOWN: usize = 3;

impl Supervisor {
    /// How many supervisors stand one inside the other here, this one among them.
    pub(super) fn depth(&self) -> usize {
        1 + self.children.iter().map(|child| child.depth).max().unwrap_or(0)
    }

    /// Whether more supervisors than may be stand one inside the other, and where.
    pub(super) fn check_depth(&self) -> Option<String> {
        let depth = self.depth();
        if depth <= MAX_DEPTH {
            return None;
        }
        let mut path = told(self.name.as_str()).to_string();
        let mut children = &self.children;
        for _ in 1..SHOWN {
            let Some(deepest) = children.iter().max_by_key(|child| child.depth) else { break };
            path = format!("{path}/{}", told(deepest.label()));
            let Some(inner) = &deepest.inner else { break };
            children = &inner.children;
        }
        Some(too_deep(depth, &format!("{path}/..")))
    }

    /// What is below it is not run in any case, and would be one more level on the stack of whoever drops it.
    pub(super) fn forget_what_is_too_deep(&mut self) {
        if self.depth().is_multiple_of(MAX_DEPTH) {
            self.children.clear();
        }
    }

    /// Whether it has more children than can be numbered.
    pub(super) fn check_count(&self, me: &str, problems: &mut Vec<String>) {
        let counts = self.children.iter().map(|child| child.size.count());
        let count = counts.fold(0, usize::saturating_add);
        let is_told =
            self.children.iter().any(|child| matches!(child.size, Size::Replicas(count) if count > MAX_REPLICAS));
        if count > MAX_REPLICAS && !is_told {
            problems.push(format!(
                "supervisor `{me}` has {count} children with all their replicas: {MAX_REPLICAS} are the most"
            ));
        }
    }
}

/// Whether a name is too long.
pub(super) fn check_name(what: &str, name: &str, problems: &mut Vec<String>) {
    if name.len() > MAX_NAME {
        let (name, bytes) = (told(name), name.len());
        problems.push(format!("{what} `{name}` has a name of {bytes} bytes: {MAX_NAME} are the most"));
    }
}

/// A name as messages show it: whole, unless it is too long.
pub(crate) fn told(name: &str) -> Abridged<'_> {
    Abridged(name, MAX_NAME)
}

/// Said where more supervisors than may be stand one inside the other.
pub(crate) fn too_deep(depth: usize, path: &str) -> String {
    format!(
        "supervisors stand {depth} deep in one another, along `{path}`: {MAX_DEPTH} is the most, so let some of them stand side \
         by side"
    )
}
