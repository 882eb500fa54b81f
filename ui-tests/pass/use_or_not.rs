//! A name that only looks like that of a child is no use: the tree could not be `one_for_one` otherwise.
#![deny(warnings, clippy::pedantic)]
#![allow(clippy::useless_format, reason = "it escapes")]

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

mod db {
    pub fn connect() -> super::User {
        super::User(super::Pool(1))
    }
}

struct Config {
    db: usize,
}

impl Config {
    fn db(&self) -> Pool {
        Pool(self.db)
    }
}

fn named(db: usize) -> User {
    User(Config { db }.db())
}

supervision_tree! {
    one_for_one {
        db: Db(1),
        path: db::connect(),
        field: User(Pool(Config { db: 1 }.db)),
        method: User(Config { db: 1 }.db()),
        string: User(Pool("db".len())),
        escaped: User(Pool(format!("{{db}}").len())),
        argument: User(Pool(format!("{db}", db = 1).len())),
        local: { let db = 1; User(Pool(db)) },
        function: { fn db() -> Pool { Pool(1) } User(db()) },
        closure*2: |db| User(Pool(db + 1)),
        named: named(3),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), supervisor_runtime::TreeError> {
    Tree::start().await?.shutdown().await?;
    Ok(())
}
