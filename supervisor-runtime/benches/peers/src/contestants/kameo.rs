//! `kameo`: actors under a supervising actor.

use std::sync::Arc;

use kameo::Actor;
use kameo::actor::{ActorRef, Spawn};
use kameo::error::Infallible;
use kameo::supervision::{RestartPolicy, SupervisionStrategy};

use crate::scenario::{CHILDREN, Can, Contestant, GROUP, Spent, Stage};
use crate::sides::group::Cycles;
use crate::sides::restart::{Course, Failing};
use crate::sides::{Arrivals, MAX_RESTARTS, OVER};

pub(super) const CONTESTANT: Contestant = Contestant {
    name: "kameo",
    restart_cycle: Can::Do(1_000, |restarts| Box::pin(restart_cycle(restarts))),
    group_restart: Can::Do(10, |restarts| Box::pin(group_restart(restarts))),
    idle: Can::Do(CHILDREN, |children| Box::pin(idle(children))),
};

struct OneForOne;

impl Actor for OneForOne {
    type Args = ();
    type Error = Infallible;

    async fn on_start((): (), _itself: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

struct OneForAll;

impl Actor for OneForAll {
    type Args = ();
    type Error = Infallible;

    fn supervision_strategy() -> SupervisionStrategy {
        SupervisionStrategy::OneForAll
    }

    async fn on_start((): (), _itself: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

/// Stops an actor with its children, and waits until they are gone.
async fn stop<A: Actor>(supervisor: ActorRef<A>) {
    supervisor.stop_gracefully().await.expect("it runs");
    supervisor.wait_for_shutdown().await;
}

/// What it fails with has to be an error that can be debugged.
#[derive(Clone, Debug)]
struct Refused(#[allow(dead_code, reason = "it is what the failure says")] String);

struct Crash;

impl Actor for Crash {
    type Args = Arc<Course>;
    type Error = Refused;

    async fn on_start(course: Arc<Course>, _itself: ActorRef<Self>) -> Result<Self, Refused> {
        course.run().map(|()| Self).map_err(|error| Refused(error.to_string()))
    }
}

async fn restart_cycle(restarts: usize) -> f64 {
    let course = Course::new(Failing::WithError, 0, restarts);
    let supervisor = OneForOne::spawn(());
    let crash = Crash::supervise(&supervisor, Arc::clone(&course));
    crash.restart_policy(RestartPolicy::Transient).restart_limit(MAX_RESTARTS, OVER).spawn().await;
    course.over().await;
    stop(supervisor).await;
    course.each()
}

struct Member;

impl Actor for Member {
    type Args = Arc<Cycles>;
    type Error = Refused;

    async fn on_start(cycles: Arc<Cycles>, _itself: ActorRef<Self>) -> Result<Self, Refused> {
        if cycles.fails() { Err(Refused("connection refused".to_owned())) } else { Ok(Self) }
    }
}

async fn group_restart(restarts: usize) -> f64 {
    let cycles = Cycles::of(GROUP, restarts);
    let begun = std::time::Instant::now();
    let supervisor = OneForAll::spawn(());
    for _ in 0..GROUP {
        let member = Member::supervise(&supervisor, Arc::clone(&cycles));
        member.restart_policy(RestartPolicy::Transient).restart_limit(MAX_RESTARTS, OVER).spawn().await;
    }
    cycles.over().await;
    let took = begun.elapsed();
    stop(supervisor).await;
    crate::sides::each(took, restarts)
}

struct Idle;

impl Actor for Idle {
    type Args = Arrivals;
    type Error = Infallible;

    async fn on_start(arrivals: Arrivals, _itself: ActorRef<Self>) -> Result<Self, Infallible> {
        arrivals.arrive();
        Ok(Self)
    }
}

async fn idle(children: usize) -> Spent {
    let arrivals = Arrivals::of(children);
    let mut stage = Stage::begin(children);
    let supervisor = OneForOne::spawn(());
    for _ in 0..children {
        Idle::supervise(&supervisor, arrivals.clone()).restart_limit(MAX_RESTARTS, OVER).spawn().await;
    }
    arrivals.all().await;
    stage.started();
    stop(supervisor).await;
    stage.stopped()
}
