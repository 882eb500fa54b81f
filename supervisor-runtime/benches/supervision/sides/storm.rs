//! Many children fail at the same time; until all of them run again.

use std::time::Instant;

use supervisor_runtime::{Child, Context, Service, ServiceResult, Supervisor};
use tokio_util::sync::CancellationToken;

use super::respawn::{Respawn, caught};
use super::{Arrivals, MAX_RESTARTS, OVER, PAUSE, each, refused};

/// What makes all of them fail, and who has arrived before and after.
#[derive(Clone)]
struct Storm {
    breaks: CancellationToken,
    before: Arrivals,
    after: Arrivals,
}

impl Storm {
    fn over(children: usize) -> Self {
        let breaks = CancellationToken::new();
        Self { breaks, before: Arrivals::of(children), after: Arrivals::of(children) }
    }

    /// The first incarnation: waits for the storm, and fails.
    async fn hit(&self) -> ServiceResult {
        self.before.arrive();
        self.breaks.cancelled().await;
        Err(refused())
    }

    /// From the storm until all run again.
    async fn pass(&self, children: usize) -> f64 {
        self.before.all().await;
        tokio::time::sleep(PAUSE).await;
        let begun = Instant::now();
        self.breaks.cancel();
        self.after.all().await;
        each(begun.elapsed(), children)
    }
}

struct House(Storm);

impl Service for House {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        if !self.0.breaks.is_cancelled() {
            return self.0.hit().await;
        }
        self.0.after.arrive();
        cx.stopping().await;
        Ok(())
    }
}

pub(crate) async fn ours(children: usize) -> f64 {
    let storm = Storm::over(children);
    let houses = {
        let storm = storm.clone();
        Child::replicated("house", children, move |_| House(storm.clone()))
    };
    let tree = Supervisor::one_for_one("tree").max_restarts(MAX_RESTARTS).over(OVER).child(houses);
    let running = tree.start().await.expect("it starts");
    let took = storm.pass(children).await;
    running.shutdown().await.expect("it stops well");
    took
}

/// A respawn loop that knows which task has ended.
///
/// Fair: a panic is caught in the task, so that its number comes back with it; the alternative, a map from the ids of
/// tasks, costs more.
pub(crate) async fn raw(children: usize) -> f64 {
    let storm = Storm::over(children);
    let token = CancellationToken::new();
    let supervisor = tokio::spawn(restart_each(storm.clone(), token.clone(), children));
    let took = storm.pass(children).await;
    token.cancel();
    supervisor.await.expect("it stops well");
    took
}

async fn restart_each(storm: Storm, token: CancellationToken, children: usize) {
    let mut respawn = Respawn::new(token);
    let spawn = |respawn: &mut Respawn<_>, number: usize| {
        let (storm, token) = (storm.clone(), respawn.token.clone());
        respawn.tasks.spawn(async move { (number, caught(house(storm, token)).await) });
    };
    for number in 0..children {
        spawn(&mut respawn, number);
    }
    while let Some(end) = respawn.next().await {
        match end {
            Ok((_, Ok(Ok(())))) | Err(_) => {}
            Ok(_failed) if respawn.gives_up() => break,
            Ok((number, _failed)) => spawn(&mut respawn, number),
        }
    }
    while respawn.tasks.join_next().await.is_some() {}
}

async fn house(storm: Storm, token: CancellationToken) -> ServiceResult {
    if !storm.breaks.is_cancelled() {
        return storm.hit().await;
    }
    storm.after.arrive();
    token.cancelled().await;
    Ok(())
}
