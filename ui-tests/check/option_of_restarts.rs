use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    crashing(max_restarts = 3) {
        worker(restart = transient): Worker(0),
        other(backoff = 1s..2s): Worker(0),
    }
}

fn main() {
    let _ = Tree::run();
}
