//! Groups, and which nodes are groups.

use std::mem;

use proc_macro2::{Delimiter, Ident, Spacing, TokenTree};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Attribute, Expr, Lit, Meta, Token, braced, token};

use super::arguments::arguments;
use super::stream::{any_ident, at_end, here, peek_parens_then_brace, skip_to_comma};
use super::written::{Argument, Count, Group, Node};
use super::{STRATEGIES, child};
use crate::mistake::{Mistake, Mistakes};

/// Reads one group or child; `None` if there is neither, which has been reported.
pub(super) fn node(input: ParseStream<'_>, mistakes: &mut Mistakes) -> Option<Node> {
    let docs = docs(input, mistakes);
    if let Some(braces) = children_ahead(input, Delimiter::Brace) {
        return Some(Node::Group(without_strategy(input, docs, None, braces, mistakes)));
    }
    let Some((mut name, is_let)) = name(input, mistakes) else {
        let message = "expected a child or a group";
        mistakes.push(Mistake::at_span(here(input), message).help("write `name: expression` or `strategy { .. }`"));
        skip_to_comma(input);
        return None;
    };
    if input.peek(token::Brace) || peek_parens_then_brace(input) {
        return Some(Node::Group(group(input, docs, None, name, mistakes)));
    }
    let is_strategy = is_strategy(&name);
    if is_strategy && children_ahead(input, Delimiter::Parenthesis).is_some() {
        no_braces(&name, mistakes);
        skip_to_comma(input);
        return Some(Node::Group(Group { docs, name: None, strategy: name, arguments: Vec::new(), children: None }));
    }
    let mut head = child::head(input, mistakes);
    if is_strategy && at_end(input) && head.count.is_none() {
        no_braces(&name, mistakes);
        return Some(Node::Group(Group {
            docs,
            name: None,
            strategy: name,
            arguments: head.arguments,
            children: None,
        }));
    }
    // A `let` has been reported, and its `=` belongs to it.
    let mut of_let = Mistakes::default();
    if !child::colon(input, &mut name, &mut head, if is_let { &mut of_let } else { mistakes }) {
        return Some(Node::Child(child::bare(docs, name, head)));
    }
    if let Some(braces) = children_ahead(input, Delimiter::Brace) {
        return Some(Node::Group(without_strategy(input, docs, Some(name), braces, mistakes)));
    }
    if let Some(strategy) = group_ahead(input) {
        let _ = any_ident(input);
        let count = head.count.as_ref().map(|(star, _)| star);
        misplaced(&name, &strategy, count, &head.arguments, mistakes);
        return Some(Node::Group(group(input, docs, Some(name), strategy, mistakes)));
    }
    Some(Node::Child(child::rest(input, docs, name, head, mistakes)))
}

/// What begins a declaration elsewhere in Rust.
const DECLARING: [&str; 5] = ["let", "mut", "pub", "const", "static"];

/// Whether it is one of those words, which [`name`] reads over.
pub(super) fn declares(word: &Ident) -> bool {
    DECLARING.iter().any(|known| word == known)
}

/// The name of a node, and whether a `let` stands before it. What declares a name elsewhere in Rust is reported, and read
/// over.
fn name(input: ParseStream<'_>, mistakes: &mut Mistakes) -> Option<(Ident, bool)> {
    let mut words = Vec::new();
    let mut name = any_ident(input)?;
    while declares(&name)
        && let Some(next) = any_ident(input)
    {
        words.push(mem::replace(&mut name, next));
    }
    if !words.is_empty() {
        let words = quote!(#(#words)*);
        let message = format!("a child begins with its name, and not with `{words}`");
        mistakes.push(Mistake::at(&words, message).help(format!("remove `{words}`")));
    }
    let is_let = words.first().is_some_and(|word| word == "let");
    Some((name, is_let))
}

/// The children that stand here between delimiters: `{ db: ..`, which is no expression. The tokens, to point at.
fn children_ahead(input: ParseStream<'_>, delimiter: Delimiter) -> Option<proc_macro2::Group> {
    let (TokenTree::Group(group), _) = input.cursor().token_tree()? else { return None };
    let mut tokens = group.stream().into_iter();
    let begins_child = matches!(
        (tokens.next(), tokens.next()),
        (Some(TokenTree::Ident(_)), Some(TokenTree::Punct(colon)))
            if colon.as_char() == ':' && colon.spacing() == Spacing::Alone
    );
    (group.delimiter() == delimiter && begins_child).then_some(group)
}

/// Reads children that stand in braces after no strategy, as those of the strategy under which they may do most.
fn without_strategy(
    input: ParseStream<'_>,
    docs: Vec<String>,
    name: Option<Ident>,
    braces: proc_macro2::Group,
    mistakes: &mut Mistakes,
) -> Group {
    let (place, prefix) = (braces.span_open(), name.iter().map(|name| format!("{name}: ")).collect::<String>());
    let help = format!("write `{prefix}one_for_one {{ .. }}`, or another strategy");
    mistakes.push(Mistake::at_span(place, "this group has no strategy").help(help));
    group(input, docs, name, Ident::new("dependents_for_one", place), mistakes)
}

/// Reads the arguments and the braces of a group.
fn group(
    input: ParseStream<'_>,
    docs: Vec<String>,
    name: Option<Ident>,
    strategy: Ident,
    mistakes: &mut Mistakes,
) -> Group {
    let arguments = arguments(input, mistakes);
    let children = if input.peek(token::Brace) {
        braces(input, mistakes).ok().flatten()
    } else {
        no_braces(&strategy, mistakes);
        skip_to_comma(input);
        None
    };
    Group { docs, name, strategy, arguments, children }
}

fn no_braces(strategy: &Ident, mistakes: &mut Mistakes) {
    let message = format!("this `{strategy}` group has no children");
    mistakes.push(Mistake::at(strategy, message).help(format!("write them in braces: `{strategy} {{ .. }}`")));
}

fn braces(input: ParseStream<'_>, mistakes: &mut Mistakes) -> syn::Result<Option<Vec<Node>>> {
    let content;
    braced!(content in input);
    let is_empty = content.is_empty();
    let nodes = nodes(&content, mistakes);
    Ok((is_empty || !nodes.is_empty()).then_some(nodes))
}

/// Reads all that stands between two braces.
fn nodes(input: ParseStream<'_>, mistakes: &mut Mistakes) -> Vec<Node> {
    let mut nodes = Vec::new();
    while !input.is_empty() {
        let node = node(input, mistakes);
        let comma = input.parse::<Option<Token![,]>>().ok().flatten();
        if let (Some(Node::Child(child)), None, false) = (&node, comma, input.is_empty())
            && (child.expression.is_some() || child.ty.is_some())
        {
            let what = if matches!(child.count, Some(Count::Open(_))) { "type" } else { "expression" };
            let message = format!("expected `,` after the {what} of `{}`", child.name);
            mistakes.push(Mistake::at_span(here(input), message).help("put a `,` before this"));
            if !input.peek(Ident::peek_any) {
                skip_to_comma(input);
                let _ = input.parse::<Option<Token![,]>>();
            }
        }
        nodes.extend(node);
    }
    nodes
}

/// The strategy of a named group, if one begins here; after a name and a colon.
///
/// A word that is no strategy begins a group, too, where it cannot begin an expression: `one_for_al { .. }`
/// is a mistyped strategy, `Db { .. }` and `loop { .. }` are expressions.
fn group_ahead(input: ParseStream<'_>) -> Option<Ident> {
    let fork = input.fork();
    let word = any_ident(&fork)?;
    let is_keyword = || syn::parse_str::<Ident>(&word.to_string()).is_err();
    let is_group = if is_strategy(&word) {
        at_end(&fork) || fork.peek(token::Brace) || fork.peek(token::Paren)
    } else if fork.peek(token::Brace) {
        !is_keyword() && word.to_string().starts_with(|first: char| first.is_lowercase())
    } else {
        peek_parens_then_brace(&fork) && !is_keyword()
    };
    is_group.then_some(word)
}

fn is_strategy(word: &Ident) -> bool {
    STRATEGIES.contains(&word.to_string().as_str())
}

/// A group is not replicated, and its options follow its strategy.
fn misplaced(
    name: &Ident,
    strategy: &Ident,
    star: Option<&Token![*]>,
    arguments: &[Argument],
    mistakes: &mut Mistakes,
) {
    if let Some(star) = star {
        let message = format!("`{name}` is a group, and a group cannot be replicated");
        mistakes.push(Mistake::at(star, message).help("replicate its children instead"));
    }
    if let Some(argument) = arguments.first() {
        let message = format!("the options of the group `{name}` follow its strategy");
        mistakes.push(Mistake::at(argument.head(), message).help(format!("write `{name}: {strategy}(..) {{ .. }}`")));
    }
}

/// The doc comments of a node; other attributes are reported.
fn docs(input: ParseStream<'_>, mistakes: &mut Mistakes) -> Vec<String> {
    let attributes = match input.call(Attribute::parse_outer) {
        Ok(attributes) => attributes,
        Err(error) => {
            mistakes.push(Mistake::at_span(error.span(), "this attribute cannot be read"));
            skip_attribute(input);
            return Vec::new();
        }
    };
    let mut docs = Vec::new();
    for attribute in attributes {
        match doc_line(&attribute.meta) {
            Some(line) => docs.push(line),
            None => {
                let message = "only the header of a tree takes attributes";
                mistakes.push(Mistake::at(&attribute, message).help("remove it; doc comments may stay"));
            }
        }
    }
    docs
}

/// `/// line` is `#[doc = " line"]`.
pub(crate) fn doc_line(meta: &Meta) -> Option<String> {
    match meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(line) => Some(line.value()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

fn skip_attribute(input: ParseStream<'_>) {
    while input.peek(Token![#]) {
        let _ = input.parse::<TokenTree>();
        if matches!(input.cursor().token_tree(), Some((TokenTree::Group(group), _)) if group.delimiter() == Delimiter::Bracket)
        {
            let _ = input.parse::<TokenTree>();
        }
    }
}
