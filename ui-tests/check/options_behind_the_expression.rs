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
        first: Worker(0) (restart = transient),
        second*2: Worker(shutdown = 1s),
    }
}

fn main() {
    let _ = Tree::run();
    let _ = |tree: &Tree| drop((tree.first.clone(), tree.second.clone()));
}
