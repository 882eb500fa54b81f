//! `pub struct Orders(config: Arc<Config>);`

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::{Attribute, Generics, Token, Type, Visibility, token};

use super::stream::{any_ident, here, skip_to_comma, verbatim, within};
use super::written::{Header, Param};
use crate::mistake::{Mistake, Mistakes};

/// Reads the header, if the input begins with one.
pub(super) fn header(input: ParseStream<'_>, mistakes: &mut Mistakes) -> Option<Header> {
    let fork = input.fork();
    let attributes = fork.call(Attribute::parse_outer).ok()?;
    let visibility: Visibility = fork.parse().ok()?;
    if let Some(name) = bare_name(&fork) {
        let message = "the header of a tree begins with `struct`";
        mistakes.push(Mistake::at(&name, message).help(format!("write `struct {name}`")));
    } else if !fork.peek(Token![struct]) {
        if !matches!(visibility, Visibility::Inherited) {
            let message = "a visibility belongs to the header of a tree";
            mistakes.push(Mistake::at(&visibility, message).help("name the tree: `pub struct Tree;`"));
            input.advance_to(&fork);
        }
        return None;
    }
    let _ = fork.parse::<Token![struct]>();
    input.advance_to(&fork);

    let name = any_ident(input).unwrap_or_else(|| {
        mistakes.push(Mistake::at_span(here(input), "a tree needs a name after `struct`").help("write `struct Tree;`"));
        Ident::new("Tree", Span::call_site())
    });
    let generics = if input.peek(Token![<]) { no_generics(input, mistakes) } else { None };
    let in_braces = input.peek(token::Brace);
    if in_braces {
        let message = "the parameters of a tree stand in parentheses";
        mistakes.push(Mistake::at_span(here(input), message).help(format!("write `struct {name}(name: Type);`")));
    }
    let params = match input.cursor().token_tree() {
        Some((TokenTree::Group(_), _)) => parameters(input, mistakes),
        _ => Vec::new(),
    };
    if input.parse::<Option<Token![;]>>().ok().flatten().is_none() && !in_braces {
        mistakes.push(
            Mistake::at_span(here(input), "the header of a tree ends with `;`").help(format!("write `struct {name};`")),
        );
        let _ = input.parse::<Option<Token![,]>>();
    }
    Some(Header { attributes, visibility, name, generics, params })
}

/// A name that stands as in a header, without the `struct`.
fn bare_name(input: ParseStream<'_>) -> Option<Ident> {
    let fork = input.fork();
    let name = fork.parse().ok()?;
    let _ = fork.peek(token::Paren) && fork.parse::<TokenTree>().is_ok();
    fork.peek(Token![;]).then_some(name)
}

fn no_generics(input: ParseStream<'_>, mistakes: &mut Mistakes) -> Option<TokenStream> {
    let message = "a tree takes no generics";
    let help = "give its parameters concrete types";
    let place = here(input);
    match verbatim::<Generics>(input) {
        Ok((_, tokens)) => {
            let mistake =
                if tokens.is_empty() { Mistake::at_span(place, message) } else { Mistake::at(&tokens, message) };
            mistakes.push(mistake.help(help));
            Some(tokens)
        }
        Err(error) => {
            mistakes.push(Mistake::at_span(error.span(), message).help(help));
            while !input.is_empty() && !input.peek(Token![;]) && !input.peek(token::Paren) {
                let _ = input.parse::<TokenTree>();
            }
            None
        }
    }
}

fn parameters(input: ParseStream<'_>, mistakes: &mut Mistakes) -> Vec<Param> {
    let Ok(TokenTree::Group(group)) = input.parse() else {
        return Vec::new();
    };
    let mut params: Vec<Param> = Vec::new();
    let read = |content: ParseStream<'_>| {
        while !content.is_empty() {
            params.extend(parameter(content, mistakes));
            if content.parse::<Option<Token![,]>>()?.is_none() && !content.is_empty() {
                mistakes.push(
                    Mistake::at_span(here(content), "expected `,` between two parameters")
                        .help("put a `,` before this"),
                );
                skip_to_comma(content);
                content.parse::<Option<Token![,]>>()?;
            }
        }
        Ok(())
    };
    // What cannot be read is reported on the way.
    let _ = within(group.stream(), group.span_close(), read);
    params
}

/// `name: Type`; whether it can have this name is for `check` to say.
fn parameter(input: ParseStream<'_>, mistakes: &mut Mistakes) -> Option<Param> {
    let place = here(input);
    let mut name = any_ident(input);
    while let Some(word) = name.as_ref().filter(|word| *word == "pub" || *word == "mut") {
        let message = "a parameter is a name and a type";
        mistakes.push(Mistake::at(word, message).help(format!("remove `{word}`")));
        name = any_ident(input);
    }
    let read = || {
        input.parse::<Token![:]>()?;
        let (_, ty) = verbatim::<Type>(input)?;
        Ok::<_, syn::Error>(ty)
    };
    let ty = name.as_ref().and_then(|_| read().ok());
    if ty.is_none() {
        mistakes.push(Mistake::at_span(place, "a parameter is a name and a type").help("write `name: Type`"));
        skip_to_comma(input);
    }
    name.map(|name| Param { name, ty })
}
