//! The library that this is the benchmark of.

use crate::scenario::{CHILDREN, Can, Contestant, GROUP, Spent, Stage};
use crate::sides::restart::Failing;
use crate::sides::{group, restart, start};

pub(super) const CONTESTANT: Contestant = Contestant {
    name: "supervisor-runtime",
    restart_cycle: Can::Do(5_000, |restarts| Box::pin(restart::ours(Failing::WithError, restarts))),
    group_restart: Can::Do(50, |restarts| Box::pin(group::ours_replicas(GROUP, restarts))),
    idle: Can::Do(CHILDREN, |children| Box::pin(idle(children))),
};

async fn idle(children: usize) -> Spent {
    let mut stage = Stage::begin(children);
    let running = start::replicas(children).await;
    stage.started();
    running.shutdown().await.expect("it stops well");
    stage.stopped()
}
