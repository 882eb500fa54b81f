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
        a*0: Worker,
        b*-1: Worker,
        c*"4": Worker,
        d*1.5: Worker,
        e*4u32: Worker,
    }
}

fn main() {
    let _ = Tree::run();
}
