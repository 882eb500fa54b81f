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
        job(restart = temporary, backoff = 1s..2s): Worker(0),
        conn*..(backoff = 1s..2s): Worker,
    }
}

fn main() {
    let _ = Tree::run();
}
