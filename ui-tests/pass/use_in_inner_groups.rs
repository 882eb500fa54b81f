//! A handle goes into groups, named ones and others, as a name does into blocks.
#![deny(warnings, clippy::pedantic)]

use supervisor_runtime::{Context, Decision, Provide, Service, ServiceResult, supervision_tree};

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
    rest_for_one {
        db: Db(1),
        user: User(db),
        one_for_one {
            anonymous: User(db),
            inner: forfeit_one_for_one {
                user: User(db.clone()),
                custom(|_failure| Decision::Escalate) {
                    innermost*2: |_index| User(db),
                }
            }
        }
        pool: one_for_one {
            one_for_all {
                cache: Db(2),
                reader: User(cache),
                both: { let _ = cache; User(db) },
            }
        }
        crashing {
            last: User(db),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), supervisor_runtime::TreeError> {
    Tree::start().await?.shutdown().await?;
    Ok(())
}
