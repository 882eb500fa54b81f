use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    struct Tree(count: std::rc::Rc<usize>);
    one_for_one {
        db: Worker(*count),
    }
}

fn main() {
    let _ = Tree::run(std::rc::Rc::new(0));
}
