//! A handle can be moved, borrowed and cloned across awaits and `?`, in blocks and closures.
#![deny(warnings, clippy::pedantic)]
#![allow(clippy::manual_async_fn, reason = "it says that it borrows")]

use supervisor_runtime::{BoxError, Context, Provide, Service, ServiceResult, service_fn, supervision_tree};

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

impl User {
    async fn open(pool: &Pool) -> std::io::Result<Self> {
        tokio::task::yield_now().await;
        Ok(Self(pool.clone()))
    }

    fn borrowed(pool: &Pool) -> impl Future<Output = Self> + Send + '_ {
        async move { Self(pool.clone()) }
    }
}

supervision_tree! {
    rest_for_one {
        db: Db(1),
        moved: async { User(db) },
        moved_by_word: async move { User(db) },
        borrowed_in_a_block: async { User::open(&db).await },
        awaited: User::open(&db).await?,
        given: User::open(&db),
        lent: User::borrowed(&db),
        twice: {
            let first = User::open(&db).await?;
            let _ = first;
            User::open(&db).await?
        },
        early: { if db.0 == 0 { return Err("no pool".into()) } Ok::<_, BoxError>(User(db)) },
        failing: User(Some(db).ok_or("no pool")?),
        closure: service_fn(move |cx| async move {
            println!("{db:?}");
            cx.stopping().await;
            Ok(())
        }),
        plain_closure: service_fn(|cx| async move {
            println!("{db:?}");
            cx.stopping().await;
            Ok(())
        }),
        replicas*2: |_index| User::open(&db),
        replicas_in_a_block*2: |index| async move { println!("{index}"); User::open(&db).await },
        replicas_by_word*2: async |_index| { User::open(&db).await },
        replicas_that_fail*2: |index| { Some(index).ok_or("none")?; Ok::<_, BoxError>(User(db)) },
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), supervisor_runtime::TreeError> {
    Tree::start().await?.shutdown().await?;
    Ok(())
}
