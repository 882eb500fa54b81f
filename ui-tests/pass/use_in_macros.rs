//! A use in a macro is a use, where a local of that name does not take it.
#![deny(warnings, clippy::pedantic)]
#![allow(clippy::useless_vec, clippy::uninlined_format_args, reason = "for the sake of the macros")]

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

fn user(pools: &[Pool], _name: &str) -> User {
    User(pools[0].clone())
}

macro_rules! user_of {
    ($pool:ident => $name:literal) => {
        user(&[$pool], $name)
    };
}

supervision_tree! {
    rest_for_one {
        db: Db(1),
        more*2: |index| Db(index + 1),
        shown: user(&[Pool(1)], &format!("{db:?}")),
        given: user(&[Pool(1)], &format!("{:?} {more:#?}", db)),
        listed: user(&vec![db.clone(), db], ""),
        repeated: user(&vec![db; 2], ""),
        printed: { println!("{db:?}"); User(db) },
        asserted: { assert_eq!(db.0, 1, "{db:?}"); User(db) },
        matched: if matches!(more[..], [Pool(1), ..]) { User(db) } else { User(Pool(0)) },
        own: user_of!(db => "own"),
        within*2: |index| user(&vec![more[index].clone()], &format!("{index}")),
        awaited: { tokio::task::yield_now().await; user(&vec![db], "") },
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), supervisor_runtime::TreeError> {
    Tree::start().await?.shutdown().await?;
    Ok(())
}
