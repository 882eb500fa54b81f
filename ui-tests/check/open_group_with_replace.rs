use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Conn;

impl Service for Conn {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

impl Conn {
    fn reborn(self, _index: usize) -> Self {
        self
    }
}

supervision_tree! {
    one_for_one {
        conn*..(replace = Conn::reborn): Conn,
    }
}

fn main() {
    let _ = Tree::run();
}
