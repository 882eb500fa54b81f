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
        a: one_for_one(max_restarts = "ten") {
            worker: Worker(0),
        }
        b: one_for_one(max_restarts = -1) {
            worker: Worker(0),
        }
        c: one_for_one(max_restarts = 1.5) {
            worker: Worker(0),
        }
    }
}

fn main() {
    let _ = Tree::run();
}
