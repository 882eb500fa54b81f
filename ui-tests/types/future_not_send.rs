use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

async fn open() -> Worker {
    let local = std::rc::Rc::new(0);
    std::future::ready(()).await;
    Worker(*local)
}

supervision_tree! {
    one_for_one {
        db: open(),
    }
}

fn main() {
    let _ = Tree::run();
}
