use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

impl Worker {
    fn another(&self) -> Self {
        Self(self.0)
    }
}

supervision_tree! {
    one_for_one {
        worker*4: Worker::another,
    }
}

fn main() {
    let _ = Tree::run();
}
