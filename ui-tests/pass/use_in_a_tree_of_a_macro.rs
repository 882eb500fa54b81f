//! A tree that a macro puts together is wired the same.
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

macro_rules! tree {
    ($name:ident, $db:ident, $user:expr) => {
        supervision_tree! {
            struct $name;

            rest_for_one {
                $db: Db(1),
                first: User($db),
                second: $user,
                own: Db(2),
                third: User(own.clone()),
                pool: one_for_one { user*2: |_index| User(own) }
            }
        }
    };
}

tree!(Tree, db, User(db));
tree!(Another, pool_of_mine, { let pool = pool_of_mine.clone(); User(pool) });

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), supervisor_runtime::TreeError> {
    Tree::start().await?.shutdown().await?;
    Another::start().await?.shutdown().await?;
    Ok(())
}
