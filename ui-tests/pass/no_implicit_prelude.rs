//! Nothing is taken from the user's scope but what the user wrote.
#![no_implicit_prelude]
#![allow(dead_code, reason = "they are here to be in the way")]

mod core {}
mod std {}
mod supervisor_runtime {}
struct Result;
struct Option;
struct Ok;
struct Supervisor;
struct Child;
struct Clone;
struct Some;
struct Debug;
struct Deref;
struct DerefMut;
struct ChildRef;
struct Running;
trait IntoService {}

pub struct Worker(usize);

impl ::supervisor_runtime::Service for Worker {
    async fn run(&mut self, cx: &::supervisor_runtime::Context) -> ::supervisor_runtime::ServiceResult {
        cx.stopping().await;
        ::core::result::Result::Ok(())
    }
}

fn open(size: &usize) -> ::std::io::Result<Worker> {
    ::std::io::Result::Ok(Worker(*size))
}

::supervisor_runtime::supervision_tree! {
    pub struct Tree(size: usize);

    dependents_for_one(max_restarts = 10, over = "1s", auto_shutdown = any_significant, shutdown = 30s) {
        db: Worker = open(&size)?,
        cache(requires = [db], restart = transient, significant, backoff = 100ms..30s): open(&size),
        one_for_all {
            worker*4(shutdown = infinity): |index| Worker(index + size),
        }
        pool: one_for_one { conn*..=3: Worker }
    }
}

fn main() {
    ::core::mem::drop(Tree::run(3));
}
