//! `4`, `COUNT`, `(config.workers)`: what follows the `*` of a child.

use proc_macro2::TokenTree;
use quote::{ToTokens, quote};
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprLit, ExprPath, Lit, Path, Token, token};

use super::stream::{any_ident, at_end, expression, here, take_while, verbatim};
use super::written::{Count, Expression};
use crate::mistake::{Mistake, Mistakes};

/// Reads what follows the `*`.
pub(super) fn count(input: ParseStream<'_>, star: &Token![*], mistakes: &mut Mistakes) -> Count {
    let count = if input.peek(Token![..]) {
        let dots = take_while(input, before_colon);
        Err(Mistake::at(dots, "open groups are not supported yet").help("say how many replicas there are: `*4`"))
    } else if input.peek(token::Paren) && !is_options(input) {
        in_parentheses(input)
    } else if input.peek(Token![-]) {
        let number = take_while(input, before_colon);
        Err(Mistake::at(number, "a count cannot be negative").help("write the number of replicas"))
    } else if input.peek(Lit) {
        literal(input)
    } else if input.peek(Token![::]) || any_ident(&input.fork()).is_some() {
        path(input)
    } else {
        Err(Mistake::at(star, "the count is missing after `*`").help("write how many replicas there are: `*4`"))
    };
    match count {
        Ok(count) => Count::Known(count),
        Err(mistake) => {
            mistakes.push(mistake);
            Count::Wrong
        }
    }
}

/// Whether the name and the count of a child go on here.
fn before_colon(input: ParseStream<'_>) -> bool {
    !at_end(input) && !input.peek(Token![:])
}

fn unreadable(error: &syn::Error) -> Mistake {
    Mistake::at_span(error.span(), "this count cannot be read").note(error.to_string())
}

fn in_parentheses(input: ParseStream<'_>) -> Result<Expression, Mistake> {
    let read = match input.parse() {
        Ok(TokenTree::Group(group)) => expression.parse2(group.stream()),
        Ok(other) => Err(syn::Error::new(other.span(), "expected parentheses")),
        Err(error) => Err(error),
    };
    read.map_err(|error| unreadable(&error))
}

fn literal(input: ParseStream<'_>) -> Result<Expression, Mistake> {
    let (syntax, tokens) = verbatim::<ExprLit>(input).map_err(|error| unreadable(&error))?;
    Ok(Expression::new(Expr::Lit(syntax), tokens))
}

/// A path; a call or a field access needs parentheses, because options may follow.
fn path(input: ParseStream<'_>) -> Result<Expression, Mistake> {
    const HELP: &str = "write `*4`, `*COUNT` or `*(expression)`";
    let place = here(input);
    let fork = input.fork();
    let Ok(path) = fork.call(Path::parse_mod_style) else {
        take_while(input, before_colon);
        return Err(Mistake::at_span(place, "this count cannot be read").help(HELP));
    };
    input.advance_to(&fork);
    let is_call = input.peek(token::Paren) && !is_options(input);
    if is_call || input.peek(Token![.]) || input.peek(Token![!]) || input.peek(Token![<]) {
        let rest = take_while(input, before_colon);
        let message = "a count that is more than a number or a path stands in parentheses";
        return Err(Mistake::at(quote!(#path #rest), message).help("write `*(expression)`"));
    }
    let tokens = path.to_token_stream();
    Ok(Expression::new(Expr::Path(ExprPath { attrs: Vec::new(), qself: None, path }), tokens))
}

/// Whether the parentheses ahead hold options: a flag, `(name, ..`, or `(name = ..`.
fn is_options(input: ParseStream<'_>) -> bool {
    let Some((TokenTree::Group(group), _)) = input.cursor().token_tree() else {
        return false;
    };
    let mut tokens = group.stream().into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Ident(flag)), None) => flag == "in_place" || flag == "significant",
        (Some(TokenTree::Ident(_)), Some(TokenTree::Punct(punct))) => matches!(punct.as_char(), ',' | '='),
        _ => false,
    }
}
