//! What a test does to a service.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::notation::Target;
use crate::{BoxError, Phase};

/// Something that goes wrong, or takes long, in a service: which one, in which of its phases, in which incarnation, how
/// often.
///
/// Given to [`TestTree::inject`](super::TestTree::inject). It happens to the incarnation that is in that phase, at
/// once, or else to the next that comes there; once, unless said. The service itself knows nothing of it and need not be
/// changed.
///
/// ```
/// use std::time::Duration;
/// use supervisor_runtime::Phase;
/// use supervisor_runtime::testing::Fault;
///
/// let unlucky = Fault::fail("db").at(Phase::Start).times(3);
/// let slow = Fault::delay("worker[0..4]", Duration::from_secs(2)).at(Phase::Stop);
/// let late = Fault::panic("worker[2]").incarnation(5);
/// ```
#[derive(Clone)]
#[must_use = "a fault does nothing until it is injected"]
pub struct Fault {
    pub(super) target: Target,
    pub(super) kind: Kind,
    pub(super) phase: Phase,
    pub(super) incarnation: Option<u32>,
    /// How often it happens to each child that it is meant for.
    pub(super) times: u32,
}

/// What happens.
#[derive(Clone)]
pub(super) enum Kind {
    Fail(Arc<dyn Fn() -> BoxError + Send + Sync>),
    Panic,
    Hang,
    Delay(Duration),
    Finish,
}

impl Fault {
    /// The service fails with an error, `injected failure`.
    ///
    /// A child is named as in a [trace](super#the-trace): `db`, `pool/worker[2]`, `worker[0..4]`.
    ///
    /// # Panics
    ///
    /// As all of these, if that is not how a child is named.
    #[track_caller]
    pub fn fail(child: &str) -> Self {
        Self::fail_with(child, || "injected failure".into())
    }

    /// The service fails with this error, which may be a [`forfeit`](crate::forfeit) or an [`escalate`](crate::escalate).
    #[track_caller]
    pub fn fail_with(child: &str, error: impl Fn() -> BoxError + Send + Sync + 'static) -> Self {
        Self::new(child, Kind::Fail(Arc::new(error)))
    }

    /// The service panics.
    #[track_caller]
    pub fn panic(child: &str) -> Self {
        Self::new(child, Kind::Panic)
    }

    /// The service does nothing any more; it does not even listen when it is asked to stop.
    #[track_caller]
    pub fn hang(child: &str) -> Self {
        Self::new(child, Kind::Hang)
    }

    /// The service does nothing for so long, then goes on.
    #[track_caller]
    pub fn delay(child: &str, time: Duration) -> Self {
        Self::new(child, Kind::Delay(time))
    }

    /// The service's `run` returns `Ok`, as if its work were done.
    #[track_caller]
    pub fn finish(child: &str) -> Self {
        Self::new(child, Kind::Finish)
    }

    /// In which phase; in `run` unless said. [`Phase::Create`] is the evaluation of the child's expression.
    ///
    /// # Panics
    ///
    /// If nothing can happen there: `stop` returns nothing, so it cannot fail, and only `run` can finish.
    #[track_caller]
    pub fn at(mut self, phase: Phase) -> Self {
        let is_possible = match self.kind {
            Kind::Fail(_) => phase != Phase::Stop,
            Kind::Finish => phase == Phase::Run,
            Kind::Panic | Kind::Hang | Kind::Delay(_) => true,
        };
        assert!(is_possible, "a service cannot {} in `{phase}`", self.kind.word());
        self.phase = phase;
        self
    }

    /// In this incarnation of the child, counted from 1, and in no other.
    pub fn incarnation(mut self, incarnation: u32) -> Self {
        self.incarnation = Some(incarnation);
        self
    }

    /// So many times, to each child that it is meant for; once unless said.
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// Each time.
    pub fn always(self) -> Self {
        self.times(u32::MAX)
    }

    #[track_caller]
    fn new(child: &str, kind: Kind) -> Self {
        let target = Target::parse(child).unwrap_or_else(|why| panic!("`{child}` is no child: {why}"));
        Self { target, kind, phase: Phase::Run, incarnation: None, times: 1 }
    }
}

impl Kind {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Fail(_) => "fail",
            Self::Panic => "panic",
            Self::Hang => "hang",
            Self::Delay(_) => "delay",
            Self::Finish => "finish",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} in {}", self.kind.word(), self.target, self.phase)?;
        match self.incarnation {
            Some(incarnation) => write!(f, " of incarnation {incarnation}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fault({self})")
    }
}
