//! A declaration as data, so that it can be made at random, judged, and shrunk to the smallest that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use supervisor_runtime::{
    AnyChild, AutoShutdown, Backoff, Child, Context, Decision, Restart, Service, ServiceResult, Set, Shutdown,
    Supervisor,
};

/// A supervisor, with the options that it has as a child.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) strategy: Strategy,
    pub(crate) max_restarts: Option<u32>,
    pub(crate) over: Option<Duration>,
    pub(crate) auto_shutdown: AutoShutdown,
    pub(crate) options: Options,
    pub(crate) nodes: Vec<Node>,
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Group(Group),
    Leaf(Leaf),
}

#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) name: String,
    pub(crate) count: Count,
    pub(crate) heartbeat: Option<Duration>,
    pub(crate) options: Options,
    /// How many incarnations fail at once.
    pub(crate) failures: u32,
}

#[derive(Clone, Debug)]
pub(crate) enum Count {
    One,
    Replicas(usize),
    Open(Option<usize>),
}

/// The options of both.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) restart: Option<Restart>,
    pub(crate) shutdown: Option<Shutdown>,
    pub(crate) start_timeout: Option<Duration>,
    pub(crate) backoff: Option<(Duration, Duration)>,
    pub(crate) requires: Vec<String>,
    pub(crate) significant: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    OneForOne,
    OneForAll,
    RestForOne,
    DependentsForOne,
    ForfeitOneForOne,
    ForfeitOneForAll,
    Crashing,
    Custom,
}

impl Strategy {
    pub(crate) const ALL: [Self; 8] = [
        Self::OneForOne,
        Self::OneForAll,
        Self::RestForOne,
        Self::DependentsForOne,
        Self::ForfeitOneForOne,
        Self::ForfeitOneForAll,
        Self::Crashing,
        Self::Custom,
    ];

    pub(crate) fn restarts(self) -> bool {
        !matches!(self, Self::ForfeitOneForOne | Self::ForfeitOneForAll | Self::Crashing)
    }

    fn declare(self, name: String) -> Supervisor {
        match self {
            Self::OneForOne => Supervisor::one_for_one(name),
            Self::OneForAll => Supervisor::one_for_all(name),
            Self::RestForOne => Supervisor::rest_for_one(name),
            Self::DependentsForOne => Supervisor::dependents_for_one(name),
            Self::ForfeitOneForOne => Supervisor::forfeit_one_for_one(name),
            Self::ForfeitOneForAll => Supervisor::forfeit_one_for_all(name),
            Self::Crashing => Supervisor::crashing(name),
            Self::Custom => Supervisor::custom(name, |failure| match failure.child().len() % 3 {
                0 => Decision::Restart(Set::Named(vec!["no such child".to_owned(), failure.child().to_owned()])),
                1 => Decision::Restart(Set::All),
                _ => Decision::Forfeit(Set::Rest),
            }),
        }
    }
}

impl Group {
    pub(crate) fn declare(&self) -> Supervisor {
        let mut declared = self.strategy.declare(self.name.clone()).auto_shutdown(self.auto_shutdown).jitter_seed(7);
        if let Some(max_restarts) = self.max_restarts {
            declared = declared.max_restarts(max_restarts);
        }
        if let Some(over) = self.over {
            declared = declared.over(over);
        }
        let Options { restart, shutdown, start_timeout, backoff, requires, significant } = self.options.clone();
        if let Some(restart) = restart {
            declared = declared.restart(restart);
        }
        if let Some(shutdown) = shutdown {
            declared = declared.shutdown(shutdown);
        }
        if let Some(limit) = start_timeout {
            declared = declared.start_timeout(limit);
        }
        if let Some((initial, max)) = backoff {
            declared = declared.backoff(Backoff { initial, max });
        }
        if significant {
            declared = declared.significant();
        }
        self.nodes.iter().fold(declared.requires(requires), |declared, node| declared.child(node.declare()))
    }
}

impl Node {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Group(group) => &group.name,
            Self::Leaf(leaf) => &leaf.name,
        }
    }

    pub(crate) fn options(&self) -> &Options {
        match self {
            Self::Group(group) => &group.options,
            Self::Leaf(leaf) => &leaf.options,
        }
    }

    fn declare(&self) -> AnyChild {
        match self {
            Self::Group(group) => group.declare().into(),
            Self::Leaf(leaf) => leaf.declare().into(),
        }
    }
}

impl Leaf {
    fn declare(&self) -> Child<Failing> {
        let left = Arc::new(AtomicU32::new(self.failures));
        let make = move |_| Failing(Arc::clone(&left));
        let name = self.name.clone();
        let mut declared = match self.count {
            Count::One => Child::new(name, move || make(0)),
            Count::Replicas(count) => Child::replicated(name, count, make),
            Count::Open(None) => Child::open(name, ..),
            Count::Open(Some(bound)) => Child::open(name, ..=bound),
        };
        if let Some(limit) = self.heartbeat {
            declared = declared.heartbeat(limit);
        }
        let Options { restart, shutdown, start_timeout, backoff, requires, significant } = self.options.clone();
        if let Some(restart) = restart {
            declared = declared.restart(restart);
        }
        if let Some(shutdown) = shutdown {
            declared = declared.shutdown(shutdown);
        }
        if let Some(limit) = start_timeout {
            declared = declared.start_timeout(limit);
        }
        if let Some((initial, max)) = backoff {
            declared = declared.backoff(initial..max);
        }
        if significant {
            declared = declared.significant();
        }
        declared.requires(requires)
    }
}

/// Fails for as long as failures are left, then waits to be stopped.
struct Failing(Arc<AtomicU32>);

impl Service for Failing {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        let less = |left: u32| left.checked_sub(1);
        if self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok() {
            return Err("as planned".into());
        }
        cx.stopping().await;
        Ok(())
    }
}
