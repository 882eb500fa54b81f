//! Services that fail at random, and count what happens to them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use supervisor_runtime::{BoxError, Context, Exit, Provide, Service, ServiceResult};

use crate::counts::Own;

/// A service that fails at random.
pub(crate) struct Erratic {
    own: Own,
    /// Whether its incarnation was counted when it was made.
    is_new: bool,
    /// How many use its handle.
    users: Arc<AtomicUsize>,
    /// The handle that it uses.
    uses: Option<Arc<AtomicUsize>>,
    /// What it ends with, once it has lived long enough.
    ends: Ends,
    counted: Counted,
}

/// How often it ends by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// After half a second.
    Soon,
    /// After five: others are restarted with it.
    Late,
}

/// Whether this incarnation has started, and not ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    NotStarted,
    Started,
    Ended,
}

impl Erratic {
    /// Makes one, but not always: not where it is the first of its group, whose start would fail.
    pub(crate) fn make(own: &Own, ends: Ends) -> Result<Self, BoxError> {
        if own.are_wild() && ends == Ends::Soon && fastrand::u32(..100) == 0 {
            own.count(|tally| &tally.begun);
            own.count(|tally| &tally.failed);
            return Err("not made".into());
        }
        Ok(Self::new(own, ends))
    }

    pub(crate) fn new(own: &Own, ends: Ends) -> Self {
        own.count(|tally| &tally.begun);
        own.count(|tally| &tally.made);
        Self { own: own.clone(), is_new: true, users: Arc::default(), uses: None, ends, counted: Counted::NotStarted }
    }

    /// One that uses the handle of another.
    pub(crate) fn using(mut self, handle: Arc<AtomicUsize>) -> Self {
        self.uses = Some(handle);
        self
    }

    /// One that offers a handle; `last` is what it has offered before, which nobody may be using.
    pub(crate) fn provider(own: &Own, ends: Ends, last: &Mutex<Arc<AtomicUsize>>) -> Self {
        let service = Self::new(own, ends);
        let before = std::mem::replace(&mut *last.lock().unwrap(), Arc::clone(&service.users));
        if before.load(Ordering::SeqCst) > 0 {
            own.count(|tally| &tally.stale);
        }
        service
    }

    /// One made of the one before.
    pub(crate) fn reborn(mut self) -> Self {
        self.own.count(|tally| &tally.begun);
        self.is_new = true;
        self
    }

    fn fail(&self) -> BoxError {
        self.own.count(|tally| &tally.failed);
        "at random".into()
    }

    fn note_end(&mut self) {
        if std::mem::replace(&mut self.counted, Counted::Ended) == Counted::Started {
            self.own.count(|tally| &tally.ended);
            if let Some(uses) = &self.uses {
                uses.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }
}

impl Service for Erratic {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        if !std::mem::take(&mut self.is_new) {
            self.own.count(|tally| &tally.begun);
        }
        if fastrand::bool() {
            tokio::task::yield_now().await;
        }
        // A first start that fails fails the group.
        if cx.incarnation() > 1 && self.own.are_wild() && fastrand::u32(..50) == 0 {
            return Err(self.fail());
        }
        if let Some(uses) = &self.uses {
            uses.fetch_add(1, Ordering::SeqCst);
        }
        self.own.count(|tally| &tally.started);
        self.counted = Counted::Started;
        Ok(())
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        if fastrand::u32(..10) == 0 {
            let own = self.own.clone();
            own.count(|tally| &tally.spawned);
            let reaped = Reaped(own);
            cx.spawn("aside", |cx| async move {
                let _reaped = reaped;
                cx.stopping().await;
                Ok(())
            });
        }
        loop {
            let longest = match self.ends {
                Ends::Soon => 1_000,
                Ends::Late => 10_000,
            };
            cx.sleep(Duration::from_millis(fastrand::u64(..longest))).await;
            if cx.is_stopping() {
                return Ok(());
            }
            if !self.own.are_wild() {
                continue;
            }
            match fastrand::u32(..8) {
                0 => cx.not_ready("busy"),
                1 => cx.ready(),
                // Panics, without a word from the panic hook: there will be thousands.
                2 => std::panic::resume_unwind(Box::new(self.fail().to_string())),
                _ => return Err(self.fail()),
            }
        }
    }

    async fn stop(&mut self, cx: &Context, _exit: &Exit) {
        if fastrand::u32(..10) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(cx.incarnation() > 0);
        self.own.count(|tally| &tally.stopped);
        self.note_end();
    }
}

impl Provide for Erratic {
    type Handle = Arc<AtomicUsize>;

    fn handle(&self) -> Self::Handle {
        Arc::clone(&self.users)
    }
}

impl Drop for Erratic {
    fn drop(&mut self) {
        self.note_end();
        self.own.count(|tally| &tally.dropped);
    }
}

/// Counts a task that is dropped, at its end or before.
struct Reaped(Own);

impl Drop for Reaped {
    fn drop(&mut self) {
        self.0.count(|tally| &tally.reaped);
    }
}
