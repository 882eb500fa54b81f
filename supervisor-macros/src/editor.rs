//! What an editor completes in: the words of a declaration as the items of the builder that they stand for, each in a
//! statement of its own, whether the declaration is right or not.
//!
//! ```text
//! struct Tree(size: usize);          fn __editor(size: usize) {
//! one_for_all(max_re) {                  Supervisor::one_for_all;
//!     db(shutd = 5s): Db::,              { let group: Supervisor; group.max_re; }
//! }                                      { let child: Child<()>; child.shutd; { 5s }; }
//!                                        { let _ = Db::; }
//!                                    }
//! ```
//!
//! rust-analyzer expands a macro twice, with and without a word at the cursor, and lines the two up by their offsets. So
//! this comes first, and what has been written so far gives the same whatever follows: it is made from the tokens alone,
//! without the parser, which leaves out what it cannot read.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};
use quote::{ToTokens, quote};

/// Options whose values are words, listed in the runtime by these names.
const OF_WORDS: [&str; 2] = ["restart", "auto_shutdown"];

/// The statements for a declaration, the path of the runtime crate in brackets before it.
pub(crate) fn editor(input: TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = input.into_iter().collect();
    let krate = match tokens.first() {
        Some(TokenTree::Group(krate)) if krate.delimiter() == Delimiter::Bracket => krate.stream(),
        _ => return TokenStream::new(),
    };
    tokens.remove(0);
    let (params, rest) = header(&tokens);
    let body = Editor { krate }.nodes(rest);
    quote! {
        const _: () = {
            fn __editor(#params) { #body }
        };
    }
}

/// The parameters, and what stands after the header.
fn header(tokens: &[TokenTree]) -> (TokenStream, &[TokenTree]) {
    let end = tokens.iter().position(|token| is_punct(token, ';'));
    let begin = tokens.iter().position(|token| is_ident(token, "struct"));
    let (Some(begin), Some(end)) = (begin, end) else { return (TokenStream::new(), tokens) };
    let params = tokens[begin.min(end)..end].iter().find_map(|token| parentheses(token));
    (params.map(Group::stream).unwrap_or_default(), &tokens[end + 1..])
}

struct Editor {
    krate: TokenStream,
}

impl Editor {
    /// What stands between two braces.
    fn nodes(&self, tokens: &[TokenTree]) -> TokenStream {
        let mut statements = TokenStream::new();
        let mut rest = tokens;
        while !rest.is_empty() {
            let (node, after) = node(rest);
            statements.extend(self.node(node));
            rest = after;
        }
        statements
    }

    fn node(&self, node: &[TokenTree]) -> TokenStream {
        let Some((head, body)) = colon(node) else { return self.group(node) };
        let body = &body[1..];
        if is_group(body) {
            return self.group(body);
        }
        let options = head.iter().rev().find_map(parentheses);
        let options = options.map(|options| self.options(options, &quote!(Child<()>)));
        let value = match body.iter().position(is_equals) {
            Some(at) => {
                let (ty, value) = (collect(&body[..at]), collect(&body[at + 1..]));
                quote!(let _: #ty = #value;)
            }
            None => {
                let value = collect(body);
                quote!(let _ = #value;)
            }
        };
        quote!({ #options #value })
    }

    /// `one_for_one(..) { .. }`, or the beginning of it.
    fn group(&self, tokens: &[TokenTree]) -> TokenStream {
        let krate = &self.krate;
        let Some(TokenTree::Ident(word)) = tokens.iter().find(|token| matches!(token, TokenTree::Ident(_))) else {
            return TokenStream::new();
        };
        let options = tokens.iter().find_map(parentheses).map(|options| self.options(options, &quote!(Supervisor)));
        let nodes = tokens.iter().find_map(braces).map(|nodes| {
            let nodes: Vec<TokenTree> = nodes.stream().into_iter().collect();
            self.nodes(&nodes)
        });
        quote!(#krate::Supervisor::#word; { #options } #nodes)
    }

    /// Each option as a method, and its value.
    fn options(&self, options: &Group, of: &TokenStream) -> TokenStream {
        let krate = &self.krate;
        let tokens: Vec<TokenTree> = options.stream().into_iter().collect();
        let option = |option: &[TokenTree]| {
            let (key, value) = match option.iter().position(is_equals) {
                Some(at) => (&option[..at], Some(&option[at + 1..])),
                None => (option, None),
            };
            let is_of_words = key.first().is_some_and(|key| OF_WORDS.iter().any(|word| is_ident(key, word)));
            let list = key.first().filter(|_| is_of_words);
            let key_tokens = collect(key);
            let value = value.map(collect).map(|value| match list {
                Some(list) => quote!(#krate::__private::words::#list::#value;),
                None => quote!({ #value };),
            });
            quote!(options.#key_tokens; #value)
        };
        let options: TokenStream = tokens.split(|token| is_punct(token, ',')).map(option).collect();
        quote!(let options: #krate::#of; #options)
    }
}

/// The first node, and what stands after it: it ends at a comma, or with the braces of a group.
fn node(tokens: &[TokenTree]) -> (&[TokenTree], &[TokenTree]) {
    let is_end = |(at, token): (usize, &TokenTree)| {
        is_punct(token, ',')
            || braces(token).is_some() && {
                let node = &tokens[..=at];
                is_group(colon(node).map_or(node, |(_, body)| &body[1..]))
            }
    };
    match tokens.iter().enumerate().position(is_end) {
        Some(at) if is_punct(&tokens[at], ',') => (&tokens[..at], &tokens[at + 1..]),
        Some(at) => (&tokens[..=at], &tokens[at + 1..]),
        None => (tokens, &[]),
    }
}

/// What stands before the first `:` that is no part of `::`, and the rest.
fn colon(tokens: &[TokenTree]) -> Option<(&[TokenTree], &[TokenTree])> {
    let is_colon = |at: usize| {
        let of_path = |punct: &TokenTree| matches!(punct, TokenTree::Punct(punct) if punct.as_char() == ':' && punct.spacing() == Spacing::Joint);
        is_punct(&tokens[at], ':')
            && !(of_path(&tokens[at]) && tokens.get(at + 1).is_some_and(|next| is_punct(next, ':')))
            && !(at > 0 && of_path(&tokens[at - 1]))
    };
    (0..tokens.len()).find(|at| is_colon(*at)).map(|at| tokens.split_at(at))
}

/// Whether it reads as a group: a word in lower case, options, braces.
fn is_group(tokens: &[TokenTree]) -> bool {
    let tokens: Vec<_> = tokens.iter().skip_while(|token| is_punct(token, '#') || brackets(token)).collect();
    match &*tokens {
        [TokenTree::Ident(word), between @ .., last] => {
            word.to_string().starts_with(char::is_lowercase)
                && between.iter().all(|token| parentheses(token).is_some())
                && braces(last).is_some()
        }
        _ => false,
    }
}

fn collect(tokens: &[TokenTree]) -> TokenStream {
    tokens.iter().map(ToTokens::to_token_stream).collect()
}

fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// A `=` that stands alone.
fn is_equals(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == '=' && punct.spacing() == Spacing::Alone)
}

fn is_ident(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

fn group(token: &TokenTree, delimiter: Delimiter) -> Option<&Group> {
    match token {
        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

fn parentheses(token: &TokenTree) -> Option<&Group> {
    group(token, Delimiter::Parenthesis)
}

fn braces(token: &TokenTree) -> Option<&Group> {
    group(token, Delimiter::Brace)
}

fn brackets(token: &TokenTree) -> bool {
    group(token, Delimiter::Bracket).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_a_statement_also_while_it_is_typed() {
        for (source, expected) in [
            ("one_f", "k::Supervisor::one_f; {}"),
            (
                "one_for_all(max_re, over = 1s) { db: Db:: }",
                "k::Supervisor::one_for_all;
                { let options: k::Supervisor; options.max_re; options.over; { 1s }; }
                { let _ = Db::; }",
            ),
            (
                "crashing { db(restart = tra, hea): Db = Db::open()., pool: rest_f { a*4: A } x: X { y }, one_for_al }",
                "k::Supervisor::crashing; {}
                {
                    let options: k::Child<()>;
                    options.restart; k::__private::words::restart::tra;
                    options.hea;
                    let _: Db = Db::open().;
                }
                k::Supervisor::rest_f; {} { let _ = A; }
                { let _ = X { y }; }
                k::Supervisor::one_for_al; {}",
            ),
        ] {
            let source = format!("[k] struct T(n: usize); {source}").parse().expect("tokens");
            let expected: TokenStream =
                format!("const _: () = {{ fn __editor(n: usize) {{ {expected} }} }};").parse().expect("tokens");
            let text = |tokens: TokenStream| tokens.to_string().replace(' ', "");
            assert_eq!(text(editor(source)), text(expected));
        }
    }

    #[test]
    fn what_is_typed_next_leaves_what_is_there_in_its_place() {
        let of = |source: &str| editor(source.parse().expect("tokens")).to_string();
        let (typed, next) = (of("[k] crashing { a: A, b: B:: }"), of("[k] crashing { a: A, b: B::new }"));
        let same = typed.find("B ::").expect("the expression");
        assert_eq!(typed[..same], next[..same]);
    }
}
