//! What only a count or an option reads may be borrowed, and a child may use what is borrowed for ever, or by a function
//! for its call.
#![deny(warnings)]

use std::sync::Arc;
use std::time::Duration;

use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        println!("{}", self.0);
        cx.stopping().await;
        Ok(())
    }
}

type Size = fn(&str) -> usize;

supervision_tree! {
    struct Tree(
        sizes: &[usize],
        over: &Duration,
        name: &'static str,
        size: fn(&str) -> usize,
        shared: Arc<dyn Fn(&str) -> usize + Send + Sync>,
        named: Size,
        bound: Box<dyn for<'a> Fn(&'a str) -> usize>,
    );
    one_for_one(over = *over) {
        worker*(sizes.len() + bound("worker")): Worker,
        first: Worker(size(name)),
        second: Worker(shared(name) + named(name)),
        with_its_own: {
            struct Own(usize);
            impl Own {
                fn size(&self) -> usize {
                    self.0
                }
            }
            Worker(Own(1).size())
        }
    }
}

fn main() {
    let size = str::len;
    let shared: Arc<dyn Fn(&str) -> usize + Send + Sync> = Arc::new(size);
    drop(Tree::run(&[1, 2], &Duration::from_secs(1), "name", size, shared, size, Box::new(size)));
}
