use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

struct Worker(usize);

impl Service for Worker {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    one_for_one(max_restarts = 10) {
        db(shutdwon = 5s): Worker(0),
        worker*4(heartbeat = 1min): Worker,
        cache*0: Worker,
        report(significant, restart = transient): Worker(1),
        pool: rest_for_noe {
            mailer: Worker(2),
        }
    }
}

async fn uses(tree: Tree) {
    let _ = tree.db.restart().await;
    let _ = tree.worker.get(2).map(|worker| worker.path().to_owned());
    let _ = (tree.cache.len(), tree.report.status());
    let _ = tree.pool.mailer.wait_ready().await;
    let _ = Tree::OUTLINE.to_string();
}

fn main() {
    let size: usize = "three";
    let _ = (size, Tree::run(), Tree::service(), uses);
}
