//! An embedded tree is a user as any other.
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

supervision_tree! {
    struct Billing(limit: usize, db: Pool);

    one_for_one {
        user: User(db),
        again*(limit): |_index| User(db),
    }
}

supervision_tree! {
    struct Tree(limit: usize);

    dependents_for_one {
        db: Db(1),
        billing: Billing::service(limit, db),
        shop: one_for_one {
            books: Billing::service(2, db.clone()),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), supervisor_runtime::TreeError> {
    Tree::start(3).await?.shutdown().await?;
    Ok(())
}
