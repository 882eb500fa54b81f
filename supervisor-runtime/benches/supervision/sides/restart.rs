//! One child that fails at once, and is restarted each time.

use std::any::Any;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use supervisor_runtime::{BoxError, Child, Context, Restart, Service, ServiceResult, Supervisor};
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::respawn::Respawn;
use super::{MAX_RESTARTS, OVER, PAUSE, each, refused};

/// How a child fails.
#[derive(Clone, Copy)]
pub(crate) enum Failing {
    WithError,
    ByPanic,
}

/// The restarts of a run: some before, and those that are timed.
pub(crate) struct Course {
    failing: Failing,
    before: usize,
    timed: usize,
    count: AtomicUsize,
    begun: OnceLock<Instant>,
    took: OnceLock<Duration>,
    over: Notify,
}

impl Course {
    pub(crate) fn new(failing: Failing, before: usize, timed: usize) -> Arc<Self> {
        let (begun, took) = (OnceLock::new(), OnceLock::new());
        Arc::new(Self { failing, before, timed, count: AtomicUsize::new(0), begun, took, over: Notify::new() })
    }

    /// What an incarnation does: the first line of both sides.
    pub(crate) fn run(&self) -> ServiceResult {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        if count == self.before {
            if self.before > 0 {
                std::thread::sleep(PAUSE);
            }
            self.begun.get_or_init(Instant::now);
        }
        if count == self.before + self.timed {
            self.took.get_or_init(|| self.begun.get().map_or(Duration::ZERO, Instant::elapsed));
            self.over.notify_one();
            return Ok(());
        }
        match self.failing {
            Failing::WithError => Err(refused()),
            Failing::ByPanic => panic!("connection refused"),
        }
    }

    /// Waits for the last restart.
    pub(crate) async fn over(&self) {
        self.over.notified().await;
    }

    pub(crate) fn each(&self) -> f64 {
        each(*self.took.get().expect("the child has ended well"), self.timed)
    }
}

struct Crash(Arc<Course>);

impl Service for Crash {
    async fn run(&mut self, _cx: &Context) -> ServiceResult {
        self.0.run()
    }
}

fn child(course: &Arc<Course>) -> Child<Crash> {
    let course = Arc::clone(course);
    // It returns `Ok` in the end, and is done then, and with it the tree.
    Child::new("crash", move || Crash(Arc::clone(&course))).restart(Restart::Transient)
}

/// Under `one_for_one`, with each restart counted against a limit that is far away.
pub(crate) async fn ours(failing: Failing, restarts: usize) -> f64 {
    let course = Course::new(failing, 0, restarts);
    let tree = Supervisor::one_for_one("tree").max_restarts(MAX_RESTARTS).over(OVER).child(child(&course));
    let mut running = tree.start().await.expect("it starts");
    running.wait().await.expect("it ends well");
    course.each()
}

/// A respawn loop.
///
/// Fair: it gives up after too many restarts, and hears its own shutdown beside its tasks, as the loop of every program does
/// that is to be relied on. That the task holds a token is the least by which it could be asked to stop.
pub(crate) async fn raw(failing: Failing, restarts: usize) -> f64 {
    let course = Course::new(failing, 0, restarts);
    let mut respawn = Respawn::new(CancellationToken::new());
    spawn(&mut respawn.tasks, &course, &respawn.token);
    let mut last = None;
    while let Some(end) = respawn.next().await {
        match failed(end) {
            Some(error) => last = Some(error),
            None => break,
        }
        if respawn.gives_up() {
            break;
        }
        spawn(&mut respawn.tasks, &course, &respawn.token);
    }
    let _ = black_box(last);
    course.each()
}

/// The least that can be called a restart: nothing is counted, and nothing but the tasks is heard.
pub(crate) async fn bare(failing: Failing, restarts: usize) -> f64 {
    let course = Course::new(failing, 0, restarts);
    let (mut tasks, token) = (JoinSet::new(), CancellationToken::new());
    spawn(&mut tasks, &course, &token);
    let mut last = None;
    while let Some(end) = tasks.join_next().await {
        match failed(end) {
            Some(error) => last = Some(error),
            None => break,
        }
        spawn(&mut tasks, &course, &token);
    }
    let _ = black_box(last);
    course.each()
}

fn spawn(tasks: &mut JoinSet<ServiceResult>, course: &Arc<Course>, token: &CancellationToken) {
    let (course, token) = (Arc::clone(course), token.clone());
    tasks.spawn(async move { if token.is_cancelled() { Ok(()) } else { course.run() } });
}

/// What a task has failed with. Of a panic the message, as ours has it, which also notes the place.
fn failed(end: Result<ServiceResult, JoinError>) -> Option<BoxError> {
    match end {
        Ok(end) => end.err(),
        Err(panic) => Some(message(panic.into_panic()).into()),
    }
}

fn message(payload: Box<dyn Any + Send>) -> String {
    payload.downcast_ref::<&str>().map(|text| (*text).to_owned()).unwrap_or_default()
}

/// With `before` restarts in the window already, none of which it can forget.
pub(crate) async fn ours_in_window(before: usize, restarts: usize) -> f64 {
    let course = Course::new(Failing::WithError, before, restarts);
    let an_hour = Duration::from_secs(3600);
    let tree = Supervisor::one_for_one("tree").max_restarts(MAX_RESTARTS).over(an_hour).child(child(&course));
    let mut running = tree.start().await.expect("it starts");
    running.wait().await.expect("it ends well");
    course.each()
}

/// With somebody who listens to the events of the tree, and reads all of them.
pub(crate) async fn ours_heard(restarts: usize) -> f64 {
    let course = Course::new(Failing::WithError, 0, restarts);
    let tree = Supervisor::one_for_one("tree").max_restarts(MAX_RESTARTS).over(OVER);
    let running = tree.child(Child::new("listener", || Listener)).child(child(&course)).start().await;
    let running = running.expect("it starts");
    course.over().await;
    running.shutdown().await.expect("it stops well");
    course.each()
}

/// Begins to listen before its siblings start; a task of its own reads.
struct Listener;

impl Service for Listener {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        let mut events = cx.tree().events();
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                let _ = black_box(event);
            }
        });
        Ok(())
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}
