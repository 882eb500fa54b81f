//! What the value of an option may be.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{Expr, ExprLit, Lit, RangeLimits};

use super::duration::time;
use super::{Time, Value};
use crate::mistake::{Mistake, Mistakes, did_you_mean, listed, nearest};
use crate::parse::Expression;

/// What an option takes.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    Flag,
    Number,
    Duration,
    Backoff,
    Shutdown,
    Function,
    Names,
    /// One of some words, the variants of an enum of the runtime.
    Word(&'static str, &'static [(&'static str, &'static str)]),
}

const SHUTDOWN: &[(&str, &str)] = &[("infinity", "Infinity"), ("brutal_kill", "BrutalKill")];

/// What follows the name of an option.
pub(super) enum Given {
    Value(Expression),
    Nothing,
    /// A value that is missing or cannot be read, which has been reported.
    Unreadable,
}

impl Given {
    /// The tokens of the value.
    pub(super) fn written(&self) -> TokenStream {
        match self {
            Self::Value(value) => value.to_token_stream(),
            Self::Nothing | Self::Unreadable => TokenStream::new(),
        }
    }
}

impl Takes {
    /// Reads the value of the option `key`; what is wrong with it is reported.
    pub(super) fn read(self, key: &Ident, given: Given, params: &[String], mistakes: &mut Mistakes) -> Option<Value> {
        let value = match (self, given) {
            (Self::Flag, Given::Nothing) => return Some(Value::Flag),
            (_, Given::Unreadable) => return None,
            (_, Given::Nothing) => {
                let mistake = Mistake::at(key, format!("`{key}` has no value"));
                mistakes.push(mistake.help(format!("write `{key} = {}`", self.example())));
                return None;
            }
            (_, Given::Value(value)) => value,
        };
        match self {
            Self::Flag => flag(key, &value, mistakes),
            Self::Number => number(key, value, mistakes),
            Self::Duration => duration(key, &value, params, mistakes).map(Value::Time),
            Self::Backoff => backoff(&value, mistakes),
            Self::Shutdown => shutdown(&value, params, mistakes),
            Self::Function => function(key, value, mistakes),
            Self::Names => names(key, &value, mistakes),
            Self::Word(of, words) => word(key, &value, of, words, mistakes),
        }
    }

    /// Whether it is one of the words that may stand.
    pub(super) fn has_word(self, word: &Ident) -> bool {
        let words = match self {
            Self::Word(_, words) => words,
            Self::Shutdown => SHUTDOWN,
            _ => return false,
        };
        words.iter().any(|(known, _)| word == known)
    }

    fn example(self) -> &'static str {
        match self {
            Self::Flag => "",
            Self::Number => "10",
            Self::Duration | Self::Shutdown => "5s",
            Self::Backoff => "100ms..30s",
            Self::Function => "path",
            Self::Names => "[name]",
            Self::Word(_, words) => words[0].0,
        }
    }
}

fn flag(key: &Ident, value: &Expression, mistakes: &mut Mistakes) -> Option<Value> {
    let message = format!("`{key}` stands alone and takes no value");
    let is_off = matches!(value.syntax(), Expr::Lit(literal) if matches!(&literal.lit, Lit::Bool(lit) if !lit.value));
    let help =
        if is_off { format!("remove `{key}`, which is off where it is not written") } else { format!("write `{key}`") };
    mistakes.push(Mistake::at(value, message).help(help));
    None
}

fn number(key: &Ident, value: Expression, mistakes: &mut Mistakes) -> Option<Value> {
    let value = value.bare();
    let message = match value.syntax() {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) if !matches!(number.suffix(), "" | "u32") => {
                format!("`{key}` is a plain number of restarts")
            }
            Lit::Int(number) if number.base10_parse::<u32>().is_err() => {
                format!("this number is too large for `{key}`")
            }
            Lit::Int(_) => return Some(Value::Expression(value)),
            _ => format!("`{key}` is a whole number"),
        },
        Expr::Unary(unary) if matches!(*unary.expr, Expr::Lit(_)) => {
            format!("`{key}` cannot be negative")
        }
        _ => return Some(Value::Expression(value)),
    };
    let help = "write how many restarts are allowed: `10`; with `0`, the first failure ends the group";
    mistakes.push(Mistake::at(&value, message).help(help));
    None
}

fn duration(key: &Ident, value: &Expression, params: &[String], mistakes: &mut Mistakes) -> Option<Time> {
    let no_limit = value.as_ident().filter(|word| *word == "infinity" && !params.contains(&word.to_string()));
    if let Some(word) = no_limit {
        let mistake = Mistake::at(word, format!("`infinity` is a value of `shutdown`, and not of `{key}`"));
        mistakes.push(match key == "over" {
            true => mistake.help("write the length of the window: `over = 1h`"),
            false => mistake.help(format!("to go without a limit, remove `{key}`")),
        });
        return None;
    }
    time(&key.to_string(), value, mistakes)
}

fn backoff(value: &Expression, mistakes: &mut Mistakes) -> Option<Value> {
    const HELP: &str = "write the first and the longest delay: `100ms..30s`";
    let value = value.bare();
    let range = match value.syntax() {
        Expr::Range(range) => range,
        Expr::Lit(_) | Expr::Unary(_) => {
            mistakes.push(Mistake::at(&value, "a backoff is a range of two durations").help(HELP));
            return None;
        }
        _ => return Some(Value::Expression(value)),
    };
    if matches!(range.limits, RangeLimits::Closed(_)) {
        mistakes.push(Mistake::at(&value, "a backoff is written with `..`").help(HELP));
        return None;
    }
    let (Some(initial), Some(max)) = (&range.start, &range.end) else {
        mistakes.push(Mistake::at(&value, "a backoff has both a first and a longest delay").help(HELP));
        return None;
    };
    let mut side = |expr: &Expr| time("backoff", &Expression::part(expr), mistakes);
    let (initial, max) = (side(initial), side(max));
    let (initial, max) = (initial?, max?);
    if let (Time::Literal(initial), Time::Literal(max)) = (&initial, &max)
        && initial > max
    {
        let message = format!("this backoff begins with {initial:?} and is never longer than {max:?}");
        mistakes.push(Mistake::at(&value, message).help("write the shorter delay first"));
        return None;
    }
    Some(Value::Range(initial, max))
}

fn shutdown(value: &Expression, params: &[String], mistakes: &mut Mistakes) -> Option<Value> {
    if let Some(word) = value.as_ident() {
        let text = word.to_string();
        if let Some((_, variant)) = SHUTDOWN.iter().find(|(known, _)| *known == text) {
            return Some(Value::Word { of: "Shutdown", variant, word: word.clone() });
        }
        let meant = nearest(&text, SHUTDOWN.iter().map(|(known, _)| *known));
        if let (Some(meant), false) = (meant, params.contains(&text)) {
            let mistake = Mistake::at(word, format!("unknown value `{text}` for `shutdown`"));
            mistakes.push(mistake.help(format!("did you mean `{meant}`?")));
            return None;
        }
    }
    if let Some((word, _)) = text(value).and_then(|text| SHUTDOWN.iter().find(|(known, _)| *known == text)) {
        let mistake = Mistake::at(value, format!("`{word}` is a word, and not a text"));
        mistakes.push(mistake.help(format!("write it without the quotes: `shutdown = {word}`")));
        return None;
    }
    time("shutdown", value, mistakes).map(Value::Time)
}

fn function(key: &Ident, value: Expression, mistakes: &mut Mistakes) -> Option<Value> {
    let value = value.bare();
    if matches!(value.syntax(), Expr::Lit(_)) {
        let message = format!("`{key}` takes a function");
        mistakes.push(Mistake::at(&value, message).help(format!("write its path: `{key} = path`")));
        return None;
    }
    Some(Value::Function(value))
}

fn names(key: &Ident, value: &Expression, mistakes: &mut Mistakes) -> Option<Value> {
    const HELP: &str = "write the names in brackets: `[db, cache]`";
    let value = value.bare();
    let Expr::Array(array) = value.syntax() else {
        mistakes.push(Mistake::at(&value, format!("`{key}` takes a list of names")).help(HELP));
        return None;
    };
    if array.elems.is_empty() {
        mistakes.push(Mistake::at(&value, format!("`{key}` lists no name")).help(format!("remove `{key}`")));
        return None;
    }
    let mut names = Vec::new();
    for element in &array.elems {
        let element = Expression::part(element);
        match element.as_ident() {
            Some(name) => names.push(name.clone()),
            None => {
                let name = text(&element).and_then(|text| syn::parse_str::<Ident>(&text).ok());
                let help =
                    name.map_or_else(|| HELP.to_owned(), |name| format!("write it without the quotes: `{name}`"));
                mistakes.push(Mistake::at(&element, "expected the name of a sibling").help(help));
            }
        }
    }
    // A list of nothing that is a name would have no type.
    (!names.is_empty()).then_some(Value::Names(names))
}

/// What a text says.
fn text(value: &Expression) -> Option<String> {
    match value.syntax() {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}

fn word(
    key: &Ident,
    value: &Expression,
    of: &'static str,
    words: &'static [(&'static str, &'static str)],
    mistakes: &mut Mistakes,
) -> Option<Value> {
    let known = || words.iter().map(|(word, _)| *word);
    let written = value.as_ident().map(ToString::to_string);
    if let (Some(word), Some(written)) = (value.as_ident(), &written)
        && let Some((_, variant)) = words.iter().find(|(known, _)| known == written)
    {
        return Some(Value::Word { of, variant, word: word.clone() });
    }
    let choices = format!("`{key}` is {}", listed(known()).replace(" and ", " or "));
    let mistake = match written {
        Some(written) => Mistake::at(value, format!("unknown value `{written}` for `{key}`"))
            .help(did_you_mean(&written, known()).unwrap_or(choices)),
        None => Mistake::at(value, format!("`{key}` takes a word")).help(choices),
    };
    mistakes.push(mistake);
    None
}
