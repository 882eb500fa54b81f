//! Every form of expression that may stand as a child.
#![deny(warnings)]

use std::future::Future;
use std::pin::Pin;

use supervisor_runtime::{BoxError, BoxService, Context, Service, ServiceResult, service_fn, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        println!("{}", self.0);
        cx.stopping().await;
        Ok(())
    }
}

impl Worker {
    const DEFAULT: Self = Self(0);

    fn new(index: usize) -> Self {
        Self(index)
    }

    fn fallible(index: usize) -> Result<Self, std::io::Error> {
        Ok(Self(index))
    }

    async fn later(index: usize) -> Self {
        Self(index)
    }

    async fn fallible_later(index: usize) -> Result<Self, std::io::Error> {
        Ok(Self(index))
    }

    fn boxed(index: usize) -> Pin<Box<dyn Future<Output = Result<Self, BoxError>> + Send>> {
        Box::pin(async move { Ok(Self(index)) })
    }

    fn reborn(self, index: usize) -> Self {
        Self(self.0 + index)
    }

    async fn reborn_later(self, _index: usize) -> Result<Self, BoxError> {
        Ok(self)
    }
}

#[derive(Default)]
struct Unit {
    size: usize,
}

impl Service for Unit {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        println!("{}", self.size);
        cx.stopping().await;
        Ok(())
    }
}

fn backend() -> BoxService {
    BoxService::new(Worker(1))
}

fn factory() -> impl Fn(usize) -> Worker {
    Worker::new
}

async fn factory_later() -> Result<fn(usize) -> Worker, std::io::Error> {
    Ok(Worker::new)
}

macro_rules! worker {
    ($index:expr) => {
        Worker::new($index)
    };
}

supervision_tree! {
    pub struct Inner(size: usize);
    one_for_one { worker: Worker(size) }
}

supervision_tree! {
    one_for_one {
        call: Worker::new(0),
        constant: Worker::DEFAULT,
        literal: Unit { size: 3 },
        update: Unit { size: 3, ..Unit::default() },
        default: Unit::default(),
        generic: <Unit as Default>::default(),
        block: { let index = 3; Worker::new(index) },
        condition: if cfg!(debug_assertions) { Worker::new(0) } else { Worker::new(1) },
        matched: match 3 { 3 => Worker::new(3), _ => Worker::new(4) },
        in_parentheses: (Worker::new(0)),
        from_a_macro: worker!(3),
        erased: backend(),
        function: service_fn(|cx| async move { cx.stopping().await; Ok(()) }),
        fallible: Worker::fallible(0),
        question: Worker::fallible(0)?,
        later: Worker::later(0),
        awaited: Worker::later(0).await,
        fallible_later: Worker::fallible_later(0),
        awaited_question: Worker::fallible_later(0).await?,
        boxed: Worker::boxed(0),
        block_of_async: async { Worker::later(0).await },
        block_of_async_move: async move { Worker::fallible_later(0).await },
        typed: Worker = Worker::new(0),
        typed_later: Worker = Worker::fallible_later(0).await?,
        typed_generic: Box<Boxed> = Box::new(Boxed),
        kept(in_place): Worker::new(0),
        kept_later(in_place): Worker::later(0).await,
        replaced(replace = Worker::reborn): Worker::new(0),
        replaced_later(replace = Worker::reborn_later): Worker::new(0),
        replaced_here(replace = |old: Worker, _index| old): Worker::new(0),

        path*2: Worker::new,
        constructor*2: Worker,
        fallible_path*2: Worker::fallible,
        later_path*2: Worker::later,
        fallible_later_path*2: Worker::fallible_later,
        boxed_path*2: Worker::boxed,
        closure*2: |index| Worker::new(index.saturating_add(1)),
        closure_of_async*2: |index| async move { Worker::later(index).await },
        async_closure*2: async |index| Worker::later(index).await,
        moving_closure*2: move |index: usize| -> Worker { Worker::new(index) },
        given*2: factory(),
        given_later*2: factory_later().await?,
        typed_path*2: Worker = Worker::new,
        kept_path*2(in_place): Worker::new,
        replaced_path*2(replace = Worker::reborn): Worker::new,

        inner: Inner::service(3),
        // Commas after groups are optional.
        one_for_one { after_a_group: Worker::new(0) }
        last: Worker::new(0)
    }
}

struct Boxed;

impl Service for Box<Boxed> {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

fn main() {
    drop(Tree::run());
}
