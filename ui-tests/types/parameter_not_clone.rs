use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

struct Inbox(usize);

supervision_tree! {
    struct Tree(inbox: Inbox);
    one_for_one {
        worker: Worker(inbox.0),
        other: Worker(inbox.0),
    }
}

fn main() {
    let _ = Tree::run(Inbox(0));
}
