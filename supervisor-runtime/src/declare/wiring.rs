//! Who uses whom: wires become edges, and what could leave a user with a stale handle is a mistake.
//!
//! The invariant (design §2): when a provider's new incarnation starts, or when it is gone for good, no user of an earlier
//! handle is running. It holds where the failure of the provider stops those that use it before it is restarted, and
//! where those are made anew after it; or where the handle outlives the restart. The macro proves the same at compile
//! time; here it is checked for what was wired by hand.

use std::collections::{HashMap, HashSet};

use super::extent::told;
use super::spec::ChildSpec;
use super::wire::WireId;
use super::{Name, Restart, Size, Strategy, Supervisor};
use crate::decide::ChildId;

/// A wire that a child takes a handle from.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    pub(super) wire: WireId,
    /// Who takes it, for messages.
    pub(super) user: String,
    /// Whether it keeps what it was made with across restarts.
    pub(super) keeps: bool,
}

/// A wire that a child offers its handle on.
pub(crate) struct Provided {
    pub(super) wire: WireId,
    pub(super) carries: Carries,
    pub(super) stability: Stability,
}

/// Whose handles a wire carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carries {
    /// That of a child without replicas.
    One,
    /// Those of all replicas of a child.
    Each,
}

/// How long a handle works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stability {
    /// Until its incarnation ends.
    PerIncarnation,
    /// As long as the provider's value lives.
    Stable,
}

impl Supervisor {
    /// What is wrong with its wires, and those that no child of it provides.
    pub(super) fn check_wires(&self, me: &str, positions: &Positions<'_>, problems: &mut Vec<String>) -> Vec<Use> {
        let mut outer = Vec::new();
        for (position, child) in self.children.iter().enumerate() {
            Self::check_provider(child, positions, problems);
            for used in &child.uses {
                match positions.of_wire(&used.wire) {
                    None => outer.push(used.clone()),
                    Some(found) if found >= position => problems.push(format!(
                        "child `{}` uses `{}`, which is not declared before it",
                        used.user,
                        told(self.children[found].label())
                    )),
                    Some(found) => self.check_use(me, &self.children[found], used, problems),
                }
            }
        }
        outer
    }

    /// Whether a user of `provider` could be left with a handle that is stale.
    fn check_use(&self, me: &str, provider: &ChildSpec, used: &Use, problems: &mut Vec<String>) {
        let (user, name) = (&used.user, told(provider.label()));
        if provider.options.restart == Restart::Temporary {
            problems.push(format!("child `{user}` uses `{name}`, which is temporary and may be gone for good"));
        }
        let is_stable = provider.provides.iter().any(|it| it.wire == used.wire && it.stability == Stability::Stable);
        if is_stable {
            return;
        }
        if !self.strategy.restarts_users() {
            let strategy = self.strategy.name();
            problems.push(format!(
                "child `{user}` uses `{name}`, but supervisor `{me}` is `{strategy}`, which restarts `{name}` without `{user}`: \
                 use `dependents_for_one`, or a handle that is stable"
            ));
        }
        if used.keeps {
            problems.push(format!(
                "child `{user}` uses `{name}`, but keeps its old value, and with it the old handle, across restarts: make it \
                 anew each time, or use a handle that is stable"
            ));
        }
    }

    fn check_provider(child: &ChildSpec, positions: &Positions<'_>, problems: &mut Vec<String>) {
        let name = told(child.label());
        for Provided { wire, carries, stability } in &child.provides {
            match (child.size, carries) {
                (Size::Open, _) => {
                    problems.push(format!("open group `{name}` provides a wire, but its members come and go"));
                }
                (Size::Replicas(_), Carries::One) => problems.push(format!(
                    "child `{name}` has replicas, but provides a `Wire`, which carries the handle of one: use `Wires` and \
                     `provides_each`"
                )),
                (Size::One, Carries::Each) => problems.push(format!(
                    "child `{name}` has no replicas, but provides `Wires`, which carry the handles of all: use a `Wire` and \
                     `provides`"
                )),
                (Size::One, Carries::One) | (Size::Replicas(_), Carries::Each) => {}
            }
            if *stability == Stability::Stable && !child.in_place {
                problems.push(format!(
                    "child `{name}` provides a stable handle, but each incarnation is another value: declare it `in_place`"
                ));
            }
            if positions.twice.contains(wire) {
                problems.push(format!("child `{name}` provides a wire that another child provides, too"));
            }
        }
    }
}

/// Where in a group the names and the wires of its children stand; of two that are equal, the first.
#[derive(Default)]
pub(super) struct Positions<'a> {
    names: HashMap<&'a Name, usize>,
    wires: HashMap<&'a WireId, usize>,
    /// Wires that are provided by more than one child.
    twice: HashSet<&'a WireId>,
}

impl<'a> Positions<'a> {
    pub(super) fn of(children: &'a [ChildSpec]) -> Self {
        let mut positions = Self::default();
        for (position, child) in children.iter().enumerate() {
            if !child.name.is_anonymous() {
                positions.names.entry(&child.name).or_insert(position);
            }
            for Provided { wire, .. } in &child.provides {
                if *positions.wires.entry(wire).or_insert(position) != position {
                    positions.twice.insert(wire);
                }
            }
        }
        positions
    }

    pub(super) fn of_name(&self, name: &Name) -> Option<usize> {
        self.names.get(name).copied()
    }

    /// Which child provides a wire.
    fn of_wire(&self, wire: &WireId) -> Option<usize> {
        self.wires.get(wire).copied()
    }
}

/// What each child depends on, by number: what it uses, and what it says that it requires.
pub(super) fn edges(children: &[ChildSpec]) -> Vec<Vec<ChildId>> {
    let positions = Positions::of(children);
    let edges = |child: &ChildSpec| -> Vec<ChildId> {
        let used = child.uses.iter().filter_map(|used| positions.of_wire(&used.wire));
        // Names were checked when the tree was; one that is unknown never gets here.
        let required = child.options.requires.iter().filter_map(|name| positions.of_name(name));
        let mut edges: Vec<ChildId> = used.chain(required).map(|found| found as ChildId).collect();
        edges.sort_unstable();
        edges.dedup();
        edges
    };
    children.iter().map(edges).collect()
}

/// What is wrong with wires that no child of the whole tree provides.
pub(super) fn unconnected(uses: &[Use]) -> impl Iterator<Item = String> + '_ {
    uses.iter().map(|used| {
        format!(
            "child `{}` uses a wire that no child provides that stands before it, in its supervisor or in one around that",
            used.user
        )
    })
}

impl Strategy {
    /// Whether a child's failure always restarts, or ends, what uses it.
    fn restarts_users(&self) -> bool {
        match self {
            Self::OneForAll | Self::RestForOne | Self::DependentsForOne | Self::ForfeitOneForAll | Self::Crashing => {
                true
            }
            Self::OneForOne | Self::ForfeitOneForOne | Self::Custom(_) => false,
        }
    }
}
