//! The stream of events: numbered under one lock, kept in a ring for those who listen.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll, Waker};

use futures_core::Stream;
use tracing::level_filters::LevelFilter;

use super::event::Event;
use crate::shell::catch_drop;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutex, MutexExt};

/// How many events are kept for a listener that is slow.
///
/// A restart of a group of a thousand makes about five thousand; an event takes about 100 bytes, and only while
/// somebody listens.
const KEPT: usize = 8192;

/// The events of one tree.
#[derive(Default)]
pub(crate) struct EventLog {
    listeners: AtomicUsize,
    ring: Mutex<Ring>,
}

/// Invariant: `kept` holds the events up to `last` without gaps, the latest last.
#[derive(Default)]
struct Ring {
    /// The number of the last event.
    last: u64,
    kept: VecDeque<Event>,
    /// Who waits for the next one.
    waiting: Vec<Waker>,
    /// Listeners that must not miss any, for as long as a snapshot takes.
    taps: usize,
    /// There will be no more.
    is_over: bool,
}

impl EventLog {
    /// Whether anybody wants to know: a listener, or the log.
    pub(crate) fn is_wanted(&self) -> bool {
        self.listeners.load(Ordering::Relaxed) > 0 || is_logged()
    }

    /// Numbers an event and keeps it, if anybody listens. Called under the lock of the group that it is about, so that the
    /// order of events is the order in which they happened.
    pub(crate) fn push(&self, mut event: Event) -> Pushed {
        if self.listeners.load(Ordering::Relaxed) == 0 {
            return Pushed::default();
        }
        let mut ring = self.ring.hold();
        ring.last += 1;
        event.number = ring.last;
        ring.kept.push_back(event);
        let excess = if ring.taps == 0 { ring.kept.len().saturating_sub(KEPT) } else { 0 };
        let surplus = if excess > 0 { ring.kept.drain(..excess).collect() } else { Vec::new() };
        Pushed { waiting: std::mem::take(&mut ring.waiting), surplus }
    }

    /// The number of the last event.
    pub(crate) fn last(&self) -> u64 {
        self.ring.hold().last
    }

    /// The tree has ended: those who listen get what is left, and then the end.
    pub(crate) fn end(&self) {
        let waiting = {
            let mut ring = self.ring.hold();
            ring.is_over = true;
            std::mem::take(&mut ring.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    fn attach(self: &Arc<Self>, is_tap: bool) -> Events {
        let mut ring = self.ring.hold();
        let mut old = VecDeque::new();
        if self.listeners.fetch_add(1, Ordering::SeqCst) == 0 {
            // What happened since the last listener left was not numbered: whoever saw that number is to notice.
            ring.last += 1;
            old = std::mem::take(&mut ring.kept);
        }
        ring.taps += usize::from(is_tap);
        let next = ring.last + 1;
        drop(ring);
        // The errors in it are the user's.
        let _ = catch_drop(old);
        Events { log: Arc::clone(self), next, ahead: VecDeque::new(), is_tap }
    }
}

/// What is left to do when an event has been numbered, outside of every lock.
#[derive(Default)]
pub(crate) struct Pushed {
    /// Who waits for it.
    pub(crate) waiting: Vec<Waker>,
    /// What is no longer kept, to be dropped.
    pub(crate) surplus: Vec<Event>,
}

/// Whether anybody reads the log.
pub(crate) fn is_logged() -> bool {
    LevelFilter::current() != LevelFilter::OFF
}

/// A stream of everything that happens in a tree: [`TreeHandle::events`](crate::TreeHandle::events).
///
/// Every listener sees the same events in the same order, and their numbers have no gaps. One that is more than 8,192 behind
/// loses the oldest: then it gets [`Missed`], and takes a new [snapshot](crate::TreeHandle::snapshot). The stream ends with the tree, after
/// [`What::ShutDown`](crate::What::ShutDown).
///
/// ```
/// use supervisor_runtime::{Child, Supervisor, What, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let clock = Child::new("clock", || service_fn(|cx| async move { Ok(cx.stopping().await) }));
/// let running = Supervisor::one_for_one("app").child(clock).start().await?;
/// let mut events = running.events();
/// running.child::<supervisor_runtime::Untyped>("clock")?.restart().await?;
/// let mut seen = Vec::new();
/// while let Some(event) = events.next().await {
///     let event = event?;
///     seen.push(format!("{} {}", event.path(), event.what()));
///     if matches!(event.what(), What::Started) {
///         break;
///     }
/// }
/// assert_eq!(
///     seen,
///     ["app/clock restart by hand", "app/clock stopping", "app/clock stopped", "app/clock starting", "app/clock started"]
/// );
/// # running.shutdown().await?;
/// # Ok(())
/// # }
/// ```
pub struct Events {
    log: Arc<EventLog>,
    /// The number of the next event to be taken from the ring.
    next: u64,
    /// Those before, which have been taken and come first.
    ahead: VecDeque<Event>,
    is_tap: bool,
}

/// A listener was too slow: it missed this many events.
///
/// [`TreeHandle::snapshot`](crate::TreeHandle::snapshot) tells where the tree stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed(pub u64);

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "missed {} event{} of the tree", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

impl std::error::Error for Missed {}

impl Events {
    pub(crate) fn of(log: &Arc<EventLog>) -> Self {
        log.attach(false)
    }

    /// A listener that misses nothing; the ring grows for it.
    pub(crate) fn tap(log: &Arc<EventLog>) -> Self {
        log.attach(true)
    }

    /// Waits for the next event; `None` when the tree has ended.
    ///
    /// # Errors
    ///
    /// [`Missed`], if this listener was too slow; the next call goes on with the oldest event that is still there.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no event is lost.
    pub async fn next(&mut self) -> Option<Result<Event, Missed>> {
        poll_fn(|task| self.poll(task)).await
    }

    /// The next event, if it has happened already.
    pub fn try_next(&mut self) -> Option<Result<Event, Missed>> {
        match self.fetch(None) {
            Fetched::Some => self.ahead.pop_front().map(Ok),
            Fetched::Missed(missed) => Some(Err(missed)),
            Fetched::None | Fetched::End => None,
        }
    }

    fn poll(&mut self, task: &mut Task<'_>) -> Poll<Option<Result<Event, Missed>>> {
        match self.fetch(Some(task.waker())) {
            Fetched::Some => Poll::Ready(self.ahead.pop_front().map(Ok)),
            Fetched::Missed(missed) => Poll::Ready(Some(Err(missed))),
            Fetched::None => Poll::Pending,
            Fetched::End => Poll::Ready(None),
        }
    }

    /// Takes several from the ring, unless there are some still.
    fn fetch(&mut self, waker: Option<&Waker>) -> Fetched {
        /// How many are copied under one hold of the lock.
        const SEVERAL: usize = 64;
        if !self.ahead.is_empty() {
            return Fetched::Some;
        }
        let mut ring = self.log.ring.hold();
        let first = ring.last + 1 - ring.kept.len() as u64;
        if self.next < first {
            let missed = first - self.next;
            self.next = first;
            return Fetched::Missed(Missed(missed));
        }
        let known = (self.next - first) as usize;
        if known == ring.kept.len() {
            if ring.is_over {
                return Fetched::End;
            }
            if let Some(waker) = waker
                && !ring.waiting.iter().any(|waiting| waiting.will_wake(waker))
            {
                ring.waiting.push(waker.clone());
            }
            return Fetched::None;
        }
        if self.log.listeners.load(Ordering::SeqCst) > 1 {
            self.ahead.extend(ring.kept.range(known..).take(SEVERAL).cloned());
            self.next += self.ahead.len() as u64;
            return Fetched::Some;
        }
        // Nobody else wants them, and who comes later begins with what comes later.
        std::mem::swap(&mut self.ahead, &mut ring.kept);
        self.next = ring.last + 1;
        drop(ring);
        let known: Vec<Event> = self.ahead.drain(..known).collect();
        // The errors in it are the user's.
        let _ = catch_drop(known);
        Fetched::Some
    }
}

/// What there was for a listener.
enum Fetched {
    /// Some are ahead.
    Some,
    None,
    Missed(Missed),
    End,
}

impl Stream for Events {
    type Item = Result<Event, Missed>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Self::Item>> {
        self.poll(task)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if self.is_tap {
            self.log.ring.hold().taps -= 1;
        }
        self.log.listeners.fetch_sub(1, Ordering::SeqCst);
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("next", &self.next).finish_non_exhaustive()
    }
}
