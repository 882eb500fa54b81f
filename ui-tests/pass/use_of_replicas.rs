//! Replicas give a `Vec` of handles, in the order of the index; replicas can be users, too.
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

struct Sum(Vec<Pool>);

impl Service for Sum {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        assert_eq!(self.0.iter().map(|pool| pool.0).collect::<Vec<_>>(), [1, 2, 3]);
        cx.stopping().await;
        Ok(())
    }
}

impl Sum {
    fn nth(index: usize, pools: &[Pool]) -> User {
        User(pools[index].clone())
    }

    fn maker(pools: Vec<Pool>) -> impl Fn(usize) -> User + Send + Sync + 'static {
        move |index| Self::nth(index, &pools)
    }

    async fn later(pools: &[Pool]) -> std::io::Result<fn(usize) -> User> {
        tokio::task::yield_now().await;
        println!("{pools:?}");
        Ok(|index| User(Pool(index + 1)))
    }
}

supervision_tree! {
    struct Tree(count: usize);

    dependents_for_one {
        db*(count): |index| Db(index + 1),
        sum: Sum(db),
        sums*2: |_| Sum(db.clone()),
        nth*3: |index| Sum::nth(index, &db),
        first*2: |_index| -> User { User(db[0].clone()) },
        made*3: Sum::maker(db),
        cloned*3: Sum::maker(db.clone()),
        later*2: Sum::later(&db).await?,
        by_number*(count): |index| { println!("{count}"); Sum::nth(index, &db) },
        async_closure*3: async |index| { tokio::task::yield_now().await; Sum::nth(index, &db) },
        async_block*3: |index| async move { tokio::task::yield_now().await; Sum::nth(index, &db) },
        moving*3: move |index| Sum::nth(index, &db),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), supervisor_runtime::TreeError> {
    Tree::start(3).await?.shutdown().await?;
    Ok(())
}
