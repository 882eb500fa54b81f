//! `4`, `COUNT`, `(config.workers)`, `..`, `..=1000`: what follows the `*` of a child.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::{Expr, ExprLit, ExprPath, Lit, Path, Token, token};

use super::stream::{any_ident, at_end, expression, here, is_options, take_while, taken, verbatim, within};
use super::written::{Amount, Count, Expression, Open};
use crate::mistake::{Mistake, Mistakes};
use crate::text::text;

/// Reads what follows the `*`.
pub(super) fn count(input: ParseStream<'_>, star: &Token![*], mistakes: &mut Mistakes) -> Count {
    if input.peek(Token![..]) {
        return Count::Open(open(input, mistakes));
    }
    let begin = input.cursor();
    match number(input, Amount::Replicas, star) {
        Ok(_) if input.peek(Token![..]) => {
            let open = open(input, &mut Mistakes::default());
            let range = taken(begin, input.cursor());
            let bound = open.bound.as_ref().map(Expression::as_amount);
            let message = "an open group has no lower bound: it is empty when the tree starts";
            let help = format!("write `*..{}`", bound.map(|bound| format!("={bound}")).unwrap_or_default());
            mistakes.push(Mistake::at(range, message).help(help));
            Count::Open(open)
        }
        Ok(count) => Count::Known(count),
        Err(mistake) => {
            mistakes.push(mistake);
            Count::Wrong
        }
    }
}

/// Reads `..` or `..=1000`.
fn open(input: ParseStream<'_>, mistakes: &mut Mistakes) -> Open {
    let (begin, place) = (input.cursor(), here(input));
    let is_closed = input.parse::<Option<Token![..=]>>().ok().flatten().is_some();
    let is_half_open = !is_closed && {
        let _ = input.parse::<Token![..]>();
        let is_bound = input.peek(Lit) || input.peek(Token![-]) || any_ident(&input.fork()).is_some();
        is_bound || (input.peek(token::Paren) && !is_options(input))
    };
    if !is_closed && !is_half_open {
        return Open { place, bound: None };
    }
    let dots = taken(begin, input.cursor());
    let bound = match number(input, Amount::Members, &dots) {
        Ok(bound) if is_half_open => {
            let range = taken(begin, input.cursor());
            let help = format!("write `*..={}`", bound.as_amount());
            mistakes.push(Mistake::at(range, "the bound of an open group is written with `..=`").help(help));
            Some(bound)
        }
        Ok(bound) => Some(bound),
        Err(mistake) => {
            mistakes.push(mistake);
            None
        }
    };
    Open { place, bound }
}

/// Reads a number, a path, or an expression in parentheses; `before` is what it follows.
fn number(input: ParseStream<'_>, amount: Amount, before: impl ToTokens) -> Result<Expression, Mistake> {
    if input.peek(token::Paren) && !is_options(input) {
        in_parentheses(input, amount)
    } else if input.peek(Token![-]) {
        let number = take_while(input, before_colon);
        Err(Mistake::at(number, format!("a {amount} cannot be negative")).help(amount.example()))
    } else if input.peek(Lit) {
        literal(input, amount)
    } else if input.peek(Token![::]) || any_ident(&input.fork()).is_some() {
        path(input, amount)
    } else {
        let message = format!("the {amount} is missing after `{}`", text(&before.to_token_stream()));
        Err(Mistake::at(before, message).help(amount.example()))
    }
}

/// Whether the name and the count of a child go on here.
fn before_colon(input: ParseStream<'_>) -> bool {
    !at_end(input) && !input.peek(Token![:])
}

fn unreadable(error: &syn::Error, amount: Amount) -> Mistake {
    Mistake::at_span(error.span(), format!("this {amount} cannot be read")).note(error.to_string())
}

fn in_parentheses(input: ParseStream<'_>, amount: Amount) -> Result<Expression, Mistake> {
    let all = |input: ParseStream<'_>| {
        let expression = expression(input)?;
        if input.is_empty() { Ok(expression) } else { Err(input.error("expected the end of the expression")) }
    };
    let read = match input.parse() {
        Ok(TokenTree::Group(group)) => within(group.stream(), group.span_close(), all),
        Ok(other) => Err(syn::Error::new(other.span(), "expected parentheses")),
        Err(error) => Err(error),
    };
    read.map_err(|error| unreadable(&error, amount))
}

fn literal(input: ParseStream<'_>, amount: Amount) -> Result<Expression, Mistake> {
    let (syntax, tokens) = verbatim::<ExprLit>(input).map_err(|error| unreadable(&error, amount))?;
    all_of(input, &tokens, amount)?;
    Ok(Expression::new(Expr::Lit(syntax), tokens))
}

/// A path.
fn path(input: ParseStream<'_>, amount: Amount) -> Result<Expression, Mistake> {
    let star = amount.star();
    let place = here(input);
    let fork = input.fork();
    let Ok(path) = fork.call(Path::parse_mod_style) else {
        take_while(input, before_colon);
        let help = format!("write `{star}4`, `{star}COUNT` or `{star}(expression)`");
        return Err(Mistake::at_span(place, format!("this {amount} cannot be read")).help(help));
    };
    input.advance_to(&fork);
    let tokens = path.to_token_stream();
    all_of(input, &tokens, amount)?;
    Ok(Expression::new(Expr::Path(ExprPath { attrs: Vec::new(), qself: None, path }), tokens))
}

/// Whether a number or a path is all of it: a call, a field access or a sum needs parentheses, because options may follow.
fn all_of(input: ParseStream<'_>, begin: &TokenStream, amount: Amount) -> Result<(), Mistake> {
    let is_call = input.peek(token::Paren) && !is_options(input);
    let is_operator = match input.cursor().token_tree() {
        Some((TokenTree::Punct(punct), _)) => {
            !matches!(punct.as_char(), ':' | ',' | ';' | '=') && !input.peek(Token![..])
        }
        _ => input.peek(Token![as]),
    };
    if !is_call && !is_operator {
        return Ok(());
    }
    let rest = take_while(input, before_colon);
    let message = format!("a {amount} that is more than a number or a path stands in parentheses");
    Err(Mistake::at(quote!(#begin #rest), message).help(format!("write `{}(expression)`", amount.star())))
}
