use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    struct Tree(__size: usize, type: usize, _: usize);

    one_for_one {
        worker: Worker(0),
    }
}

fn main() {
    let _ = Tree::run(1, 2, 3);
}
