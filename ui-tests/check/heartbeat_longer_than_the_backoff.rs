use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    one_for_one(backoff = 100ms..10s) {
        first(heartbeat = 30s): Worker(0),
        second(backoff = 1s..5s, heartbeat = 10s): Worker(0),
        long_enough(heartbeat = 10s): Worker(0),
    }
}

fn main() {
    let _ = Tree::run();
}
