//! Mermaid, as its version 11 reads it.

use std::fmt::{self, Write};

use super::{Graph, Shape};

pub(super) struct Mermaid(pub(super) Graph);

impl fmt::Display for Mermaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("flowchart LR\n")?;
        for (place, node) in self.0.boxes.iter().enumerate() {
            let (open, close) = match node.shape {
                Shape::Group => ("[", "]"),
                Shape::Child => ("([", "])"),
                Shape::Several => ("[[", "]]"),
            };
            write!(f, "    n{place}{open}\"")?;
            for (index, line) in node.lines.iter().enumerate() {
                f.write_str(if index == 0 { "" } else { "<br/>" })?;
                escape(line, f)?;
            }
            write!(f, "\"{close}")?;
            if let Some(tone) = node.tone {
                write!(f, ":::{}", tone.word())?;
            }
            f.write_str("\n")?;
            if let Some((above, turn)) = node.above {
                writeln!(f, "    n{above} -->|{turn}| n{place}")?;
            }
            for provider in &node.uses {
                writeln!(f, "    n{provider} -.-> n{place}")?;
            }
        }
        for tone in self.0.tones() {
            let (fill, stroke) = tone.colors();
            writeln!(f, "    classDef {} fill:{fill},stroke:{stroke},color:#000", tone.word())?;
        }
        Ok(())
    }
}

/// One line of a label. What could mean something to Mermaid, to the Markdown in it or to HTML is written as the number
/// of the character: `#34;`.
///
/// All else would be a list of traps, and it grows with each version: quotes end the label, `#` begins a number, `<` a
/// tag, `%%{` a directive, a backtick Markdown, `1. ` or `- ` at the beginning a list (which it then refuses to draw),
/// `*` and `_` emphasis, and `style` or `classDef` before a `:` that stands close to a number makes it drop a semicolon.
/// So only what is known to be harmless is written as it is.
///
/// Some it looks for after it has read the numbers: `\n` as a line break, `$$` as a formula, `fa:fa-` as an icon. There
/// an invisible character stands between.
fn escape(line: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut before = None;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        let after = rest.clone().next();
        let within_a_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let harmless = match c {
            _ if !c.is_ascii() || c.is_ascii_alphabetic() => true,
            '0'..='9' => before.is_some() || !is_numbered(line),
            ' ' | '=' | '.' | ',' | '/' | ')' | '+' | '-' => before.is_some(),
            '(' => true,
            ':' => after == Some(' '),
            '_' => within_a_word(before) && within_a_word(after),
            _ => false,
        };
        if harmless {
            f.write_char(c)?
        } else {
            write!(f, "#{};", u32::from(c))?
        }
        let read_later = match c {
            '\\' => after == Some('n'),
            '$' => after == Some('$'),
            ':' => rest.as_str().starts_with("fa-"),
            _ => false,
        };
        if read_later {
            write!(f, "#{};", u32::from(WORD_JOINER))?;
        }
        before = Some(c);
    }
    Ok(())
}

/// It has no width, and allows no line break.
pub(super) const WORD_JOINER: char = '\u{2060}';

/// Whether it begins as a numbered list does.
fn is_numbered(line: &str) -> bool {
    line.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(['.', ')'])
}
