use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    one_for_one {
        pool: one_for_all(max_restarts = 3)(over = 1m) {
            worker: Worker(0),
        }
        rest_for_one(max_restarts = 3)(over = 1m) {
            other(restart = transient)(shutdown = 1s): Worker(0),
        }
    }
}

fn main() {
    let _ = Tree::run();
}
