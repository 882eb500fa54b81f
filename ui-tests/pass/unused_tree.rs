//! A tree that is only run, by its default name, leaves nothing unused behind.
#![deny(warnings)]

use supervisor_runtime::{service_fn, supervision_tree};

supervision_tree! {
    one_for_one {
        tick: service_fn(|cx| async move { cx.stopping().await; Ok(()) }),
    }
}

fn main() {
    drop(Tree::run());
}
