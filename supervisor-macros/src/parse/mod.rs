//! Tokens to the tree as written.
//!
//! Parsing is permissive and never fails: what cannot be read is reported and skipped up to the next
//! comma, so that one run finds every mistake.

mod arguments;
mod child;
mod count;
mod header;
mod node;
mod open;
mod stream;
mod written;

pub(crate) use written::{Amount, Argument, Child, Count, Expression, Group, Header, Krate, Node, Open, Param, Tree};

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::quote;
use syn::parse::ParseStream;
use syn::{Ident, Token};

use crate::mistake::{Mistake, Mistakes};

/// The words that begin a group.
pub(crate) const STRATEGIES: [&str; 8] = [
    "one_for_one",
    "one_for_all",
    "rest_for_one",
    "dependents_for_one",
    "forfeit_one_for_one",
    "forfeit_one_for_all",
    "crashing",
    "custom",
];

/// Reads a whole declaration, the path of the runtime crate in brackets before it.
pub(crate) fn parse(input: TokenStream, mistakes: &mut Mistakes) -> Tree {
    let (krate, input) = split_crate(input);
    let mut found = Mistakes::default();
    let read = |input: ParseStream<'_>| {
        let header = header::header(input, &mut found);
        let root = root(input, &mut found);
        Ok((header, root))
    };
    // What is missing at the end is missed at the last token, not at the whole macro call.
    let end = input.clone().into_iter().last().map(|token| match token {
        TokenTree::Group(group) => group.span_close(),
        token => token.span(),
    });
    let (header, root) = stream::within(input, end.unwrap_or_else(Span::call_site), read).unwrap_or_else(|error| {
        found.push(Mistake::at_span(error.span(), error.to_string()));
        (None, None)
    });
    mistakes.append(found);
    Tree { krate, header, root }
}

/// `[$crate] rest`
fn split_crate(input: TokenStream) -> (Krate, TokenStream) {
    let krate = |path: TokenStream| Krate(path.into_iter().collect());
    let mut tokens = input.clone().into_iter();
    match tokens.next() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
            (krate(group.stream()), tokens.collect())
        }
        _ => (krate(quote!(::supervisor_runtime)), input),
    }
}

fn root(input: ParseStream<'_>, mistakes: &mut Mistakes) -> Option<Group> {
    const HELP: &str = "begin with a strategy: `one_for_one { db: Db::new() }`";
    if input.is_empty() {
        mistakes.push(Mistake::at_span(stream::here(input), "a tree needs a root group").help(HELP));
        return None;
    }
    let keyword = stream::any_ident(&input.fork()).filter(|word| !input.peek(Ident) && word != "_");
    if let Some(keyword) = keyword.filter(|word| !node::declares(word)) {
        let message = "a tree begins with `struct Name;`, or with a strategy";
        mistakes.push(Mistake::at(&keyword, message).help(HELP));
        return None;
    }
    let root = match node::node(input, mistakes)? {
        Node::Group(group) => group,
        Node::Child(child) => {
            let message = format!("the root of a tree is a group, and `{}` is a child", child.name);
            mistakes.push(Mistake::at(&child.name, message).help("put it into a group: `one_for_one { .. }`"));
            return None;
        }
    };
    if let Some(name) = &root.name {
        let message = format!("the root group takes its name from the tree's type, so `{name}` cannot stand here");
        mistakes.push(Mistake::at(name, message).help("name the type instead: `struct Name;` before the group"));
    }
    let _ = input.parse::<Option<Token![,]>>();
    if !input.is_empty() {
        mistakes.push(
            Mistake::at_span(stream::here(input), "a tree has one root, and it ends before this")
                .help("put both into one group, or declare a second tree"),
        );
    }
    Some(root)
}
