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
use super::names::Names;
use super::page::{LINES, Page, Told};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutex, MutexExt};

/// How many events are kept for a listener that is slow.
///
/// A restart of a group of a thousand makes about five thousand; an event takes about 100 bytes, and only while
/// somebody listens.
const KEPT: u64 = 8192;
/// How many pages that have been read are kept to be written again.
const SPARE: usize = 16;

/// The events of one tree.
#[derive(Default)]
pub(crate) struct EventLog {
    listeners: AtomicUsize,
    ring: Mutex<Ring>,
}

/// Invariant: `pages` and then `open` hold the events up to the last without gaps, each page from `first` on.
struct Ring {
    /// What is written no more.
    pages: VecDeque<Arc<Page>>,
    /// What is being written.
    open: Page,
    /// Empty ones, to be written again.
    spare: Vec<Page>,
    /// Who waits for the next one.
    waiting: Vec<(ListenerId, Waker)>,
    /// The listener that came last.
    last: ListenerId,
    /// Listeners that must not miss any, for as long as a snapshot takes.
    taps: usize,
    /// There will be no more.
    is_over: bool,
}

impl Default for Ring {
    fn default() -> Self {
        Self {
            pages: VecDeque::new(),
            open: Page::new(1, 0),
            spare: Vec::new(),
            waiting: Vec::new(),
            last: 0,
            taps: 0,
            is_over: false,
        }
    }
}

/// Tells one listener from all others.
type ListenerId = u64;

impl Ring {
    /// Has a listener woken by the next event; the waker by which it was to be woken before is to be dropped outside.
    fn wait(&mut self, id: ListenerId, waker: &Waker) -> Option<Waker> {
        match self.waiting.iter_mut().find(|(other, _)| *other == id) {
            Some((_, known)) => (!known.will_wake(waker)).then(|| std::mem::replace(known, waker.clone())),
            None => {
                self.waiting.push((id, waker.clone()));
                None
            }
        }
    }

    /// The number of the next event.
    fn next(&self) -> u64 {
        self.open.end()
    }

    /// The number of the first that may still be read.
    fn first(&self) -> u64 {
        let first = self.pages.front().map_or(self.open.first, |page| page.first);
        if self.taps > 0 { first } else { first.max(self.next().saturating_sub(KEPT)) }
    }

    /// Begins a new page, which most likely is to take as much as this one.
    fn turn(&mut self) {
        let (first, room) = (self.open.end(), self.open.len());
        let mut next = self.spare.pop().unwrap_or_else(|| Page::new(first, room));
        next.first = first;
        let full = std::mem::replace(&mut self.open, next);
        self.pages.push_back(Arc::new(full));
    }

    /// Goes on at this number with nothing kept; what was is to be dropped outside.
    fn clear(&mut self, next: u64) -> (VecDeque<Arc<Page>>, Page) {
        self.spare = Vec::new();
        (std::mem::take(&mut self.pages), std::mem::replace(&mut self.open, Page::new(next, 0)))
    }

    /// Takes the pages on which nothing may be read any more.
    fn shed(&mut self) -> Vec<Arc<Page>> {
        let first = self.first();
        let count = self.pages.iter().take_while(|page| page.end() <= first).count();
        self.pages.drain(..count).collect()
    }

    /// The page on which the event with this number stands, which is there; with those before it, if nobody else wants them.
    fn page(&mut self, number: u64, is_only: bool) -> (Arc<Page>, Vec<Arc<Page>>) {
        if number >= self.open.first {
            self.turn();
        }
        let place = self.pages.partition_point(|page| page.end() <= number);
        if is_only {
            // Who comes later begins with what comes later.
            let before = self.pages.drain(..place).collect();
            (self.pages.pop_front().expect("it is there"), before)
        } else {
            (Arc::clone(&self.pages[place]), Vec::new())
        }
    }
}

impl EventLog {
    /// Whether anybody wants to know: a listener, or the log.
    pub(crate) fn is_wanted(&self) -> bool {
        self.listeners.load(Ordering::Relaxed) > 0 || is_logged()
    }

    /// Numbers an event and keeps it, if anybody listens. Called under the lock of the group that it is about, so that the
    /// order of events is the order in which they happened.
    pub(crate) fn push(&self, names: &Arc<Names>, told: Told) -> Option<Pushed> {
        if self.listeners.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let ring = &mut *self.ring.hold();
        // The last listener may have left meanwhile: what nobody reads is not to be kept.
        if self.listeners.load(Ordering::Relaxed) == 0 {
            return None;
        }
        ring.open.write(names, told);
        let is_full = ring.open.len() == LINES;
        // Mostly there is nothing left to do.
        if !is_full && ring.waiting.is_empty() {
            return None;
        }
        if is_full {
            ring.turn();
        }
        Some(Pushed { waiting: std::mem::take(&mut ring.waiting), surplus: ring.shed() })
    }

    /// The number of the last event.
    pub(crate) fn last(&self) -> u64 {
        self.ring.hold().next() - 1
    }

    /// The tree has ended: those who listen get what is left, and then the end.
    pub(crate) fn end(&self) {
        let waiting = {
            let mut ring = self.ring.hold();
            ring.is_over = true;
            std::mem::take(&mut ring.waiting)
        };
        waiting.into_iter().for_each(|(_, waker)| waker.wake());
    }

    fn attach(self: &Arc<Self>, is_tap: bool) -> Events {
        let mut ring = self.ring.hold();
        let is_first = self.listeners.fetch_add(1, Ordering::SeqCst) == 0;
        // What happened since the last listener left was not numbered: whoever saw that number is to notice.
        let first = ring.next() + 1;
        let old = is_first.then(|| ring.clear(first));
        ring.taps += usize::from(is_tap);
        let next = ring.next();
        ring.last += 1;
        let id = ring.last;
        // In this order: the errors in it are the user's.
        drop(ring);
        drop(old);
        Events { log: Arc::clone(self), id, next, page: None, is_tap }
    }
}

/// What is left to do when an event has been numbered, outside of every lock.
pub(crate) struct Pushed {
    /// Who waits for it.
    pub(crate) waiting: Vec<(ListenerId, Waker)>,
    /// What is no longer kept, to be dropped.
    pub(crate) surplus: Vec<Arc<Page>>,
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
    id: ListenerId,
    /// The number of the next event.
    next: u64,
    /// The page on which it stands, if that has been turned to.
    page: Option<Arc<Page>>,
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
            Poll::Ready(event) => event,
            Poll::Pending => None,
        }
    }

    fn poll(&mut self, task: &mut Task<'_>) -> Poll<Option<Result<Event, Missed>>> {
        self.fetch(Some(task.waker()))
    }

    /// The next event; `waker` hears when there is one.
    #[inline]
    fn fetch(&mut self, waker: Option<&Waker>) -> Poll<Option<Result<Event, Missed>>> {
        match self.read() {
            Some(event) => Poll::Ready(Some(Ok(event))),
            None => self.turn(waker),
        }
    }

    /// The next event, if it is on the page.
    #[inline]
    fn read(&mut self) -> Option<Event> {
        let page = self.page.as_ref().filter(|page| self.next < page.end())?;
        let line = (self.next - page.first) as u32;
        self.next += 1;
        Some(Event::of(Arc::clone(page), line))
    }

    /// The next event, on another page.
    #[inline(never)]
    fn turn(&mut self, waker: Option<&Waker>) -> Poll<Option<Result<Event, Missed>>> {
        let mut read = self.page.take().and_then(Arc::into_inner);
        if let Some(page) = &mut read {
            page.wipe();
        }
        let mut ring = self.log.ring.hold();
        if ring.spare.len() < SPARE {
            ring.spare.extend(read);
        }
        let first = ring.first();
        if self.next < first {
            let missed = first - self.next;
            self.next = first;
            return Poll::Ready(Some(Err(Missed(missed))));
        }
        if self.next == ring.next() {
            if ring.is_over {
                return Poll::Ready(None);
            }
            let before = waker.and_then(|waker| ring.wait(self.id, waker));
            drop(ring);
            drop(before);
            return Poll::Pending;
        }
        let (page, before) = ring.page(self.next, self.log.listeners.load(Ordering::SeqCst) == 1);
        // In this order: the errors in it are the user's.
        drop(ring);
        drop(before);
        self.page = Some(page);
        self.fetch(waker)
    }
}

impl Stream for Events {
    type Item = Result<Event, Missed>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Self::Item>> {
        self.poll(task)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let mut ring = self.log.ring.hold();
        ring.taps -= usize::from(self.is_tap);
        let is_last = self.log.listeners.fetch_sub(1, Ordering::SeqCst) == 1;
        let next = ring.next();
        let old = is_last.then(|| ring.clear(next));
        let waited = ring.waiting.iter().position(|(id, _)| *id == self.id).map(|at| ring.waiting.swap_remove(at));
        // In this order: the errors in it are the user's, and so is the waker.
        drop(ring);
        drop((old, waited));
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("next", &self.next).finish_non_exhaustive()
    }
}
