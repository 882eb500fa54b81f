//! Handles and parameters stand side by side.
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

impl User {
    fn new(pool: Pool, name: String) -> Self {
        drop(name);
        Self(pool)
    }

    async fn open(pool: &Pool, name: &str) -> std::io::Result<Self> {
        tokio::task::yield_now().await;
        Ok(Self::new(pool.clone(), name.to_owned()))
    }
}

struct Inbox;

supervision_tree! {
    struct Tree(name: String, inbox: Inbox, count: usize);

    rest_for_one {
        db: Db(count),
        moved: User::new(db, name),
        borrowed: User::open(&db, &name),
        awaited: User::open(&db, &name).await?,
        replicas*(count): |index| User::new(db, format!("{name} {index}")),
        borrowing*2: |_index| User::open(&db, &name),
        asynchronous*2: async |_index| User::open(&db, &name).await,
        kept(in_place): { let Inbox = inbox; User::new(stable, name) },
        plain(in_place): Db(1),
    }
}

#[allow(non_upper_case_globals, reason = "it looks like a child and is none")]
const stable: Pool = Pool(1);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), supervisor_runtime::TreeError> {
    Tree::start("tree".to_owned(), Inbox, 2).await?.shutdown().await?;
    Ok(())
}
