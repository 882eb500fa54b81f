//! What is drawn in lines: the branches of a tree, and text that has to fit into one.

use std::fmt::{self, Write};

/// The branch to one of several siblings, and what stands below it in the lines of its own children.
pub(crate) const fn branch(is_last: bool) -> (&'static str, &'static str) {
    if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") }
}

/// A text in one line: each line break, tab or run of spaces is one space. Other control characters go the same way,
/// because an error may quote what a stranger sent, and must not steer the terminal that shows it.
pub(crate) fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// The text, or its beginning if it is longer than so many characters.
pub(crate) struct Abridged<'a>(pub(crate) &'a str, pub(crate) usize);

impl fmt::Display for Abridged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text, width) = *self;
        match text.char_indices().nth(width) {
            Some((end, _)) => write!(f, "{} ..", text[..end].trim_end()),
            None => f.write_str(text),
        }
    }
}

/// How many columns of a terminal it takes. A character is taken for one column: names and messages are mostly ASCII,
/// and where one is not, a row is misaligned, not lost.
pub(crate) fn width(text: &str) -> usize {
    text.chars().count()
}

/// Writes the text and fills up with spaces.
pub(crate) fn pad(f: &mut fmt::Formatter<'_>, text: &str, to: usize) -> fmt::Result {
    f.write_str(text)?;
    (width(text)..to).try_for_each(|_| f.write_char(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_one_line_cannot_steer_a_terminal() {
        let table = [
            ("disk full", "disk full"),
            ("  left: 1\n right:\t2\r\n", "left: 1 right: 2"),
            ("\u{1b}[31mred\u{1b}[0m \u{7}", "[31mred [0m"),
            ("\u{9b}2J a\u{2028}b", "2J a b"),
            ("\n", ""),
        ];
        for (text, expected) in table {
            assert_eq!(one_line(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let table =
            [("abc", 3, "abc"), ("abcd", 3, "abc .."), ("ab cd", 3, "ab .."), ("äöüß", 3, "äöü .."), ("", 0, "")];
        for (text, width, expected) in table {
            assert_eq!(Abridged(text, width).to_string(), expected, "{text:?} in {width}");
        }
    }
}
