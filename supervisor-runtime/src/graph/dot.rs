//! DOT, the language of Graphviz.

use std::fmt::{self, Write};

use super::{Graph, Shape};

pub(super) struct Dot(pub(super) Graph);

impl fmt::Display for Dot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("digraph {\n")?;
        // `ordering`: children stand in the order in which they start.
        f.write_str("    rankdir=LR\n    ordering=out\n")?;
        f.write_str("    node [shape=box, fontname=\"sans-serif\", fillcolor=white]\n")?;
        f.write_str("    edge [fontname=\"sans-serif\", fontsize=10]\n")?;
        for (place, node) in self.0.boxes.iter().enumerate() {
            write!(f, "    n{place} [label=\"")?;
            for (index, line) in node.lines.iter().enumerate() {
                f.write_str(if index == 0 { "" } else { "\\n" })?;
                escape(line, f)?;
            }
            f.write_str(match node.shape {
                Shape::Group => "\", style=filled",
                Shape::Child => "\", style=\"filled,rounded\"",
                Shape::Several => "\", style=\"filled,rounded\", peripheries=2",
            })?;
            if let Some(tone) = node.tone {
                let (fill, stroke) = tone.colors();
                write!(f, ", class={}, fillcolor=\"{fill}\", color=\"{stroke}\"", tone.word())?;
            }
            f.write_str("]\n")?;
            if let Some((above, turn)) = node.above {
                writeln!(f, "    n{above} -> n{place} [label={turn}]")?;
            }
            for provider in &node.uses {
                // It says nothing about where the boxes stand.
                writeln!(f, "    n{provider} -> n{place} [style=dashed, constraint=false]")?;
            }
        }
        f.write_str("}\n")
    }
}

/// One line of a label. A backslash begins an escape there (`\N` is the name of the node), an `&` an entity of HTML.
fn escape(line: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    line.chars().try_for_each(|c| match c {
        '"' => f.write_str("\\\""),
        '\\' => f.write_str("\\\\"),
        '&' => f.write_str("&amp;"),
        _ => f.write_char(c),
    })
}
