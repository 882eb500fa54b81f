//! A handle that works across restarts may be used everywhere.
#![deny(warnings, clippy::pedantic)]

use supervisor_runtime::{Context, Decision, Provide, Service, ServiceResult, StableHandle, supervision_tree};

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

impl StableHandle for Db {}

supervision_tree! {
    struct One;

    one_for_one {
        db(in_place): Db(1),
        user: User(db),
        keeping(in_place): User(db.clone()),
        replacing(replace = |old: User, _index| old): User(db),
        dbs*2(in_place): Db::nth,
        user_of_all*2: |index: usize| User(dbs[index].clone()),
        keeping_all*2(in_place): |index: usize| User(dbs[index].clone()),
    }
}

supervision_tree! {
    struct Forfeit;

    forfeit_one_for_one {
        db(in_place): Db(1),
        user: User(db),
        keeping(in_place): User(db.clone()),
        replacing(replace = |old: User, _index| old): User(db),
        dbs*2(in_place): Db::nth,
        user_of_all*2: |index: usize| User(dbs[index].clone()),
        keeping_all*2(in_place): |index: usize| User(dbs[index].clone()),
    }
}

supervision_tree! {
    struct Own;

    custom(|_failure| Decision::Escalate) {
        db(in_place): Db(1),
        user: User(db),
        keeping(in_place): User(db.clone()),
        replacing(replace = |old: User, _index| old): User(db),
        dbs*2(in_place): Db::nth,
        user_of_all*2: |index: usize| User(dbs[index].clone()),
        keeping_all*2(in_place): |index: usize| User(dbs[index].clone()),
    }
}

supervision_tree! {
    struct Rest;

    rest_for_one {
        db(in_place): Db(1),
        user: User(db),
        keeping(in_place): User(db.clone()),
        replacing(replace = |old: User, _index| old): User(db),
        dbs*2(in_place): Db::nth,
        user_of_all*2: |index: usize| User(dbs[index].clone()),
        keeping_all*2(in_place): |index: usize| User(dbs[index].clone()),
    }
}

impl Db {
    fn nth(index: usize) -> Self {
        Self(index + 1)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), supervisor_runtime::TreeError> {
    One::start().await?.shutdown().await?;
    Forfeit::start().await?.shutdown().await?;
    Own::start().await?.shutdown().await?;
    Rest::start().await?.shutdown().await?;
    Ok(())
}
