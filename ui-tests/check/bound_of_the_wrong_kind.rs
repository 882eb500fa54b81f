use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Conn;

impl Service for Conn {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    one_for_one {
        a*..=0: Conn,
        b*..=-1: Conn,
        c*..="4": Conn,
        d*..=1.5: Conn,
        e*..=4u32: Conn,
    }
}

fn main() {
    let _ = Tree::run();
}
