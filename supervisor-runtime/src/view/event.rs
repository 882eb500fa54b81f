//! What happens in a running tree.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::names::{Names, Place};
use super::page::{Page, Told};
use super::status::State;
use crate::{Exit, RestartLimit};

/// Something that happened in a running tree, to one child or supervisor of it.
///
/// Small, and cheap to clone. What is kept of it is kept together with the events around it, at most 63 others.
#[derive(Clone)]
pub struct Event {
    page: Arc<Page>,
    line: u32,
}

/// What an event did to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) state: State,
    pub(crate) incarnation: u32,
    /// In nanoseconds since the group began.
    pub(crate) since: u64,
}

/// What happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum What {
    /// The supervisor was made, anew if it had been there before, with its children; nothing of it has started.
    Initialized(Initial),
    /// The child was added: as a member of an open group, or by scaling.
    Added,
    /// It is to be started, and waits for its turn.
    Waiting,
    /// Its expression is evaluated, then its `start` is called.
    Starting,
    /// Its `start` has succeeded; it is ready, unless it has said otherwise.
    Started,
    /// It has said that it is ready, after it had said that it was not.
    Ready,
    /// It has said that it is not ready, and why.
    NotReady(Arc<str>),
    /// It failed: an error, a panic, a limit missed, or an `Ok` that was not wanted. `stop` comes next.
    Failed(Arc<Exit>),
    /// Its failure is answered by a restart.
    #[non_exhaustive]
    Restarting {
        /// The number of restarts without a long enough run in between, from 1.
        attempt: u32,
        /// How long it is delayed.
        delay: Duration,
        /// How many more its supervisor may make in this window.
        restarts_left: u32,
        /// How many other children are restarted along with it.
        others: usize,
    },
    /// Somebody steered it by hand, which what follows is about.
    Steered(Order),
    /// It was asked to stop.
    Stopping,
    /// It was told to be dropped: its `shutdown` deadline had passed, or it had none.
    Dropping,
    /// It has stopped, as it was asked to, and how; `None` if it was not running.
    Stopped(Option<Arc<Exit>>),
    /// It had to be dropped by force, and is gone.
    Dropped(Arc<Exit>),
    /// It is told to be dropped, but blocks its thread.
    Stuck,
    /// It returned `Ok`, and may.
    Done(Arc<Exit>),
    /// It failed, and is `temporary`.
    Gone,
    /// It will not be started again.
    Forfeited,
    /// It was started by hand, and that failed.
    NotStarted,
    /// It was discarded from an open group, or scaled away.
    Discarded,
    /// The supervisor gave up: this child failed once too often.
    #[non_exhaustive]
    GaveUp {
        /// The path of the child whose failure was one too many.
        child: Arc<str>,
        /// The limit that was reached.
        limit: RestartLimit,
    },
    /// The supervisor did not start, because this child did not: what had started is stopped.
    RollingBack {
        /// The path of the child.
        child: Arc<str>,
    },
    /// The supervisor fails because this child's error, or a custom strategy, said so.
    Escalating {
        /// The path of the child.
        child: Arc<str>,
    },
    /// The supervisor is `crashing` with this child.
    Crashing {
        /// The path of the child.
        child: Arc<str>,
    },
    /// The whole tree was asked to stop.
    ShuttingDown,
    /// The tree has ended; the last event. (There is none if its owner was dropped: then the stream just ends.)
    #[non_exhaustive]
    ShutDown {
        /// Why, if it failed.
        error: Option<Arc<str>>,
    },
}

/// What is asked by hand of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Order {
    /// [`ChildRef::start`](crate::ChildRef::start).
    Start,
    /// [`ChildRef::stop`](crate::ChildRef::stop).
    Stop,
    /// [`ChildRef::restart`](crate::ChildRef::restart), or [`replace`](crate::ChildRef::replace).
    Restart,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
        })
    }
}

/// The children with which a supervisor begins.
#[derive(Clone)]
pub struct Initial(pub(crate) Arc<Beginning>);

/// A group as it is before anything of it has started.
pub(crate) struct Beginning {
    pub(crate) names: Arc<Names>,
    pub(crate) strategy: &'static str,
    pub(crate) limit: Option<RestartLimit>,
    /// How many there are of each child.
    pub(crate) counts: Vec<u32>,
}

impl From<Beginning> for Initial {
    fn from(beginning: Beginning) -> Self {
        Self(Arc::new(beginning))
    }
}

impl Initial {
    /// Their paths.
    pub fn paths(&self) -> impl Iterator<Item = String> + '_ {
        let Beginning { names, counts, .. } = &*self.0;
        (0..).zip(counts).flat_map(move |(child, &count)| (0..count).map(move |index| names.path_of(child, index)))
    }
}

impl fmt::Debug for Initial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.paths()).finish()
    }
}

impl Event {
    /// Its number; each event of a tree has the one after that of the event before.
    pub fn number(&self) -> u64 {
        self.page.first + u64::from(self.line)
    }

    /// When it happened.
    pub fn at(&self) -> Instant {
        self.names().time(self.told().at)
    }

    /// The path of the child or supervisor that it happened to: `orders/pool/worker[2]`.
    pub fn path(&self) -> String {
        self.place().map_or_else(|| self.names().path.clone(), |place| place.path())
    }

    /// What happened.
    pub fn what(&self) -> &What {
        &self.told().what
    }

    /// The state of the child after it, if it has one.
    pub fn state(&self) -> Option<State> {
        self.told().change.map(|change| change.state)
    }

    /// The number of the child's incarnation, from 1; 0 before the first, `None` for a supervisor as such.
    pub fn incarnation(&self) -> Option<u32> {
        self.told().change.map(|change| change.incarnation)
    }

    /// What is told on this line of a page.
    pub(super) fn of(page: Arc<Page>, line: u32) -> Self {
        Self { page, line }
    }

    pub(crate) fn told(&self) -> &Told {
        self.page.told(self.line)
    }

    fn names(&self) -> &Names {
        self.page.names(self.line)
    }

    /// The child that it is about; `None` for a supervisor as such.
    pub(crate) fn place(&self) -> Option<Place<'_>> {
        self.told().place(self.names())
    }
}

impl fmt::Display for Event {
    /// One line: `12 orders/db failed: disk full`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.number(), self.path(), self.what())
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("number", &self.number())
            .field("at", &self.at())
            .field("path", &self.path())
            .field("what", self.what())
            .field("state", &self.state())
            .field("incarnation", &self.incarnation())
            .finish()
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Initialized(initial) => {
                let count: u32 = initial.0.counts.iter().sum();
                write!(f, "initialized with {count} {}", if count == 1 { "child" } else { "children" })
            }
            Self::Added => f.write_str("added"),
            Self::Waiting => f.write_str("waiting"),
            Self::Starting => f.write_str("starting"),
            Self::Started => f.write_str("started"),
            Self::Ready => f.write_str("ready"),
            Self::NotReady(reason) => write!(f, "not ready: {reason}"),
            Self::Failed(exit) => write!(f, "{exit}"),
            Self::Restarting { attempt, delay, others, .. } => {
                write!(f, "restarting, attempt {attempt}")?;
                if !delay.is_zero() {
                    write!(f, ", in {delay:?}")?;
                }
                if *others > 0 { write!(f, ", with {others} others") } else { Ok(()) }
            }
            Self::Steered(order) => write!(f, "{order} by hand"),
            Self::Stopping => f.write_str("stopping"),
            Self::Dropping => f.write_str("told to be dropped"),
            Self::Stopped(None) => f.write_str("stopped"),
            // Asked to stop, it has not failed, whatever it said.
            Self::Stopped(Some(exit)) if exit.error().is_some() => write!(f, "stopped, but {exit}"),
            Self::Stopped(Some(exit)) | Self::Dropped(exit) => write!(f, "{exit}"),
            Self::Stuck => f.write_str("stuck"),
            Self::Done(_) => f.write_str("done"),
            Self::Gone => f.write_str("gone"),
            Self::Forfeited => f.write_str("forfeited"),
            Self::NotStarted => f.write_str("not started"),
            Self::Discarded => f.write_str("discarded"),
            Self::GaveUp { child, limit } => write!(f, "gave up: more than {limit}, the last by {child}"),
            Self::RollingBack { child } => write!(f, "rolling back: {child} did not start"),
            Self::Escalating { child } => write!(f, "escalating the failure of {child}"),
            Self::Crashing { child } => write!(f, "crashing with {child}"),
            Self::ShuttingDown => f.write_str("shutting down"),
            Self::ShutDown { error: None } => f.write_str("shut down"),
            Self::ShutDown { error: Some(error) } => write!(f, "failed: {error}"),
        }
    }
}
