//! What may be used where: the proof of the invariant.
//!
//! **When a provider's new incarnation starts, or when it is gone for good, no user of an earlier handle is running.**
//!
//! What decides is the group in which the *provider* stands, for that one answers its failure; the user is one of its later
//! siblings, or stands inside of one, and is stopped and started with that.
//!
//! 1. `one_for_all`, `rest_for_one`, `dependents_for_one`: accepted. Each restart of the provider sweeps the user: all,
//!    all that is declared later, all that depends on it, which who uses it does.
//! 2. `forfeit_one_for_all`, `crashing`: accepted. Nothing of the group outlives the provider.
//! 3. `one_for_one`: the provider is restarted alone. `forfeit_one_for_one`: its siblings are said to go on without it.
//!    `custom`: a function decides, and nobody knows how. So the handle has to be *stable*.
//! 4. A user that is `in_place` is made once, one with `replace` is made from its predecessor: both keep the handle that
//!    they were made with. So it has to be stable, whatever the strategy.
//! 5. A handle is stable if its provider is `in_place` (the value stays the same) and its type says that the handle works
//!    across restarts (`StableHandle`, which the compiler checks at the use).
//! 6. A `temporary` child ends without any consequence for others, and is not started again, so nobody may use it. (One that is
//!    `permanent` or `transient` and returns `Ok` as it may is done, not dead.)
//! 7. The members of an open group come and go: there is no moment at which their handles could be taken.
//!
//! Replicas are as one: a user gets the handles of all. A named group is no border, and neither is one without a name: the
//! handle goes into it as into a block. An embedded tree (`billing: Billing::service(db)`) is a child that uses what stands in its
//! expression, and is made anew with it as a whole.

use proc_macro2::Ident;
use syn::ext::IdentExt;

use super::Stability;
use crate::check::strategy::Strategy;
use crate::check::{Child, right_option};
use crate::mistake::Mistake;

/// A child whose name is in scope.
#[derive(Clone, Debug)]
pub(super) struct Provider {
    pub(super) number: usize,
    pub(super) name: String,
    pub(super) is_replicated: bool,
    pub(super) is_in_place: bool,
    pub(super) lasting: Lasting,
}

/// Whether a child comes back after its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lasting {
    Restarted,
    Temporary,
    /// It is an open group.
    Members,
}

/// A child that uses another.
pub(super) struct User {
    pub(super) name: String,
    /// The option by which it keeps its value, or a part of that, across restarts.
    keeps: Option<&'static str>,
}

impl User {
    pub(super) fn of(child: &Child) -> Self {
        let keeps = ["in_place", "replace"].into_iter().find(|key| right_option(&child.options, key).is_some());
        Self { name: child.name.unraw().to_string(), keeps }
    }
}

/// What the handle of `provider` has to be for `user`, and why that is impossible, at the `used` name.
///
/// The strategy, `word` by its word, is the one of the group in which the provider stands.
pub(super) fn prove(
    provider: &Provider,
    strategy: Strategy,
    word: &str,
    user: &User,
    used: &Ident,
) -> Result<Stability, Vec<Mistake>> {
    let Provider { name, lasting, is_in_place, .. } = provider;
    let User { name: user, keeps } = user;
    match lasting {
        Lasting::Restarted => {}
        Lasting::Temporary => {
            let message = format!("`{name}` is temporary: once it has ended, `{user}` would go on with its handle");
            return Err(vec![
                Mistake::at(used, message).help(format!("declare `{name}` as `permanent` or `transient`")),
            ]);
        }
        Lasting::Members => {
            let message = format!("`{name}` is an open group, whose members come and go, so it offers no handle");
            let help = "declare a child that its members report to, and use that";
            return Err(vec![Mistake::at(used, message).help(help)]);
        }
    }
    let left = left_running(strategy, word, name, user);
    if left.is_none() && keeps.is_none() {
        return Ok(Stability::PerIncarnation);
    }
    if *is_in_place {
        return Ok(Stability::Stable);
    }
    let stable = format!("or declare `{name}` as `in_place`, if its handle works across restarts (`StableHandle`)");
    let left = left.map(|(message, instead)| {
        Mistake::at(used, message).help(format!("declare the group of `{name}` as {instead}; {stable}"))
    });
    let kept = keeps.map(|key| {
        let message =
            format!("`{user}` keeps its old value by `{key}`, and with it a handle of a `{name}` that is gone");
        Mistake::at(used, message).help(format!("remove `{key}` from `{user}`; {stable}"))
    });
    Err(left.into_iter().chain(kept).collect())
}

/// Why a strategy leaves the user running when the provider has failed, and which ones would not.
fn left_running(strategy: Strategy, word: &str, provider: &str, user: &str) -> Option<(String, &'static str)> {
    const RESTARTS: &str = "`dependents_for_one`, `rest_for_one` or `one_for_all`";
    match (strategy, word) {
        // It has been reported, and nobody knows what was meant.
        (Strategy::Unknown, _) => None,
        (Strategy::Custom, _) => {
            let message = format!(
                "a `custom` strategy may restart `{provider}` alone, and `{user}` would go on with the handle of the old one"
            );
            Some((message, RESTARTS))
        }
        (_, "one_for_one") => {
            let message = format!(
                "`one_for_one` restarts `{provider}` alone, and `{user}` would go on with the handle of the old one"
            );
            Some((message, RESTARTS))
        }
        (_, "forfeit_one_for_one") => {
            let message = format!(
                "`forfeit_one_for_one` forfeits `{provider}` alone, and `{user}` would go on with the handle of what is gone"
            );
            Some((message, "`forfeit_one_for_all` or `crashing`"))
        }
        _ => None,
    }
}
