use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    struct Orders(pub size: usize, mut more: usize);
    one_for_one {
        worker: Worker(size + more),
    }
}

fn main() {
    let _ = Orders::run(0, 1);
}
