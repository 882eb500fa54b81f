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
        pub first: Worker(0),
        let mut second = Worker(1),
    }
}

fn main() {
    let _ = |tree: &Tree| drop((tree.first.clone(), tree.second.clone()));
}
