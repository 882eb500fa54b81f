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
        db: Conn =,
        cache*0: Conn = |_| Conn,
        conn*..: Conn::new(),
        pool: one_for_noe {
            worker*4(restrat = permanent): |_| Conn,
        }
    }
}

async fn uses(tree: Tree) {
    let _ = tree.db.restart().await;
    let _ = tree.cache.len();
    let _ = tree.conn.add(Conn::new()).await;
    let _ = tree.pool.worker.restart().await;
    let _ = tree.pool.restart().await;
    let _ = tree.shutdown().await;
}

fn main() {
    let _ = uses;
}
