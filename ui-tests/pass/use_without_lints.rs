//! The expansion raises no warning, however little of a wire the program uses.
#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications, clippy::pedantic, clippy::nursery)]

use supervisor_runtime::{Context, Provide, Service, ServiceResult, StableHandle, supervision_tree};

/// A database.
pub struct Db;

/// What it offers.
#[derive(Clone)]
pub struct Pool;

/// A user.
pub struct User(Pool);

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

impl StableHandle for Db {}

impl Service for User {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        let _ = &self.0;
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    /// A tree of one's own.
    #[derive(Debug)]
    pub struct Orders(size: usize);

    rest_for_one {
        unused: Db,
        once: Db,
        only: User(once),
        db: Db,
        db2: Db,
        cloned: User(db.clone()),
        moved: User(db2),
        /// A group.
        inner: one_for_one {
            db(in_place): Db,
            dbs*3(in_place): |_index| Db,
            user*(size): |_index| User(db),
            users*2: |index| User(dbs[index].clone()),
            kept(in_place): User(db.clone()),
            r#match(in_place): Db,
            last: User(r#match),
        }
    }
}

fn main() {
    drop(Orders::service(4));
}
