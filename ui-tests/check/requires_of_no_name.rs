use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    dependents_for_one {
        first: Worker(0),
        second(requires = ["first"]): Worker(1),
    }
}

fn main() {
    let _ = Tree::run();
}
