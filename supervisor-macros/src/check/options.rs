//! Which options a node takes.

use proc_macro2::Ident;

use super::strategy::Strategy;
use super::values::{Given, Takes};
use super::{Setting, Value};
use crate::mistake::{Mistake, Mistakes, did_you_mean, listed};
use crate::parse::Argument;

/// Where an option may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    /// Any group.
    Group,
    /// Any child, a group that is a child included.
    Child,
    /// A child that is no group.
    Leaf,
    Both,
}

const RESTART: Takes =
    Takes::Word("Restart", &[("permanent", "Permanent"), ("transient", "Transient"), ("temporary", "Temporary")]);
const AUTO_SHUTDOWN: Takes = Takes::Word(
    "AutoShutdown",
    &[("never", "Never"), ("any_significant", "AnySignificant"), ("all_significant", "AllSignificant")],
);

const OPTIONS: [(&str, On, Takes); 13] = [
    ("max_restarts", On::Group, Takes::Number),
    ("over", On::Group, Takes::Duration),
    ("raises", On::Group, Takes::Function),
    ("auto_shutdown", On::Group, AUTO_SHUTDOWN),
    ("backoff", On::Both, Takes::Backoff),
    ("shutdown", On::Both, Takes::Shutdown),
    ("restart", On::Child, RESTART),
    ("start_timeout", On::Child, Takes::Duration),
    ("requires", On::Child, Takes::Names),
    ("significant", On::Child, Takes::Flag),
    ("heartbeat", On::Leaf, Takes::Duration),
    ("in_place", On::Leaf, Takes::Flag),
    ("replace", On::Leaf, Takes::Function),
];

/// The options of a group that need restarts to mean anything.
const OF_RESTARTS: [&str; 4] = ["max_restarts", "over", "raises", "backoff"];

/// The node that takes options.
pub(super) struct Taker {
    /// How it is called in a message.
    name: String,
    /// The strategy of the group that it is.
    own: Option<(Strategy, String)>,
    /// The strategy of the group in which it stands; none for the root.
    around: Option<Strategy>,
}

impl Taker {
    pub(super) fn group(own: Strategy, word: &Ident, around: Option<Strategy>) -> Self {
        Self { name: word.to_string(), own: Some((own, word.to_string())), around }
    }

    pub(super) fn child(name: &Ident, around: Strategy) -> Self {
        Self { name: name.to_string(), own: None, around: Some(around) }
    }

    fn takes(&self, on: On) -> bool {
        match on {
            On::Group => self.own.is_some(),
            On::Child => self.around.is_some(),
            On::Leaf => self.own.is_none(),
            On::Both => true,
        }
    }

    /// Why the strategy, its own or the one around it, has no use for an option.
    fn excluded(&self, key: &str) -> Option<String> {
        if let Some((Strategy::Final, word)) = &self.own
            && OF_RESTARTS.contains(&key)
        {
            return Some(format!("`{word}` never restarts anything, so it takes no `{key}`"));
        }
        let is_of_restarts = key == "restart" || (key == "backoff" && self.own.is_none());
        (self.around == Some(Strategy::Final) && is_of_restarts)
            .then(|| format!("`{}` stands in a group that never restarts anything, so it takes no `{key}`", self.name))
    }

    fn known(&self) -> Vec<&'static str> {
        OPTIONS
            .iter()
            .filter(|(key, on, _)| self.takes(*on) && self.excluded(key).is_none())
            .map(|(key, ..)| *key)
            .collect()
    }
}

/// Reads the options of a node; those that are wrong are left out.
pub(super) fn options(
    taker: &Taker,
    arguments: Vec<Argument>,
    params: &[String],
    mistakes: &mut Mistakes,
) -> Vec<Setting> {
    let mut seen: Vec<String> = Vec::new();
    let mut settings = Vec::new();
    for argument in arguments {
        let (key, given) = match argument {
            Argument::Keyed { key, value: Some(value) } => (key, Given::Value(value)),
            Argument::Keyed { key, value: None } => (key, Given::Unreadable),
            Argument::Bare(key) => (key, Given::Nothing),
            Argument::Positional(value) => {
                let mistake = Mistake::at(&value, "expected an option");
                mistakes.push(mistake.help("write `name = value`, or the name alone for a flag"));
                continue;
            }
        };
        let word = key.to_string();
        if seen.contains(&word) {
            let message = format!("`{word}` is set twice for `{}`", taker.name);
            mistakes.push(Mistake::at(&key, message).help("keep one of the two"));
            continue;
        }
        let Some((_, on, takes)) = OPTIONS.iter().find(|(known, ..)| *known == word) else {
            let value = matches!(given, Given::Nothing).then(|| value_alone(taker, &key)).flatten();
            mistakes.push(value.unwrap_or_else(|| unknown(taker, &key)));
            continue;
        };
        seen.push(word);
        if let Some(mistake) = misplaced(taker, &key, *on) {
            mistakes.push(mistake);
            continue;
        }
        let written = given.written();
        let value = takes.read(&key, given, params, mistakes).unwrap_or(Value::Wrong);
        settings.push(Setting { key, value, written });
    }
    settings
}

/// Whether some node takes an option of this name.
pub(super) fn is_known(key: &Ident) -> bool {
    OPTIONS.iter().any(|(known, ..)| key == known)
}

/// Whether any group takes an option of this name.
pub(crate) fn is_of_groups(key: &Ident) -> bool {
    OPTIONS.iter().any(|(known, on, _)| key == known && matches!(on, On::Group | On::Both))
}

fn unknown(taker: &Taker, key: &Ident) -> Mistake {
    let word = key.to_string();
    let known = taker.known();
    let elsewhere = || did_you_mean(&word, OPTIONS.iter().map(|(key, ..)| *key));
    let help = did_you_mean(&word, known.iter().copied())
        .or_else(elsewhere)
        .unwrap_or_else(|| format!("the options here are {}", listed(known.iter().copied())));
    Mistake::at(key, format!("unknown option `{word}` for `{}`", taker.name)).help(help)
}

/// `transient` where `restart = transient` is meant.
fn value_alone(taker: &Taker, word: &Ident) -> Option<Mistake> {
    let known = taker.known();
    let of =
        |(key, _, takes): &(&'static str, On, Takes)| (known.contains(key) && takes.has_word(word)).then_some(*key);
    let key = OPTIONS.iter().find_map(of)?;
    Some(Mistake::at(word, format!("`{word}` is a value of `{key}`")).help(format!("write `{key} = {word}`")))
}

fn misplaced(taker: &Taker, key: &Ident, on: On) -> Option<Mistake> {
    if let Some(message) = taker.excluded(&key.to_string()) {
        return Some(Mistake::at(key, message).help(format!("remove `{key}`")));
    }
    if taker.takes(on) {
        return None;
    }
    Some(match on {
        On::Group => Mistake::at(key, format!("`{key}` is an option of a group, and `{}` is a child", taker.name))
            .help("write it in the parentheses of the strategy"),
        On::Leaf => Mistake::at(key, format!("`{key}` is an option of a child, and `{}` is a group", taker.name))
            .help("write it at each child that needs it"),
        On::Child | On::Both => Mistake::at(
            key,
            format!("`{key}` says what a group means to the one around it, and nothing is around the root"),
        )
        .help(format!("remove `{key}`")),
    })
}
