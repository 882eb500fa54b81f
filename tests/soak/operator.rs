//! Somebody who steers, scales, adds, discards and looks, all the time.

use std::sync::Arc;
use std::time::Duration;

use supervisor_runtime::TreeHandle;

use crate::counts::{Counts, Own};
use crate::service::{Ends, Erratic};

/// Until it is calm; then all that was stopped is started.
pub(crate) async fn steer(tree: TreeHandle, counts: Arc<Counts>) {
    let own = Own::new(&counts, false);
    let replicas = tree.replicas::<Erratic>("steered/w").unwrap();
    let conns = tree.children::<Erratic>("steered/conn").unwrap();
    while counts.are_wild() {
        // What is asked may be overtaken, by a failure or by the next order; that it is carried out is proven elsewhere.
        let one = replicas.get(fastrand::usize(..500));
        match (fastrand::u32(..100), one) {
            (0..20, Some(one)) => drop(one.restart().await),
            (20..30, Some(one)) => drop(one.stop().await),
            (30..40, Some(one)) => drop(one.start().await),
            (40, _) => drop(replicas.scale_to(fastrand::usize(400..500)).await),
            (41, _) => drop(tree.snapshot().unwrap().to_string()),
            (42, _) => drop(tree.group("steered").unwrap().restart().await),
            (43..75, _) => drop(conns.add(Erratic::new(&own, Ends::Soon)).await),
            (75.., _) => {
                let ids = conns.ids();
                if let Some(&id) = ids.get(fastrand::usize(..ids.len().max(1))) {
                    drop(conns.discard(id).await);
                }
            }
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    replicas.scale_to(500).await.unwrap();
    replicas.start().await.unwrap();
}
