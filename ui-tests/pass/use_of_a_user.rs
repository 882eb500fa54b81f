//! A provider can use providers.
#![deny(warnings, clippy::pedantic)]

use supervisor_runtime::{Context, Provide, Service, ServiceResult, supervision_tree};

#[derive(Clone, Debug)]
struct Pool(usize);

struct Db(usize);

impl Service for Db {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

impl Provide for Db {
    type Handle = Pool;

    fn handle(&self) -> Pool {
        Pool(self.0)
    }
}

struct User(Pool);

impl Service for User {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        assert_ne!(self.0.0, 0);
        cx.stopping().await;
        Ok(())
    }
}

struct Cache(Pool);

impl Service for Cache {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

impl Provide for Cache {
    type Handle = (Pool, String);

    fn handle(&self) -> Self::Handle {
        (self.0.clone(), String::new())
    }
}

supervision_tree! {
    dependents_for_one {
        db: Db(1),
        cache: Cache(db),
        user: User(cache.0),
        both: { let (pool, _) = cache; let _ = db; User(pool) },
        shards*2: |_index| Cache(db),
        last: User(shards[1].0.clone()),
        typed: Cache = Cache(db),
        user_of_typed: User = User(typed.0.clone()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), supervisor_runtime::TreeError> {
    Tree::start().await?.shutdown().await?;
    Ok(())
}
