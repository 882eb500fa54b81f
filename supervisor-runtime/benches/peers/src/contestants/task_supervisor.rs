//! `task-supervisor`: named tasks, restarted one by one. Each restart goes through a timer, also without a delay.

use std::sync::Arc;
use std::time::Duration;

use task_supervisor::{CancellationToken, SupervisedTask, SupervisorBuilder, TaskResult};

use crate::scenario::{CHILDREN, Can, Contestant, Spent, Stage};
use crate::sides::restart::{Course, Failing};
use crate::sides::{Arrivals, MAX_RESTARTS, OVER};

pub(super) const CONTESTANT: Contestant = Contestant {
    name: "task-supervisor",
    restart_cycle: Can::Do(20, |restarts| Box::pin(restart_cycle(restarts))),
    group_restart: Can::Not("it restarts each task alone"),
    idle: Can::Do(CHILDREN, |children| Box::pin(idle(children))),
};

fn supervisor() -> SupervisorBuilder {
    SupervisorBuilder::new()
        .with_restart_limit(MAX_RESTARTS, OVER)
        .with_base_restart_delay(Duration::ZERO)
        .with_restart_jitter(0.0)
}

#[derive(Clone)]
struct Crash(Arc<Course>);

impl SupervisedTask for Crash {
    async fn run(self, _stopping: CancellationToken) -> TaskResult {
        self.0.run()
    }
}

async fn restart_cycle(restarts: usize) -> f64 {
    let course = Course::new(Failing::WithError, 0, restarts);
    let running = supervisor().with_task("crash", Crash(Arc::clone(&course))).spawn();
    course.over().await;
    running.shutdown().await.expect("it stops well");
    course.each()
}

#[derive(Clone)]
struct Idle(Arrivals);

impl SupervisedTask for Idle {
    async fn run(self, stopping: CancellationToken) -> TaskResult {
        self.0.arrive();
        stopping.cancelled().await;
        Ok(())
    }
}

async fn idle(children: usize) -> Spent {
    let arrivals = Arrivals::of(children);
    let mut stage = Stage::begin(children);
    let tasks = (0..children).fold(supervisor(), |supervisor, number| {
        supervisor.with_task(&format!("idle_{number}"), Idle(arrivals.clone()))
    });
    let running = tasks.spawn();
    arrivals.all().await;
    stage.started();
    running.shutdown().await.expect("it stops well");
    stage.stopped()
}
