use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    Orders(size: usize);
    one_for_one {
        worker: Worker(size),
    }
}

fn main() {
    let _ = Orders::run(0);
}
