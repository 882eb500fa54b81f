//! Rules between a node, its siblings and the group around it.

use std::time::Duration;

use proc_macro2::Ident;
use syn::ext::IdentExt;

use super::strategy::Strategy;
use super::{Around, Setting, Value, option};
use crate::mistake::{Mistake, Mistakes, nearest};

/// The nodes of one group, as a walk through it comes along.
pub(super) struct Siblings {
    /// All their names, in order; empty for an anonymous group.
    names: Vec<String>,
    /// Of those that the walk has passed: whether each is temporary.
    passed: Vec<bool>,
}

impl Siblings {
    pub(super) fn new(names: Vec<String>) -> Self {
        Self { names, passed: Vec::new() }
    }

    /// The walk goes on to the next.
    pub(super) fn declared(&mut self, options: &[Setting]) {
        self.passed.push(option(options, "restart").and_then(Setting::word) == Some("Temporary"));
    }

    fn earlier(&self) -> &[String] {
        &self.names[..self.passed.len()]
    }
}

/// Applies the rules to the node at which the walk is; `name` is none for an anonymous group.
pub(super) fn check(
    name: Option<&Ident>,
    options: &[Setting],
    around: &Around<'_>,
    siblings: &Siblings,
    mistakes: &mut Mistakes,
) {
    if let Some(setting) = option(options, "requires") {
        requires(name, setting, around.strategy, siblings, mistakes);
    }
    if let Some(setting) = option(options, "significant") {
        significant(setting, around, mistakes);
    }
    if let Some(setting) = option(options, "shutdown") {
        shutdown(setting, around, mistakes);
    }
}

/// A child that keeps its value has nothing to replace.
pub(super) fn in_place(options: &[Setting], mistakes: &mut Mistakes) {
    if let (Some(_), Some(replace)) = (option(options, "in_place"), option(options, "replace")) {
        let message = "an `in_place` child keeps its value, so `replace` would never be called";
        mistakes.push(Mistake::at(&replace.key, message).help("keep one of the two"));
    }
}

/// A deadline that is written as a duration.
pub(super) fn literal(setting: &Setting) -> Option<Duration> {
    match &setting.value {
        Value::Time(time) => time.literal(),
        _ => None,
    }
}

fn requires(name: Option<&Ident>, setting: &Setting, strategy: Strategy, siblings: &Siblings, mistakes: &mut Mistakes) {
    match strategy {
        Strategy::DependentsForOne => {}
        Strategy::Unknown => return,
        _ => {
            let mistake = Mistake::at(&setting.key, "`requires` has no meaning outside a `dependents_for_one` group");
            mistakes.push(mistake.help("declare the group as `dependents_for_one`, or remove `requires`"));
            return;
        }
    }
    let Value::Names(required) = &setting.value else {
        return;
    };
    for (index, sibling) in required.iter().enumerate() {
        if let Some(mistake) = required_sibling(name, sibling, &required[..index], siblings) {
            mistakes.push(mistake);
        }
    }
}

fn required_sibling(name: Option<&Ident>, sibling: &Ident, before: &[Ident], siblings: &Siblings) -> Option<Mistake> {
    let text = sibling.unraw().to_string();
    if before.contains(sibling) {
        return Some(Mistake::at(sibling, format!("`{text}` is required twice")).help("keep one of the two"));
    }
    if name.is_some_and(|name| name.unraw() == text) {
        let message = format!("`{text}` cannot require itself");
        return Some(Mistake::at(sibling, message).help("remove it from the list"));
    }
    if let Some(index) = siblings.earlier().iter().position(|earlier| *earlier == text) {
        return siblings.passed[index].then(|| {
            let message = format!("`{text}` is temporary: once it has ended, what requires it could never start again");
            Mistake::at(sibling, message).help(format!("declare `{text}` as `permanent` or `transient`"))
        });
    }
    if siblings.names.contains(&text) {
        let message = format!("`{text}` is declared later, and children start in the order of their declaration");
        return Some(Mistake::at(sibling, message).help(format!("move `{text}` up")));
    }
    let meant = nearest(&text, siblings.earlier().iter().map(String::as_str).filter(|earlier| !earlier.is_empty()));
    let help = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "name children that are declared above, directly in this group".to_owned(),
    };
    Some(Mistake::at(sibling, format!("no sibling is called `{text}`")).help(help))
}

fn significant(setting: &Setting, around: &Around<'_>, mistakes: &mut Mistakes) {
    let auto_shutdown = option(around.options, "auto_shutdown");
    let is_never = |setting: &Setting| setting.word() == Some("Never");
    if auto_shutdown.is_none_or(is_never) {
        let message = "`significant` has no meaning in a group without `auto_shutdown`";
        mistakes.push(
            Mistake::at(&setting.key, message).help("say `auto_shutdown = any_significant` or `all_significant` there"),
        );
    }
}

/// A significant child has to be one that can end by itself. (A group can, when its children have.)
pub(super) fn can_end(options: &[Setting], around: &Around<'_>, mistakes: &mut Mistakes) {
    let Some(setting) = option(options, "significant") else { return };
    // What never restarts its children has no restart types.
    let is_permanent = |setting: &Setting| setting.word() == Some("Permanent");
    if option(options, "restart").is_none_or(is_permanent) && around.strategy != Strategy::Final {
        let message = "a `permanent` child never ends by itself, so it cannot be `significant`";
        mistakes.push(Mistake::at(&setting.key, message).help("say `restart = transient` or `restart = temporary`"));
    }
}

fn shutdown(setting: &Setting, around: &Around<'_>, mistakes: &mut Mistakes) {
    let (Some(own), Some(group)) = (literal(setting), around.shutdown) else {
        return;
    };
    if own > group {
        let message = format!("this `shutdown` of {own:?} is longer than its group's, which is {group:?}");
        mistakes.push(Mistake::at(&setting.written, message).help("shorten it, or give the group more time"));
    }
}
