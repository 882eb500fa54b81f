//! What can be asked of a running tree, at random.

use std::sync::Arc;

use supervisor_runtime::{State, TreeHandle, Untyped};
use tokio::time::timeout;

use crate::leaf::Leaf;
use crate::random::Random;
use crate::soil::Soil;

/// The paths in a tree, below the outermost supervisor.
#[derive(Default)]
pub(crate) struct Targets {
    pub(crate) children: Vec<String>,
    /// Those of the children that offer a handle.
    pub(crate) providers: Vec<String>,
    pub(crate) replicas: Vec<String>,
    pub(crate) open: Vec<String>,
    pub(crate) groups: Vec<String>,
}

impl Targets {
    /// One of many orders; waits for its answer.
    pub(crate) async fn order(&self, random: &mut Random, soil: &Arc<Soil>, tree: &TreeHandle) {
        let kind = random.below(14);
        // Who waits for a state may wait for ever.
        let _asking = (kind < 12).then(|| soil.asks());
        match kind {
            0..=3 => self.order_a_child(random, soil, tree).await,
            4..=6 => self.order_replicas(random, tree).await,
            7..=10 => self.order_a_member(random, soil, tree).await,
            11 => self.order_a_group(random, tree).await,
            12 => self.take_a_handle(random, soil, tree),
            _ => self.wait(random, tree).await,
        }
        soil.look("after an answer");
    }

    async fn order_a_child(&self, random: &mut Random, soil: &Arc<Soil>, tree: &TreeHandle) {
        let Some(path) = random.one_of(&self.children) else { return };
        let Ok(child) = tree.child::<Leaf>(path) else { return };
        let _ = match random.below(4) {
            0 => child.stop().await,
            1 => child.start().await,
            _ if random.one_in(6) => match std::panic::catch_unwind(|| Leaf::new(soil)) {
                Ok(leaf) => child.replace(leaf).await.map_err(|error| error.error().clone()),
                Err(_) => Ok(()),
            },
            _ => child.restart().await,
        };
    }

    async fn order_replicas(&self, random: &mut Random, tree: &TreeHandle) {
        let Some(path) = random.one_of(&self.replicas) else { return };
        let Ok(replicas) = tree.replicas::<Leaf>(path) else { return };
        let (order, count) = (random.below(6), random.below(7) as usize);
        let _ = match order {
            0 => replicas.stop().await,
            1 => replicas.start().await,
            2 => replicas.restart().await,
            3 => match replicas.get(count) {
                Some(one) => one.restart().await,
                None => Ok(()),
            },
            _ => replicas.scale_to(count).await,
        };
    }

    async fn order_a_member(&self, random: &mut Random, soil: &Arc<Soil>, tree: &TreeHandle) {
        let Some(path) = random.one_of(&self.open) else { return };
        let Ok(children) = tree.children::<Leaf>(path) else { return };
        let (order, one) = (random.below(8), random.below(8) as usize);
        let ids = children.ids();
        let id = ids.get(one % ids.len().max(1)).copied().unwrap_or(one);
        match (order, children.get(id)) {
            (0, _) => drop(children.discard(id).await),
            (1, Some(member)) => drop(member.stop().await),
            (2, Some(member)) => drop(member.start().await),
            (3, Some(member)) => drop(member.restart().await),
            (4 | 5, _) => {
                let soil = Arc::clone(soil);
                drop(children.add_with(move || Leaf::new(&soil)).await);
            }
            _ => {
                if let Ok(leaf) = std::panic::catch_unwind(|| Leaf::new(soil)) {
                    drop(children.add(leaf).await);
                }
            }
        }
    }

    async fn order_a_group(&self, random: &mut Random, tree: &TreeHandle) {
        let Some(path) = random.one_of(&self.groups) else { return };
        let Ok(group) = tree.group(path) else { return };
        let _ = match random.below(5) {
            0 => group.stop().await,
            1 | 2 => group.start().await,
            _ => group.restart().await,
        };
    }

    /// A reference gives the handle of what stands there now.
    fn take_a_handle(&self, random: &mut Random, soil: &Soil, tree: &TreeHandle) {
        let Some(path) = random.one_of(&self.providers) else { return };
        let Ok(child) = tree.child::<Leaf>(path) else { return };
        soil.is_given(path, child.handle().ok());
    }

    async fn wait(&self, random: &mut Random, tree: &TreeHandle) {
        let Some(path) = random.one_of(&self.children) else { return };
        let Ok(child) = tree.child::<Untyped>(path) else { return };
        let waits = async {
            let _ = child.wait_ready().await;
            let _ = child.wait_for(State::Stopped).await;
        };
        let _ = timeout(random.time(), waits).await;
    }
}
