//! `worker*4(restart = transient): Worker = Worker::new`

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::buffer::Cursor;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::{Lit, Token, Type};

use super::arguments::arguments;
use super::count::count;
use super::open::members;
use super::stream::{any_ident, at_colon, at_end, at_equals, expression, here, skip_to_comma, take_while, verbatim};
use super::written::{Argument, Child, Count, Expression, Stated};
use crate::check::is_of_groups;
use crate::mistake::{Mistake, Mistakes};
use crate::text::text;

/// What stands between the name of a child and its colon.
pub(super) struct Head {
    pub(super) count: Option<(Token![*], Count)>,
    pub(super) arguments: Vec<Argument>,
}

impl Head {
    /// Whether there is nothing.
    fn is_plain(&self) -> bool {
        self.count.is_none() && self.arguments.is_empty()
    }
}

/// Reads the count and the arguments.
pub(super) fn head(input: ParseStream<'_>, mistakes: &mut Mistakes) -> Head {
    let star = input.parse::<Option<Token![*]>>().ok().flatten();
    let count = star.map(|star| (star, count(input, &star, mistakes)));
    Head { count, arguments: arguments(input, mistakes) }
}

/// Reads the colon after the head; anything else in its place is reported, and read over, or belongs to the name. Whether
/// something follows that can be meant as the rest of the child.
pub(super) fn colon(input: ParseStream<'_>, name: &mut Ident, head: &mut Head, mistakes: &mut Mistakes) -> bool {
    if at_colon(input) {
        return input.parse::<Token![:]>().is_ok();
    }
    if at_end(input) {
        // `rest` reports the missing expression.
        return true;
    }
    let means_colon = input.peek(Token![::]) || input.peek(Token![=>]) || input.peek(Token![->]) || at_equals(input);
    let fork = input.fork();
    if any_ident(&fork).is_some() && at_colon(&fork) {
        // The next child begins here.
        mistakes.push(no_expression(name));
        return false;
    }
    if at_equals(input) && head.is_plain() && is_of_groups(name) {
        mistakes.push(no_child(name));
        let _ = input.parse::<Token![=]>().is_ok() && expression(input).is_ok();
        return false;
    }
    let begins_expression = input.peek(Ident::peek_any) || input.peek(Lit);
    if means_colon || begins_expression {
        mistakes.push(no_colon(here(input), name));
        let _ = input.parse::<Token![::]>().is_ok()
            || input.parse::<Token![=>]>().is_ok()
            || input.parse::<Token![->]>().is_ok()
            || input.parse::<Token![=]>().is_ok();
        return true;
    }
    let place = here(input);
    let between = take_while(input, |input| !at_end(input) && !input.peek(Token![:]));
    mistakes.push(misnamed(place, name, head, &between));
    if let Some(meant) = one_word(name, head, &text(&between)) {
        *name = meant;
    }
    if head.count.is_none() && text(&between).starts_with(['*', '[']) {
        head.count = Some((Token![*](place), Count::Wrong));
    }
    if !at_colon(input) {
        skip_to_comma(input);
    }
    input.parse::<Token![:]>().is_ok()
}

fn no_expression(name: &Ident) -> Mistake {
    let help = format!("write `{name}: expression`, where the expression gives a service");
    Mistake::at(name, format!("`{name}` has no expression")).help(help)
}

/// `shutdown = 5s` among the children.
fn no_child(option: &Ident) -> Mistake {
    let message = format!("`{option}` is an option, and stands before the braces of its group");
    Mistake::at(option, message).help(format!("write `strategy({option} = ..) {{ .. }}`"))
}

fn no_colon(place: Span, name: &Ident) -> Mistake {
    Mistake::at_span(place, format!("expected `:` after `{name}`")).help(format!("write `{name}: expression`"))
}

/// What stands between the name of a child and its colon, or instead of that.
fn misnamed(place: Span, name: &Ident, head: &Head, between: &TokenStream) -> Mistake {
    let written = text(between);
    let is_count = written.starts_with('*') && head.count.is_none();
    if is_count {
        Mistake::at(between, format!("the count of `{name}` stands before its options"))
            .help(format!("write `{name}{written}(..)`"))
    } else if head.is_plain()
        && let Some(count) = written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
    {
        Mistake::at(between, "replicas are written with `*`").help(format!("write `{name}*{count}`"))
    } else if let Some(word) = one_word(name, head, &written) {
        Mistake::at(between, format!("`{name}{written}` is not a name")).help(format!("write one word: `{word}`"))
    } else if head.is_plain() && written.starts_with('!') {
        Mistake::at_span(place, format!("`{name}!` is a macro, and cannot stand for a child"))
            .help(format!("if it gives a service, write `{name}: {name}{written}`"))
    } else {
        no_colon(place, name)
    }
}

/// `db-pool` and `db.pool` as one name.
fn one_word(name: &Ident, head: &Head, behind: &str) -> Option<Ident> {
    let mut word: Ident = syn::parse_str(&format!("{name}{}", behind.replace(['-', '.'], "_"))).ok()?;
    word.set_span(name.span());
    head.is_plain().then_some(word)
}

/// A child of which nothing can be read after its head, which has been reported.
pub(super) fn bare(docs: Vec<String>, name: Ident, head: Head) -> Child {
    let count = head.count.map(|(_, count)| count);
    Child { docs, name, count, arguments: head.arguments, ty: None, expression: None }
}

/// Reads what stands after the colon.
pub(super) fn rest(
    input: ParseStream<'_>,
    docs: Vec<String>,
    name: Ident,
    head: Head,
    mistakes: &mut Mistakes,
) -> Child {
    let count = head.count.map(|(_, count)| count);
    let (ty, expression) = match &count {
        Some(Count::Open(_)) => members(input, &name, mistakes),
        _ => (declared_type(input), service(input, &name, mistakes)),
    };
    Child { docs, name, count, arguments: head.arguments, ty, expression }
}

fn service(input: ParseStream<'_>, name: &Ident, mistakes: &mut Mistakes) -> Option<Expression> {
    if at_end(input) {
        mistakes.push(no_expression(name));
        return None;
    }
    expression(input).map_err(|error| unreadable(input, "expression", name, &error, mistakes)).ok()
}

/// `Type =`
fn declared_type(input: ParseStream<'_>) -> Option<Stated> {
    if !may_be_declared(input.cursor()) {
        return None;
    }
    let fork = input.fork();
    let (syntax, tokens) = verbatim::<Type>(&fork).ok()?;
    if !at_equals(&fork) {
        return None;
    }
    fork.parse::<Token![=]>().ok()?;
    input.advance_to(&fork);
    Some(Stated::new(syntax, tokens))
}

/// Whether a `=` may follow: most children state no type, and to find that out by reading one takes long.
fn may_be_declared(mut rest: Cursor<'_>) -> bool {
    while let Some((token, next)) = rest.token_tree() {
        match token {
            // After a `<`, the next comma may be one of the type.
            TokenTree::Punct(punct) if matches!(punct.as_char(), '=' | '<') => return true,
            TokenTree::Punct(punct) if punct.as_char() == ',' => return false,
            _ => rest = next,
        }
    }
    false
}

/// Skips what is not the `what` of a child.
pub(super) fn unreadable(
    input: ParseStream<'_>,
    what: &str,
    name: &Ident,
    error: &syn::Error,
    mistakes: &mut Mistakes,
) {
    let skipped = take_while(input, |input| !at_end(input));
    mistakes.push(Mistake::at(skipped, format!("the {what} of `{name}` cannot be read")).note(error.to_string()));
}
