use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    struct Tree(url: &str, size: Option<&usize>, more: &'a usize);

    one_for_one {
        first: Worker(url.len()),
        second: Worker(*size.unwrap() + more),
    }
}

fn main() {
    let _ = Tree::run("here", None, &2);
    let _ = |tree: &Tree| drop((tree.first.clone(), tree.second.clone()));
}
