use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    one_for_one(max_restarts = 10) {
        worker*2(backoff = 1s..30s): Worker,
    }
}

fn main() {
    let _ = Tree::run();
}
