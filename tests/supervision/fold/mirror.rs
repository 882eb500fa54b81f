//! A tree as its events tell it, beside the tree.

use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use supervisor_runtime::{Context, Events, Row, Snapshot, State, TreeHandle, What};

/// What is folded from the events of a tree, and compared with it.
pub(super) struct Mirror {
    epoch: Instant,
    handle: Mutex<Option<TreeHandle>>,
    view: Mutex<Option<View>>,
    wrong: Mutex<Option<String>>,
    compared: AtomicUsize,
    at_the_same_instant: AtomicUsize,
}

struct View {
    /// What was folded so far, unless nobody listens just now.
    listening: Option<(Events, Snapshot)>,
    /// Every event, as text.
    log: Vec<String>,
    last: Option<What>,
    /// It listened again only after the end.
    begun_late: bool,
}

impl Mirror {
    pub(super) fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            handle: Mutex::default(),
            view: Mutex::default(),
            wrong: Mutex::default(),
            compared: AtomicUsize::new(0),
            at_the_same_instant: AtomicUsize::new(0),
        }
    }

    /// Begins to listen, from inside the tree.
    pub(super) fn begin(&self, cx: &Context) {
        let tree = cx.tree();
        *self.view.lock().unwrap() = Some(View::of(&tree, Vec::new()));
        *self.handle.lock().unwrap() = Some(tree);
    }

    /// Listens no longer, for a while.
    pub(super) fn pause(&self) {
        self.check("before the pause");
        if let Some(view) = self.view.lock().unwrap().as_mut() {
            view.listening = None;
        }
    }

    /// Listens again.
    pub(super) fn resume(&self) {
        let Some(tree) = self.handle() else { return };
        let mut view = self.view.lock().unwrap();
        if let Some(view) = view.as_mut().filter(|view| view.listening.is_none()) {
            let events = tree.events();
            view.listening = tree.snapshot().ok().map(|folded| (events, folded));
            let root = view.listening.as_ref().map(|(_, folded)| folded.root().status().state());
            view.begun_late = root.is_some_and(|state| !state.is_live());
        }
    }

    pub(super) fn handle(&self) -> Option<TreeHandle> {
        self.handle.lock().unwrap().clone()
    }

    pub(super) fn log(&self) -> Vec<String> {
        self.view.lock().unwrap().as_ref().map(|view| view.log.clone()).unwrap_or_default()
    }

    pub(super) fn compared(&self) -> usize {
        self.compared.load(Ordering::Relaxed)
    }

    fn is_wrong(&self, wrong: String) {
        // In a service, a panic would be one more failure.
        self.wrong.lock().unwrap().get_or_insert(wrong);
    }

    /// Folds what has happened, and compares the result with the tree.
    pub(super) fn check(&self, when: &str) {
        // On several threads, one at a time is enough.
        let Ok(mut view) = self.view.try_lock() else { return };
        let (Some(view), Some(handle)) = (view.as_mut(), self.handle()) else { return };
        if let Err(wrong) = view.fold(self.epoch) {
            return self.is_wrong(format!("{when}: {wrong}"));
        }
        // The owner is gone with the end.
        let (Ok(snapshot), Some((_, folded))) = (handle.snapshot(), &view.listening) else { return };
        if snapshot.number() != folded.number() {
            return;
        }
        self.compared.fetch_add(1, Ordering::Relaxed);
        let same_instant = snapshot.at() == folded.at();
        self.at_the_same_instant.fetch_add(usize::from(same_instant), Ordering::Relaxed);
        if let Some(wrong) = differ(folded, &snapshot) {
            let events = view.log.len();
            let tail = view.log[events.saturating_sub(25)..].join("\n  ");
            self.is_wrong(format!(
                "{when}, after event {}: {wrong}\nfolded:\n{folded:#}\nsnapshot:\n{snapshot:#}\nafter\n  {tail}",
                snapshot.number()
            ));
        }
    }

    /// The tree has ended: nothing more is to come.
    pub(super) fn end(&self) -> Result<(), String> {
        self.check("at the end");
        if let Some(wrong) = self.wrong.lock().unwrap().take() {
            return Err(wrong);
        }
        let mut view = self.view.lock().unwrap();
        let view = view.as_mut().expect("it has begun");
        // Somebody else may have been looking just now.
        view.fold(self.epoch)?;
        // It may have ended in a pause.
        let Some((_, folded)) = &view.listening else { return Ok(()) };
        if !matches!(view.last, Some(What::ShutDown { .. })) && !view.begun_late {
            return Err(format!("the last event is {:?}", view.last));
        }
        let alive: Vec<_> = folded.rows().iter().filter(|row| row.status().state().is_live()).map(Row::path).collect();
        if !alive.is_empty() {
            return Err(format!("alive at the end: {alive:?}\n{}", view.log.join("\n")));
        }
        Ok(())
    }
}

impl View {
    fn of(tree: &TreeHandle, log: Vec<String>) -> Self {
        // In this order: what happens in between is in the snapshot already.
        let events = tree.events();
        let folded = tree.snapshot().expect("it is running");
        Self { listening: Some((events, folded)), log, last: None, begun_late: false }
    }

    fn fold(&mut self, epoch: Instant) -> Result<(), String> {
        let Some((events, folded)) = &mut self.listening else { return Ok(()) };
        while let Some(event) = events.try_next() {
            let event = event.map_err(|missed| missed.to_string())?;
            let time = event.at().saturating_duration_since(epoch).as_millis();
            self.log.push(format!("{time} {event} [{:?} {:?}]", event.state(), event.incarnation()));
            if matches!(self.last, Some(What::ShutDown { .. })) {
                return Err(format!("after the last event: {event}"));
            }
            let known = folded.number();
            if event.number() > known + 1 {
                return Err(format!("event {} follows {known}", event.number()));
            }
            folded.apply(&event).map_err(|missed| missed.to_string())?;
            self.last = Some(event.what().clone());
        }
        Ok(())
    }
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
    let _ = writeln!(text, "exit {:?} {:?}", exit.map(Arc::as_ptr), exit.map(|exit| exit.to_string()));
    let _ = writeln!(text, "{:?} {:?} {}", row.strategy(), row.limit(), row.is_supervisor());
    if now {
        let _ =
            writeln!(text, "left {:?} uptime {:?} delay {:?}", row.restarts_left(), status.uptime(), status.delay());
    }
    text
}
