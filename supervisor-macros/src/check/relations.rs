//! Rules between a node, its siblings and the group around it.

use std::time::Duration;

use proc_macro2::Ident;
use syn::ext::IdentExt;

use super::strategy::Strategy;
use super::{Around, Setting, Value, option, right_option};
use crate::mistake::{Mistake, Mistakes, nearest};
use crate::parse::{Child, Count};

/// The nodes of one group, as a walk through it comes along.
pub(super) struct Siblings {
    /// All their names, in order; empty for an anonymous group.
    names: Vec<String>,
    /// Those that the walk has passed.
    passed: Vec<Passed>,
}

/// What a later sibling has to know of a node that it requires.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Passed {
    Lasting,
    Temporary,
    /// An open group that says nothing else.
    TemporaryMembers,
}

impl Siblings {
    pub(super) fn new(names: Vec<String>) -> Self {
        Self { names, passed: Vec::new() }
    }

    /// The walk goes on to the next.
    pub(super) fn declared(&mut self, options: &[Setting], default: Restart) {
        let is_written = option(options, "restart").is_some();
        self.passed.push(match restart(options, default) {
            Some(TEMPORARY) if is_written => Passed::Temporary,
            Some(TEMPORARY) => Passed::TemporaryMembers,
            _ => Passed::Lasting,
        });
    }

    fn earlier(&self) -> &[String] {
        &self.names[..self.passed.len()]
    }
}

/// The restart type of a node, which is the variant in the runtime.
pub(super) type Restart = &'static str;

pub(super) const PERMANENT: Restart = "Permanent";
pub(super) const TEMPORARY: Restart = "Temporary";

/// The restart type that is written, or the default; none if what is written is wrong, which has been reported.
pub(super) fn restart(options: &[Setting], default: Restart) -> Option<Restart> {
    match option(options, "restart") {
        Some(setting) => setting.word(),
        None => Some(default),
    }
}

/// What the runtime does where `restart` is not written: members of an open group are temporary.
pub(super) fn default_restart(count: Option<&Count>) -> Restart {
    match count {
        Some(Count::Open(_)) => TEMPORARY,
        _ => PERMANENT,
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
    if let Some(setting) = right_option(options, "significant") {
        significant(setting, around, mistakes);
    }
    if let Some(setting) = option(options, "shutdown") {
        shutdown(setting, around, mistakes);
    }
}

/// The tree does not make the members of an open group, and so it makes none from an old one. `path` is that of its
/// field in the running tree.
pub(super) fn no_replace(child: &Child, path: &str, options: &mut Vec<Setting>, mistakes: &mut Mistakes) {
    if !matches!(child.count, Some(Count::Open(_))) {
        return;
    }
    for replace in options.extract_if(.., |option| option.key == "replace") {
        let name = &child.name;
        let message =
            format!("`{name}` is an open group, whose members the tree does not make, so it takes no `replace`");
        let help = format!("give what makes a member as you add it: `{path}.add_with(factory)`");
        mistakes.push(Mistake::at(&replace.key, message).help(help));
    }
}

/// A child that hangs is noticed when its heartbeat is missed. If it has then run for longer than the longest delay, its
/// backoff starts over, and it hangs for ever, as if there were none.
pub(super) fn heartbeat(options: &[Setting], default: Restart, around: &Around<'_>, mistakes: &mut Mistakes) {
    if restart(options, default) == Some(TEMPORARY) {
        return;
    }
    let backoff = option(options, "backoff").or_else(|| option(around.options, "backoff"));
    let (Some(heartbeat), Some(Value::Range(_, max))) =
        (option(options, "heartbeat"), backoff.map(|backoff| &backoff.value))
    else {
        return;
    };
    let (Some(limit), Some(max)) = (literal(heartbeat), max.literal()) else { return };
    if limit > max {
        let message = format!(
            "this `heartbeat` of {limit:?} is longer than the {max:?} after which `backoff` starts over: the delay of a child that hangs would never grow"
        );
        mistakes.push(
            Mistake::at(&heartbeat.written, message).help("shorten it, or lengthen the second delay of `backoff`"),
        );
    }
}

/// A delay before restarts means nothing to a child that has none.
pub(super) fn backoff_of_temporary(options: &[Setting], default: Restart, mistakes: &mut Mistakes) {
    if restart(options, default) != Some(TEMPORARY) {
        return;
    }
    if let Some(backoff) = option(options, "backoff") {
        let message = match option(options, "restart") {
            Some(_) => "a `temporary` child is never restarted, so it takes no `backoff`",
            None => "the members of an open group are `temporary` unless it says otherwise, so it takes no `backoff`",
        };
        mistakes.push(
            Mistake::at(&backoff.key, message)
                .help("remove `backoff`, or say `restart = transient` or `restart = permanent`"),
        );
    }
}

/// A child that keeps its value has nothing to replace.
pub(super) fn in_place(options: &[Setting], mistakes: &mut Mistakes) {
    if let (Some(_), Some(replace)) = (right_option(options, "in_place"), option(options, "replace")) {
        let message = "an `in_place` child keeps its value, so `replace` would never be called";
        mistakes.push(Mistake::at(&replace.key, message).help("keep one of the two"));
    }
}

/// An open group has its members' values from those who add them: where none is restarted, there is nothing to keep.
pub(super) fn keeps_members(
    child: &Child,
    options: &[Setting],
    default: Restart,
    around: &Around<'_>,
    mistakes: &mut Mistakes,
) {
    let Some(in_place) = right_option(options, "in_place").filter(|_| matches!(child.count, Some(Count::Open(_))))
    else {
        return;
    };
    if restart(options, default) != Some(TEMPORARY) {
        return;
    }
    let name = &child.name;
    let mistake = match (around.strategy, option(options, "restart")) {
        (Strategy::Final, _) => {
            let message =
                format!("nothing is restarted in this group, so no member of `{name}` is started again `in_place`");
            Mistake::at(&in_place.key, message).help("remove `in_place`")
        }
        (_, written) => {
            let why = match written {
                Some(_) => "is temporary",
                None => "is an open group, temporary unless it says otherwise",
            };
            let message = format!("`{name}` {why}: no member is ever started again `in_place`");
            Mistake::at(&in_place.key, message)
                .help("say `restart = transient` or `restart = permanent`, or remove `in_place`")
        }
    };
    mistakes.push(mistake);
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
        return ending(&text, siblings.passed[index]).map(|message| {
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

/// Why a sibling cannot be required.
fn ending(name: &str, passed: Passed) -> Option<String> {
    const WHY: &str = "what requires it could never start again";
    match passed {
        Passed::Lasting => None,
        Passed::Temporary => Some(format!("`{name}` is temporary: once it has ended, {WHY}")),
        Passed::TemporaryMembers => Some(format!(
            "`{name}` is an open group, temporary unless it says otherwise: once a member has ended, {WHY}"
        )),
    }
}

fn significant(setting: &Setting, around: &Around<'_>, mistakes: &mut Mistakes) {
    let auto_shutdown = option(around.options, "auto_shutdown");
    let message = match auto_shutdown {
        None => Some("`significant` has no meaning in a group without `auto_shutdown`"),
        Some(never) if never.word() == Some("Never") => {
            Some("`significant` has no meaning in a group whose `auto_shutdown` is `never`")
        }
        Some(_) => None,
    };
    if let Some(message) = message {
        mistakes.push(
            Mistake::at(&setting.key, message).help("say `auto_shutdown = any_significant` or `all_significant` there"),
        );
    }
}

/// A significant child has to be one that can end by itself. (A group can, when its children have.)
pub(super) fn can_end(options: &[Setting], default: Restart, around: &Around<'_>, mistakes: &mut Mistakes) {
    let Some(setting) = right_option(options, "significant") else { return };
    // What never restarts its children has no restart types.
    if restart(options, default) == Some(PERMANENT) && around.strategy != Strategy::Final {
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
