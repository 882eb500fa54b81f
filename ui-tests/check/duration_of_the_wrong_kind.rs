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
        a(shutdown = -1): Worker(0),
        b(shutdown = 0x10): Worker(0),
        c(shutdown = 5u64): Worker(0),
        d(shutdown = true): Worker(0),
        e(shutdown = 1s..2s): Worker(0),
    }
}

fn main() {
    let _ = Tree::run();
}
