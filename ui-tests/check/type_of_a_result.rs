use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

impl Worker {
    fn open() -> std::io::Result<Self> {
        Ok(Self(0))
    }
}

supervision_tree! {
    one_for_one {
        first: std::io::Result<Worker> = Worker::open(),
        second*2: Result<Worker, std::io::Error> = |index| Ok::<_, std::io::Error>(Worker(index)),
    }
}

fn main() {
    let _ = Tree::run();
    let _ = |tree: &Tree| drop(tree.first.replace(Worker(1)));
}
