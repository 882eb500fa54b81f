//! Reading on after a mistake, and keeping tokens as they are written.

use std::iter;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::buffer::Cursor;
use syn::ext::IdentExt;
use syn::parse::discouraged::Speculative;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Expr, Token, braced, token};

use super::written::Expression;

/// Reads an expression, or leaves the stream where it was.
pub(super) fn expression(input: ParseStream<'_>) -> syn::Result<Expression> {
    let (syntax, tokens) = up_to_comma(input).map_or_else(|| verbatim(input), Ok)?;
    Ok(Expression::new(syntax, tokens))
}

/// Reads a `T` together with its tokens as they are written, or leaves the stream where it was.
pub(super) fn verbatim<T: Parse + ToTokens>(input: ParseStream<'_>) -> syn::Result<(T, TokenStream)> {
    let fork = input.fork();
    let syntax: T = fork.parse()?;
    let tokens = between(input.cursor(), fork.cursor());
    let tokens = tokens.unwrap_or_else(|| syntax.to_token_stream().into_iter().collect());
    // A fork does not tell what it has left over inside of delimiters: `[Db, 3:]` is no type.
    let is_to_be_read_again = tokens.iter().any(has_inside);
    let tokens: TokenStream = tokens.into_iter().collect();
    let syntax = if is_to_be_read_again { syn::parse2(tokens.clone())? } else { syntax };
    input.advance_to(&fork);
    Ok((syntax, tokens))
}

fn has_inside(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if !group.stream().is_empty())
}

/// Reads all that stands before the next comma, which most expressions are. Only where delimiters hold something: there
/// [`verbatim`] would read it twice.
fn up_to_comma(input: ParseStream<'_>) -> Option<(Expr, TokenStream)> {
    let rest = input.fork();
    let tokens: Vec<TokenTree> = iter::from_fn(|| if at_end(&rest) { None } else { rest.parse().ok() }).collect();
    if !tokens.iter().any(has_inside) {
        return None;
    }
    let tokens: TokenStream = tokens.into_iter().collect();
    let syntax = syn::parse2(tokens.clone()).ok()?;
    input.advance_to(&rest);
    Some((syntax, tokens))
}

/// The tokens from `begin` to `end`, to point at; the first of them, if an invisible group ends only after `end`.
pub(super) fn taken(begin: Cursor<'_>, end: Cursor<'_>) -> TokenStream {
    let first = || begin.token_tree().map(|(token, _)| token);
    between(begin, end).unwrap_or_else(|| first().into_iter().collect()).into_iter().collect()
}

/// The tokens from `begin` to `end`; `None` if an invisible group begins before `end` and ends after it.
fn between(begin: Cursor<'_>, end: Cursor<'_>) -> Option<Vec<TokenTree>> {
    let mut tokens = Vec::new();
    let mut cursor = begin;
    while cursor != end {
        let (token, next) = cursor.token_tree()?;
        if next > end {
            return None;
        }
        tokens.push(token);
        cursor = next;
    }
    Some(tokens)
}

/// Any identifier, keywords and `_` included: which may be a name is for `check` to say.
pub(super) fn any_ident(input: ParseStream<'_>) -> Option<Ident> {
    if input.peek(Ident::peek_any) { input.call(Ident::parse_any).ok() } else { None }
}

/// Whether an argument, a child, or the whole input ends here.
pub(super) fn at_end(input: ParseStream<'_>) -> bool {
    input.is_empty() || input.peek(Token![,])
}

/// Whether a `:` stands here that is no part of `::`.
pub(super) fn at_colon(input: ParseStream<'_>) -> bool {
    input.peek(Token![:]) && !input.peek(Token![::])
}

/// Whether a `=` stands here that is no part of `==` or `=>`.
pub(super) fn at_equals(input: ParseStream<'_>) -> bool {
    input.peek(Token![=]) && !input.peek(Token![==]) && !input.peek(Token![=>])
}

/// Skips what is left before the next comma.
pub(super) fn skip_to_comma(input: ParseStream<'_>) {
    take_while(input, |input| !at_end(input));
}

/// Takes tokens as long as `more` holds before the next.
pub(super) fn take_while(input: ParseStream<'_>, more: impl Fn(ParseStream<'_>) -> bool) -> TokenStream {
    let mut tokens = TokenStream::new();
    while more(input)
        && let Ok(token) = input.parse::<TokenTree>()
    {
        tokens.extend([token]);
    }
    tokens
}

/// Reads `tokens`, and skips what is left of them; what is missing after the last of them is missed at `end`.
pub(super) fn within<T>(
    tokens: TokenStream,
    end: Span,
    read: impl FnOnce(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<T> {
    let mut group = Group::new(Delimiter::Brace, tokens);
    group.set_span(end);
    let read = |input: ParseStream<'_>| {
        let content;
        braced!(content in input);
        let read = read(&content);
        while content.parse::<TokenTree>().is_ok() {}
        read
    };
    read.parse2(TokenTree::from(group).into())
}

/// The next token, to point at; the end of the surrounding group if there is none.
pub(super) fn here(input: ParseStream<'_>) -> Span {
    input.cursor().token_tree().map_or_else(|| input.span(), |(token, _)| token.span())
}

/// `(..)` and then a `{`; by mistake, more than one `(..)`.
pub(super) fn peek_parens_then_brace(input: ParseStream<'_>) -> bool {
    let fork = input.fork();
    let is_called = fork.peek(token::Paren);
    while fork.peek(token::Paren) && fork.parse::<TokenTree>().is_ok() {}
    is_called && fork.peek(token::Brace)
}

/// Whether the parentheses ahead hold options: a flag, `(name, ..`, or `(name = ..`.
pub(super) fn is_options(input: ParseStream<'_>) -> bool {
    let Some((TokenTree::Group(group), _)) = input.cursor().token_tree() else {
        return false;
    };
    if group.delimiter() != Delimiter::Parenthesis {
        return false;
    }
    let mut tokens = group.stream().into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Ident(flag)), None) => is_flag(&flag),
        (Some(TokenTree::Ident(_)), Some(TokenTree::Punct(punct))) => matches!(punct.as_char(), ',' | '='),
        _ => false,
    }
}

/// Whether it is an option that stands alone.
pub(super) fn is_flag(word: &Ident) -> bool {
    word == "in_place" || word == "significant"
}
