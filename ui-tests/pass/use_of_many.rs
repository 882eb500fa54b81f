//! A child can use any number of others.
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

struct All(Vec<Pool>);

impl Service for All {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        assert!(self.0.iter().map(|pool| pool.0).eq(1..=self.0.len()));
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    struct Tree(count: usize);

    dependents_for_one {
        d1: Db(1),
        d2: Db(2),
        d3: Db(3),
        d4: Db(4),
        d5: Db(5),
        d6: Db(6),
        d7: Db(7),
        d8: Db(8),
        d9: Db(9),
        d10: Db(10),
        d11: Db(11),
        d12: Db(12),
        d13: Db(13),
        d14: Db(14),
        d15: Db(15),
        d16: Db(16),
        d17: Db(17),
        d18: Db(18),
        d19: Db(19),
        two: All(vec![d1, d2]),
        eight: All(vec![d1, d2, d3, d4, d5, d6, d7, d8]),
        nine: All(vec![d1, d2, d3, d4, d5, d6, d7, d8, d9]),
        seventeen*(count): |_index| All(vec![
            d1, d2, d3, d4, d5, d6, d7, d8, d9, d10, d11, d12, d13, d14, d15, d16, d17,
        ]),
        again: All(vec![d1.clone(), Pool(d1.0 + 1)]),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), supervisor_runtime::TreeError> {
    Tree::start(2).await?.shutdown().await?;
    Ok(())
}
