//! Listens to what the library logs in one test.
//!
//! One subscriber for the whole process, which passes each line on to whoever listens on the thread that logs:
//! subscribers that come and go while others log would lose lines.

use std::cell::RefCell;
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, Once};

use tokio::runtime::{Builder, Runtime};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

type Listener = Arc<dyn Fn(String) + Send + Sync>;

thread_local! {
    static LISTENER: RefCell<Option<Listener>> = const { RefCell::new(None) };
}

/// The lines that were logged: `WARN failed child=tree/a error=disk full`.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// All lines since the last look.
    pub(crate) fn page(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// The same, without what only a developer wants to see.
    pub(crate) fn notable(&self) -> Vec<String> {
        let mut page = self.page();
        page.retain(|line| !line.starts_with("DEBUG"));
        page
    }
}

/// Listens on this thread from now on; a thread runs one test.
pub(crate) fn log() -> Log {
    let log = Log::default();
    let lines = Arc::clone(&log.0);
    listen(Arc::new(move |line| lines.lock().unwrap().push(line)));
    log
}

/// Calls `listener` with every line that is logged on this thread from now on.
pub(crate) fn listen(listener: Listener) {
    install();
    LISTENER.set(Some(listener));
}

/// A runtime on whose threads `at` hears every line that is logged.
pub(crate) fn overheard(threads: usize, at: impl Fn(String) + Send + Sync + 'static) -> Runtime {
    install();
    let at: Listener = Arc::new(at);
    Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .on_thread_start(move || listen(Arc::clone(&at)))
        .build()
        .unwrap()
}

/// Begins to listen in this process; before anything of the library runs.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(PassOn);
        tracing::subscriber::set_global_default(subscriber).expect("nobody else listens in these tests");
    });
}

struct PassOn;

impl<S: Subscriber> Layer<S> for PassOn {
    fn on_event(&self, event: &Event<'_>, _cx: Context<'_, S>) {
        if event.metadata().target() != "supervisor" {
            return;
        }
        // Not held while it is called: it may log itself.
        let Ok(Some(listener)) = LISTENER.try_with(|listener| listener.borrow().clone()) else { return };
        let mut line = Line::default();
        event.record(&mut line);
        listener(format!("{} {}{}", event.metadata().level(), line.message, line.fields));
    }
}

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.fields, " {}={value}", field.name());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            let _ = write!(self.fields, " {}={value:?}", field.name());
        }
    }
}
