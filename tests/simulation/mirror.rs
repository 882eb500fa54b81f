//! A tree as its events tell it, beside the tree.

use std::fmt::Write;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::task::{Poll, Waker};
use std::time::Instant;

use supervisor_runtime::{Cause, Context, Event, Events, Row, Snapshot, State, TreeHandle, What};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::declared::Declared;
use crate::ledger::Ledger;
use crate::oracles::JUDGES;
use crate::soil::Soil;

/// What is folded from the events of a tree, judged, and compared with it.
pub(crate) struct Mirror {
    epoch: Instant,
    /// Whether every event is written down.
    is_logged: bool,
    soil: OnceLock<Weak<Soil>>,
    /// What the oracles know; nothing once events were missed.
    ledger: Mutex<Option<Ledger>>,
    handle: Mutex<Option<TreeHandle>>,
    view: Mutex<Option<View>>,
    wrong: Mutex<Option<String>>,
    compared: AtomicUsize,
    at_the_same_instant: AtomicUsize,
}

/// Whether a fold has seen everything that happened.
enum Folded {
    All,
    NotAll,
}

struct View {
    /// What was folded so far, unless nobody listens just now.
    listening: Option<(Events, Snapshot)>,
    /// Every event, as text, if anybody wants to read it.
    log: Vec<String>,
    is_logged: bool,
    events: u64,
    last: Option<What>,
    /// It listened again only after the end.
    begun_late: bool,
}

impl Mirror {
    pub(crate) fn new(epoch: Instant, is_logged: bool) -> Self {
        Self {
            epoch,
            is_logged,
            soil: OnceLock::new(),
            ledger: Mutex::default(),
            handle: Mutex::default(),
            view: Mutex::default(),
            wrong: Mutex::default(),
            compared: AtomicUsize::new(0),
            at_the_same_instant: AtomicUsize::new(0),
        }
    }

    /// From now on, every event is judged.
    pub(crate) fn judges(&self, declared: Declared, soil: &Arc<Soil>) {
        *self.ledger.lock().unwrap() = Some(Ledger::of(declared));
        let _ = self.soil.set(Arc::downgrade(soil));
    }

    /// From now on, events are only folded.
    pub(crate) fn judges_nothing(&self) {
        *self.ledger.lock().unwrap() = None;
    }

    /// Begins to listen, from inside the tree.
    pub(crate) fn begin(&self, cx: &Context) {
        let tree = cx.tree();
        *self.view.lock().unwrap() = Some(View::of(&tree, self.is_logged));
        *self.handle.lock().unwrap() = Some(tree);
    }

    /// Listens no longer, for a while; what happens meanwhile cannot be judged, nor what follows from it.
    pub(crate) fn pause(&self) {
        self.check("before the pause");
        self.judges_nothing();
        if let Some(view) = self.view.lock().unwrap().as_mut() {
            view.listening = None;
        }
    }

    /// Listens again.
    pub(crate) fn resume(&self) {
        let Some(tree) = self.handle() else { return };
        let mut view = self.view.lock().unwrap();
        if let Some(view) = view.as_mut().filter(|view| view.listening.is_none()) {
            let events = tree.events();
            view.listening = tree.snapshot().ok().map(|folded| (events, folded));
            let root = view.listening.as_ref().map(|(_, folded)| folded.root().status().state());
            view.begun_late = root.is_some_and(|state| !state.is_live());
        }
    }

    /// The number of the last event, if somebody listens and nothing is on its way.
    pub(crate) fn is_at_rest(&self) -> Option<u64> {
        let is_heard = self.view.lock().unwrap().as_ref().is_some_and(|view| view.listening.is_some());
        let snapshot = self.handle().filter(|_| is_heard)?.snapshot().ok()?;
        let is_on_its_way = |row: &Row<'_>| {
            matches!(row.status().state(), State::Waiting | State::Delayed | State::Starting | State::Stopping)
        };
        (!snapshot.rows().iter().any(is_on_its_way)).then(|| snapshot.number())
    }

    pub(crate) fn handle(&self) -> Option<TreeHandle> {
        self.handle.lock().unwrap().clone()
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.view.lock().unwrap().as_ref().map(|view| view.log.clone()).unwrap_or_default()
    }

    pub(crate) fn events(&self) -> u64 {
        self.view.lock().unwrap().as_ref().map_or(0, |view| view.events)
    }

    pub(crate) fn compared(&self) -> usize {
        self.compared.load(Ordering::Relaxed)
    }

    fn is_wrong(&self, wrong: String) {
        // In a service, a panic would be one more failure.
        self.wrong.lock().unwrap().get_or_insert(wrong);
    }

    /// Folds what has happened, and compares the result with the tree.
    pub(crate) fn check(&self, when: &str) {
        // On several threads, one at a time is enough.
        let Ok(mut view) = self.view.try_lock() else { return };
        let (Some(view), Some(handle)) = (view.as_mut(), self.handle()) else { return };
        let folded = view.fold(self.epoch, self.ledger.lock().unwrap().as_mut());
        match folded {
            Ok(Folded::All) => {}
            Ok(Folded::NotAll) => {
                *self.ledger.lock().unwrap() = None;
                let events = handle.events();
                view.listening = handle.snapshot().ok().map(|folded| (events, folded));
                return;
            }
            Err(wrong) => return self.is_wrong(format!("{when}: {wrong}")),
        }
        // The owner is gone with the end.
        let (Ok(snapshot), Some((_, folded))) = (handle.snapshot(), &view.listening) else { return };
        if snapshot.number() != folded.number() {
            return;
        }
        // On several threads, the owner may be going just now, and with it how all have ended.
        if !snapshot.root().status().state().is_live()
            && Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread
        {
            return;
        }
        self.compared.fetch_add(1, Ordering::Relaxed);
        let same_instant = snapshot.at() == folded.at();
        self.at_the_same_instant.fetch_add(usize::from(same_instant), Ordering::Relaxed);
        if let Err(wrong) = self.is_ready_exactly_if_all_that_must_be_are(&snapshot, &handle) {
            return self.is_wrong(format!("{when}: {wrong}\n{snapshot:#}"));
        }
        if let Some(wrong) = differ(folded, &snapshot) {
            let events = view.log.len();
            let tail = view.log[events.saturating_sub(25)..].join("\n  ");
            self.is_wrong(format!(
                "{when}, after event {}: {wrong}\nfolded:\n{folded:#}\nsnapshot:\n{snapshot:#}\nafter\n  {tail}",
                snapshot.number()
            ));
        }
    }

    fn is_ready_exactly_if_all_that_must_be_are(&self, snapshot: &Snapshot, handle: &TreeHandle) -> Result<(), String> {
        let (Some(soil), ledger) = (self.soil.get().and_then(Weak::upgrade), self.ledger.lock().unwrap()) else {
            return Ok(());
        };
        let Some(ledger) = ledger.as_ref() else { return Ok(()) };
        let is_ready = |row: &Row<'_>| row.status().is_ready();
        for row in snapshot.rows() {
            let path = row.path();
            let must_be = |row: &Row<'_>| {
                row.status().state() != State::Gone
                    && !ledger.declared.child(&row.path()).is_some_and(|child| child.is_open)
            };
            let expected = match row.status().state() {
                State::Done => true,
                State::Running if row.is_supervisor() => row.children().all(|row| !must_be(&row) || is_ready(&row)),
                State::Running => path.ends_with("/first") || soil.says_ready(&path),
                _ => false,
            };
            if is_ready(&row) != expected {
                return Err(format!("{path} should be ready: {expected}"));
            }
        }
        let (root, answered) = (is_ready(&snapshot.root()), answer(handle.wait_ready()));
        match answered {
            Some(Ok(())) if !root => Err("who waits for the tree is told that it is ready".to_owned()),
            None | Some(Err(_)) if root => Err(format!("who waits for the tree is told {answered:?}")),
            _ => Ok(()),
        }
    }

    /// Lets go of the tree.
    pub(crate) fn forget(&self) {
        // What is dropped with it looks in here.
        let view = self.view.lock().unwrap().take();
        let handle = self.handle.lock().unwrap().take();
        drop((view, handle));
    }

    /// What was found to be wrong, if anything.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        self.wrong.lock().unwrap().take().map_or(Ok(()), Err)
    }

    /// The tree has ended: nothing more is to come.
    pub(crate) fn end(&self) -> Result<(), String> {
        self.check("at the end");
        self.verdict()?;
        let mut view = self.view.lock().unwrap();
        let view = view.as_mut().expect("it has begun");
        // Somebody else may have been looking just now.
        view.fold(self.epoch, self.ledger.lock().unwrap().as_mut())?;
        // It may have ended in a pause.
        let Some((_, folded)) = &view.listening else { return Ok(()) };
        if !matches!(view.last, Some(What::ShutDown { .. })) && !view.begun_late {
            return Err(format!("the last event is {:?}", view.last));
        }
        let alive: Vec<_> = folded.rows().iter().filter(|row| row.status().state().is_live()).map(Row::path).collect();
        if !alive.is_empty() {
            return Err(format!("alive at the end: {alive:?}\n{}", view.log.join("\n")));
        }
        let ledger = self.ledger.lock().unwrap();
        let children = ledger.iter().flat_map(|ledger| &ledger.children);
        for (path, child) in children {
            if child.starts != child.exits {
                return Err(format!("{path} has {} exits for {} starts", child.exits, child.starts));
            }
        }
        Ok(())
    }
}

/// The answer of a future that has one at once.
fn answer<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut std::task::Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

impl View {
    fn of(tree: &TreeHandle, is_logged: bool) -> Self {
        // In this order: what happens in between is in the snapshot already.
        let events = tree.events();
        let folded = tree.snapshot().expect("it is running");
        Self { listening: Some((events, folded)), log: Vec::new(), is_logged, events: 0, last: None, begun_late: false }
    }

    fn fold(&mut self, epoch: Instant, mut ledger: Option<&mut Ledger>) -> Result<Folded, String> {
        let Some((events, folded)) = &mut self.listening else { return Ok(Folded::All) };
        while let Some(event) = events.try_next() {
            let Ok(event) = event else {
                // More than anybody keeps, at one instant.
                return Ok(Folded::NotAll);
            };
            self.events += 1;
            if self.is_logged {
                let time = event.at().saturating_duration_since(epoch).as_millis();
                self.log.push(format!("{time} {event} [{:?} {:?}]", event.state(), event.incarnation()));
            }
            if matches!(self.last, Some(What::ShutDown { .. })) {
                return Err(format!("after the last event: {event}"));
            }
            let known = folded.number();
            if event.number() > known + 1 {
                return Err(format!("event {} follows {known}", event.number()));
            }
            if let Some(ledger) = &mut ledger {
                judge(ledger, &event)?;
            }
            folded.apply(&event).map_err(|missed| missed.to_string())?;
            self.last = Some(event.what().clone());
        }
        Ok(Folded::All)
    }
}

/// Whether all promises hold with this event; then it is taken in.
fn judge(ledger: &mut Ledger, event: &Event) -> Result<(), String> {
    let about = ledger.about(event);
    for (promise, judge) in JUDGES {
        judge(ledger, &about).map_err(|wrong| format!("{promise}: {event}: {wrong}"))?;
    }
    ledger.apply(event);
    Ok(())
}

/// The first difference of two snapshots of the same number, if there is any.
fn differ(folded: &Snapshot, fresh: &Snapshot) -> Option<String> {
    let (folded_rows, fresh_rows) = (folded.rows(), fresh.rows());
    if folded_rows.len() != fresh_rows.len() {
        return Some(format!("{} rows, not {}", folded_rows.len(), fresh_rows.len()));
    }
    let now = folded.at() == fresh.at();
    // A path leads to its row; of those without a name, to the first of them.
    if let Some(lost) = fresh_rows.iter().find(|row| fresh.get(&row.path()).is_none_or(|got| got.path() != row.path()))
    {
        return Some(format!("{} is not found", lost.path()));
    }
    folded_rows.iter().zip(&fresh_rows).find_map(|(one, other)| {
        let (told, seen) = (fields(one, folded.at(), fresh.at(), now), fields(other, fresh.at(), fresh.at(), now));
        (told != seen).then(|| {
            let mut text = format!("{}:", other.path());
            for (told, seen) in told.lines().zip(seen.lines()).filter(|(told, seen)| told != seen) {
                let _ = write!(text, "\n  folded {told}\n  fresh  {seen}");
            }
            text
        })
    })
}

/// Everything that a row tells; of what depends on the instant, only what does not, unless `now` is the same.
fn fields(row: &Row<'_>, at: Instant, fresh: Instant, now: bool) -> String {
    let status = row.status();
    let mut text = String::new();
    let exit = status.last_exit();
    let since = at - status.in_state();
    // What is overdue is only known to be so.
    let until = status.delay().map(|delay| (at + delay).max(fresh));
    let reason = status.not_ready().filter(|_| now || status.state() != State::Delayed && !row.is_supervisor());
    let _ = writeln!(text, "{} {} {}", row.path(), row.label(), row.depth());
    let _ = writeln!(text, "{} ready {} {reason:?}", status.state(), status.is_ready());
    let _ = writeln!(text, "incarnation {} restarts {}", status.incarnation(), status.restarts());
    let _ = writeln!(text, "since {since:?} until {until:?}");
    // One that stopped because it was asked to is like any other: nothing of it is kept that could be the same.
    let kept = exit.filter(|exit| !(exit.was_asked() && matches!(exit.cause(), Cause::Done)));
    let told = exit.map(|exit| (exit.phase(), exit.to_string()));
    let _ = writeln!(text, "exit {:?} {told:?}", kept.map(Arc::as_ptr));
    let _ = writeln!(text, "{:?} {:?} {}", row.strategy(), row.limit(), row.is_supervisor());
    if now {
        let _ =
            writeln!(text, "left {:?} uptime {:?} delay {:?}", row.restarts_left(), status.uptime(), status.delay());
    }
    text
}
