use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

fn trouble(count: usize) -> std::io::Error {
    std::io::Error::other(count.to_string())
}

supervision_tree! {
    one_for_one(raises = trouble) {
        worker*4: Worker,
    }
}

fn main() {
    let _ = Tree::run();
}
