//! Where a failure takes the users along, a plain handle may be used.
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

supervision_tree! {
    struct All;

    one_for_all {
        db: Db(1),
        user: User(db),
        kept(in_place): Db(2),
        user_of_kept: User(kept.clone()),
        replaced(replace = |old: Db, _index| old): Db(3),
        user_of_replaced*2: |_index| User(replaced),
    }
}

supervision_tree! {
    struct Rest;

    rest_for_one {
        db: Db(1),
        user: User(db),
        kept(in_place): Db(2),
        user_of_kept: User(kept.clone()),
        replaced(replace = |old: Db, _index| old): Db(3),
        user_of_replaced*2: |_index| User(replaced),
    }
}

supervision_tree! {
    struct Dependents;

    dependents_for_one {
        db: Db(1),
        user: User(db),
        kept(in_place): Db(2),
        user_of_kept: User(kept.clone()),
        replaced(replace = |old: Db, _index| old): Db(3),
        user_of_replaced*2: |_index| User(replaced),
    }
}

supervision_tree! {
    struct Forfeit;

    forfeit_one_for_all {
        db: Db(1),
        user: User(db),
        kept(in_place): Db(2),
        user_of_kept: User(kept.clone()),
        replaced(replace = |old: Db, _index| old): Db(3),
        user_of_replaced*2: |_index| User(replaced),
    }
}

supervision_tree! {
    struct Crash;

    crashing {
        db: Db(1),
        user: User(db),
        kept(in_place): Db(2),
        user_of_kept: User(kept.clone()),
        replaced(replace = |old: Db, _index| old): Db(3),
        user_of_replaced*2: |_index| User(replaced),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), supervisor_runtime::TreeError> {
    All::start().await?.shutdown().await?;
    Rest::start().await?.shutdown().await?;
    Dependents::start().await?.shutdown().await?;
    Forfeit::start().await?.shutdown().await?;
    Crash::start().await?.shutdown().await?;
    Ok(())
}
