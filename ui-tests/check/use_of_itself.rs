use supervisor_runtime::{Context, Service, ServiceResult, supervision_tree};

#[derive(Clone)]
struct Pool;

struct User(Pool);

impl Service for User {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        let _ = &self.0;
        cx.stopping().await;
        Ok(())
    }
}

supervision_tree! {
    rest_for_one {
        user: User(user.clone()),
    }
}

fn main() {
    let _ = Tree::run();
}
