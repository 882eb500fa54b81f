use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

fn decide(_: &str) {}

supervision_tree! {
    custom(decide) {
        worker*4: Worker,
    }
}

fn main() {
    let _ = Tree::run();
}
