use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Conn;

impl Service for Conn {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

impl Conn {
    fn new() -> Self {
        Self
    }
}

supervision_tree! {
    one_for_one {
        pool: one_for_one {
            conn*..: Conn::new(),
        },
    }
}

fn main() {
    let _ = Tree::run();
}
