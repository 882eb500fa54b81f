//! A tree that is put together by a macro of the user.
#![deny(warnings)]

use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        println!("{}", self.0);
        cx.stopping().await;
        Ok(())
    }
}

macro_rules! pool {
    ($name:ident, $child:ident, $count:expr, $limit:literal, $over:expr, $make:expr, $ty:ty) => {
        supervision_tree! {
            struct $name(size: usize);
            one_for_one(max_restarts = $limit, over = $over) {
                $child*($count): $ty = $make,
                by_literal*$limit: |index| Worker(index + size),
                first: $ty = Worker(size),
                conn*..=($count): $ty,
                group: one_for_one { $child: ($make)(0) }
            }
        }
    };
}

pool!(Pool, worker, 2 + 2, 3, 5, |index| Worker(index), Worker);

fn main() {
    drop(Pool::run(3));
    let _ = |tree: &Pool| (tree.worker.clone(), tree.conn.clone(), tree.group.worker.clone());
}
