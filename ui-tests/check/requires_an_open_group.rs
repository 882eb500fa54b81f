use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Conn;

impl Service for Conn {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    dependents_for_one {
        conn*..: Conn,
        report(requires = [conn]): Conn,
    }
}

fn main() {
    let _ = Tree::run();
}
