//! From a failure to the first line of the next incarnation, of a child that awaits before it fails.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use supervisor_runtime::{Child, Context, Restart, Service, ServiceResult, Supervisor};
use tokio_util::sync::CancellationToken;

use super::respawn::Respawn;
use super::{MAX_RESTARTS, OVER, hold, refused};

/// When the child has failed last, and how long each restart has taken.
struct Times {
    restarts: usize,
    seen: Mutex<(Option<Instant>, Vec<Duration>)>,
}

impl Times {
    fn of(restarts: usize) -> Arc<Self> {
        Arc::new(Self { restarts, seen: Mutex::new((None, Vec::with_capacity(restarts))) })
    }

    /// What an incarnation does, on both sides.
    async fn run(&self) -> ServiceResult {
        let now = Instant::now();
        let is_last = {
            let (failed, times) = &mut *hold(&self.seen);
            times.extend(failed.map(|failed| now - failed));
            times.len() == self.restarts
        };
        if is_last {
            return Ok(());
        }
        tokio::task::yield_now().await;
        hold(&self.seen).0 = Some(Instant::now());
        Err(refused())
    }

    fn take(&self) -> Vec<f64> {
        let times = std::mem::take(&mut hold(&self.seen).1);
        times.into_iter().map(|time| time.as_nanos() as f64).collect()
    }
}

struct Crash(Arc<Times>);

impl Service for Crash {
    async fn run(&mut self, _cx: &Context) -> ServiceResult {
        self.0.run().await
    }
}

/// The time of each restart, in nanoseconds.
pub(crate) async fn ours(restarts: usize) -> Vec<f64> {
    let times = Times::of(restarts);
    let child = {
        let times = Arc::clone(&times);
        Child::new("crash", move || Crash(Arc::clone(&times))).restart(Restart::Transient)
    };
    let tree = Supervisor::one_for_one("tree").max_restarts(MAX_RESTARTS).over(OVER).child(child);
    let mut running = tree.start().await.expect("it starts");
    running.wait().await.expect("it ends well");
    times.take()
}

/// The same respawn loop as for the cycle; fair for the same reasons.
pub(crate) async fn raw(restarts: usize) -> Vec<f64> {
    let times = Times::of(restarts);
    let mut respawn = Respawn::new(CancellationToken::new());
    let spawn = |respawn: &mut Respawn<ServiceResult>| {
        let (times, token) = (Arc::clone(&times), respawn.token.clone());
        respawn.tasks.spawn(async move { if token.is_cancelled() { Ok(()) } else { times.run().await } });
    };
    spawn(&mut respawn);
    while let Some(end) = respawn.next().await {
        if matches!(end, Ok(Ok(()))) || respawn.gives_up() {
            break;
        }
        spawn(&mut respawn);
    }
    times.take()
}
