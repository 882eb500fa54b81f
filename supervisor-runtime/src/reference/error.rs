//! Why something that was asked of a running tree was not done.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex};

use crate::sync::MutexExt;
use crate::view::State;
use crate::{Exit, TreeError};

/// Why something that was asked of a running tree was not done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SteerError {
    /// The tree has ended.
    Ended,
    /// Who asks is itself asked to stop. What was asked for goes on.
    Stopping,
    /// The supervisor of the child is stopping, or is not running.
    #[non_exhaustive]
    NotRunning {
        /// The path of the supervisor.
        supervisor: String,
    },
    /// There is no child of this name.
    #[non_exhaustive]
    Unknown {
        /// The path that was asked for.
        path: String,
        /// The names that there are instead.
        known: Vec<String>,
    },
    /// The child is of another kind or type than was asked for.
    #[non_exhaustive]
    Mismatch {
        /// The path of the child.
        path: String,
        /// What it is, and how to ask for that.
        what: String,
    },
    /// There is no replica or member of this index: it was scaled away or discarded, or has ended and left.
    #[non_exhaustive]
    NotThere {
        /// Its path.
        path: String,
    },
    /// The child did not start. It stays down, as OTP's `restart_child` leaves it.
    #[non_exhaustive]
    StartFailed {
        /// The path of the child.
        path: String,
        /// How it failed.
        exit: Arc<Exit>,
    },
    /// Somebody else stopped the child meanwhile, or put another service in its place, or its supervisor was stopped.
    #[non_exhaustive]
    Overtaken {
        /// The path of the child.
        path: String,
    },
    /// What the child depends on is down: start that first.
    #[non_exhaustive]
    Requires {
        /// The path of the child.
        path: String,
        /// The path of what it depends on.
        missing: String,
    },
    /// The child cannot be dropped, because it blocks its thread; nothing is started in its place.
    #[non_exhaustive]
    Stuck {
        /// The path of the child.
        path: String,
    },
    /// It will not become ready, or come into the state that was waited for, by itself.
    #[non_exhaustive]
    Never {
        /// The path of what was waited for.
        path: String,
        /// Why: the path and the state of what stands in the way.
        reason: String,
    },
    /// Who waits, in its `start`, is what this waits for: itself, or something that starts after it. What was asked for goes
    /// on.
    #[non_exhaustive]
    WaitsForItself {
        /// The path of what was to be waited for.
        path: String,
    },
    /// The child offers no handle now: it is not up, or nobody in the tree uses it.
    #[non_exhaustive]
    NoHandle {
        /// The path of the child.
        path: String,
    },
    /// The outermost supervisor is stopped by [`shutdown`](crate::TreeHandle::shutdown), and started by its owner.
    #[non_exhaustive]
    Outermost {
        /// Its path.
        path: String,
    },
    /// A service that is in its `start` cannot restart itself, nor what takes it along: it would do nothing else, and no limit
    /// would end that.
    #[non_exhaustive]
    InItsStart {
        /// Its path, or that of a supervisor above it.
        path: String,
    },
    /// The open group has as many members as its bound allows.
    #[non_exhaustive]
    Full {
        /// The path of the open group.
        path: String,
        /// Its bound.
        bound: usize,
    },
    /// That many replicas cannot be.
    #[non_exhaustive]
    TooMany {
        /// The path of the replicas.
        path: String,
        /// The most that can be.
        limit: usize,
    },
    /// The members of the open group are restarted, or this one was to be, and it could not be made again.
    #[non_exhaustive]
    NeedsFactory {
        /// The path of the open group, or of its member.
        path: String,
    },
}

impl fmt::Display for SteerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("the tree has ended"),
            Self::Stopping => f.write_str("the service that asks is itself asked to stop; what it asked for goes on"),
            Self::NotRunning { supervisor } => write!(f, "supervisor `{supervisor}` is not running, or is stopping"),
            Self::Unknown { path, known } => {
                write!(f, "there is no `{path}`; there is ")?;
                let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
                if known.is_empty() { f.write_str("nothing") } else { f.write_str(&known.join(", ")) }
            }
            Self::Mismatch { path, what } => write!(f, "`{path}` is {what}"),
            Self::NotThere { path } => write!(f, "there is no `{path}` any more, or not yet"),
            Self::StartFailed { path, exit } => {
                write!(f, "`{path}` did not start, and is not retried: {exit}")
            }
            Self::Overtaken { path } => write!(f, "`{path}` was stopped meanwhile, or replaced"),
            Self::Requires { path, missing } => {
                write!(f, "`{path}` cannot be started: it depends on `{missing}`, which is down; start that first")
            }
            Self::Stuck { path } => write!(f, "`{path}` is stuck: it blocks its thread and cannot be dropped"),
            Self::Never { path, reason } => write!(f, "waited for `{path}`, but {reason}"),
            Self::WaitsForItself { path } => {
                write!(
                    f,
                    "`{path}` cannot be waited for here: it starts only when the `start` that waits has returned; what was \
                     asked for goes on"
                )
            }
            Self::NoHandle { path } => {
                write!(f, "`{path}` offers no handle: it is not up, or nobody in the tree uses it by its name")
            }
            Self::Outermost { path } => {
                write!(f, "`{path}` is the outermost supervisor, which is not steered: stop it with `shutdown`")
            }
            Self::InItsStart { path } => {
                write!(f, "`{path}` cannot be restarted from within its `start`: return an error from there instead")
            }
            Self::Full { path, bound } => {
                write!(f, "open group `{path}` has {bound} members, as many as its bound allows")
            }
            Self::TooMany { path, limit } => write!(f, "`{path}` cannot have more than {limit} replicas"),
            Self::NeedsFactory { path } => write!(
                f,
                "`{path}` cannot be made again: add it with `add_with`, or declare its group `in_place` (or `temporary`, \
                 if it is not to be restarted)"
            ),
        }
    }
}

impl Error for SteerError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::StartFailed { exit, .. } => exit.error().map(|error| error as _),
            _ => None,
        }
    }
}

impl SteerError {
    /// It will not come to be, because of what is in this state.
    pub(super) fn never(path: String, of: &str, state: State) -> Self {
        Self::Never { path, reason: format!("`{of}` is {state}") }
    }
}

impl From<SteerError> for TreeError {
    fn from(error: SteerError) -> Self {
        Self::steering(error)
    }
}

impl<S> From<Rejected<S>> for SteerError {
    /// The reason; the service is dropped.
    fn from(rejected: Rejected<S>) -> Self {
        rejected.error
    }
}

impl<S> From<Rejected<S>> for TreeError {
    /// The reason; the service is dropped.
    fn from(rejected: Rejected<S>) -> Self {
        Self::steering(rejected.error)
    }
}

/// A service that was not accepted, and comes back with the reason.
///
/// As an error it reads like the reason, so that `?` passes that on; [`into_service`](Self::into_service) gives the service,
/// with what it holds (a connection, say), unless its start was tried.
pub struct Rejected<S> {
    error: SteerError,
    // In a lock, so that the error can be shared, which `?` into most error types asks for, whatever the service is.
    service: Mutex<Option<S>>,
}

impl<S> Rejected<S> {
    pub(super) fn new(error: SteerError, service: Option<S>) -> Self {
        Self { error, service: Mutex::new(service) }
    }

    /// Why.
    pub fn error(&self) -> &SteerError {
        &self.error
    }

    /// The service, if it was not started.
    pub fn into_service(self) -> Option<S> {
        self.service.hold().take()
    }
}

impl<S> fmt::Debug for Rejected<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rejected").field(&self.error).finish()
    }
}

impl<S> fmt::Display for Rejected<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<S> Error for Rejected<S> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}
