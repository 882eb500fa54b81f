//! The rules over the whole tree.
//!
//! Every rule is applied and every mistake collected; what was wrong is left out of the tree that is
//! returned, so that the compiler checks the types of all the rest in the same run.

mod body;
mod borrowed;
mod count;
mod duration;
mod fields;
mod limit;
mod names;
mod options;
mod relations;
mod strategy;
mod tree;
mod types;
mod values;
mod wiring;

pub(crate) use fields::{Field, Reference};
pub(crate) use options::is_of_groups;
pub(crate) use tree::{
    Body, Child, Evaluated, Group, Members, Node, Setting, Time, Tree, Used, Value, option, right_option, valid,
};
pub(crate) use wiring::{Stability, Wire, Wires};

use std::cell::Cell;
use std::mem;
use std::time::Duration;

use proc_macro2::{Ident, Span};
use syn::Visibility;

use self::names::Scope;
use self::relations::Restart;
use self::strategy::Strategy;
use crate::mistake::Mistakes;
use crate::parse as written;
use crate::parse::Header;

/// Applies every rule.
pub(crate) fn check(tree: written::Tree, mistakes: &mut Mistakes) -> Tree {
    let mut header = tree.header.unwrap_or_else(default_header);
    names::header(&mut header, mistakes);
    let params = header.params.iter().map(|param| param.name.to_string()).collect();
    let checker = Checker { params, children: Cell::new(0) };
    let mut scope = Scope::of(header.name.to_string());
    let root = tree.root.map(|root| checker.group(root, None, &mut scope, mistakes));
    // What the children do with a parameter of any type would only raise a second wave of errors.
    let are_typed = header.generics.is_none() && header.params.iter().all(|param| param.ty.is_some());
    let mut root = root.filter(|_| are_typed);
    let params: Vec<Ident> = header.params.iter().map(|param| param.name.clone()).collect();
    let mut wires = root.as_mut().map(|root| wiring::wire(root, &params, mistakes)).unwrap_or_default();
    if root.as_ref().is_some_and(|root| borrowed::check(&mut header.params, root, mistakes)) {
        (root, wires) = (None, Wires::default());
    }
    Tree { krate: tree.krate, header, root, fields: scope.into_fields(), wires, is_wrong: !mistakes.is_empty() }
}

fn default_header() -> Header {
    let name = Ident::new("Tree", Span::call_site());
    Header { attributes: Vec::new(), visibility: Visibility::Inherited, name, generics: None, params: Vec::new() }
}

/// What a node is told of the group in which it stands.
struct Around<'a> {
    strategy: Strategy,
    options: &'a [Setting],
    /// The deadline for stopping the nearest group around it that states one.
    shutdown: Option<Duration>,
}

struct Checker {
    params: Vec<String>,
    /// How many have a number.
    children: Cell<usize>,
}

impl Checker {
    fn group(
        &self,
        group: written::Group,
        around: Option<&Around<'_>>,
        scope: &mut Scope,
        mistakes: &mut Mistakes,
    ) -> Group {
        let strategy = strategy::strategy(&group.strategy, mistakes);
        let (decide, arguments) = strategy::decide(strategy, &group.strategy, group.arguments, mistakes);
        let taker = options::Taker::group(strategy, &group.strategy, around.map(|around| around.strategy));
        let options = options::options(&taker, arguments, &self.params, mistakes);

        // The root has its name from the tree, whatever stands there.
        let name = group.name.as_ref().filter(|_| around.is_some());
        let mut own = name.map(|name| (name, scope.inner(name)));
        let inner = own.as_mut().map_or(&mut *scope, |(_, own)| own);

        let own_shutdown = option(&options, "shutdown").and_then(relations::literal);
        let shutdown = own_shutdown.or(around.and_then(|around| around.shutdown));
        let here = Around { strategy, options: &options, shutdown };
        let (children, rejected) = match group.children {
            Some(children) if children.is_empty() => {
                strategy::empty(&group.strategy, mistakes);
                (Vec::new(), Vec::new())
            }
            Some(children) => {
                let (children, rejected) = self.nodes(children, &here, inner, mistakes);
                // How often a child restarts is known only if all of it is.
                if rejected.is_empty() {
                    limit::check(strategy, &options, &children, mistakes);
                }
                (children, rejected)
            }
            None => (Vec::new(), Vec::new()),
        };
        if let Some((name, own)) = own {
            scope.declare(Field::of_group(name, &group.docs, &group.strategy, own.into_fields()), mistakes);
        }
        let (kind, strategy) = (strategy, strategy.known(group.strategy, decide.as_ref()));
        Group { docs: group.docs, name: group.name, kind, strategy, decide, options, children, rejected }
    }

    fn nodes(
        &self,
        nodes: Vec<written::Node>,
        around: &Around<'_>,
        scope: &mut Scope,
        mistakes: &mut Mistakes,
    ) -> (Vec<Node>, Vec<(usize, Ident)>) {
        let names: Vec<String> = nodes.iter().map(names::of_node).collect();
        let mut siblings = relations::Siblings::new(names);
        let (mut checked, mut rejected) = (Vec::new(), Vec::new());
        for node in nodes {
            match node {
                written::Node::Group(group) => {
                    let group = self.group(group, Some(around), scope, mistakes);
                    relations::check(group.name.as_ref(), &group.options, around, &siblings, mistakes);
                    siblings.declared(&group.options, relations::PERMANENT);
                    checked.push(Node::Group(group));
                }
                written::Node::Child(mut child) => {
                    let (docs, name) = (child.docs.clone(), child.name.clone());
                    let default = relations::default_restart(child.count.as_ref());
                    let options = self.options(&mut child, &scope.path(&name), default, around, &siblings, mistakes);
                    siblings.declared(&options, default);
                    let body = body::body(child, scope, mistakes);
                    let number = self.children.get();
                    self.children.set(number + 1);
                    match body {
                        Some(body) => checked.push(Node::Child(Child { number, docs, name, options, body })),
                        None => rejected.push((checked.len(), name)),
                    }
                }
            }
        }
        (checked, rejected)
    }

    /// The options of a child are of interest to its siblings even if its expression is not.
    fn options(
        &self,
        child: &mut written::Child,
        path: &str,
        default: Restart,
        around: &Around<'_>,
        siblings: &relations::Siblings,
        mistakes: &mut Mistakes,
    ) -> Vec<Setting> {
        let taker = options::Taker::child(&child.name, around.strategy);
        let mut options = options::options(&taker, mem::take(&mut child.arguments), &self.params, mistakes);
        relations::check(Some(&child.name), &options, around, siblings, mistakes);
        relations::can_end(&options, default, around, mistakes);
        relations::no_replace(child, path, &mut options, mistakes);
        relations::in_place(&options, mistakes);
        relations::heartbeat(&options, default, around, mistakes);
        relations::backoff_of_temporary(&options, default, mistakes);
        relations::keeps_members(child, &options, default, around, mistakes);
        options
    }
}
