//! `taskvisor`: named tasks, retried one by one, with events.

use std::sync::Arc;
use std::time::Duration;

use taskvisor::prelude::*;

use crate::scenario::{CHILDREN, Can, Contestant, Spent, Stage};
use crate::sides::Arrivals;
use crate::sides::restart::{Course, Failing};

pub(super) const CONTESTANT: Contestant = Contestant {
    name: "taskvisor",
    restart_cycle: Can::Do(2_000, |restarts| Box::pin(restart_cycle(restarts))),
    group_restart: Can::Not("it restarts each task alone"),
    idle: Can::Do(CHILDREN, |children| Box::pin(idle(children))),
};

/// Its limits on the number of tasks are lifted; nobody subscribes.
fn supervisor() -> Arc<Supervisor> {
    let config = SupervisorConfig::default().with_max_registered_tasks(None).with_ownership_capacity(None);
    Supervisor::new(config, Vec::new())
}

async fn restart_cycle(restarts: usize) -> f64 {
    let course = Course::new(Failing::WithError, 0, restarts);
    let crash: TaskRef = {
        let course = Arc::clone(&course);
        TaskFn::arc(move |_stopping| {
            let course = Arc::clone(&course);
            async move { course.run().map_err(|error| TaskError::fail(error.to_string())) }
        })
    };
    let supervisor = supervisor();
    let running = supervisor.serve().expect("it starts");
    let crash = TaskSpec::restartable("crash", crash).with_backoff(BackoffPolicy::constant(Duration::ZERO));
    running.add(crash).await.expect("it is added");
    course.over().await;
    running.shutdown().await.expect("it stops well");
    course.each()
}

async fn idle(children: usize) -> Spent {
    let arrivals = Arrivals::of(children);
    let mut stage = Stage::begin(children);
    let supervisor = supervisor();
    let running = supervisor.serve().expect("it starts");
    for number in 0..children {
        let arrivals = arrivals.clone();
        let idle: TaskRef = TaskFn::arc(move |stopping: TaskContext| {
            let arrivals = arrivals.clone();
            async move {
                arrivals.arrive();
                stopping.cancelled().await;
                Ok(())
            }
        });
        running.add(TaskSpec::restartable(format!("idle_{number}"), idle)).await.expect("it is added");
    }
    arrivals.all().await;
    stage.started();
    running.shutdown().await.expect("it stops well");
    stage.stopped()
}
