//! What a tree ends with when it does not end well.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::log::Chain;
use crate::{BoxError, Cause, Exit, Phase, RestartLimit, SteerError};

/// Why a tree did not start, or how it ended.
///
/// `Debug`, which is what `main` prints when it returns the error, tells the whole story: the path from the root
/// to the child, the limits, the last causes with their sources. `Display` is its headline, `{:#}` adds the
/// causes in the same line. [`source`](Error::source) leads to the error of the child, or to what
/// [`raises`](crate::Supervisor::raises) made of it.
///
/// ```
/// use std::error::Error;
/// use supervisor_runtime::{service_fn, Child, Supervisor, TreeErrorKind};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let error = Supervisor::crashing("app")
///     .child(Child::new("db", || service_fn(|_| async { Err("disk full".into()) })))
///     .run()
///     .await
///     .unwrap_err();
/// assert_eq!(error.kind(), TreeErrorKind::Failed);
/// assert_eq!(format!("{error:#}"), "supervisor `app` crashed with its child `app/db`: disk full");
/// # }
/// ```
pub struct TreeError(Box<Story>);

struct Story {
    tree: String,
    kind: TreeErrorKind,
    problems: Vec<String>,
    failure: Option<BoxError>,
    forfeited: Vec<Forfeited>,
    dropped: Vec<Left>,
    stuck: Vec<Left>,
}

/// What kind of end a [`TreeError`] tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TreeErrorKind {
    /// The declaration contradicts itself; nothing was started.
    Invalid,
    /// The start of a child failed, and what had started was stopped again.
    StartFailed,
    /// The outermost supervisor reached its restart limit: `max_restarts`, `over`.
    LimitReached,
    /// A child's failure went through to the top: by `crashing`, by `escalate`, or by a custom strategy. Or its runtime was shut
    /// down while it ran.
    Failed,
    /// Everything has ended, but something was forfeited on the way.
    Forfeited,
    /// It was stopped, but something took longer than its `shutdown` and was dropped by force.
    Dropped,
    /// Something blocks its thread and could not even be dropped.
    Stuck,
    /// It runs, but something that was asked of it was not done: a [`SteerError`].
    Steering,
}

/// A child that was not stopped in time.
#[derive(Clone, Debug)]
pub struct Left {
    pub(crate) path: String,
    pub(crate) phase: Option<Phase>,
    pub(crate) after: Duration,
}

impl Left {
    /// Where it stands in the tree.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What it was doing; unknown if it is stuck.
    pub fn phase(&self) -> Option<Phase> {
        self.phase
    }

    /// How long after it was asked to stop.
    pub fn after(&self) -> Duration {
        self.after
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Forfeited {
    pub(crate) path: String,
    pub(crate) exit: Option<Arc<Exit>>,
}

impl TreeError {
    pub(crate) fn invalid(tree: String, problems: Vec<String>) -> Self {
        Self(Box::new(Story { problems, ..Story::new(tree, TreeErrorKind::Invalid) }))
    }

    /// Something was asked of a running tree, and not done.
    pub(crate) fn steering(error: SteerError) -> Self {
        Self(Box::new(Story { failure: Some(error.into()), ..Story::new(String::new(), TreeErrorKind::Steering) }))
    }

    /// The end of a tree: `failure` is what its outermost supervisor returned. `None` if it ended well.
    pub(crate) fn of(tree: String, failure: Option<BoxError>, dropped: Vec<Left>, stuck: Vec<Left>) -> Option<Self> {
        let mut story = Story::new(tree, TreeErrorKind::Failed);
        if let Some(error) = &failure {
            if error.is::<RestartLimitReached>() {
                story.kind = TreeErrorKind::LimitReached;
            }
            if let Some(SupervisorFailed { why, forfeited, .. }) = find(&**error) {
                match why {
                    Why::StartFailed | Why::StartTimedOut(_) => story.kind = TreeErrorKind::StartFailed,
                    Why::Forfeited => story.kind = TreeErrorKind::Forfeited,
                    Why::GaveUp => story.kind = TreeErrorKind::LimitReached,
                    Why::Crashed | Why::Escalated | Why::Stuck => {}
                }
                story.forfeited.clone_from(forfeited);
            }
        } else if !dropped.is_empty() {
            story.kind = TreeErrorKind::Dropped;
        } else if stuck.is_empty() {
            return None;
        }
        if !stuck.is_empty() {
            story.kind = TreeErrorKind::Stuck;
        }
        Some(Self(Box::new(Story { failure, dropped, stuck, ..story })))
    }

    /// What kind of end it was.
    pub fn kind(&self) -> TreeErrorKind {
        self.0.kind
    }

    /// The report of the limit, where the outermost supervisor reached it and has no `raises`.
    pub fn limit(&self) -> Option<&RestartLimitReached> {
        self.0.failure.as_deref()?.downcast_ref()
    }

    /// The paths of what was forfeited, where the tree ended for that.
    pub fn forfeited(&self) -> impl Iterator<Item = &str> {
        self.0.forfeited.iter().map(|forfeited| &*forfeited.path)
    }

    /// What had to be dropped by force while the tree was stopping.
    pub fn dropped(&self) -> &[Left] {
        &self.0.dropped
    }

    /// What could not even be dropped, because it blocks its thread, and may still be running.
    pub fn stuck(&self) -> &[Left] {
        &self.0.stuck
    }
}

impl Story {
    fn new(tree: String, kind: TreeErrorKind) -> Self {
        Self {
            tree,
            kind,
            problems: Vec::new(),
            failure: None,
            forfeited: Vec::new(),
            dropped: Vec::new(),
            stuck: Vec::new(),
        }
    }
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let story = &self.0;
        match (&story.failure, story.kind) {
            (_, TreeErrorKind::Invalid) => {
                write!(f, "tree `{}` is not valid: {}", story.tree, story.problems.join("; "))
            }
            (_, TreeErrorKind::Stuck) => {
                write!(f, "tree `{}` left {} running: stuck", story.tree, paths(&story.stuck))
            }
            (Some(error), _) if f.alternate() => write!(f, "{}", Chain(&**error)),
            (Some(error), _) => write!(f, "{error}"),
            (None, _) => {
                write!(f, "tree `{}` stopped, but {} had to be dropped by force", story.tree, paths(&story.dropped))
            }
        }
    }
}

impl fmt::Debug for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let story = &self.0;
        if story.kind == TreeErrorKind::Invalid {
            write!(f, "tree `{}` is not valid:", story.tree)?;
            return story.problems.iter().try_for_each(|problem| write!(f, "\n  - {problem}"));
        }
        write!(f, "{self}")?;
        if let Some(failure) = &story.failure {
            let mut next = if story.kind == TreeErrorKind::Stuck {
                Some(&**failure as &(dyn Error + 'static))
            } else {
                failure.source()
            };
            while let Some(error) = next {
                write!(f, "\n  caused by: {error}")?;
                next = error.source();
            }
            last_causes(f, &**failure)?;
        }
        for Forfeited { path, exit } in &story.forfeited {
            match exit {
                Some(exit) => write!(f, "\n  forfeited: `{path}` {}", Whole(exit))?,
                None => write!(f, "\n  forfeited: `{path}`")?,
            }
        }
        for Left { path, phase, after } in &story.dropped {
            let phase = phase.map(|phase| format!(" in {phase}")).unwrap_or_default();
            write!(f, "\n  dropped by force: `{path}`{phase}, {after:?} after it was asked to stop")?;
        }
        for Left { path, after, .. } in &story.stuck {
            write!(f, "\n  stuck, still running: `{path}`, {after:?} after it was asked to stop")?;
        }
        Ok(())
    }
}

impl Error for TreeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The words of the failure itself are in `Display` already.
        self.0.failure.as_deref()?.source()
    }
}

/// A supervisor gave up: one more restart would have been more than its limit.
///
/// Its `max_restarts` and `over` are the limit. What [`raises`](crate::Supervisor::raises) is given.
#[derive(Clone, Debug)]
pub struct RestartLimitReached {
    pub(crate) supervisor: String,
    pub(crate) limit: RestartLimit,
    pub(crate) last: Vec<LastExit>,
}

#[derive(Clone, Debug)]
pub(crate) struct LastExit {
    pub(crate) path: String,
    pub(crate) exit: Arc<Exit>,
}

impl RestartLimitReached {
    /// The path of the supervisor that gave up.
    pub fn supervisor(&self) -> &str {
        &self.supervisor
    }

    /// The limit that it reached.
    pub fn limit(&self) -> RestartLimit {
        self.limit
    }

    /// The path of the child whose failure was one too many.
    pub fn child(&self) -> &str {
        self.last.first().map_or("", |last| &last.path)
    }

    /// The last failures, each child's own, the latest first: where, and how it ended.
    pub fn last(&self) -> impl Iterator<Item = (&str, &Exit)> {
        self.last.iter().map(|last| (&*last.path, &*last.exit))
    }
}

impl fmt::Display for RestartLimitReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "supervisor `{}` reached its restart limit: more than {}", self.supervisor, self.limit)?;
        match self.last.first() {
            Some(LastExit { path, exit }) => write!(f, "; last: `{path}` {}", Headline(exit)),
            None => Ok(()),
        }
    }
}

impl Error for RestartLimitReached {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        source_of(&self.last.first()?.exit)
    }
}

/// A supervisor failed for another reason than its limit.
#[derive(Debug)]
pub(crate) struct SupervisorFailed {
    pub(crate) supervisor: String,
    pub(crate) why: Why,
    /// The child that was the reason, if one was.
    pub(crate) child: Option<LastExit>,
    pub(crate) forfeited: Vec<Forfeited>,
    /// What `raises` made of the report.
    pub(crate) raised: Option<BoxError>,
    /// The other children that failed before it gave up.
    pub(crate) before: Vec<LastExit>,
    /// Something below it still runs, and cannot be dropped.
    pub(crate) stuck: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    StartFailed,
    StartTimedOut(Duration),
    Crashed,
    Escalated,
    Forfeited,
    Stuck,
    GaveUp,
}

impl fmt::Display for SupervisorFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let supervisor = &self.supervisor;
        let child = |words: &str, f: &mut fmt::Formatter<'_>| match &self.child {
            Some(LastExit { path, exit }) => match exit.cause {
                Cause::Error(_) if exit.phase == Phase::Run => write!(f, "supervisor `{supervisor}` {words} `{path}`"),
                _ => write!(f, "supervisor `{supervisor}` {words} `{path}`, which {}", Headline(exit)),
            },
            None => write!(f, "supervisor `{supervisor}` failed"),
        };
        match self.why {
            Why::StartFailed => match &self.child {
                Some(LastExit { path, exit }) => {
                    write!(f, "supervisor `{supervisor}` did not start: `{path}` {}", Headline(exit))
                }
                None => write!(f, "supervisor `{supervisor}` did not start"),
            },
            Why::StartTimedOut(limit) => {
                write!(f, "supervisor `{supervisor}` took longer to start than its start_timeout of {limit:?}")
            }
            Why::Crashed => child("crashed with its child", f),
            Why::Escalated => child("escalated the failure of its child", f),
            Why::Stuck => write!(f, "supervisor `{supervisor}` has a child that cannot be dropped"),
            Why::GaveUp => write!(f, "supervisor `{supervisor}` gave up"),
            Why::Forfeited => {
                write!(f, "supervisor `{supervisor}` ended with something forfeited: ")?;
                let listed = self.forfeited.iter().take(LISTED).map(|forfeited| format!("`{}`", forfeited.path));
                let more = self.forfeited.len().saturating_sub(LISTED);
                write!(f, "{}", listed.collect::<Vec<_>>().join(", "))?;
                if more > 0 { write!(f, " and {more} more") } else { Ok(()) }
            }
        }
    }
}

impl Error for SupervisorFailed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.raised {
            Some(raised) => Some(&**raised),
            None => source_of(&self.child.as_ref()?.exit),
        }
    }
}

/// How many paths a message lists before it counts the rest.
const LISTED: usize = 10;

fn paths(left: &[Left]) -> String {
    let listed: Vec<_> = left.iter().take(LISTED).map(|left| format!("`{}`", left.path)).collect();
    match left.len().saturating_sub(LISTED) {
        0 => listed.join(", "),
        more => format!("{} and {more} more", listed.join(", ")),
    }
}

/// The failures before the last one, of the innermost supervisor that gave up.
fn last_causes(f: &mut fmt::Formatter<'_>, failure: &(dyn Error + 'static)) -> fmt::Result {
    let mut before: &[LastExit] = &[];
    let mut next = Some(failure);
    while let Some(error) = next {
        if let Some(limit) = error.downcast_ref::<RestartLimitReached>() {
            before = &limit.last[1.min(limit.last.len())..];
        } else if let Some(failed) = error.downcast_ref::<SupervisorFailed>() {
            before = &failed.before;
        }
        next = error.source();
    }
    before.iter().try_for_each(|LastExit { path, exit }| write!(f, "\n  before that: `{path}` {}", Whole(exit)))
}

fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a SupervisorFailed> {
    error.downcast_ref()
}

fn source_of(exit: &Exit) -> Option<&(dyn Error + 'static)> {
    exit.error().map(|error| error as &(dyn Error + 'static))
}

/// How an incarnation ended, without the words of its error: those are in `source()`.
struct Headline<'a>(&'a Exit);

impl fmt::Display for Headline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.cause, self.0.phase) {
            (Cause::Error(_), Phase::Create) => f.write_str("failed while it was created"),
            (Cause::Error(_), Phase::Start) => f.write_str("failed in start"),
            (Cause::Error(_), _) => f.write_str("failed"),
            (Cause::Done, _) if !self.0.asked => f.write_str("returned Ok unasked, but is permanent"),
            _ => write!(f, "{}", self.0),
        }
    }
}

/// How an incarnation ended, with the whole chain of its error.
struct Whole<'a>(&'a Exit);

impl fmt::Display for Whole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match source_of(self.0) {
            Some(error) => write!(f, "{}: {}", Headline(self.0), Chain(error)),
            None => write!(f, "{}", Headline(self.0)),
        }
    }
}
