//! Each evaluation owns a clone of each parameter that it uses: it can move, borrow or clone it.
#![deny(warnings)]

use std::sync::Arc;
use std::time::Duration;

use supervisor_runtime::{
    BoxError, Context, RestartLimitReached, Service, ServiceResult, service_fn, supervision_tree,
};

struct Db(String);

impl Service for Db {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        println!("{}", self.0);
        cx.stopping().await;
        Ok(())
    }
}

impl Db {
    fn new(url: String) -> Self {
        Self(url)
    }

    fn named(index: usize, url: String) -> Self {
        Self(format!("{url}/{index}"))
    }

    async fn open(url: &str) -> std::io::Result<Self> {
        tokio::task::yield_now().await;
        Ok(Self(url.to_owned()))
    }

    fn from_inbox(_inbox: Inbox) -> Self {
        Self(String::new())
    }

    fn again(self, _index: usize, url: &str) -> Self {
        Self(url.to_owned())
    }
}

/// Neither `Clone` nor `Sync`.
struct Inbox(#[allow(dead_code, reason = "makes it not `Sync`")] std::cell::Cell<u8>);

struct Config {
    url: String,
    workers: usize,
    window: Duration,
}

fn maker(url: String) -> impl Fn(usize) -> Db + Send + Sync + 'static {
    move |index| Db::named(index, url.clone())
}

async fn later(url: &str) -> fn(usize) -> Db {
    println!("{url}");
    |index| Db::named(index, String::new())
}

supervision_tree! {
    struct Tree(config: Arc<Config>, url: String, inbox: Inbox, spare: Inbox, limit: u32, names: Vec<String>);

    one_for_one(
        max_restarts = limit,
        over = config.window,
        raises = |report: RestartLimitReached| format!("{url}: {report}"),
        backoff = config.window..config.window * 2,
    ) {
        moved: Db::new(url),
        cloned: Db::new(url.clone()),
        borrowed: Db::open(&url),
        through_a_field: Db::open(&config.url),
        awaited: Db::open(&url).await?,
        awaited_twice: {
            let first = Db::open(&url).await?;
            drop(first);
            Db::open(&config.url).await?
        },
        formatted: Db::new(format!("{url}")),
        shadowed: { let url = String::from("other"); Db::new(url) },
        in_a_block: async { Db::open(&url).await },
        in_a_moving_block: async move { Db::open(&url).await },
        in_a_function: service_fn(|cx| async move {
            println!("{url}");
            cx.stopping().await;
            Ok(())
        }),
        early: { if url.is_empty() { return Err("no url".into()) } Ok::<_, BoxError>(Db::new(url)) },
        mailbox(in_place): Db::from_inbox(inbox),
        later_mailbox(in_place): { tokio::task::yield_now().await; Db::from_inbox(spare) },
        kept(in_place): Db::new(url),
        worker*(config.workers): |index| Db::named(index, url),
        borrowing*2: |index| { let _ = index; Db::open(&url) },
        asynchronous*2: async |index| { let _ = index; Db::open(&url).await },
        typed*2: |index: usize| -> Db { Db::named(index, url) },
        blocks*2: |index| async move { tokio::task::yield_now().await; Db::named(index, url) },
        failing*2: |index| { let name = names.get(index).ok_or("no name")?; Ok::<_, BoxError>(Db::new(name.clone())) },
        made*2: maker(url),
        opened*..=(names.len()): Db,
        made_later*2: later(&url).await,
        again(replace = |old: Db, index| old.again(index, &url), heartbeat = config.window): Db::new(url),
        kept_replicas*2(in_place): |index| Db::named(index, url),
    }
}

fn main() {
    let config = Config { url: String::new(), workers: 2, window: Duration::from_secs(1) };
    let inbox = || Inbox(std::cell::Cell::new(0));
    drop(Tree::run(Arc::new(config), String::new(), inbox(), inbox(), 3, Vec::new()));
}
