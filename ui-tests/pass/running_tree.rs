//! A running tree has a field for each child and each named group, typed by what the declaration states.
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused_qualifications)]
#![deny(clippy::pedantic, clippy::nursery)]

use supervisor_runtime::{
    ChildRef, Children, Context, GroupRef, Replicas, Running, Service, ServiceResult, TreeError, supervision_tree,
};

/// Not `Debug`, not `Clone`, and private where the tree is public.
struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        println!("{}", self.0);
        cx.stopping().await;
        Ok(())
    }
}

impl Worker {
    fn connect(index: usize) -> Result<Self, std::num::TryFromIntError> {
        u8::try_from(index).map(|index| Self(index.into()))
    }
}

struct Conn<T>(T);

impl<T: Send + 'static> Service for Conn<T> {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

const LIMIT: usize = 1000;

supervision_tree! {
    /// Another tree, for this one to embed.
    pub struct Billing;

    one_for_one { bill: Worker(0) }
}

supervision_tree! {
    /// Takes orders.
    pub struct Orders(limit: usize, running: usize);

    one_for_one {
        /// Keeps them.
        db: Worker = Worker::connect(running)?,
        untyped: Worker(1),
        worker*4: Worker = Worker,
        untyped_worker*4: Worker,
        conn*..: Conn<Vec<u8>>,
        bounded*..=1000: Conn<u8>,
        by_path*..=LIMIT(restart = transient, in_place, shutdown = 1s): Box<Boxed>,
        by_parameter*..=(limit + 1): Worker,
        billing: Billing::service(),
        one_for_all {
            inside: Worker = Worker(2),
            deep: one_for_one { worker: Worker(3) }
        }
        /// The connections.
        pool: one_for_one {
            conn*..(restart = permanent): Worker,
            one_for_one { inside*2: Worker }
            deep: one_for_one { worker*4: Worker = Worker }
        }
        // Its type would have the name of the one above.
        pool_deep: one_for_one { other: Worker(4) }
        // What else could be a name of ours.
        running: Worker(5),
        group: Worker(6),
        wait: Worker(7),
        shutdown: Worker(8),
        r#final: Worker = Worker(9),
        orders_first: Worker(10),
        orders_second: Worker(11),
        orders_third: Worker(12),
    }
}

struct Boxed;

impl Service for Box<Boxed> {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

const fn is<T>(_: &T) {}

fn types(tree: &Orders) {
    is::<ChildRef<Worker>>(&tree.db);
    is::<ChildRef>(&tree.untyped);
    is::<Replicas<Worker>>(&tree.worker);
    is::<Replicas>(&tree.untyped_worker);
    is::<Children<Conn<Vec<u8>>>>(&tree.conn);
    is::<Children<Conn<u8>>>(&tree.bounded);
    is::<Children<Box<Boxed>>>(&tree.by_path);
    is::<Children<Worker>>(&tree.by_parameter);
    is::<ChildRef>(&tree.billing);
    is::<ChildRef<Worker>>(&tree.inside);
    is::<ChildRef>(&tree.deep.worker);
    is::<Children<Worker>>(&tree.pool.conn);
    is::<Replicas>(&tree.pool.inside);
    is::<Replicas<Worker>>(&tree.pool.deep.worker);
    is::<ChildRef>(&tree.pool_deep.other);
    is::<ChildRef>(&tree.running);
    is::<ChildRef>(&tree.group);
    is::<ChildRef>(&tree.wait);
    is::<ChildRef>(&tree.shutdown);
    is::<ChildRef<Worker>>(&tree.r#final);
    is::<ChildRef>(&tree.orders_first);
    is::<OrdersPool>(&tree.pool);
    is::<OrdersPoolDeep>(&tree.pool.deep);
    is::<OrdersPoolDeep2>(&tree.pool_deep);
    is::<GroupRef>(&tree.pool);
    is::<GroupRef>(&tree.pool.deep);
    is::<Running>(tree);
}

async fn steers(mut tree: Orders) -> Result<(), Box<dyn std::error::Error>> {
    println!("{tree:?} {:?}", tree.pool);
    types(&tree);
    tree.db.restart().await?;
    tree.db.replace(Worker(1)).await?;
    tree.worker.scale_to(8).await?;
    if let Some(worker) = tree.worker.get(2) {
        worker.restart().await?;
    }
    tree.conn.add(Conn(Vec::new())).await?;
    tree.pool.conn.add(Worker(2)).await?;
    tree.pool.restart().await?;
    let pool: OrdersPool = tree.pool.clone();
    pool.deep.worker.restart().await?;
    tree.wait().await?;
    tree.shutdown().await?;
    Ok(())
}

async fn runs() -> Result<(), TreeError> {
    let tree = Orders::start(3, 4).await?;
    let db = tree.db.clone();
    std::thread::spawn(move || println!("{}", db.path()));
    tree.shutdown().await
}

fn main() {
    drop(runs());
    let _ = steers;
}
