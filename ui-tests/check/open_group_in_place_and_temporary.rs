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
        conn*..(in_place): Conn,
        said*..=9(restart = temporary, in_place): Conn,
        kept*..(restart = transient, in_place): Conn,
        crashing {
            never*..(in_place): Conn,
        }
    }
}

fn main() {
    let _ = Tree::run();
}
