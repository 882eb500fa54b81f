//! A tree can be declared where it is used, and sees the items of the function.
#![deny(warnings)]

use supervisor_runtime::supervision_tree;

fn main() {
    const COUNT: usize = 3;

    use supervisor_runtime::{Context, Service, ServiceResult};

    struct Worker;

    impl Service for Worker {
        async fn run(&mut self, cx: &Context) -> ServiceResult {
            cx.stopping().await;
            Ok(())
        }
    }

    supervision_tree! {
        struct Local(size: usize);

        one_for_one {
            worker*COUNT: |_index| Worker,
            other*size: |_| Worker,
            conn*..=COUNT: Worker,
            pool: one_for_one { typed: Worker = Worker }
        }
    }

    fn is_send<T: Send + 'static>(_: T) {}
    is_send(Local::start(4));
    is_send(Local::run(4));

    supervision_tree! {
        #[cfg(any())]
        struct Absent;

        one_for_one {
            worker: Worker,
            pool: one_for_one { worker: Worker }
        }
    }
}
