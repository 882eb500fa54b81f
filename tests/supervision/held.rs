//! Nothing of a tree that has ended is alive, though somebody still holds a context of it.

use std::sync::{Arc, Mutex};

use supervisor_runtime::{Child, Context, Service, ServiceResult, Supervisor};

use crate::world::{Order, World, ended, started};

/// Gives its contexts away, and writes when it is dropped.
struct Held {
    probe: crate::probe::Probe,
    world: World,
    contexts: Arc<Mutex<Vec<Context>>>,
}

impl Service for Held {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        self.contexts.lock().unwrap().push(cx.clone());
        self.probe.start(cx).await
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        self.probe.run(cx).await
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.world.write(format!("gone {}", self.probe.name));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_in_place_is_gone_when_its_tree_has_ended() {
    // Stopped, and ended by itself.
    for order in [None, Some(Order::Escalate)] {
        let world = World::new();
        let contexts = Arc::default();
        let held =
            |name: &str| Held { probe: world.service(name), world: world.clone(), contexts: Arc::clone(&contexts) };
        let [a, b, c, d] = ["a", "b", "c", "d"].map(held);
        let group = Supervisor::one_for_one("group").child(Child::in_place("b", move || b));
        let inner = Supervisor::one_for_one("inner").child(Child::in_place("c", move || c));
        let d = Mutex::new(Some(d));
        let embedded = Child::in_place("embedded", move || {
            let d = d.lock().unwrap().take().expect("it is evaluated once");
            Supervisor::one_for_one("embedded").child(Child::in_place("d", move || d)).child(inner)
        });
        let tree = Supervisor::one_for_one("tree").child(Child::in_place("a", move || a)).child(group).child(embedded);
        let mut tree = started(tree.child(world.child("last"))).await;
        assert_eq!(world.page(), ["start a", "start b", "start d", "start c", "start last"]);
        match order {
            None => tree.shutdown().await.unwrap(),
            Some(order) => {
                world.order("last", order);
                ended(&mut tree).await.unwrap_err();
            }
        }
        let mut page = world.page();
        page.retain(|line| line.starts_with("gone"));
        page.sort();
        assert_eq!(page, ["gone a", "gone b", "gone c", "gone d"], "{order:?}");
        let contexts = contexts.lock().unwrap();
        assert_eq!(contexts.len(), 4);
        assert!(contexts.iter().all(Context::is_stopping));
    }
}
