use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

struct NotService;

supervision_tree! {
    one_for_all(max_restarts = "ten", over = "1x") {
        db(shutdwon = 3s): Worker(0),
        db: Worker(1),
        cache(restart = transient, restart = permanent): Missing::new(),
        one_for_noe {
            worker*0: Worker,
            last: NotService,
        }
    }
}

fn main() {
    let _ = Tree::run();
}
