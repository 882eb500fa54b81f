//! A name that is not in scope as a child is that of an item.
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

#[allow(non_upper_case_globals, reason = "as a child")]
const later: usize = 3;

fn cache(_: ()) -> Db {
    Db(4)
}

fn report() -> User {
    User(Pool(5))
}

fn call(make: impl Fn() -> User) -> User {
    make()
}

supervision_tree! {
    rest_for_one {
        early: User(Pool(later)),
        cache: cache(()),
        user: User(cache),
        report: call(report),
        later: User(Pool(later)),
        pool: one_for_one {
            inside: User(Pool(1)),
            pool: report_of(pool),
        }
        outside: User(Pool(inside())),
        alone: one_for_one {
            cache: Db(8),
            imported: { use elsewhere::cache; cache() },
        }
    }
}

mod elsewhere {
    pub fn cache() -> super::User {
        super::User(super::Pool(9))
    }
}

fn inside() -> usize {
    6
}

fn pool() -> Pool {
    Pool(7)
}

fn report_of(pool: fn() -> Pool) -> User {
    User(pool())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), supervisor_runtime::TreeError> {
    Tree::start().await?.shutdown().await?;
    Ok(())
}
