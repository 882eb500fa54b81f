//! Where a child stands.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::human::human;
use crate::Exit;

/// Where a child stands in its life cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// It is to be started, and its turn has not come: what is before it has to start, or to stop, first.
    Waiting,
    /// It is to be started when the delay of its `backoff` is over.
    Delayed,
    /// Its expression is being evaluated, or it is in `start`.
    Starting,
    /// It is in `run`, or has returned `Ok` from there, and may, and is in `stop`.
    Running,
    /// It was asked to stop, or has failed and is in `stop`.
    Stopping,
    /// It was told to be dropped, but blocks its thread; nothing is started in its place.
    Stuck,
    /// It returned `Ok`, and may.
    Done,
    /// It was stopped by hand, or with its supervisor. It stays stopped until it is started by hand, or restarted with a set
    /// that it belongs to.
    Stopped,
    /// It will not be started again, unless by hand.
    Forfeited,
    /// It was `temporary` and has failed, or was taken along by a restart.
    Gone,
}

impl State {
    /// Every state, in the order of a life.
    pub(crate) const ALL: [Self; 10] = [
        Self::Waiting,
        Self::Delayed,
        Self::Starting,
        Self::Running,
        Self::Stopping,
        Self::Stuck,
        Self::Done,
        Self::Stopped,
        Self::Forfeited,
        Self::Gone,
    ];

    /// The word for it: `running`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delayed => "delayed",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stuck => "stuck",
            Self::Done => "done",
            Self::Stopped => "stopped",
            Self::Forfeited => "forfeited",
            Self::Gone => "gone",
        }
    }

    /// Whether an incarnation is alive.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Stopping | Self::Stuck)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Where a child stands, as of one instant.
///
/// Of a supervisor it tells how it stands in its own supervisor; [`is_ready`](Self::is_ready) there takes what is
/// below it into account.
#[derive(Clone, Debug)]
pub struct Status {
    pub(crate) facts: Facts,
    pub(crate) at: Instant,
}

/// What is known of a child, whenever that is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) state: State,
    pub(crate) since: Instant,
    pub(crate) incarnation: u32,
    pub(crate) restarts: u32,
    /// Until when its restart is delayed.
    pub(crate) until: Option<Instant>,
    pub(crate) last_exit: Option<Arc<Exit>>,
    /// What it said when it was not ready, or what a supervisor's children say.
    pub(crate) not_ready: Option<Arc<str>>,
}

impl Facts {
    /// Of a child that has never run.
    pub(crate) fn new(state: State, since: Instant) -> Self {
        Self { state, since, incarnation: 0, restarts: 0, until: None, last_exit: None, not_ready: None }
    }
}

impl Status {
    /// Where it stands.
    pub fn state(&self) -> State {
        self.facts.state
    }

    /// Whether it runs and has not said that it is [not ready](crate::Context::not_ready); done counts as ready, too,
    /// because nothing more is to be expected.
    pub fn is_ready(&self) -> bool {
        self.facts.not_ready.is_none() && matches!(self.facts.state, State::Running | State::Done)
    }

    /// Why it is not ready: what the service said, or its state.
    pub fn not_ready(&self) -> Option<String> {
        if self.is_ready() {
            return None;
        }
        Some(match (&self.facts.not_ready, self.facts.state) {
            (Some(reason), _) => reason.to_string(),
            (None, State::Delayed) => format!("delayed for {}", human(self.delay().unwrap_or_default())),
            (None, state) => state.word().to_owned(),
        })
    }

    /// The number of its incarnation, from 1; 0 if there was none yet.
    pub fn incarnation(&self) -> u32 {
        self.facts.incarnation
    }

    /// How many of its failures have been answered by a restart.
    pub fn restarts(&self) -> u32 {
        self.facts.restarts
    }

    /// How the incarnation before ended, or the last one if none is alive.
    pub fn last_exit(&self) -> Option<&Arc<Exit>> {
        self.facts.last_exit.as_ref()
    }

    /// For how long it has been in its state.
    pub fn in_state(&self) -> Duration {
        self.at.saturating_duration_since(self.facts.since)
    }

    /// For how long it has been running, if it is.
    pub fn uptime(&self) -> Option<Duration> {
        (self.facts.state == State::Running).then(|| self.in_state())
    }

    /// How long its restart is still delayed, if it is.
    pub fn delay(&self) -> Option<Duration> {
        self.facts.until.map(|until| until.saturating_duration_since(self.at))
    }
}
