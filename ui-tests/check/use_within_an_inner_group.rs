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

supervision_tree! {
    one_for_one {
        db: Db,
        pool: one_for_all {
            rest_for_one {
                user*4: |_index| User(db.clone()),
            }
        }
    }
}

fn main() {
    let _ = Tree::run();
}
