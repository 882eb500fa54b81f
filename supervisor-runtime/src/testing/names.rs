//! The children of a declaration, so that a fault for one that there is not is found at once.

use std::collections::BTreeMap;

use super::notation::Target;
use crate::declare::{GroupSpec, Kind, Size};

/// The paths of all children, without index, below the outermost supervisor.
#[derive(Debug, Default)]
pub(super) struct Known(BTreeMap<String, Child>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Child {
    One,
    Many,
    Supervisor,
    /// A tree that is made when it is started: what stands in it is not known before.
    Unseen,
}

impl Known {
    pub(super) fn of(spec: &GroupSpec) -> Self {
        let mut known = Self::default();
        known.add(spec, "");
        known
    }

    fn add(&mut self, spec: &GroupSpec, prefix: &str) {
        for child in &spec.children {
            let path = format!("{prefix}{}", child.label());
            let kind = match (&child.inner, child.kind, child.size) {
                (Some(inner), ..) => {
                    let below = if child.name.is_anonymous() { prefix.to_owned() } else { format!("{path}/") };
                    self.add(inner, &below);
                    Child::Supervisor
                }
                (None, Kind::Supervisor, _) => Child::Unseen,
                (None, Kind::Worker, Size::One) => Child::One,
                (None, Kind::Worker, Size::Replicas(_) | Size::Open) => Child::Many,
            };
            self.0.insert(path, kind);
        }
    }

    /// Why no fault can be meant for `target`, if none can.
    pub(super) fn refuse(&self, target: &Target) -> Option<String> {
        let name = &target.name;
        match (self.0.get(name), &target.indices) {
            (Some(Child::One), None) | (Some(Child::Many), Some(_)) => None,
            (Some(Child::One), Some(_)) => Some(format!("`{name}` is one child, without an index")),
            (Some(Child::Many), None) => {
                Some(format!("`{name}` are several: say which, as in `{name}[0]` or `{name}[0..2]`"))
            }
            (Some(Child::Supervisor | Child::Unseen), _) => {
                Some(format!("`{name}` is a supervisor: faults happen to the services in it"))
            }
            (None, _) if self.is_in_what_is_unseen(name) => None,
            (None, _) => {
                let known: Vec<_> =
                    self.0.iter().filter(|(_, kind)| matches!(kind, Child::One | Child::Many)).collect();
                let known: Vec<_> = known.into_iter().map(|(name, _)| format!("`{name}`")).collect();
                Some(format!("there is no child `{name}`; there are {}", known.join(", ")))
            }
        }
    }

    fn is_in_what_is_unseen(&self, name: &str) -> bool {
        let mut above = name.rmatch_indices('/').map(|(slash, _)| &name[..slash]);
        above.any(|above| self.0.get(above) == Some(&Child::Unseen))
    }
}
