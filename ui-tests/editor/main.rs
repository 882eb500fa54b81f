//! A crate for rust-analyzer; `tests/editor.rs` asks about it what an editor would.

use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

/// The database.
struct Db;

struct Worker(usize);

impl Db {
    fn open() -> Self {
        Self
    }

    fn with_cache(self) -> Self {
        self
    }
}

impl Worker {
    fn make_one(index: usize) -> Self {
        Self(index)
    }
}

impl Service for Db {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    struct Tree(size: usize);

    one_for_all(max_restarts = 10, over = "1s") {
        db(shutdown = 5s): Db = Db::open().with_cache(),
        pool: rest_for_one {
            worker*size(restart = transient): Worker::make_one,
        }
    }
}

async fn uses(tree: Tree) {
    let _ = tree.db.status();
    let _ = tree.pool.worker.get(2);
}

fn main() {
    let _ = uses;
}
