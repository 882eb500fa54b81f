//! Of two with the same name the nearer is meant, of a child and a parameter the child.
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

struct Is(Pool, usize);

impl Service for Is {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        assert_eq!(self.0.0, self.1);
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    struct Tree(db: usize, other: usize);

    rest_for_one {
        before: Is(Pool(9), db),
        db: Db(db),
        outer: Is(db, 9),
        inner: rest_for_one {
            first: Is(db, 9),
            db: Db(2),
            second: Is(db, 2),
            deeper: one_for_one {
                third: Is(db, 2),
                other: Is(Pool(7), other),
            }
        }
        second: rest_for_one {
            db: Db(3),
            third: Is(db, 3),
        }
        after: Is(db, 9),
        local: { let db = Pool(4); Is(db, 4) },
        once: { let db = Pool(db.0 + 1); Is(db, 10) },
        argument*2: |db| Is(Pool(db), db),
        closure: { let is = |db: usize| Is(Pool(db), db); is(5) },
        matched: match Some(6) { Some(db) => Is(Pool(db), db), None => Is(db, 9) },
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), supervisor_runtime::TreeError> {
    Tree::start(9, 7).await?.shutdown().await?;
    Ok(())
}
