use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

struct App {
    size: usize,
    count: usize,
}

impl App {
    async fn run(&self) {
        supervision_tree! {
            one_for_one {
                worker: Worker(self.size),
                other*(self.count): Worker,
            }
        }

        let _ = Tree::run().await;
    }
}

fn main() {
    let _ = App { size: 1, count: 1 }.run();
}
