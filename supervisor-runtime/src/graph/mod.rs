//! A tree as boxes and arrows, for Mermaid and for Graphviz: what is in the boxes, apart from how each of them writes it.
//!
//! A group is a box with an arrow to each of its children, not a frame around them: a tree with frames inside frames
//! grows wide, and where a restart goes from is then nowhere to be seen. The arrows are numbered in the order in which
//! the children start; replicas start together, so they are one box. Dashed arrows go as the handles do, from a child to
//! those that use it.

mod dot;
mod mermaid;

use std::fmt;

use crate::line::one_line;
use crate::view::Tone;

/// A tree in boxes; each stands after the one that it belongs to.
pub(crate) struct Graph {
    boxes: Vec<Node>,
}

/// One box.
struct Node {
    /// The box above it, and its turn among the children of that, from 1.
    above: Option<(usize, usize)>,
    /// The boxes that it uses; they stand before it.
    uses: Vec<usize>,
    shape: Shape,
    /// None is empty, and none holds a control character.
    lines: Vec<String>,
    tone: Option<Tone>,
}

/// What is in a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Group,
    Child,
    /// Several of one child.
    Several,
}

/// Which box; only the graph hands it out.
#[derive(Clone, Copy)]
pub(crate) struct Place(usize);

impl Graph {
    pub(crate) fn new() -> Self {
        Self { boxes: Vec::new() }
    }

    /// Adds a box, as the next child of the one above it.
    pub(crate) fn add(
        &mut self,
        above: Option<(Place, usize)>,
        shape: Shape,
        tone: Option<Tone>,
        lines: impl IntoIterator<Item = String>,
    ) -> Place {
        let lines = lines.into_iter().map(|line| one_line(&line)).filter(|line| !line.is_empty()).collect();
        let above = above.map(|(Place(place), turn)| (place, turn));
        self.boxes.push(Node { above, uses: Vec::new(), shape, lines, tone });
        Place(self.boxes.len() - 1)
    }

    /// Adds a dashed arrow from a box to one that uses it.
    pub(crate) fn add_use(&mut self, Place(provider): Place, Place(user): Place) {
        self.boxes[user].uses.push(provider);
    }

    /// As a flowchart in the language of Mermaid.
    pub(crate) fn mermaid(self) -> impl fmt::Display {
        mermaid::Mermaid(self)
    }

    /// As a directed graph in the language of Graphviz.
    pub(crate) fn dot(self) -> impl fmt::Display {
        dot::Dot(self)
    }

    /// The tones that occur, each once.
    fn tones(&self) -> std::collections::BTreeSet<Tone> {
        self.boxes.iter().filter_map(|node| node.tone).collect()
    }
}

#[cfg(test)]
mod tests;
