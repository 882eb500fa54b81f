//! `(decide, max_restarts = 10, significant)`

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Expr, ExprLit, Ident, Lit, Token, parenthesized, token};

use super::stream::{
    any_ident, at_colon, at_end, at_equals, expression, here, is_flag, is_options, peek_parens_then_brace,
    skip_to_comma,
};
use super::written::{Argument, Expression};
use crate::mistake::{Mistake, Mistakes};

impl Argument {
    /// What to point at when the argument as a whole is wrong.
    pub(crate) fn head(&self) -> TokenStream {
        match self {
            Self::Keyed { key, .. } | Self::Bare(key) => key.to_token_stream(),
            Self::Positional(expression) => expression.tokens.clone(),
        }
    }
}

/// Reads the arguments in parentheses, if any stand here.
pub(super) fn arguments(input: ParseStream<'_>, mistakes: &mut Mistakes) -> Vec<Argument> {
    if !input.peek(token::Paren) {
        return Vec::new();
    }
    let mut arguments = parentheses(input, mistakes).unwrap_or_default();
    while is_options(input) || peek_parens_then_brace(input) {
        let message = "all the options stand in one pair of parentheses";
        mistakes.push(Mistake::at_span(here(input), message).help("write `(first = .., second = ..)`"));
        arguments.extend(parentheses(input, mistakes).unwrap_or_default());
    }
    arguments
}

fn parentheses(input: ParseStream<'_>, mistakes: &mut Mistakes) -> syn::Result<Vec<Argument>> {
    let content;
    parenthesized!(content in input);
    let mut arguments = Vec::new();
    while !content.is_empty() {
        arguments.extend(argument(&content, mistakes));
        separator(&content, mistakes);
    }
    Ok(arguments)
}

fn argument(input: ParseStream<'_>, mistakes: &mut Mistakes) -> Option<Argument> {
    let fork = input.fork();
    if let Some(key) = any_ident(&fork) {
        let is_key = at_equals(&fork) || at_end(&fork);
        let means_equals = at_colon(&fork) || fork.peek(Lit) || fork.peek(Token![==]);
        if is_key || means_equals || fork.peek(Ident::peek_any) {
            let _ = any_ident(input);
            return Some(keyed(input, key, mistakes));
        }
    }
    match expression(input) {
        Ok(value) => Some(Argument::Positional(value)),
        Err(_) => {
            let mistake = Mistake::at_span(here(input), "expected an option");
            mistakes.push(mistake.help("write `name = value`, or the name alone for a flag"));
            skip_to_comma(input);
            None
        }
    }
}

/// Reads what follows the name of an option.
fn keyed(input: ParseStream<'_>, key: Ident, mistakes: &mut Mistakes) -> Argument {
    if at_equals(input) {
        let _ = input.parse::<Token![=]>();
    } else if at_end(input) || input.peek(Ident::peek_any) {
        return Argument::Bare(key);
    } else {
        let message = format!("expected `=` after `{key}`");
        mistakes.push(Mistake::at_span(here(input), message).help(format!("write `{key} = value`")));
        if !input.peek(Lit) {
            let _ = input.parse::<Token![==]>().is_err() && input.parse::<Token![:]>().is_err();
        }
    }
    if at_end(input) {
        mistakes.push(Mistake::at(&key, format!("`{key}` has no value")).help(format!("write `{key} = value`")));
        return Argument::Keyed { key, value: None };
    }
    match expression(input) {
        Ok(value) => match unit(input, &value) {
            Some(mistake) => {
                mistakes.push(mistake);
                skip_to_comma(input);
                Argument::Keyed { key, value: None }
            }
            None => Argument::Keyed { key, value: Some(value) },
        },
        Err(error) => {
            let mistake = Mistake::at_span(error.span(), format!("the value of `{key}` cannot be read"));
            mistakes.push(mistake.note(error.to_string()));
            skip_to_comma(input);
            Argument::Keyed { key, value: None }
        }
    }
}

/// `5 s`: a number is followed by a word that is no flag, and by nothing that makes an option of it.
fn unit(input: ParseStream<'_>, number: &Expression) -> Option<Mistake> {
    let fork = input.fork();
    let unit = any_ident(&fork)?;
    let is_number = matches!(number.syntax(), Expr::Lit(ExprLit { lit: Lit::Int(_) | Lit::Float(_), .. }));
    let is_unit = is_number && !is_flag(&unit) && (at_end(&fork) || fork.peek(Token![..]));
    let help = || format!("write `{}{unit}`", number.text());
    is_unit.then(|| Mistake::at(&unit, "a duration and its unit are one word").help(help()))
}

fn separator(input: ParseStream<'_>, mistakes: &mut Mistakes) {
    if input.parse::<Option<Token![,]>>().ok().flatten().is_some() || input.is_empty() {
        return;
    }
    mistakes.push(Mistake::at_span(here(input), "expected `,` between two options").help("put a `,` before this"));
    if !input.peek(Ident::peek_any) {
        skip_to_comma(input);
        let _ = input.parse::<Option<Token![,]>>();
    }
}
