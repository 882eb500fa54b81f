//! A group's declaration as the core sees it: numbers in place of names, defaults filled in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::later;
pub(crate) use crate::declare::Size;
use crate::declare::{ChildSpec, GroupSpec, Kind, Strategy};
use crate::{AutoShutdown, Backoff, Restart, RestartLimit, Shutdown};

/// The number of a child in its group, in the order of declaration.
pub(crate) type ChildId = u32;

/// The rules of one group.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) strategy: StrategyRule,
    pub(crate) limit: RestartLimit,
    /// The group's own deadline for stopping, where it stops by itself.
    pub(crate) shutdown: Option<Shutdown>,
    pub(crate) auto_shutdown: AutoShutdown,
    pub(crate) children: Vec<ChildRules>,
}

/// A strategy, without the function of a custom one: its decisions come with the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StrategyRule {
    OneForOne,
    OneForAll,
    RestForOne,
    DependentsForOne,
    ForfeitOneForOne,
    ForfeitOneForAll,
    Crashing,
    Custom,
}

/// The rules of one child.
#[derive(Clone, Debug)]
pub(crate) struct ChildRules {
    pub(crate) kind: Kind,
    pub(crate) size: Size,
    pub(crate) restart: Restart,
    pub(crate) shutdown: Option<Shutdown>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) significant: bool,
    /// The earlier siblings that it depends on: those that it uses, and those that it names.
    pub(crate) requires: Vec<ChildId>,
}

impl Rules {
    pub(crate) fn of(spec: &Arc<GroupSpec>) -> Self {
        Self {
            strategy: StrategyRule::of(&spec.strategy),
            limit: spec.limit,
            shutdown: spec.shutdown,
            auto_shutdown: spec.auto_shutdown,
            children: spec
                .children
                .iter()
                .zip(&spec.edges)
                .map(|(child, requires)| ChildRules::of(child, requires, spec))
                .collect(),
        }
    }
}

impl StrategyRule {
    /// Whether the failure of a child never concerns another.
    pub(super) fn concerns_one(self) -> bool {
        matches!(self, Self::OneForOne | Self::ForfeitOneForOne)
    }

    fn of(strategy: &Strategy) -> Self {
        match strategy {
            Strategy::OneForOne => Self::OneForOne,
            Strategy::OneForAll => Self::OneForAll,
            Strategy::RestForOne => Self::RestForOne,
            Strategy::DependentsForOne => Self::DependentsForOne,
            Strategy::ForfeitOneForOne => Self::ForfeitOneForOne,
            Strategy::ForfeitOneForAll => Self::ForfeitOneForAll,
            Strategy::Crashing => Self::Crashing,
            Strategy::Custom(_) => Self::Custom,
        }
    }
}

impl ChildRules {
    fn of(child: &ChildSpec, requires: &[ChildId], group: &GroupSpec) -> Self {
        let options = &child.options;
        Self {
            kind: child.kind,
            size: child.size(),
            restart: options.restart,
            shutdown: match child.kind {
                Kind::Worker => Some(options.shutdown.unwrap_or(Shutdown::DEFAULT)),
                Kind::Supervisor => options.shutdown,
            },
            backoff: group.backoff_of(child),
            significant: options.significant,
            requires: requires.to_vec(),
        }
    }

    /// Until when it is to have stopped, by its own option, if it was asked to then.
    pub(super) fn stops_by(&self, asked: Instant) -> Option<Instant> {
        let limit = self.shutdown.and_then(|shutdown| shutdown.limit());
        limit.map(|limit| later(asked, limit))
    }
}

impl Shutdown {
    /// How long it allows; `None` is without limit.
    pub(crate) fn limit(self) -> Option<Duration> {
        match self {
            Self::Within(limit) => Some(limit),
            Self::Infinity => None,
            Self::BrutalKill => Some(Duration::ZERO),
        }
    }
}
