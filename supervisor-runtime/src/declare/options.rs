//! The words of a declaration, as plain data: one type for each option.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Range, RangeFull, RangeToInclusive};
use std::time::Duration;

/// When a child that has ended is started again; Erlang's restart types.
///
/// `Permanent` is the default, as in OTP: a service that ends unasked is what supervision is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Restart {
    /// Always: returning `Ok` unasked is a failure, too.
    #[default]
    Permanent,
    /// After a failure; a child that returned `Ok` is done.
    Transient,
    /// Never: its failure is logged, counts nothing and touches no sibling.
    Temporary,
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Permanent => "permanent",
            Self::Transient => "transient",
            Self::Temporary => "temporary",
        })
    }
}

/// How long a child, or a whole supervisor, may take to stop before what is left of it is dropped.
///
/// One deadline covers the rest of `run` and all of `stop`. A child's default is 5 seconds, OTP's for
/// workers; a supervisor that is a child has none of its own, as in OTP: it takes what its children need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shutdown {
    /// This long.
    Within(Duration),
    /// As long as it takes.
    Infinity,
    /// No time at all: it is dropped without being asked.
    BrutalKill,
}

impl Shutdown {
    /// What a child has that says nothing: 5 seconds.
    pub const DEFAULT: Self = Self::Within(Duration::from_secs(5));
}

impl From<Duration> for Shutdown {
    fn from(within: Duration) -> Self {
        Self::Within(within)
    }
}

/// Whether a supervisor ends, as done, when significant children of it have ended; as in OTP 24.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AutoShutdown {
    /// It does not; the default.
    #[default]
    Never,
    /// As soon as one significant child has ended by itself.
    AnySignificant,
    /// When the last significant child has ended by itself.
    AllSignificant,
}

/// How many restarts a supervisor may make: at most `max_restarts` in any window of length `over`.
///
/// The default is 100 in 1 second, as Python's `mode` documents for its supervisors. One incident is
/// one restart, however many children it sweeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RestartLimit {
    /// One more restart than this in a window, and the supervisor gives up; 0 is legal. [`u32::MAX`] is no limit.
    pub max_restarts: u32,
    /// The length of the window; a restart exactly this long ago still counts.
    pub over: Duration,
}

impl RestartLimit {
    /// Whether restarts have to be counted. Otherwise none is kept in mind: they would take memory without end, and be as
    /// many only when that is used up.
    pub(crate) fn counts(&self) -> bool {
        self.max_restarts < u32::MAX
    }
}

impl Default for RestartLimit {
    fn default() -> Self {
        Self { max_restarts: 100, over: Duration::from_secs(1) }
    }
}

impl fmt::Display for RestartLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.max_restarts == 1 { "" } else { "s" };
        write!(f, "{} restart{plural} in {:?}", self.max_restarts, self.over)
    }
}

/// How long a restart is delayed: exponentially, from `initial` doubling up to `max`.
///
/// A child's first restart is immediate; the next waits for half to all of `initial`, chosen at random
/// so that many do not return at the same instant; each further one for twice as much, up to `max`. A
/// child that ran for longer than `max` starts over. (The restart limit never does.)
///
/// Without one, restarts are immediate, and the restart limit is what ends a hot loop.
///
/// ```
/// use std::time::Duration;
/// use supervisor_runtime::Backoff;
///
/// let backoff = Backoff::from(Duration::from_millis(100)..Duration::from_secs(30));
/// assert_eq!(backoff.max, Duration::from_secs(30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Backoff {
    /// The longest that the second restart waits.
    pub initial: Duration,
    /// The longest that any restart waits.
    pub max: Duration,
}

impl From<Range<Duration>> for Backoff {
    fn from(range: Range<Duration>) -> Self {
        Self { initial: range.start, max: range.end }
    }
}

/// How many members an open group can have at a time: `..` or `..=1000`.
///
/// Past the bound, adding one is refused; nothing waits for room. Not for implementing.
#[diagnostic::on_unimplemented(
    message = "the bound of an open group is `..` or `..=` and a `usize`, and this is a `{Self}`",
    label = "write `..`, or `..=` and a `usize`"
)]
pub trait Bound {
    /// The most members at a time, if there is a bound.
    fn limit(&self) -> Option<usize>;
}

impl Bound for RangeFull {
    fn limit(&self) -> Option<usize> {
        None
    }
}

// Of any type, so that the compiler underlines the number and names its type.
impl<N: Number> Bound for RangeToInclusive<N> {
    fn limit(&self) -> Option<usize> {
        Some(self.end.number())
    }
}

/// Holds for `usize`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the bound of an open group is a `usize`, and this is a `{Self}`",
    label = "not a `usize`"
)]
pub trait Number {
    fn number(&self) -> usize;
}

impl Number for usize {
    fn number(&self) -> usize {
        *self
    }
}

/// The name of a child, or [`ANONYMOUS`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(Cow<'static, str>);

/// The name of a supervisor that has none: its children belong, by name and path, to the nearest named
/// supervisor above it.
pub const ANONYMOUS: Name = Name(Cow::Borrowed(""));

impl Name {
    pub(crate) fn is_anonymous(&self) -> bool {
        *self == ANONYMOUS
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Name {
    fn from(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }
}

impl From<String> for Name {
    fn from(name: String) -> Self {
        Self(Cow::Owned(name))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
