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
        a(shutdown = "999999999999999999d"): Worker(0),
        b(shutdown = ""): Worker(0),
        c(shutdown = 1.5ns): Worker(0),
    }
}

fn main() {
    let _ = Tree::run();
}
