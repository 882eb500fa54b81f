//! A crate that allows nothing, with trees that use everything. `tests/hygiene.rs` compiles it in each edition.
#![forbid(unsafe_code)]
#![deny(
    warnings,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    single_use_lifetimes,
    rust_2018_idioms,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]

use std::time::Duration;

use supervisor_runtime::{
    Context, Decision, Failure, Provide, RestartLimitReached, Service, ServiceResult, StableHandle, supervision_tree,
};

/// A handle.
#[derive(Clone, Debug)]
pub struct Pool;

/// What others use.
#[derive(Debug)]
pub struct Db;

impl Db {
    async fn open(url: &str) -> std::io::Result<Self> {
        std::future::ready(if url.is_empty() { Err(std::io::Error::other("no url")) } else { Ok(Self) }).await
    }
}

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

/// What uses others.
#[derive(Debug)]
pub struct Worker(usize);

impl Worker {
    const fn new(index: usize) -> Self {
        Self(index)
    }

    const fn with(index: usize, _pool: &Pool) -> Self {
        Self(index)
    }

    const fn reborn(mut old: Self, index: usize) -> Self {
        old.0 += index;
        old
    }
}

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

const LIMIT: Duration = Duration::from_secs(3);

const fn raised(report: RestartLimitReached) -> RestartLimitReached {
    report
}

const fn decide(_: &Failure<'_>) -> Decision {
    Decision::Escalate
}

supervision_tree! {
    /// Takes orders.
    pub struct Orders(url: String, size: usize, limit: u32);

    dependents_for_one(
        max_restarts = limit, over = 1m, raises = raised, backoff = 100ms..30s, shutdown = 30,
        auto_shutdown = any_significant,
    ) {
        /// Keeps the orders.
        db: Db = Db::open(&url).await?,
        cache(in_place): Db,
        report(requires = [cache], restart = transient, significant, start_timeout = 0.5): async move { Worker::with(size, &db) },
        pool: one_for_one(requires = [db], restart = permanent) {
            worker*(size)(heartbeat = LIMIT * 2, replace = Worker::reborn): Worker::new,
            mailer*4: |index| Worker::with(index + size, &db),
            conn*..=(size)(restart = transient, in_place): Worker,
        }
        custom(decide) {
            job*..: Worker,
            last(shutdown = brutal_kill): Worker::new(size),
        }
        shards: rest_for_one {
            shard*3(in_place): |_index| Db,
            query*8(shutdown = infinity): |index| Worker::with(index, &shard[0]),
            r#gen: Db,
            reader: Worker::with(size, &r#gen),
        }
    }
}

// A second one in the same module, by its default name, with groups and children of the same names.
supervision_tree! {
    one_for_all {
        db: Db,
        pool: crashing {
            worker*4: Worker::new,
        }
    }
}

macro_rules! tree {
    ($name:ident, $child:ident, $count:expr, $make:expr, $ty:ty, $strategy:ident, $over:literal) => {
        supervision_tree! {
            pub struct $name(size: usize, _reserved: u8);

            $strategy(over = $over) {
                $child*($count): $ty = $make,
                other: $ty = <$ty>::new(size),
                conn*..: $ty,
            }
        }
    };
}

tree!(Made, worker, 2 + 2, |index| Worker::new(index), Worker, one_for_one, "1s");

/// Uses them all, and another that only this function sees.
///
/// # Errors
///
/// If a tree fails.
pub async fn run() -> Result<(), supervisor_runtime::TreeError> {
    supervision_tree! {
        struct Local(size: usize);

        one_for_one {
            worker*size: Worker::new,
        }
    }

    Orders::run(String::from("here"), 4, 10).await?;
    Tree::run().await?;
    Made::run(3, 0).await?;
    Local::run(4).await
}
