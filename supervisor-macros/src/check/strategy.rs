//! Which strategy a group has, and what it means for its options.

use proc_macro2::Ident;
use quote::ToTokens;

use crate::mistake::{Mistake, Mistakes, did_you_mean, listed};
use crate::parse::{Argument, Expression, STRATEGIES};

/// What the rules have to know of a strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strategy {
    /// Restarts children: `one_for_one`, `one_for_all` and `rest_for_one`.
    Restarting,
    DependentsForOne,
    Custom,
    /// Never restarts anything: `forfeit_*` and `crashing`.
    Final,
    /// The word is none of ours, which has been reported.
    Unknown,
}

impl Strategy {
    /// A word that stands for itself, so that the children of a group with a wrong strategy are type-checked.
    pub(super) fn known(self, word: Ident, decide: Option<&Expression>) -> Ident {
        match (self, decide) {
            (Self::Unknown, _) | (Self::Custom, None) => Ident::new("one_for_one", proc_macro2::Span::call_site()),
            _ => word,
        }
    }
}

pub(super) fn strategy(word: &Ident, mistakes: &mut Mistakes) -> Strategy {
    match word.to_string().as_str() {
        "one_for_one" | "one_for_all" | "rest_for_one" => Strategy::Restarting,
        "dependents_for_one" => Strategy::DependentsForOne,
        "forfeit_one_for_one" | "forfeit_one_for_all" | "crashing" => Strategy::Final,
        "custom" => Strategy::Custom,
        unknown => {
            let help = did_you_mean(unknown, STRATEGIES)
                .unwrap_or_else(|| format!("the strategies are {}", listed(STRATEGIES)));
            mistakes.push(Mistake::at(word, format!("unknown strategy `{unknown}`")).help(help));
            Strategy::Unknown
        }
    }
}

/// The function of a `custom` strategy, and the other arguments.
pub(super) fn decide(
    strategy: Strategy,
    word: &Ident,
    mut arguments: Vec<Argument>,
    mistakes: &mut Mistakes,
) -> (Option<Expression>, Vec<Argument>) {
    if strategy != Strategy::Custom {
        return (None, arguments);
    }
    let decide = match arguments.first() {
        Some(Argument::Positional(expression)) => Some(expression.clone()),
        Some(Argument::Bare(name)) => {
            let path = syn::parse2(name.to_token_stream()).ok();
            path.map(|path| Expression::new(path, name.to_token_stream()))
        }
        Some(Argument::Keyed { .. }) | None => None,
    };
    if decide.is_some() {
        arguments.remove(0);
    } else {
        let mistake = Mistake::at(word, "a `custom` strategy needs the function that decides");
        mistakes.push(mistake.help("write it first: `custom(decide, max_restarts = 10) { .. }`"));
    }
    (decide, arguments)
}

/// The group has braces, but nothing in them.
pub(super) fn empty(word: &Ident, mistakes: &mut Mistakes) {
    let mistake = Mistake::at(word, format!("this `{word}` group has no children"));
    mistakes.push(mistake.help("write at least one: `name: expression`"));
}
