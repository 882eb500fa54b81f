use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    rest_for_one(max_restarts = 20, over = 10s, backoff = 4s..30s) {
        first: Worker(0),
        second*2: Worker,
        third(restart = temporary): Worker(0),
        pool: one_for_all {
            fourth: Worker(0),
        }
    }
}

fn main() {
    let _ = Tree::run();
}
