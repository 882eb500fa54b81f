use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

const LIMIT: i64 = 4;

supervision_tree! {
    one_for_one(max_restarts = LIMIT) {
        worker*4: Worker,
    }
}

fn main() {
    let _ = Tree::run();
}
