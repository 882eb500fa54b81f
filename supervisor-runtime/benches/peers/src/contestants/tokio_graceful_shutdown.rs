//! `tokio-graceful-shutdown`: subsystems that are stopped together, and never restarted.

use std::time::Duration;

use tokio_graceful_shutdown::{SubsystemBuilder, SubsystemHandle, Toplevel};
use tokio_util::sync::CancellationToken;

use crate::scenario::{CHILDREN, Can, Contestant, Spent, Stage};
use crate::sides::Arrivals;

pub(super) const CONTESTANT: Contestant = Contestant {
    name: "tokio-graceful-shutdown",
    restart_cycle: Can::Not("it restarts nothing"),
    group_restart: Can::Not("it restarts nothing"),
    idle: Can::Do(CHILDREN, |children| Box::pin(idle(children))),
};

type Error = Box<dyn std::error::Error + Send + Sync>;

async fn idle(children: usize) -> Spent {
    let (arrivals, stopping) = (Arrivals::of(children), CancellationToken::new());
    let mut stage = Stage::begin(children);
    let start_all = {
        let arrivals = arrivals.clone();
        async move |subsystem: &mut SubsystemHandle| {
            for number in 0..children {
                let arrivals = arrivals.clone();
                let idle = async move |subsystem: &mut SubsystemHandle| {
                    arrivals.arrive();
                    subsystem.on_shutdown_requested().await;
                    Ok::<(), Error>(())
                };
                subsystem.start(SubsystemBuilder::new(format!("idle_{number}"), idle));
            }
        }
    };
    let toplevel: Toplevel = Toplevel::new_with_shutdown_token(start_all, stopping.clone());
    let running = tokio::spawn(toplevel.handle_shutdown_requests(Duration::from_secs(600)));
    arrivals.all().await;
    stage.started();
    stopping.cancel();
    running.await.expect("it is no panic").expect("it stops well");
    stage.stopped()
}
