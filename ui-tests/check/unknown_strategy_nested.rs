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
        pool: rest_for_noe {
            worker: Worker(0),
        }
        all(max_restarts = 3) {
            other: Worker(0),
        }
    }
}

fn main() {
    let _ = Tree::run();
}
