//! Nothing is taken from the user's scope but what the user wrote.
#![no_implicit_prelude]
#![deny(warnings)]
#![allow(dead_code, reason = "they are here to be in the way")]

mod core {}
mod std {}
mod supervisor_runtime {}
struct Wire;
struct Wires;
struct Provide;
struct StableHandle;
struct Uses;
struct Connect;
struct Child;
struct Clone;

pub struct Db;
pub struct User(u8);

impl ::supervisor_runtime::Service for Db {
    async fn run(&mut self, cx: &::supervisor_runtime::Context) -> ::supervisor_runtime::ServiceResult {
        cx.stopping().await;
        ::core::result::Result::Ok(())
    }
}

impl ::supervisor_runtime::Provide for Db {
    type Handle = u8;

    fn handle(&self) -> u8 {
        1
    }
}

impl ::supervisor_runtime::StableHandle for Db {}

impl ::supervisor_runtime::Service for User {
    async fn run(&mut self, cx: &::supervisor_runtime::Context) -> ::supervisor_runtime::ServiceResult {
        cx.stopping().await;
        ::core::result::Result::Ok(())
    }
}

async fn open(db: &u8) -> User {
    User(*db)
}

::supervisor_runtime::supervision_tree! {
    pub struct Tree(size: u8);

    rest_for_one {
        db: Db,
        user: User(db + size),
        replicas*2: |_index| open(&db),
        inner: one_for_one {
            dbs*2(in_place): |_index| Db,
            user: open(&dbs[1]).await,
            made*2: { move |index| User(dbs[index]) },
        }
    }
}

fn main() {
    ::core::mem::drop(Tree::run(3));
}
