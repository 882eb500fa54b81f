//! The expansion raises no warning, however little of it the program uses.
#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications, clippy::pedantic, clippy::nursery)]

use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

/// A worker.
pub struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        println!("{}", self.0);
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    one_for_one {
        worker*4: Worker,
    }
}

supervision_tree! {
    /// A tree of one's own.
    #[derive(Debug)]
    pub struct Orders(size: usize);

    rest_for_one(max_restarts = 10, over = 5s) {
        first: Worker(size),
        second: async move { Worker(size) },
        third(restart = transient): Worker(size.min(4)),
    }
}

fn main() {
    // Only one function of each is used.
    drop(Tree::run());
    drop(Orders::service(4));
}
