//! What a good engineer writes with tokio alone.

use crate::scenario::{CHILDREN, Can, Contestant, GROUP, Spent, Stage};
use crate::sides::restart::Failing;
use crate::sides::{group, restart, start};

pub(super) const CONTESTANT: Contestant = Contestant {
    name: "by-hand",
    restart_cycle: Can::Do(5_000, |restarts| Box::pin(restart::raw(Failing::WithError, restarts))),
    group_restart: Can::Do(50, |restarts| Box::pin(group::raw(GROUP, restarts))),
    idle: Can::Do(CHILDREN, |children| Box::pin(idle(children))),
};

async fn idle(children: usize) -> Spent {
    let mut stage = Stage::begin(children);
    let tasks = start::tasks(children).await;
    stage.started();
    tasks.stop().await;
    stage.stopped()
}
