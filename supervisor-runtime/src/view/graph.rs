//! A snapshot as boxes and arrows.

use std::collections::BTreeMap;
use std::fmt;

use super::fold::{Told, in_each_state, members_by_child};
use super::names::Members;
use super::snapshot::Snapshot;
use super::table::{cells, title};
use crate::graph::{Graph, Place, Shape};
use crate::line::Abridged;

/// So much of a message is in a box: the table has more.
const MESSAGE: usize = 60;

impl Snapshot {
    /// A flowchart in the language of [Mermaid](https://mermaid.js.org), drawn like that of an
    /// [`Outline`](crate::Outline::mermaid), with where each child stands: by glyph, word and colour. Replicas and members
    /// of one child are one box that counts them by state, in the colour of the one that needs a look most. A dashed arrow
    /// goes from a child to each that depends on it.
    ///
    /// Mermaid draws no more than 500 arrows unless it is told to (`maxEdges`).
    ///
    /// ```
    /// # use supervisor_runtime::{Child, Supervisor, service_fn};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), supervisor_runtime::TreeError> {
    /// # let db = Child::new("db", || service_fn(|cx| async move { Ok(cx.stopping().await) }));
    /// let running = Supervisor::one_for_one("orders").child(db).start().await?;
    /// let picture = running.snapshot()?.mermaid().to_string();
    /// assert!(picture.starts_with("flowchart LR\n"));
    /// assert!(picture.contains(r#"(["db<br/>● running"#));
    /// # running.shutdown().await
    /// # }
    /// ```
    pub fn mermaid(&self) -> impl fmt::Display + use<> {
        self.graph().mermaid()
    }

    /// The same picture as of [`mermaid`](Self::mermaid), in DOT, the language of
    /// [Graphviz](https://graphviz.org): `dot -Tsvg`.
    ///
    /// ```
    /// # use supervisor_runtime::{Child, Supervisor, service_fn};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), supervisor_runtime::TreeError> {
    /// # let db = Child::new("db", || service_fn(|cx| async move { Ok(cx.stopping().await) }));
    /// let running = Supervisor::one_for_one("orders").child(db).start().await?;
    /// let picture = running.snapshot()?.dot().to_string();
    /// assert!(picture.starts_with("digraph {"));
    /// assert!(picture.contains(r#"label="db\n● running"#));
    /// # running.shutdown().await
    /// # }
    /// ```
    pub fn dot(&self) -> impl fmt::Display + use<> {
        self.graph().dot()
    }

    fn graph(&self) -> Graph {
        let mut graph = Graph::new();
        add(&mut graph, None, Told::of(self.root()));
        graph
    }
}

fn add(graph: &mut Graph, above: Option<(Place, usize)>, told: Told<'_>) -> Place {
    let shape = if told.row.is_supervisor() { Shape::Group } else { Shape::Child };
    let place = graph.add(above, shape, Some(told.look.tone()), label(&told));
    // By the number of the child: what it depends on stands before it.
    let mut places: BTreeMap<u32, Place> = BTreeMap::new();
    for (turn, members) in (1..).zip(members_by_child(&told.row)) {
        let above = Some((place, turn));
        let row = members[0].row;
        let user = if row.members() == Members::One || row.is_supervisor() {
            members.into_iter().map(|told| add(graph, above, told)).last()
        } else {
            let tone = members.iter().map(|told| told.look.tone()).max();
            Some(graph.add(above, Shape::Several, tone, label_of_several(&members)))
        };
        let Some(user) = user else { continue };
        for provider in row.requirements().iter().filter_map(|child| places.get(child)) {
            graph.add_use(*provider, user);
        }
        places.insert(row.child(), user);
    }
    place
}

fn label(told: &Told<'_>) -> [String; 4] {
    let cells = cells(title(&told.row), std::slice::from_ref(told));
    let [name, state, time, numbers] = cells.columns;
    [name, format!("{state} {time}"), numbers, Abridged(&cells.note, MESSAGE).to_string()]
}

fn label_of_several(members: &[Told<'_>]) -> Vec<String> {
    let name = format!("{} ×{}", members[0].row.name(), members.len());
    std::iter::once(name).chain(in_each_state(members)).collect()
}

#[cfg(test)]
mod tests;
