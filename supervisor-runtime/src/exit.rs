//! How an incarnation ended, and the instructions that an error may carry.

use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::BoxError;
use crate::RestartLimitReached;
use crate::error::{Forfeited, SupervisorFailed, Why};
use crate::shell::{SpawnedTaskFailed, catch};

/// How an incarnation of a child ended; [`Service::stop`](crate::Service::stop) is told, and
/// [`Context::last_exit`](crate::Context::last_exit) remembers.
///
/// `Display` says it in one line, without the chain of causes: `panicked at src/worker.rs:7:9: boom`.
#[derive(Debug)]
pub struct Exit {
    pub(crate) cause: Cause,
    pub(crate) phase: Phase,
    pub(crate) asked: bool,
    /// When `run`, or what came before it, ended; `None` of one that stopped because it was asked to, where nobody needs it.
    pub(crate) at: Option<Instant>,
}

/// How an incarnation has ended, as its task and its group hand it on.
///
/// Most that are asked to stop just do, and often those of a whole tree at once: such an end takes no memory of its own.
///
/// A pointer either way: so it is handed on in registers, and every restart does that several times.
#[derive(Debug)]
pub(crate) enum Ending {
    /// It was asked to stop, and nothing went wrong: one of those that only tell the phase.
    Stopped(&'static Exit),
    /// There is more to tell.
    Told(Arc<Exit>),
}

/// Why an incarnation ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// It returned `Ok`.
    Done,
    /// It, its factory or a task that it had spawned returned an error.
    Error(BoxError),
    /// It panicked.
    Panic(Panic),
    /// Its `start` took longer than its `start_timeout`.
    StartTimedOut(Duration),
    /// It gave no heartbeat for as long as its `heartbeat`.
    Unresponsive(Duration),
    /// It was dropped: its `shutdown` deadline had passed, or it had none.
    Dropped,
}

/// What an incarnation was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Its expression was being evaluated.
    Create,
    /// In [`Service::start`](crate::Service::start).
    Start,
    /// In [`Service::run`](crate::Service::run).
    Run,
    /// In [`Service::stop`](crate::Service::stop).
    Stop,
}

/// What is known about a panic.
#[derive(Debug, Clone)]
pub struct Panic(Box<Said>);

/// In a box: how an incarnation ended is moved about at every restart, and few panic.
#[derive(Debug, Clone)]
struct Said {
    message: String,
    place: Option<PanicPlace>,
}

/// Where a panic was; its text is made when somebody reads it.
#[derive(Clone)]
pub(crate) struct PanicPlace {
    file: Box<str>,
    line: u32,
    column: u32,
    text: OnceLock<String>,
}

impl PanicPlace {
    pub(crate) fn new(file: &str, line: u32, column: u32) -> Self {
        Self { file: file.into(), line, column, text: OnceLock::new() }
    }

    fn text(&self) -> &str {
        self.text.get_or_init(|| format!("{}:{}:{}", self.file, self.line, self.column))
    }
}

impl fmt::Debug for PanicPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl Ending {
    /// Of one that was asked to stop when it did that, and did.
    pub(crate) fn stopped(phase: Phase) -> Self {
        static STOPPED: [Exit; 4] = [
            Exit::stopped(Phase::Create),
            Exit::stopped(Phase::Start),
            Exit::stopped(Phase::Run),
            Exit::stopped(Phase::Stop),
        ];
        Self::Stopped(&STOPPED[phase as usize])
    }

    /// For those who keep it.
    pub(crate) fn share(&self) -> Arc<Exit> {
        match self {
            Self::Stopped(exit) => Arc::new(Exit::stopped(exit.phase)),
            Self::Told(exit) => Arc::clone(exit),
        }
    }
}

impl Deref for Ending {
    type Target = Exit;

    #[inline]
    fn deref(&self) -> &Exit {
        match self {
            Self::Stopped(exit) => exit,
            Self::Told(exit) => exit,
        }
    }
}

impl Exit {
    /// Of one that was asked to stop, and did.
    pub(crate) const fn stopped(phase: Phase) -> Self {
        Self { cause: Cause::Done, phase, asked: true, at: None }
    }

    /// Why it ended.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// What it was doing when it ended.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether it had been asked to stop; then nothing that happened is a failure.
    pub fn was_asked(&self) -> bool {
        self.asked
    }

    /// Whether something went wrong: an error, a panic, a limit missed, without having been asked to stop.
    ///
    /// An unasked `Ok` is none, though a `permanent` child that returns one is restarted like one that failed.
    pub fn is_failure(&self) -> bool {
        !self.asked && !matches!(self.cause, Cause::Done)
    }

    /// The error that it returned, with its `source()` chain, and without the [`forfeit`] or [`escalate`] around it.
    pub fn error(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        let Cause::Error(error) = &self.cause else { return None };
        let mut error = &**error;
        while let Some(instruction) = error.downcast_ref::<Instruction>() {
            error = &*instruction.error;
        }
        Some(error)
    }

    /// Whether this is the end of a supervisor with something stuck below it.
    pub(crate) fn is_stuck(&self) -> bool {
        let failed = self.error().and_then(|error| error.downcast_ref::<SupervisorFailed>());
        failed.is_some_and(|failed| failed.stuck)
    }

    /// What was forfeited, if this is the end of a supervisor that ended for that.
    pub(crate) fn forfeits(&self) -> Option<Vec<Forfeited>> {
        let failed = self.error()?.downcast_ref::<SupervisorFailed>()?;
        (failed.why == Why::Forfeited).then(|| failed.forfeited.clone())
    }

    /// What the error's chain asks the supervisor to do, if anything.
    pub(crate) fn instruction(&self) -> Option<Verb> {
        let Cause::Error(error) = &self.cause else { return None };
        let mut next: Option<&(dyn Error + 'static)> = Some(&**error);
        while let Some(error) = next {
            if let Some(instruction) = error.downcast_ref::<Instruction>() {
                return Some(instruction.verb);
            }
            if let Some(task) = error.downcast_ref::<SpawnedTaskFailed>() {
                return task.exit.instruction();
            }
            // Mostly there is nothing behind it.
            let source = error.source()?;
            // What a child said has been obeyed by its own supervisor; it is not meant for those above.
            next = match error.downcast_ref::<SupervisorFailed>() {
                Some(failed) => failed.raised.as_deref().map(|raised| raised as _),
                None if error.is::<RestartLimitReached>() => None,
                None => Some(source),
            };
        }
        None
    }
}

impl Drop for Exit {
    /// The error is the user's, and may panic when it is dropped; two that did so at once would be the end of the process. So
    /// whoever keeps exits can drop them as he likes.
    fn drop(&mut self) {
        let _ = catch(|| self.cause = Cause::Done);
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.phase {
            Phase::Create => " while it was created",
            Phase::Start => " in start",
            Phase::Run => "",
            Phase::Stop => " in stop",
        };
        match &self.cause {
            Cause::Done if self.asked => write!(f, "stopped"),
            Cause::Done => write!(f, "returned Ok"),
            Cause::Error(error) => write!(f, "failed{phase}: {error}"),
            Cause::Panic(panic) => write!(f, "panicked{phase}{panic}"),
            Cause::StartTimedOut(limit) => write!(f, "start took longer than its start_timeout of {limit:?}"),
            Cause::Unresponsive(limit) => write!(f, "gave no heartbeat for {limit:?}"),
            Cause::Dropped => write!(f, "was dropped by force{phase}"),
        }
    }
}

impl Panic {
    pub(crate) fn new(message: String, place: Option<PanicPlace>) -> Self {
        Self(Box::new(Said { message, place }))
    }

    /// The message, or a note that the panic's payload was not text.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// `file:line:column`, unless the panic hook was opted out of.
    pub fn place(&self) -> Option<&str> {
        self.0.place.as_ref().map(PanicPlace::text)
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place() {
            Some(place) => write!(f, " at {place}: {}", self.0.message),
            None => write!(f, ": {}", self.0.message),
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Start => "start",
            Self::Run => "run",
            Self::Stop => "stop",
        })
    }
}

/// An error that says: do not restart me.
///
/// From `start` or the child's expression it means "I decline to run": the start of the others goes on.
/// From `run` it makes the failure final. Either way the child is *forfeited*, which the result of
/// [`Supervisor::run`](crate::Supervisor::run) shows. The instruction is found along the `source()` chain,
/// so that a context wrapped around it does not hide it.
///
/// ```
/// use supervisor_runtime::{forfeit, Context, Service, ServiceResult};
///
/// struct Metrics { endpoint: Option<String> }
///
/// impl Service for Metrics {
///     async fn start(&mut self, _cx: &Context) -> ServiceResult {
///         match &self.endpoint {
///             Some(_) => Ok(()),
///             None => Err(forfeit("no metrics endpoint is configured")),
///         }
///     }
///
///     async fn run(&mut self, cx: &Context) -> ServiceResult {
///         cx.stopping().await;
///         Ok(())
///     }
/// }
/// ```
pub fn forfeit(error: impl Into<BoxError>) -> BoxError {
    Instruction::wrap(Verb::Forfeit, error.into())
}

/// An error that says: my supervisor cannot help, let it fail with this error.
///
/// The restart limit is not touched; the supervisor stops its children and fails, and its parent treats
/// it as any failed child. Found along the `source()` chain, as [`forfeit`] is.
///
/// ```
/// use supervisor_runtime::{BoxError, escalate};
///
/// fn read_config(path: &str) -> Result<String, BoxError> {
///     // Restarting the one that asked would not repair the file.
///     std::fs::read_to_string(path).map_err(escalate)
/// }
/// # let _ = read_config("none");
/// ```
pub fn escalate(error: impl Into<BoxError>) -> BoxError {
    Instruction::wrap(Verb::Escalate, error.into())
}

/// What an error can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Forfeit,
    Escalate,
}

/// Reads like the error inside: its own words and the chain behind them.
struct Instruction {
    verb: Verb,
    error: BoxError,
}

impl Instruction {
    fn wrap(verb: Verb, error: BoxError) -> BoxError {
        Box::new(Self { verb, error })
    }
}

/// The error without the instruction around it.
pub(crate) fn bare(error: BoxError) -> BoxError {
    match error.downcast::<Instruction>() {
        Ok(instruction) => bare(instruction.error),
        Err(error) => error,
    }
}

impl fmt::Debug for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({:?})", self.verb, self.error)
    }
}

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Instruction {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Wrapped(BoxError);

    impl fmt::Display for Wrapped {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("while opening the store")
        }
    }

    impl Error for Wrapped {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&*self.0)
        }
    }

    fn failed(error: BoxError) -> Exit {
        Exit { cause: Cause::Error(error), phase: Phase::Run, asked: false, at: None }
    }

    #[test]
    fn an_instruction_is_found_behind_a_context() {
        assert_eq!(failed(Box::new(Wrapped(forfeit("no store")))).instruction(), Some(Verb::Forfeit));
        assert_eq!(failed(Box::new(Wrapped(escalate("no store")))).instruction(), Some(Verb::Escalate));
        assert_eq!(failed("no store".into()).instruction(), None);
    }

    #[test]
    fn who_stopped_as_asked_is_remembered_by_the_phase_alone() {
        for phase in [Phase::Create, Phase::Start, Phase::Run, Phase::Stop] {
            let ending = Ending::stopped(phase);
            for exit in [&*ending, &*ending.share()] {
                assert!(exit.asked && matches!(exit.cause, Cause::Done));
                assert_eq!(exit.phase, phase);
            }
        }
    }

    #[test]
    fn an_instruction_reads_like_the_error_inside() {
        let error = forfeit(Box::new(Wrapped("disk full".into())) as BoxError);
        assert_eq!(error.to_string(), "while opening the store");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("disk full"));
    }
}
