use supervisor_runtime::{Context, Provide, Service, ServiceResult, supervision_tree};

#[derive(Clone)]
struct Pool;

struct Db;

impl Service for Db {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

impl Provide for Db {
    type Handle = Pool;

    fn handle(&self) -> Pool {
        Pool
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

fn db() -> Db {
    Db
}

supervision_tree! {
    rest_for_one {
        db: db(),
        user: User(db()),
    }
}

fn main() {
    let _ = Tree::run();
}
