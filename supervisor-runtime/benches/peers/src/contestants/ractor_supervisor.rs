//! `ractor-supervisor`: supervisors for `ractor`'s actors. A group restart begins with a sleep of 10 ms, and so does each
//! restart of its dynamic supervisor; the restarts here are the static one's, the many children the dynamic one's.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr};
use ractor_supervisor::{
    ChildSpec, DynamicSupervisor, DynamicSupervisorOptions, Restart, SpawnFn, Supervisor, SupervisorArguments,
    SupervisorOptions, SupervisorStrategy,
};

use crate::scenario::{CHILDREN, Can, Contestant, GROUP, Spent, Stage};
use crate::sides::group::Cycles;
use crate::sides::restart::{Course, Failing};
use crate::sides::{Arrivals, OVER, each, refused};

pub(super) const CONTESTANT: Contestant = Contestant {
    name: "ractor-supervisor",
    restart_cycle: Can::Do(500, |restarts| Box::pin(restart_cycle(restarts))),
    group_restart: Can::Do(2, |restarts| Box::pin(group_restart(restarts))),
    idle: Can::Do(CHILDREN, |children| Box::pin(idle(children))),
};

/// Names are the process's, so each run has its own.
fn name(of: &str) -> String {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    format!("{of}_{}", RUNS.fetch_add(1, Ordering::Relaxed))
}

/// An actor that does what it was given to do when it has started, and goes on if that was well.
struct Child<F>(F);

impl<F: Fn() -> Result<(), ActorProcessingErr> + Send + Sync + 'static> Actor for Child<F> {
    type Msg = ();
    type State = Option<Leaving>;
    type Arguments = Option<Leaving>;

    async fn pre_start(
        &self,
        _itself: ActorRef<()>,
        leaving: Option<Leaving>,
    ) -> Result<Option<Leaving>, ActorProcessingErr> {
        Ok(leaving)
    }

    async fn post_start(&self, _itself: ActorRef<()>, _state: &mut Self::State) -> Result<(), ActorProcessingErr> {
        (self.0)()
    }
}

/// Tells when an actor is gone: its supervisor does not wait for it.
struct Leaving(Arrivals);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.arrive();
    }
}

fn spec<F>(id: String, left: Option<Arrivals>, run: F) -> ChildSpec
where
    F: Fn() -> Result<(), ActorProcessingErr> + Clone + Send + Sync + 'static,
{
    let spawn = move |supervisor: ActorCell, id: String| {
        let (child, leaving) = (Child(run.clone()), left.clone().map(Leaving));
        async move {
            let (child, _task) = Supervisor::spawn_linked(id, child, leaving, supervisor).await?;
            Ok::<_, SpawnErr>(child.get_cell())
        }
    };
    ChildSpec { id, restart: Restart::Transient, spawn_fn: SpawnFn::new(spawn), backoff_fn: None, reset_after: None }
}

fn arguments(strategy: SupervisorStrategy, child_specs: Vec<ChildSpec>) -> SupervisorArguments {
    let options = SupervisorOptions { strategy, max_restarts: usize::MAX, max_window: OVER, reset_after: None };
    SupervisorArguments { child_specs, options }
}

async fn restart_cycle(restarts: usize) -> f64 {
    let course = Course::new(Failing::WithError, 0, restarts);
    let crash = {
        let course = Arc::clone(&course);
        spec(name("crash"), None, move || course.run())
    };
    let arguments = arguments(SupervisorStrategy::OneForOne, vec![crash]);
    let (supervisor, task) = Supervisor::spawn(name("supervisor"), arguments).await.expect("it starts");
    course.over().await;
    supervisor.stop(None);
    task.await.expect("it stops well");
    course.each()
}

async fn group_restart(restarts: usize) -> f64 {
    let cycles = Cycles::of(GROUP, restarts);
    let begun = Instant::now();
    let members = (0..GROUP).map(|_| {
        let cycles = Arc::clone(&cycles);
        spec(name("member"), None, move || if cycles.fails() { Err(refused()) } else { Ok(()) })
    });
    let arguments = arguments(SupervisorStrategy::OneForAll, members.collect());
    let (supervisor, task) = Supervisor::spawn(name("supervisor"), arguments).await.expect("it starts");
    cycles.over().await;
    let took = begun.elapsed();
    supervisor.stop(None);
    task.await.expect("it stops well");
    each(took, restarts)
}

async fn idle(children: usize) -> Spent {
    let (arrivals, left) = (Arrivals::of(children), Arrivals::of(children));
    let mut stage = Stage::begin(children);
    let options =
        DynamicSupervisorOptions { max_children: None, max_restarts: usize::MAX, max_window: OVER, reset_after: None };
    let (supervisor, task) = DynamicSupervisor::spawn(name("supervisor"), options).await.expect("it starts");
    for _ in 0..children {
        let arrivals = arrivals.clone();
        let idle = spec(name("idle"), Some(left.clone()), move || {
            arrivals.arrive();
            Ok(())
        });
        DynamicSupervisor::spawn_child(supervisor.clone(), idle).await.expect("it is added");
    }
    arrivals.all().await;
    stage.started();
    supervisor.stop(None);
    task.await.expect("it stops well");
    left.all().await;
    stage.stopped()
}
