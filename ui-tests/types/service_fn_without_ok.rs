use supervisor_runtime::{service_fn, supervision_tree};

supervision_tree! {
    one_for_one {
        clock: service_fn(|cx| async move {
            cx.stopping().await;
        }),
    }
}

fn main() {
    let _ = Tree::run();
}
