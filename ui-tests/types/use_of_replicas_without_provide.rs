use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

#[derive(Clone)]
struct Pool;

struct Db;

impl Service for Db {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}


struct User(Pool);

impl Service for User {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        let _ = &self.0;
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    rest_for_one {
        db*2: |_index| Db,
        user: User(db[0].clone()),
    }
}

fn main() {
    let _ = Tree::run();
}
