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
        a(shutdown = "1sec"): Worker(0),
        b(shutdown = 2fortnights): Worker(0),
        c(shutdown = "5"): Worker(0),
    }
}

fn main() {
    let _ = Tree::run();
}
