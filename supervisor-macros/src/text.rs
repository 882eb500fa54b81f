//! Tokens as the text that the user wrote.

use proc_macro2::{Delimiter, LineColumn, Spacing, Span, TokenStream, TokenTree};

/// The text of `tokens` on one line, spaced as it is written.
pub(crate) fn text(tokens: &TokenStream) -> String {
    let mut text = Text { text: String::new(), end: None };
    text.push_all(tokens.clone());
    text.text
}

struct Text {
    text: String,
    /// Where the last token ended; `None` within an operator.
    end: Option<LineColumn>,
}

impl Text {
    fn push_all(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::None => {
                            self.push_all(group.stream());
                            continue;
                        }
                    };
                    self.push(open, group.span_open());
                    self.push_all(group.stream());
                    self.push(close, group.span_close());
                }
                TokenTree::Ident(ident) => self.push(&ident.to_string(), ident.span()),
                TokenTree::Literal(literal) => self.push(&literal.to_string(), literal.span()),
                TokenTree::Punct(punct) => {
                    self.push(&punct.as_char().to_string(), punct.span());
                    if punct.spacing() == Spacing::Joint {
                        // The parts of `::` may share one span.
                        self.end = None;
                    }
                }
            }
        }
    }

    fn push(&mut self, token: &str, span: Span) {
        let start = span.start();
        let apart = match self.end {
            Some(end) if end.line == start.line => end.column < start.column,
            Some(_) => !token.starts_with('.'),
            None => false,
        };
        let would_merge = self.text.ends_with(is_word) && token.starts_with(is_word);
        if apart || would_merge {
            self.text.push(' ');
        }
        self.text.push_str(token);
        // To ask the compiler costs as much as the rest, and is needed only where a span may be longer than its token: the
        // parts of `::` may share one.
        let is_plain = self.end.is_some() && !token.contains('\n');
        let after = || LineColumn { line: start.line, column: start.column + token.chars().count() };
        self.end = Some(if is_plain { after() } else { span.end() });
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_reads_as_it_is_written() {
        for source in [
            "Worker::new",
            "|index| Worker::new(index, pool.clone())",
            "async move { Db::open().await? }",
            "a + -1",
            "\"1s\"",
            "100ms..30s",
        ] {
            let tokens: TokenStream = source.parse().expect(source);
            assert_eq!(text(&tokens), source);
        }
    }

    #[test]
    fn lines_are_joined() {
        let tokens: TokenStream = "Db::new()\n    .with(1)\n    + 1".parse().expect("tokens");
        assert_eq!(text(&tokens), "Db::new().with(1) + 1");
    }
}
