//! Every strategy, every option, every spelling of a duration.
#![deny(warnings)]

use std::time::Duration;

use supervisor_runtime::{
    Context, Decision, Failure, RestartLimitReached, Service, ServiceResult, Set, Shutdown, supervision_tree,
};

struct Worker;

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

#[derive(Debug)]
struct GaveUp(RestartLimitReached);

impl std::fmt::Display for GaveUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "gave up: {}", self.0)
    }
}

impl std::error::Error for GaveUp {}

const WINDOW: Duration = Duration::from_secs(10);
const COUNT: usize = 3;

fn decide(failure: &Failure<'_>) -> Decision {
    match failure.child() {
        "worker" => Decision::Restart(Set::All),
        _ => Decision::Escalate,
    }
}

mod limits {
    pub const COUNT: usize = 2;
    pub const RESTARTS: u32 = 5;
}

supervision_tree! {
    one_for_all(max_restarts = 100, over = 1s, raises = GaveUp, backoff = 10ms..50ms, shutdown = "1h30m", auto_shutdown = all_significant) {
        durations: one_for_one {
            text(heartbeat = "250ms"): Worker,
            suffix(heartbeat = 250ms): Worker,
            seconds(heartbeat = 5): Worker,
            fraction(heartbeat = 0.5): Worker,
            long(heartbeat = 1h30m): Worker,
            constant(heartbeat = WINDOW): Worker,
            product(heartbeat = WINDOW * 2): Worker,
            call(heartbeat = Duration::from_millis(3)): Worker,
            range(backoff = "100ms".."30s"): Worker,
            mixed(backoff = 0.1..WINDOW): Worker,
        }
        stops: rest_for_one(max_restarts = 0, shutdown = 1m) {
            soon(shutdown = 5s): Worker,
            never(shutdown = infinity): Worker,
            at_once(shutdown = brutal_kill): Worker,
            given(shutdown = Shutdown::DEFAULT): Worker,
        }
        needs: dependents_for_one(max_restarts = limits::RESTARTS) {
            db: Worker,
            pool: one_for_one { worker*2: |_| Worker },
            report*2(requires = [db, pool], start_timeout = 30s): |_| Worker,
            crashing(requires = [report], start_timeout = 1s) { last: Worker }
        }
        counts: one_for_one {
            literal*4: |_| Worker,
            constant*COUNT: |_| Worker,
            path*limits::COUNT: |_| Worker,
            expression*(COUNT + 1): |_| Worker,
            suffixed*4usize(shutdown = 1s): |_| Worker,
        }
        ends: one_for_one(auto_shutdown = any_significant) {
            transient(restart = transient, significant): Worker,
            temporary(restart = temporary, significant): Worker,
            permanent(restart = permanent): Worker,
            never: one_for_one(auto_shutdown = never, restart = transient, significant) { worker: Worker }
        }
        forfeits: forfeit_one_for_one { worker: Worker }
        forfeit_one_for_all(shutdown = 10s) { other: Worker }
        decides: custom(decide, max_restarts = 3) { worker: Worker }
        custom(|failure| { let _ = failure; Decision::Escalate }) { another: Worker }
        /// Documented, too.
        r#final(restart = transient, significant): Worker,
        one_for_one: Worker,
    }
}

fn main() {
    drop(Tree::run());
}
