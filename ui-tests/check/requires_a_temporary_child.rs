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
        db(restart = temporary): Worker(0),
        worker(requires = [db]): Worker(0),
    }
}

fn main() {
    let _ = Tree::run();
}
