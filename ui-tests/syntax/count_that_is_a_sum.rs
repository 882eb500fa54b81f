use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

const N: usize = 1;

supervision_tree! {
    one_for_one {
        first*2 + 2: Worker,
        second*N*2: Worker,
    }
}

fn main() {
    let _ = Tree::run();
}
