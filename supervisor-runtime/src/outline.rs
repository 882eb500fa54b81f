//! The declaration as data.

mod graph;
#[cfg(feature = "serde")]
mod serialize;

use std::fmt;

use self::graph::Setting;
use crate::line::{Abridged, branch};

/// A declaration as data: what `supervision_tree!` leaves in `Tree::OUTLINE`.
///
/// An outline is one node, a group or a child, with those below it. Options and expressions are the text
/// that was written. What the *running* tree looks like is a different question, which a snapshot answers.
///
/// `Display` draws it:
///
/// ```
/// use supervisor_runtime::Outline;
///
/// const OUTLINE: Outline = Outline::group("Tree", "one_for_all")
///     .with_options(&[("max_restarts", "10"), ("over", "\"1s\"")])
///     .with_children(&[
///         Outline::child("db", "Db::new()"),
///         Outline::group("", "one_for_one").with_children(&[Outline::child("worker", "Worker::new").with_replicas("4")]),
///     ]);
///
/// assert_eq!(
///     OUTLINE.to_string(),
///     "\
/// Tree: one_for_all(max_restarts = 10, over = \"1s\")
/// ├─ db: Db::new()
/// └─ one_for_one
///    └─ worker*4: Worker::new
/// "
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    name: &'static str,
    docs: &'static str,
    options: &'static [(&'static str, &'static str)],
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Group {
        strategy: &'static str,
        decide: Option<&'static str>,
        children: &'static [Outline],
    },
    Child {
        expression: &'static str,
        replicas: Option<&'static str>,
        ty: Option<&'static str>,
        uses: &'static [&'static str],
    },
}

impl Outline {
    /// A group; without a name it is anonymous.
    pub const fn group(name: &'static str, strategy: &'static str) -> Self {
        Self { name, docs: "", options: &[], kind: Kind::Group { strategy, decide: None, children: &[] } }
    }

    /// A child that is no group; in place of its expression, an open group has the type of its members.
    pub const fn child(name: &'static str, expression: &'static str) -> Self {
        Self { name, docs: "", options: &[], kind: Kind::Child { expression, replicas: None, ty: None, uses: &[] } }
    }

    /// Puts nodes into a group, in order; a child has nothing below it.
    pub const fn with_children(mut self, nodes: &'static [Self]) -> Self {
        if let Kind::Group { children, .. } = &mut self.kind {
            *children = nodes;
        }
        self
    }

    /// Says which function decides, for a group whose strategy is `custom`.
    pub const fn with_decide(mut self, path: &'static str) -> Self {
        if let Kind::Group { decide, .. } = &mut self.kind {
            *decide = Some(path);
        }
        self
    }

    /// Says how many replicas a child has, as it stands after the `*`: `4`, or `..=1000` for an open group.
    pub const fn with_replicas(mut self, count: &'static str) -> Self {
        if let Kind::Child { replicas, .. } = &mut self.kind {
            *replicas = Some(count);
        }
        self
    }

    /// Says which type a child declares.
    pub const fn with_ty(mut self, declared: &'static str) -> Self {
        if let Kind::Child { ty, .. } = &mut self.kind {
            *ty = Some(declared);
        }
        self
    }

    /// Says which children a child uses: the names that stand in its expression.
    ///
    /// ```
    /// use supervisor_runtime::Outline;
    ///
    /// const OUTLINE: Outline = Outline::group("Tree", "rest_for_one")
    ///     .with_children(&[Outline::child("db", "Db::new()"), Outline::child("report", "Report::new(db)").with_uses(&["db"])]);
    ///
    /// assert!(OUTLINE.to_string().ends_with("report: Report::new(db)  <- db\n"));
    /// ```
    pub const fn with_uses(mut self, children: &'static [&'static str]) -> Self {
        if let Kind::Child { uses, .. } = &mut self.kind {
            *uses = children;
        }
        self
    }

    /// Says what is set for the node, by name and value; the value of a flag is empty.
    pub const fn with_options(mut self, options: &'static [(&'static str, &'static str)]) -> Self {
        self.options = options;
        self
    }

    /// Adds its doc comment.
    pub const fn with_docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    /// Its name; none for an anonymous group.
    pub const fn name(&self) -> Option<&'static str> {
        if self.name.is_empty() { None } else { Some(self.name) }
    }

    /// Its doc comment; empty without one.
    pub const fn docs(&self) -> &'static str {
        self.docs
    }

    /// What is set for it, in the order in which it is written.
    pub fn options(&self) -> impl ExactSizeIterator<Item = (&'static str, &'static str)> {
        self.options.iter().copied()
    }

    /// The strategy, if it is a group.
    pub const fn strategy(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Group { strategy, .. } => Some(strategy),
            Kind::Child { .. } => None,
        }
    }

    /// What stands in it; nothing if it is a child.
    pub const fn children(&self) -> &'static [Self] {
        match self.kind {
            Kind::Group { children, .. } => children,
            Kind::Child { .. } => &[],
        }
    }

    /// The expression, if it is a child; the type of its members, if it is an open group.
    pub const fn expression(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Child { expression, .. } => Some(expression),
            Kind::Group { .. } => None,
        }
    }

    /// How many replicas it has, if it is a child and replicated; `..` or `..=1000`, if it is an open group.
    pub const fn replicas(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Child { replicas, .. } => replicas,
            Kind::Group { .. } => None,
        }
    }

    /// The type that it declares, if it is a child that does.
    pub const fn ty(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Child { ty, .. } => ty,
            Kind::Group { .. } => None,
        }
    }

    /// The names of the children that it uses, if it is a child. As in Rust, a name is that of the nearest that is declared
    /// before it, in its own group or in one around that.
    pub const fn uses(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Child { uses, .. } => uses,
            Kind::Group { .. } => &[],
        }
    }

    /// This node and all below it, in the order of their declaration, each with its depth from 0.
    ///
    /// ```
    /// use supervisor_runtime::Outline;
    ///
    /// const OUTLINE: Outline = Outline::group("Tree", "one_for_one")
    ///     .with_children(&[Outline::child("db", "Db::new()"), Outline::child("cache", "Cache::new()")]);
    ///
    /// let names: Vec<_> = OUTLINE.walk().into_iter().filter_map(|(_, node)| node.name()).collect();
    /// assert_eq!(names, ["Tree", "db", "cache"]);
    /// ```
    pub fn walk(&self) -> Vec<(usize, Self)> {
        let mut nodes = vec![(0, *self)];
        for child in self.children() {
            nodes.extend(child.walk().into_iter().map(|(depth, node)| (depth + 1, node)));
        }
        nodes
    }

    /// The node without what is below it: `worker*4(restart = transient): Worker = make(db)  <- db`.
    fn line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Group { strategy, decide, .. } => {
                if let Some(name) = self.name() {
                    write!(f, "{name}: ")?;
                }
                f.write_str(strategy)?;
                self.parentheses(decide, f)
            }
            Kind::Child { expression, replicas, ty, uses } => {
                f.write_str(self.name)?;
                if let Some(count) = replicas {
                    write!(f, "*{count}")?;
                }
                self.parentheses(None, f)?;
                f.write_str(": ")?;
                if let Some(ty) = ty {
                    write!(f, "{ty} = ")?;
                }
                // `Outline::expression` has all of it.
                write!(f, "{}", Abridged(expression, EXPRESSION))?;
                let mut separator = "  <- ";
                for name in uses {
                    write!(f, "{separator}{name}")?;
                    separator = ", ";
                }
                Ok(())
            }
        }
    }

    fn parentheses(&self, decide: Option<&str>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "(";
        if let Some(path) = decide {
            write!(f, "{separator}{path}")?;
            separator = ", ";
        }
        for (key, value) in self.options {
            write!(f, "{separator}{}", Setting { key, value })?;
            separator = ", ";
        }
        if separator == "(" { Ok(()) } else { f.write_str(")") }
    }

    fn draw(&self, indent: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = self.children();
        for (index, node) in nodes.iter().enumerate() {
            let (branch, below) = branch(index + 1 == nodes.len());
            f.write_str(indent)?;
            f.write_str(branch)?;
            node.line(f)?;
            f.write_str("\n")?;
            node.draw(&format!("{indent}{below}"), f)?;
        }
        Ok(())
    }
}

/// So many characters of an expression are shown: a drawing is for the overview.
const EXPRESSION: usize = 60;

impl fmt::Display for Outline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.line(f)?;
        f.write_str("\n")?;
        self.draw("", f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_shows_every_kind_of_node() {
        const OUTLINE: Outline = Outline::group("Orders", "dependents_for_one").with_children(&[
            Outline::child("db", "Db::open(config.clone()).with_a_name_that_is_very_long(indeed).and_more()")
                .with_ty("Db"),
            Outline::group("pool", "custom")
                .with_decide("decide")
                .with_options(&[("max_restarts", "3")])
                .with_children(&[
                    Outline::child("conn", "Conn::new")
                        .with_replicas("N")
                        .with_options(&[("restart", "transient"), ("significant", "")]),
                    Outline::child("tick", "Tick"),
                    Outline::child("job", "Job").with_replicas("..=1000").with_options(&[("in_place", "")]),
                ]),
            Outline::group("", "crashing").with_children(&[
                Outline::child("last", "Last(db)").with_uses(&["db"]),
                Outline::child("very_last", "make(last, db)").with_replicas("2").with_uses(&["last", "db"]),
            ]),
        ]);
        let expected = "\
Orders: dependents_for_one
├─ db: Db = Db::open(config.clone()).with_a_name_that_is_very_long(indee ..
├─ pool: custom(decide, max_restarts = 3)
│  ├─ conn*N(restart = transient, significant): Conn::new
│  ├─ tick: Tick
│  └─ job*..=1000(in_place): Job
└─ crashing
   ├─ last: Last(db)  <- db
   └─ very_last*2: make(last, db)  <- last, db
";
        assert_eq!(OUTLINE.to_string(), expected);
    }
}
