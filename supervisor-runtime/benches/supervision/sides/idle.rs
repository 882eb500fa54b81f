//! What a tree costs in which nothing happens.

use std::time::Duration;

use super::start::{replicas, tasks};

/// What is left of a start, such as a thread that goes to sleep, is over by then.
const SETTLED: Duration = Duration::from_millis(100);

/// The process's CPU time meanwhile, in nanoseconds.
async fn spent_in(time: Duration) -> f64 {
    tokio::time::sleep(SETTLED).await;
    let before = cpu_time();
    tokio::time::sleep(time).await;
    (cpu_time() - before).as_nanos() as f64
}

fn cpu_time() -> Duration {
    #[cfg(target_os = "linux")]
    {
        let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::new(spent.tv_sec as u64, spent.tv_nsec as u32)
    }
    #[cfg(not(target_os = "linux"))]
    Duration::ZERO
}

pub(crate) async fn ours(children: usize, time: Duration) -> f64 {
    let running = replicas(children).await;
    let spent = spent_in(time).await;
    running.shutdown().await.expect("it stops well");
    spent
}

pub(crate) async fn raw(children: usize, time: Duration) -> f64 {
    let tasks = tasks(children).await;
    let spent = spent_in(time).await;
    tasks.stop().await;
    spent
}
