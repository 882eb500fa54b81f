//! What a user got wrong: where, what, and how to mend it.

use proc_macro2::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};

/// Every mistake of one declaration.
#[derive(Default)]
pub(crate) struct Mistakes(Vec<Mistake>);

/// One mistake, at tokens that the user wrote.
pub(crate) struct Mistake {
    start: Span,
    end: Span,
    message: String,
}

impl Mistakes {
    pub(crate) fn push(&mut self, mistake: Mistake) {
        self.0.push(mistake);
    }

    pub(crate) fn extend(&mut self, mistakes: impl IntoIterator<Item = Mistake>) {
        self.0.extend(mistakes);
    }

    pub(crate) fn append(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The errors that the compiler prints, in the order of the source.
    pub(crate) fn into_tokens(mut self) -> TokenStream {
        self.0.sort_by_key(Mistake::place);
        self.0.iter().map(Mistake::to_compile_error).collect()
    }

    /// The places that are blamed, each with the message.
    #[cfg(test)]
    pub(crate) fn places(&self) -> impl Iterator<Item = (Span, Span, &str)> {
        self.0.iter().map(|mistake| (mistake.start, mistake.end, mistake.message.as_str()))
    }

    #[cfg(test)]
    pub(crate) fn messages(mut self) -> Vec<String> {
        self.0.sort_by_key(Mistake::place);
        self.0.into_iter().map(|mistake| mistake.message).collect()
    }
}

impl Mistake {
    /// A mistake at all of `tokens`; at the whole macro call if there are none.
    pub(crate) fn at(tokens: impl ToTokens, message: impl Into<String>) -> Self {
        let mut tokens = tokens.into_token_stream().into_iter();
        let start = tokens.next().map_or_else(Span::call_site, |token| token.span());
        let end = tokens.last().map_or(start, |token| token.span());
        Self { start, end, message: message.into() }
    }

    /// A mistake at one place.
    pub(crate) fn at_span(span: Span, message: impl Into<String>) -> Self {
        Self { start: span, end: span, message: message.into() }
    }

    /// How to mend it, in the imperative.
    pub(crate) fn help(mut self, help: impl AsRef<str>) -> Self {
        self.message = format!("{}\n= help: {}", self.message, help.as_ref());
        self
    }

    /// The same, where there may be nothing to say.
    pub(crate) fn maybe_help(self, help: Option<String>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }

    /// Why it is one.
    pub(crate) fn note(mut self, note: impl AsRef<str>) -> Self {
        self.message = format!("{}\n= note: {}", self.message, note.as_ref());
        self
    }

    fn place(&self) -> (usize, usize) {
        let start = self.start.start();
        (start.line, start.column)
    }

    /// `const _: () = { ::core::compile_error! { ".." } };`
    ///
    /// In a block of its own, because a `compile_error!` at module level hides every unresolved name of
    /// that module, the user's own mistakes included.
    fn to_compile_error(&self) -> TokenStream {
        let callee = quote_spanned!(self.start=> ::core::compile_error!);
        let mut message = Literal::string(&self.message);
        message.set_span(self.end);
        let mut braces = Group::new(Delimiter::Brace, TokenTree::from(message).into());
        braces.set_span(self.end);
        quote!(const _: () = { #callee #braces };)
    }
}

/// `did you mean`, for the nearest of `known` if one is near enough to `word`.
pub(crate) fn did_you_mean(word: &str, known: impl IntoIterator<Item = &'static str>) -> Option<String> {
    nearest(word, known).map(|nearest| format!("did you mean `{nearest}`?"))
}

/// The nearest of `known`, if at most a third of it would have to be typed again, or if `word` is a part of it.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = &word.to_lowercase();
    let is_part = |candidate: &str| word.chars().count() >= 5 && candidate.contains(&**word);
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1.max(candidate.chars().count() / 3) || is_part(candidate))
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many characters have to be inserted, removed or exchanged to get from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in b.chars().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(a != b)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row[row.len() - 1]
}

/// `` `a`, `b` and `c` ``.
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.pop() {
        Some(last) if words.is_empty() => last,
        Some(last) => format!("{} and {last}", words.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_only_when_it_is_near() {
        let known = ["one_for_one", "one_for_all", "rest_for_one", "crashing"];
        for (word, expected) in [
            ("one_for_al", Some("one_for_all")),
            ("oneforall", Some("one_for_all")),
            ("one_for_noe", Some("one_for_one")),
            ("ONE_FOR_ONE", Some("one_for_one")),
            ("crash", Some("crashing")),
            ("supervise", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word:?}");
        }
    }

    #[test]
    fn words_are_listed_as_one_reads_them() {
        assert_eq!(listed([]), "");
        assert_eq!(listed(["a"]), "`a`");
        assert_eq!(listed(["a", "b", "c"]), "`a`, `b` and `c`");
    }

    #[test]
    fn the_nearest_word_is_a_slip_or_a_part_of_what_was_meant() {
        let known = ["max_restarts", "over", "start_timeout", "shutdown", "restart"];
        let table = [
            ("max_restart", Some("max_restarts")),
            ("shutdwon", Some("shutdown")),
            ("timeout", Some("start_timeout")),
            ("restarts", Some("restart")),
            ("ove", Some("over")),
            ("time", None),
            ("priority", None),
        ];
        for (word, meant) in table {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }
}
