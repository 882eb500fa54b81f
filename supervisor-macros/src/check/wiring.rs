//! Which children an expression uses, and the proof that no handle goes stale.
//!
//! Names are in scope as in Rust: an expression sees the children that stand above it, directly in its own group or
//! directly in a group around that; of two with the same name the nearer, and a child before a parameter of the tree. What
//! is inside a sibling group is not visible, as in a Rust block, and a group itself offers no handle. Options and counts
//! see none: they are evaluated once, before anything has started.
//!
//! A name that is not in scope may be an item of the user's, a function or a constant; that is for the compiler to
//! resolve, and it shows our field of the same name if it cannot. Only where a function cannot stand, the mistake is ours
//! to explain ([`unseen`]).
//!
//! What may be used where is in [`stale`].

mod stale;
mod unseen;

use std::collections::{BTreeMap, HashSet};
use std::mem;

use proc_macro2::{Ident, Span};
use quote::quote;
use syn::Expr;
use syn::ext::IdentExt;

use self::stale::{Lasting, Provider, User};
use self::unseen::Unseen;
use super::strategy::Strategy;
use super::tree::Used;
use super::{Body, Child, Evaluated, Group, Node, Setting, Value, names, relations};
use crate::mistake::{Mistake, Mistakes};
use crate::parse::Expression;
use crate::uses::{Names, Use, uses};

/// The children that are used, by number.
#[derive(Default)]
pub(crate) struct Wires {
    wires: BTreeMap<usize, Wire>,
    taken: HashSet<String>,
}

/// What carries the handle of one child, or the handles of its replicas.
pub(crate) struct Wire {
    /// Its name in the expansion; no expression sees it.
    pub(crate) name: Ident,
    pub(crate) of_replicas: bool,
    pub(crate) stability: Stability,
    /// The use that asks for that.
    pub(crate) place: Span,
}

/// How long a handle works, as the users of it need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stability {
    /// Until its incarnation ends: it is never used for longer.
    PerIncarnation,
    /// Across restarts, which the type of the provider has to promise.
    Stable,
}

impl Wires {
    pub(crate) fn get(&self, number: usize) -> Option<&Wire> {
        self.wires.get(&number)
    }

    /// Connects a user; of several that need different things of a handle, the one that needs most decides.
    fn connect(&mut self, provider: &Provider, used: &Ident, stability: Stability) {
        match self.wires.get_mut(&provider.number) {
            Some(wire) if wire.stability == Stability::PerIncarnation && stability == Stability::Stable => {
                (wire.stability, wire.place) = (stability, used.span());
            }
            Some(_) => {}
            None => {
                let name = self.name(&provider.name);
                let of_replicas = provider.is_replicated;
                self.wires.insert(provider.number, Wire { name, of_replicas, stability, place: used.span() });
            }
        }
    }

    /// The name of the child; with a number, if a child somewhere else that is used has that name.
    fn name(&mut self, child: &str) -> Ident {
        let numbered = (2..).map(|number| format!("{child}{number}"));
        let mut names = [child.to_owned()].into_iter().chain(numbered);
        let name = names.find(|name| self.taken.insert(name.clone())).unwrap_or_default();
        let plain = Ident::new(&name, Span::mixed_site());
        if names::is_identifier(&plain) { plain } else { Ident::new_raw(&name, Span::mixed_site()) }
    }
}

/// Finds out who uses whom. Where a use is wrong, the child is left out.
pub(super) fn wire(root: &mut Group, params: &[Ident], mistakes: &mut Mistakes) -> Wires {
    let own = Ident::new("self", Span::call_site());
    let mut names: Vec<&Ident> = params.iter().chain([&own]).collect();
    collect(root, &mut names);
    let (params, names) = (params.iter().collect(), names.into_iter().collect());
    let mut walk = Walk { params, names, around: Vec::new(), wires: Wires::default(), mistakes };
    walk.group(root);
    walk.wires
}

fn collect<'a>(group: &'a Group, names: &mut Vec<&'a Ident>) {
    names.extend(group.rejected.iter().map(|(_, name)| name));
    for node in &group.children {
        names.extend(node.name());
        if let Node::Group(inner) = node {
            collect(inner, names);
        }
    }
}

struct Walk<'a> {
    params: Names,
    /// Every name that an expression could mean.
    names: Names,
    /// The groups around the place where the walk is, the innermost last.
    around: Vec<Level>,
    wires: Wires,
    mistakes: &'a mut Mistakes,
}

/// A group that the walk is in.
struct Level {
    strategy: Strategy,
    /// The word for it.
    word: String,
    nodes: Vec<(String, Sibling)>,
    /// How many of the nodes stand above the place where the walk is.
    passed: usize,
}

#[derive(Clone)]
enum Sibling {
    Child(Provider),
    /// It was wrong, which has been reported; so nothing is known of its handle.
    Rejected,
    Group,
}

/// What a name means.
enum Meaning {
    Param,
    /// A child, and how many groups stand around its own.
    Child(Provider, usize),
    Rejected,
    Unseen(Unseen),
}

impl Walk<'_> {
    fn group(&mut self, group: &mut Group) {
        if !self.outside(group.decide.iter(), "the function of a `custom` strategy") {
            // It stands for itself, as a strategy that is unknown does.
            (group.decide, group.strategy) = (None, Strategy::Unknown.known(group.strategy.clone(), None));
        }
        self.options(&mut group.options);
        let rejected = mem::take(&mut group.rejected);
        let nodes = mem::take(&mut group.children);
        self.around.push(Level::of(group, &nodes, &rejected));
        let mut rejected = rejected.iter().peekable();
        for (index, node) in nodes.into_iter().enumerate() {
            while rejected.next_if(|(at, _)| *at == index).is_some() {
                self.pass(true);
            }
            let node = match node {
                Node::Group(mut inner) => {
                    self.group(&mut inner);
                    Some(Node::Group(inner))
                }
                Node::Child(mut child) => self.child(&mut child).then_some(Node::Child(child)),
            };
            self.pass(node.is_some());
            group.children.extend(node);
        }
        self.around.pop();
    }

    /// The walk goes on to the next node of the group that it is in.
    fn pass(&mut self, is_right: bool) {
        if let Some(level) = self.around.last_mut() {
            if let (false, Some((_, sibling))) = (is_right, level.nodes.get_mut(level.passed)) {
                *sibling = Sibling::Rejected;
            }
            level.passed += 1;
        }
    }

    /// Whether nothing is wrong with what the child uses.
    fn child(&mut self, child: &mut Child) -> bool {
        self.options(&mut child.options);
        let user = User::of(child);
        let made = match &mut child.body {
            Body::Open(members) => return self.outside(members.open.bound.iter(), "a bound"),
            Body::Evaluated(made) => made,
        };
        let mut is_right = self.outside(made.count.iter(), "a count");
        let mut wired = Vec::new();
        for used in uses(made.expression.syntax(), &self.names) {
            match self.meaning(&used.name) {
                _ if used.name == "self" => is_right &= self.no_own(&used),
                Meaning::Param => made.params.push(used),
                Meaning::Child(provider, depth) => match self.prove(&provider, depth, &used, &user) {
                    Some(stability) => wired.push((provider, used, stability)),
                    None => is_right = false,
                },
                Meaning::Rejected => is_right = false,
                Meaning::Unseen(unseen) if used.is_value => {
                    self.mistakes.push(unseen.mistake(&used.name, &user.name));
                    is_right = false;
                }
                Meaning::Unseen(_) => {}
            }
        }
        if !wired.is_empty()
            && let Some(mistake) = arguments(made)
        {
            self.mistakes.push(mistake);
            is_right = false;
        }
        if is_right {
            for (provider, used, stability) in wired {
                self.wires.connect(&provider, &used.name, stability);
                made.uses.push(Used { used, provider: provider.number });
            }
        }
        is_right
    }

    /// Whether a `self` may be one that the expression declares; the tree is a type of its own, and sees no other.
    fn no_own(&mut self, used: &Use) -> bool {
        if used.is_value {
            self.mistakes.push(unseen::own(&used.name));
        }
        !used.is_value
    }

    fn prove(&mut self, provider: &Provider, depth: usize, used: &Use, user: &User) -> Option<Stability> {
        let level = &self.around[depth];
        let proof = stale::prove(provider, level.strategy, &level.word, user, &used.name);
        proof.map_err(|mistakes| self.mistakes.extend(mistakes)).ok()
    }

    /// What a name means to the expression of the child at which the walk is.
    fn meaning(&self, name: &Ident) -> Meaning {
        let text = name.unraw().to_string();
        for (depth, level) in self.around.iter().enumerate().rev() {
            let above = level.nodes[..level.passed].iter().rev();
            let found = above.filter(|(name, _)| *name == text).find_map(|(_, sibling)| match sibling {
                Sibling::Child(provider) => Some(Meaning::Child(provider.clone(), depth)),
                Sibling::Rejected => Some(Meaning::Rejected),
                Sibling::Group => None,
            });
            if let Some(found) = found {
                return found;
            }
        }
        if self.params.contains(name) {
            return Meaning::Param;
        }
        Meaning::Unseen(Unseen::of(&text, &self.around))
    }

    /// Leaves out the options that use a child.
    fn options(&mut self, options: &mut [Setting]) {
        for option in options {
            let place = format!("`{}`", option.key);
            if !self.outside(option.value.expressions(), &place) {
                option.value = Value::Wrong;
            }
        }
    }

    /// Whether what is evaluated before anything has started uses no child.
    fn outside<'e>(&mut self, expressions: impl Iterator<Item = &'e Expression>, place: &str) -> bool {
        let mut is_right = true;
        for expression in expressions {
            for used in uses(expression.syntax(), &self.names) {
                let is_param = self.params.contains(&used.name);
                if used.name == "self" {
                    is_right &= self.no_own(&used);
                } else if used.is_value && !is_param {
                    self.mistakes.push(unseen::outside(&used.name, place));
                    is_right = false;
                }
            }
        }
        is_right
    }
}

impl Level {
    fn of(group: &Group, nodes: &[Node], rejected: &[(usize, Ident)]) -> Self {
        let name = |name: Option<&Ident>| name.map(|name| name.unraw().to_string());
        let mut rejected = rejected.iter().peekable();
        let mut all = Vec::new();
        for index in 0..=nodes.len() {
            while let Some((_, wrong)) = rejected.next_if(|(at, _)| *at == index) {
                all.push((wrong.unraw().to_string(), Sibling::Rejected));
            }
            all.extend(nodes.get(index).map(|node| {
                let sibling = match node {
                    Node::Group(_) => Sibling::Group,
                    Node::Child(child) if names::is_identifier(&child.name) => Sibling::Child(Provider::of(child)),
                    Node::Child(_) => Sibling::Rejected,
                };
                (name(node.name()).unwrap_or_default(), sibling)
            }));
        }
        let (strategy, word) = (group.kind, group.strategy.to_string());
        Self { strategy, word, nodes: all, passed: 0 }
    }
}

impl Provider {
    fn of(child: &Child) -> Self {
        let (is_open, is_replicated) = match &child.body {
            Body::Evaluated(made) => (false, made.count.is_some()),
            Body::Open(_) => (true, true),
        };
        let default = if is_open { relations::TEMPORARY } else { relations::PERMANENT };
        let lasting = match relations::restart(&child.options, default) {
            _ if is_open => Lasting::Members,
            Some(relations::TEMPORARY) => Lasting::Temporary,
            _ => Lasting::Restarted,
        };
        let name = child.name.unraw().to_string();
        Self { number: child.number, name, is_replicated, is_in_place: child.is_in_place(), lasting }
    }
}

/// What is wrong with the arguments of a closure: the handles come on top of them, so the compiler would count wrong.
fn arguments(made: &Evaluated) -> Option<Mistake> {
    let (Some(_), Expr::Closure(closure)) = (&made.count, made.expression.syntax()) else { return None };
    let message = match closure.inputs.len() {
        1 => return None,
        0 => "replicas need a function of the index, and this closure takes no argument".to_owned(),
        number => format!("replicas need a function of the index, and this closure takes {number} arguments"),
    };
    let (begin, end) = (&closure.inputs_begin, &closure.inputs_end);
    let help = "write `|index| ..`; children that stand above are in scope by their names";
    Some(Mistake::at(quote!(#begin #end), message).help(help))
}
