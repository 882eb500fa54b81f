//! An outline as boxes and arrows.

use std::fmt;

use super::{EXPRESSION, Kind, Outline};
use crate::graph::{Graph, Place, Shape};
use crate::line::Abridged;

impl Outline {
    /// A flowchart in the language of [Mermaid](https://mermaid.js.org), which Markdown on many sites shows as a picture:
    /// a box for each group and child, and arrows from a group to what stands in it, numbered in the order of their
    /// start. A dashed arrow goes from a child to each that uses it.
    ///
    /// ```
    /// use supervisor_runtime::Outline;
    ///
    /// const OUTLINE: Outline = Outline::group("Tree", "one_for_all")
    ///     .with_children(&[
    ///         Outline::child("db", "Db"),
    ///         Outline::child("worker", "make(db)").with_replicas("4").with_uses(&["db"]),
    ///     ]);
    ///
    /// assert_eq!(
    ///     OUTLINE.mermaid().to_string(),
    ///     r#"flowchart LR
    ///     n0["Tree: one_for_all"]
    ///     n1(["db<br/>Db"])
    ///     n0 -->|1| n1
    ///     n2[["worker ×4<br/>make(db)"]]
    ///     n0 -->|2| n2
    ///     n1 -.-> n2
    /// "#
    /// );
    /// ```
    pub fn mermaid(&self) -> impl fmt::Display + use<> {
        self.graph().mermaid()
    }

    /// The same picture as of [`mermaid`](Self::mermaid), in DOT, the language of
    /// [Graphviz](https://graphviz.org): `dot -Tsvg`.
    ///
    /// ```
    /// use supervisor_runtime::Outline;
    ///
    /// const OUTLINE: Outline =
    ///     Outline::group("Tree", "one_for_all").with_children(&[Outline::child("db", "Db::open(\"orders\")")]);
    ///
    /// let dot = OUTLINE.dot().to_string();
    /// assert!(dot.starts_with("digraph {"));
    /// assert!(dot.contains(r#"n1 [label="db\nDb::open(\"orders\")""#));
    /// ```
    pub fn dot(&self) -> impl fmt::Display + use<> {
        self.graph().dot()
    }

    fn graph(&self) -> Graph {
        let mut graph = Graph::new();
        self.add_to(&mut graph, None, &mut Vec::new());
        graph
    }

    /// `seen` are the nodes that the name of a child can mean here, the nearest last.
    fn add_to(&self, graph: &mut Graph, above: Option<(Place, usize)>, seen: &mut Vec<(&'static str, Place)>) -> Place {
        let (shape, lines) = self.label();
        let place = graph.add(above, shape, None, lines);
        for used in self.uses() {
            let provider = seen.iter().rev().find(|(name, _)| name == used);
            provider.iter().for_each(|(_, provider)| graph.add_use(*provider, place));
        }
        let around = seen.len();
        for (turn, child) in (1..).zip(self.children()) {
            let place = child.add_to(graph, Some((place, turn)), seen);
            if let Kind::Child { .. } = child.kind {
                seen.push((child.name, place));
            }
        }
        seen.truncate(around);
        place
    }

    /// What it is called, what it is made from, and what is set for it.
    fn label(&self) -> (Shape, [String; 3]) {
        let options: Vec<_> = self.options().map(|(key, value)| Setting { key, value }.to_string()).collect();
        match self.kind {
            Kind::Group { strategy, decide, .. } => {
                let name = self.name().map(|name| format!("{name}: ")).unwrap_or_default();
                let decide = decide.map(|path| format!("({path})")).unwrap_or_default();
                (Shape::Group, [format!("{name}{strategy}{decide}"), String::new(), options.join(", ")])
            }
            Kind::Child { expression, replicas, ty, .. } => {
                let (shape, count) = match replicas {
                    Some(count) => (Shape::Several, format!(" ×{count}")),
                    None => (Shape::Child, String::new()),
                };
                let ty = ty.map(|ty| format!("{ty} = ")).unwrap_or_default();
                let expression = Abridged(expression, EXPRESSION);
                (shape, [format!("{}{count}", self.name), format!("{ty}{expression}"), options.join(", ")])
            }
        }
    }
}

/// `max_restarts = 10`, or a flag by its name alone.
pub(super) struct Setting {
    pub(super) key: &'static str,
    pub(super) value: &'static str,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, value } = self;
        if value.is_empty() { f.write_str(key) } else { write!(f, "{key} = {value}") }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    const OUTLINE: Outline = Outline::group("Orders", "dependents_for_one").with_children(&[
        Outline::child("db", "Db::open(\"orders\")").with_ty("Db"),
        Outline::group("pool", "custom")
            .with_decide("rules::decide")
            .with_options(&[("max_restarts", "3"), ("over", "\"1s\"")])
            .with_children(&[Outline::child("conn", "Conn::new")
                .with_replicas("N")
                .with_options(&[("restart", "transient"), ("significant", "")])]),
        Outline::group("", "crashing").with_children(&[
            Outline::child("last", "|x: &Vec<u8>| Last(x, db)").with_uses(&["db"]),
            Outline::child("db", "Db").with_uses(&["last", "db", "conn"]),
            Outline::child("end", "End").with_uses(&["db"]),
        ]),
    ]);

    #[test]
    fn mermaid_shows_the_declaration_in_the_order_of_its_start() {
        expect![[r#"
            flowchart LR
                n0["Orders: dependents_for_one"]
                n1(["db<br/>Db = Db#58;#58;open(#34;orders#34;)"])
                n0 -->|1| n1
                n2["pool: custom(rules#58;#58;decide)<br/>max_restarts = 3, over = #34;1s#34;"]
                n0 -->|2| n2
                n3[["conn ×N<br/>Conn#58;#58;new<br/>restart = transient, significant"]]
                n2 -->|1| n3
                n4["crashing"]
                n0 -->|3| n4
                n5(["last<br/>#124;x: #38;Vec#60;u8#62;#124; Last(x, db)"])
                n4 -->|1| n5
                n1 -.-> n5
                n6(["db<br/>Db"])
                n4 -->|2| n6
                n5 -.-> n6
                n1 -.-> n6
                n7(["end<br/>End"])
                n4 -->|3| n7
                n6 -.-> n7
        "#]]
        .assert_eq(&OUTLINE.mermaid().to_string());
    }

    #[test]
    fn dot_shows_the_declaration_in_the_order_of_its_start() {
        expect![[r#"
            digraph {
                rankdir=LR
                ordering=out
                node [shape=box, fontname="sans-serif", fillcolor=white]
                edge [fontname="sans-serif", fontsize=10]
                n0 [label="Orders: dependents_for_one", style=filled]
                n1 [label="db\nDb = Db::open(\"orders\")", style="filled,rounded"]
                n0 -> n1 [label=1]
                n2 [label="pool: custom(rules::decide)\nmax_restarts = 3, over = \"1s\"", style=filled]
                n0 -> n2 [label=2]
                n3 [label="conn ×N\nConn::new\nrestart = transient, significant", style="filled,rounded", peripheries=2]
                n2 -> n3 [label=1]
                n4 [label="crashing", style=filled]
                n0 -> n4 [label=3]
                n5 [label="last\n|x: &amp;Vec<u8>| Last(x, db)", style="filled,rounded"]
                n4 -> n5 [label=1]
                n1 -> n5 [style=dashed, constraint=false]
                n6 [label="db\nDb", style="filled,rounded"]
                n4 -> n6 [label=2]
                n5 -> n6 [style=dashed, constraint=false]
                n1 -> n6 [style=dashed, constraint=false]
                n7 [label="end\nEnd", style="filled,rounded"]
                n4 -> n7 [label=3]
                n6 -> n7 [style=dashed, constraint=false]
            }
        "#]]
        .assert_eq(&OUTLINE.dot().to_string());
    }
}
