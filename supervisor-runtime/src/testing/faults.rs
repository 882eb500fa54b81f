//! Where faults wait for the services that they are meant for, and what stands between those and their tasks.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Poll, Waker};

use tokio::time::{Sleep, sleep};

use super::fault::{Fault, Kind};
use super::trace::relative;
use crate::declare::{Begun, Kind as ChildKind};
use crate::service::DynService;
use crate::shell::{Erased, Launch, Owner, Source};
use crate::sync::MutexExt;
use crate::{BoxError, Context, Exit, Phase, Service, ServiceResult};

/// The faults of one tree.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    armed: Vec<Armed>,
    /// Who waits, by path: a fault may come at any time.
    waiting: HashMap<String, Waker>,
    /// Whether services are held when something has happened that the test has not seen.
    is_holding: bool,
    /// The number of the last event that the test has seen.
    seen: u64,
    held: Vec<Waker>,
}

/// A fault, and whom it has met how often.
#[derive(Debug)]
struct Armed {
    fault: Fault,
    met: HashMap<String, u32>,
}

impl Faults {
    pub(super) fn inject(&self, fault: Fault) {
        let mut state = self.0.hold();
        let target = fault.target.clone();
        state.armed.push(Armed { fault, met: HashMap::new() });
        let woken = state.waiting.extract_if(|path, _| target.is(path)).map(|(_, waker)| waker);
        let woken: Vec<_> = woken.collect();
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Whether services are held whenever something has happened that the test has not seen.
    pub(super) fn hold(&self, is_holding: bool) {
        self.0.hold().is_holding = is_holding;
        self.release();
    }

    /// The test has seen all events up to this.
    pub(super) fn saw(&self, event: u64) {
        self.0.hold().seen = event;
        self.release();
    }

    fn release(&self) {
        let held = std::mem::take(&mut self.0.hold().held);
        held.into_iter().for_each(Waker::wake);
    }

    /// Whether a service has to wait for the test, `last` being the last event.
    fn holds(&self, last: u64, waker: &Waker) -> bool {
        let mut state = self.0.hold();
        let holds = state.is_holding && last > state.seen;
        if holds {
            state.held.push(waker.clone());
        }
        holds
    }

    /// Those that have met nobody.
    pub(super) fn unmet(&self) -> Vec<String> {
        let state = self.0.hold();
        state.armed.iter().filter(|armed| armed.met.is_empty()).map(|armed| armed.fault.to_string()).collect()
    }

    /// What happens to an incarnation in a phase, if anything, and has not yet.
    fn meet(&self, place: &Place, life: &mut Life, waker: &Waker) -> Option<Kind> {
        let mut state = self.0.hold();
        let found = state.armed.iter_mut().enumerate().find(|(number, Armed { fault, met })| {
            fault.phase == life.phase
                && fault.incarnation.is_none_or(|only| only == life.incarnation)
                && fault.target.is(&place.path)
                && met.get(&place.path).is_none_or(|&times| times < fault.times)
                && !life.met.contains(number)
        });
        let Some((number, armed)) = found else {
            state.waiting.insert(place.path.clone(), waker.clone());
            return None;
        };
        life.met.push(number);
        *armed.met.entry(place.path.clone()).or_default() += 1;
        Some(armed.fault.kind.clone())
    }
}

/// A phase of an incarnation.
struct Life {
    phase: Phase,
    incarnation: u32,
    /// The numbers of the faults that it has met; none meets it twice.
    met: Vec<usize>,
}

impl Life {
    fn new(phase: Phase, incarnation: u32) -> Self {
        Self { phase, incarnation, met: Vec::new() }
    }
}

/// Puts a child's services under the faults of its tree, if a test has taken it.
pub(crate) fn supervise(launch: Arc<dyn Launch>, cx: &Context) -> Arc<dyn Launch> {
    let tree = cx.group().tree();
    let Some(faults) = tree.faults() else { return launch };
    // A supervisor stands in a tree as itself; its children come by here, too.
    if cx.child().kind == ChildKind::Supervisor {
        return launch;
    }
    let path = relative(&cx.path(), tree.name()).to_owned();
    let place = Arc::new(Place { path, cx: cx.clone(), faults: Arc::clone(faults) });
    Arc::new(Unreliable { source: launch.erase(), place })
}

/// Where a child stands.
struct Place {
    /// Its path below the outermost supervisor.
    path: String,
    /// Of the incarnation with which its task began.
    cx: Context,
    faults: Arc<Faults>,
}

/// A source whose services suffer what a test has injected.
struct Unreliable {
    source: Arc<dyn Erased>,
    place: Arc<Place>,
}

impl Source for Unreliable {
    type Service = Patient;

    fn make(&self, _index: usize) -> Begun<impl Future<Output = Result<Patient, BoxError>> + Send> {
        Begun::pending(async {
            let cx = self.place.cx.group().context(self.place.cx.slot());
            let life = Life::new(Phase::Create, cx.incarnation());
            let made = self.place.suffer(life, self.source.make_for(&cx), |ended| Some(Err(ended.err()?)));
            Ok(Patient { service: made.await?, place: Arc::clone(&self.place) })
        })
    }

    fn keep(&self, index: usize, owner: impl FnOnce() -> Owner, patient: Patient) {
        self.source.keep(index, owner(), patient.service);
    }

    fn offer(&self, index: usize, owner: Owner, patient: &Patient) {
        self.source.offer(index, owner, &*patient.service);
    }

    fn is_used(&self) -> bool {
        self.source.is_used()
    }

    fn withdraw(&self, index: usize, owner: Owner, for_good: bool) {
        self.source.withdraw(index, owner, for_good);
    }

    fn end(&self, index: usize, owner: Owner) {
        self.source.end(index, owner);
    }

    fn leave(&self, cx: &Context, owner: Owner) {
        self.source.leave(cx, owner);
    }

    fn clear(&self) {
        self.source.clear();
    }
}

/// A service of such a source.
struct Patient {
    service: Box<dyn DynService>,
    place: Arc<Place>,
}

impl Service for Patient {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        self.place.suffer(Life::new(Phase::Start, cx.incarnation()), self.service.start(cx), Some).await
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        self.place.suffer(Life::new(Phase::Run, cx.incarnation()), self.service.run(cx), Some).await
    }

    async fn stop(&mut self, cx: &Context, exit: &Exit) {
        self.place.suffer(Life::new(Phase::Stop, cx.incarnation()), self.service.stop(cx, exit), |_| Some(())).await;
    }
}

impl Place {
    /// Polls a phase of a service, unless a fault is in its way; `ended` is how the phase ends by one.
    async fn suffer<T>(
        &self,
        mut life: Life,
        service: impl Future<Output = T>,
        ended: impl Fn(ServiceResult) -> Option<T>,
    ) -> T {
        let mut service = pin!(service);
        let mut held = Held::Not;
        poll_fn(|task| {
            if self.faults.holds(self.cx.group().tree().events().last(), task.waker()) {
                return Poll::Pending;
            }
            // Also one that hangs may yet be told to fail.
            while let Some(kind) = self.faults.meet(self, &mut life, task.waker()) {
                let ended = match kind {
                    Kind::Fail(error) => ended(Err(error())),
                    Kind::Finish => ended(Ok(())),
                    // Without the hook: nobody has to be told of a panic that was ordered.
                    Kind::Panic => std::panic::resume_unwind(Box::new("injected panic")),
                    Kind::Hang => {
                        held = Held::ForGood;
                        None
                    }
                    Kind::Delay(time) => {
                        held = Held::For(Box::pin(sleep(time)));
                        None
                    }
                };
                if let Some(ended) = ended {
                    return Poll::Ready(ended);
                }
            }
            if held.poll(task).is_pending() { Poll::Pending } else { service.as_mut().poll(task) }
        })
        .await
    }
}

/// Whether a service is kept from doing anything.
enum Held {
    Not,
    For(Pin<Box<Sleep>>),
    ForGood,
}

impl Held {
    fn poll(&mut self, task: &mut Task<'_>) -> Poll<()> {
        match self {
            Self::Not => Poll::Ready(()),
            Self::For(sleep) => {
                let over = sleep.as_mut().poll(task);
                if over.is_ready() {
                    *self = Self::Not;
                }
                over
            }
            Self::ForGood => Poll::Pending,
        }
    }
}
