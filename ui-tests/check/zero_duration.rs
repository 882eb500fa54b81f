use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    one_for_one(over = 0) {
        a(shutdown = 0s): Worker(0),
        b(heartbeat = "0ms"): Worker(0),
        c(backoff = 0..1s): Worker(0),
    }
}

fn main() {
    let _ = Tree::run();
}
