//! The smallest tree worth having: a database, and four workers that use it.
//!
//! You will see all of it start, `worker[2]` fail twice (an error, then a panic, which the standard panic hook
//! reports in its usual words) and come back each time, while the others go on. Its third incarnation does its
//! work and asks the tree to stop: the workers first, the database last. It takes no second.
//!
//! ```text
//! cargo run --example first_tree
//! ```

use std::time::Duration;

use supervisor_runtime::{Context, Exit, Provide, Service, ServiceResult, TreeError, supervision_tree};

supervision_tree! {
    one_for_all(max_restarts = 10, over = "1s") {
        db: Db::new(),
        one_for_one {
            worker*4: |index| Worker::new(index, db),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), TreeError> {
    print!("{}", Tree::OUTLINE);
    Tree::run().await?;
    println!("the tree has stopped, nothing of it is left");
    Ok(())
}

/// Owns the connections; others get a way to them.
struct Db {
    pool: Pool,
}

/// What the database is to its users: here, no more than a name.
#[derive(Clone)]
struct Pool(&'static str);

impl Db {
    fn new() -> Self {
        Self { pool: Pool("the pool") }
    }
}

/// What `db` means in the expression of a worker.
impl Provide for Db {
    type Handle = Pool;

    fn handle(&self) -> Pool {
        self.pool.clone()
    }
}

impl Service for Db {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        println!("{}: open", cx.path());
        Ok(())
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }

    async fn stop(&mut self, cx: &Context, _exit: &Exit) {
        println!("{}: closed", cx.path());
    }
}

/// What a worker knows begins anew with each incarnation: its expression is evaluated again.
struct Worker {
    index: usize,
    pool: Pool,
}

impl Worker {
    fn new(index: usize, pool: Pool) -> Self {
        Self { index, pool }
    }
}

impl Service for Worker {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        match cx.last_exit() {
            None => println!("{}: started, with {}", cx.path(), self.pool.0),
            Some(exit) => println!("{}: started again, the one before {exit}", cx.path()),
        }
        Ok(())
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        const WORK: Duration = Duration::from_millis(100);
        if self.index != 2 {
            cx.stopping().await;
            return Ok(());
        }
        // `None` would say that it is time to stop.
        if cx.sleep(WORK).await.is_none() {
            return Ok(());
        }
        match cx.incarnation() {
            1 => Err("the connection was lost".into()),
            2 => panic!("a bug"),
            _ => {
                println!("{}: done, asking the tree to stop", cx.path());
                cx.tree().shutdown();
                cx.stopping().await;
                Ok(())
            }
        }
    }

    async fn stop(&mut self, cx: &Context, exit: &Exit) {
        println!("{}: {exit}", cx.path());
    }
}
