use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

const COUNT: u32 = 4;

supervision_tree! {
    one_for_one {
        worker*COUNT: Worker,
    }
}

fn main() {
    let _ = Tree::run();
}
