use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    pub struct Orders(size: usize);

    one_for_al {
        worker*size: Worker,
    }
}

const LIMIT: Missing = Missing;

fn main() {
    let orders = Orders::run(4);
    let _: (_, usize) = (orders, Orders::OUTLINE.children().len());
    missing();
}
