//! A tree under test.

use std::fmt::Write;
use std::future::Future;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use super::fault::Fault;
use super::faults::Faults;
use super::names::Known;
use super::notation::{Item, parse, parse_item};
use super::trace::{Happening, Trace};
use crate::view::{Event, Events};
use crate::{Running, Supervisor, TreeError, TreeHandle};

/// How long a test waits for what it expects, by the paused clock: no time at all by any other.
const PATIENCE: Duration = Duration::from_secs(86_400);

/// A running tree under test: on a paused clock, with faults on demand, and a [trace](super#the-trace) of what has happened.
///
/// The clock stands still while anything can go on without it, and jumps to the next timer when nothing can: a test that waits
/// for an hour takes no time, and two runs of it are the same. What comes from outside (a socket, a file, a blocking thread) the
/// clock knows nothing of; give the services of a test something that does without.
///
/// The tree goes on only while the test awaits. It derefs to a [`TreeHandle`], to look at it and to steer it; dropping it
/// drops what runs.
#[derive(Debug)]
#[must_use = "dropping it drops the running tree"]
pub struct TestTree {
    running: Running,
    events: Events,
    faults: Arc<Faults>,
    known: Known,
    /// What has happened since the last look.
    trace: Trace,
    epoch: Instant,
    is_over: bool,
}

impl TestTree {
    /// Begins to start a tree: `TestTree::new(Tree::service())`, or a [`Supervisor`] built by hand.
    ///
    /// Nothing of it has run when this returns, so that [`inject`](Self::inject) comes in time for the first start. The jitter of
    /// its backoff is the same in every run: of [`Supervisor::jitter_seed`], or of 0.
    ///
    /// # Panics
    ///
    /// If the declaration is not valid, or the clock is not paused: `#[tokio::test(start_paused = true)]` pauses it before
    /// it has moved, which keeps all times exact.
    #[track_caller]
    pub fn new(tree: Supervisor) -> Self {
        assert!(
            Handle::try_current().is_ok() && is_paused(),
            "a tree is tested on a paused clock: write `#[tokio::test(start_paused = true)]` above the test"
        );
        let faults = Arc::new(Faults::default());
        let seed = tree.seed.unwrap_or(0);
        let running = match tree.jitter_seed(seed).begin(Arc::clone(&faults)) {
            Ok(running) => running,
            Err(invalid) => panic!("{invalid:?}"),
        };
        let epoch = crate::shell::now();
        let (events, known) = (running.tap(), running.spec().map(|spec| Known::of(spec)).unwrap_or_default());
        Self { running, events, faults, known, trace: Trace::from(epoch), epoch, is_over: false }
    }

    /// Makes something go wrong: now, or when it is time.
    ///
    /// # Panics
    ///
    /// If the tree has no such service.
    #[track_caller]
    pub fn inject(&self, fault: Fault) {
        if let Some(why) = self.known.refuse(&fault.target) {
            panic!("cannot {fault}: {why}");
        }
        self.faults.inject(fault);
    }

    /// [`Fault::fail`], injected.
    #[track_caller]
    pub fn fail(&self, child: &str) {
        self.inject(Fault::fail(child));
    }

    /// [`Fault::panic`], injected.
    #[track_caller]
    pub fn panic(&self, child: &str) {
        self.inject(Fault::panic(child));
    }

    /// [`Fault::hang`], injected.
    #[track_caller]
    pub fn hang(&self, child: &str) {
        self.inject(Fault::hang(child));
    }

    /// [`Fault::delay`], injected.
    #[track_caller]
    pub fn delay(&self, child: &str, time: Duration) {
        self.inject(Fault::delay(child, time));
    }

    /// [`Fault::finish`], injected.
    #[track_caller]
    pub fn finish(&self, child: &str) {
        self.inject(Fault::finish(child));
    }

    /// Compares all that has happened since the last time with a [trace](super#the-trace).
    ///
    /// Waits until as much has happened as is expected, and until nothing more can happen without the clock. So
    /// `expect("")` says that nothing has happened.
    ///
    /// # Panics
    ///
    /// If something else has happened: the message shows what is missing and what is too much.
    #[track_caller]
    pub fn expect<'a>(&'a mut self, trace: &'a str) -> impl Future<Output = ()> + 'a {
        let caller = Location::caller();
        let expected = parse(trace).unwrap_or_else(|why| panic!("this is no trace: {why}"));
        async move {
            let enough = expected.iter().map(Item::events).sum();
            let waited =
                timeout(PATIENCE, async { while self.trace.happened.len() < enough && self.pull().await.is_some() {} });
            let _ = waited.await;
            self.settle().await;
            let happened = self.take_trace();
            if let Some(diff) = happened.differs_from(&expected, self.epoch) {
                let unmet = self.faults.unmet();
                let mut message = format!("the trace at {caller} is not what was expected:\n{diff}");
                message.push_str("  (`-` was expected and has not happened, `+` has happened and was not expected)");
                for fault in unmet {
                    let _ = write!(message, "\n  `{fault}` was injected and has not happened");
                }
                panic!("{message}");
            }
        }
    }

    /// Goes on to the next thing that a [trace](super#the-trace) shows; `None` once the tree has ended.
    ///
    /// No service does anything more before the test has had its turn, so that a fault, or an order, comes exactly then: when
    /// one `stop` has returned, say, and the next has not. What is stepped over stays in the trace.
    pub async fn step(&mut self) -> Option<Event> {
        let _holding = Holding::begin(&self.faults);
        timeout(PATIENCE, self.pull()).await.ok().flatten()
    }

    /// Steps until this has happened: `tree.until("stop worker[2]").await`.
    ///
    /// # Panics
    ///
    /// If it does not happen.
    #[track_caller]
    pub fn until<'a>(&'a mut self, item: &'a str) -> impl Future<Output = ()> + 'a {
        let caller = Location::caller();
        let wanted = parse_item(item.trim()).unwrap_or_else(|why| panic!("this is no item of a trace: {why}"));
        async move {
            while self.step().await.is_some() {
                if self.trace.happened.last().is_some_and(|last| last.is(&wanted)) {
                    return;
                }
            }
            panic!("at {caller}: `{wanted}` does not happen, only {}", self.trace);
        }
    }

    /// Lets so much time pass, with all that happens in it.
    pub async fn advance(&mut self, time: Duration) {
        sleep(time).await;
        self.settle().await;
    }

    /// What has happened since the last look, as far as it can go without the clock; the next look begins after it.
    pub async fn trace(&mut self) -> Trace {
        self.settle().await;
        self.take_trace()
    }

    /// Waits until the tree has ended, by itself or because it was asked to.
    ///
    /// # Errors
    ///
    /// As [`Supervisor::run`].
    ///
    /// # Panics
    ///
    /// If it does not end.
    pub async fn ended(&mut self) -> Result<(), TreeError> {
        match timeout(PATIENCE, self.running.wait()).await {
            Ok(end) => end,
            Err(_) => {
                panic!("the tree does not end:\n{:#}", self.snapshot().map(|s| s.to_string()).unwrap_or_default())
            }
        }
    }

    /// Waits for the next event that a trace shows, and notes it.
    async fn pull(&mut self) -> Option<Event> {
        while !self.is_over {
            match self.events.next().await {
                Some(Ok(event)) if self.note(&event) => return Some(event),
                Some(_) => {}
                None => self.is_over = true,
            }
        }
        None
    }

    fn note(&mut self, event: &Event) -> bool {
        self.faults.saw(event.number());
        let shown = Happening::of(event, self.running.name());
        let is_shown = shown.is_some();
        self.trace.happened.extend(shown);
        is_shown
    }

    /// Lets everything happen that needs no clock.
    async fn settle(&mut self) {
        // Each time, all that can run has a turn; what has not led to anything by then only keeps itself busy.
        const TURNS: u32 = 100;
        let mut quiet = 0;
        while quiet < TURNS {
            yield_now().await;
            quiet += 1;
            while let Some(event) = self.events.try_next() {
                if event.is_ok_and(|event| self.note(&event)) {
                    quiet = 0;
                }
            }
        }
    }

    fn take_trace(&mut self) -> Trace {
        let from = crate::shell::now();
        std::mem::replace(&mut self.trace, Trace::from(from))
    }
}

impl Deref for TestTree {
    type Target = TreeHandle;

    fn deref(&self) -> &TreeHandle {
        &self.running
    }
}

/// Holds all services whenever something has happened that the test has not seen.
struct Holding(Arc<Faults>);

impl Holding {
    fn begin(faults: &Arc<Faults>) -> Self {
        faults.hold(true);
        Self(Arc::clone(faults))
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.0.hold(false);
    }
}

/// Whether tokio's clock stands still while that of the machine does not.
fn is_paused() -> bool {
    let (start, before) = (Instant::now(), tokio::time::Instant::now());
    while start.elapsed() < Duration::from_micros(1) {
        std::hint::spin_loop();
    }
    tokio::time::Instant::now() == before
}
