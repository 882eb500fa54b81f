//! A running tree, held by its typed fields: looked at, scaled, restarted by hand, and given new members.
//!
//! You will see the table of the tree between the steps: four workers, then six, then three; one that warms up and says
//! that it is not ready; one replaced by another kind; the database restarted by hand, which takes nothing else along; two
//! connections added to an open group that has room for two, and a third refused. In between, what happened, as events. It
//! takes less than a second.
//!
//! ```text
//! cargo run --example steering
//! ```

use std::time::Duration;

use supervisor_runtime::{Context, Events, Service, ServiceResult, supervision_tree};

supervision_tree! {
    struct Server;

    one_for_one {
        db: Db = Db,
        pool: one_for_one(max_restarts = 5, over = "10s") {
            worker*4(backoff = 50ms..1s): Worker = Worker::new,
        }
        conn*..=2: Conn,
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::start().await?;
    let mut events = server.events();
    server.wait_ready().await?;
    println!("everything is ready\n\n{}", server.snapshot()?);

    server.pool.worker.scale_to(6).await?;
    println!("scaled up; the new ones are warming up\n\n{}", server.snapshot()?);

    server.pool.worker.scale_to(3).await?;
    server.pool.worker.replace(1, Worker { index: 1, name: "a better worker" }).await?;
    server.db.restart().await?;
    server.wait_ready().await?;
    println!("scaled down, one replaced, the database restarted by hand\n\n{}", server.snapshot()?);

    server.pool.worker.get(0).ok_or("scaled away")?.stop().await?;
    for peer in ["alice", "bob", "carol"] {
        match server.conn.add(Conn { peer }).await {
            Ok(conn) => println!("{peer} is {}", conn.path()),
            Err(rejected) => {
                println!("refused: {rejected}");
                let conn = rejected.into_service().ok_or("it was started")?;
                println!("{}, come back later", conn.peer);
            }
        }
    }
    server.conn.discard(0).await?;
    println!("\none worker stopped by hand, connections added and discarded\n\n{}", server.snapshot()?);

    println!("and this is what happened:");
    tell(&mut events);
    server.shutdown().await?;
    println!("the tree has stopped, nothing of it is left");
    Ok(())
}

/// Prints what has happened so far.
fn tell(events: &mut Events) {
    while let Some(event) = events.try_next() {
        match event {
            Ok(event) => println!("{event}"),
            Err(missed) => println!("{missed}"),
        }
    }
}

struct Db;

impl Service for Db {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

struct Worker {
    index: usize,
    name: &'static str,
}

impl Worker {
    fn new(index: usize) -> Self {
        Self { index, name: "a worker" }
    }
}

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.not_ready("warming up");
        let warm = Duration::from_millis(20 * self.index as u64);
        if cx.sleep(warm).await.is_some() {
            cx.ready();
            println!("{}: {} is ready", cx.path(), self.name);
            cx.stopping().await;
        }
        Ok(())
    }
}

struct Conn {
    peer: &'static str,
}

impl Service for Conn {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}
