//! What is wrong with a declaration: said again from the documentation, without a look at how the library finds it.

use std::collections::HashSet;
use std::time::Duration;

use supervisor_runtime::{AutoShutdown, Restart, Shutdown};

use crate::declaration::{Count, Group, Leaf, Node, Options, Strategy};

/// A mistake, by words that its message has to have.
pub(crate) type Mistake = Vec<String>;

const MOST: usize = 10_000_000;

/// All that is wrong with it, as the outermost supervisor of a tree.
pub(crate) fn mistakes(tree: &Group) -> Vec<Mistake> {
    let mut found = Vec::new();
    if tree.name.is_empty() {
        found.push(vec!["the outermost supervisor has no name".to_owned()]);
    }
    check_length(&tree.name, &mut found);
    inside(tree, &mut found);
    found
}

fn inside(group: &Group, found: &mut Vec<Mistake>) {
    let me =
        if group.name.is_empty() { "supervisor `(".to_owned() } else { format!("supervisor `{}", shown(&group.name)) };
    if group.nodes.is_empty() {
        found.push(vec![me.clone(), "has no children".to_owned()]);
    }
    let Options { backoff, .. } = group.options;
    if !group.strategy.restarts() {
        for (option, set) in [
            ("`max_restarts`", group.max_restarts.is_some()),
            ("`over`", group.over.is_some()),
            ("`backoff`", backoff.is_some()),
        ] {
            if set {
                found.push(vec![me.clone(), option.to_owned(), "never restarts".to_owned()]);
            }
        }
    }
    check_zero(&group.name, "`over`", group.over, found);
    if let Some((initial, max)) = backoff {
        check_backoff(&group.name, initial, max, found);
    }
    if !group.name.is_empty() {
        check_names(group, found);
    }
    let all = group.nodes.iter().map(|node| match node {
        Node::Leaf(Leaf { count: Count::Replicas(count), .. }) => *count,
        Node::Leaf(Leaf { count: Count::Open(_), .. }) => 0,
        _ => 1,
    });
    if all.fold(0, usize::saturating_add) > MOST {
        found.push(vec![MOST.to_string()]);
    }
    for (position, node) in group.nodes.iter().enumerate() {
        check_node(group, position, node, found);
        if let Node::Group(group) = node {
            inside(group, found);
        }
    }
}

/// Names are unique, and fit into paths, among all that a named supervisor has in itself and in its anonymous ones.
fn check_names(group: &Group, found: &mut Vec<Mistake>) {
    let mut seen = HashSet::new();
    let mut todo: Vec<&Node> = group.nodes.iter().collect();
    while let Some(node) = todo.pop() {
        match node {
            Node::Group(anonymous) if anonymous.name.is_empty() => todo.extend(&anonymous.nodes),
            _ => {
                let name = node.name();
                check_length(name, found);
                if name.is_empty() {
                    found.push(vec![shown(&group.name), "has an empty name".to_owned()]);
                } else if name.contains(['/', '[', ']']) {
                    found.push(vec![shown(name), "paths use them".to_owned()]);
                }
                if !name.is_empty() && !seen.insert(name) {
                    found.push(vec![shown(name), "two children of the name".to_owned()]);
                }
            }
        }
    }
}

fn check_node(group: &Group, position: usize, node: &Node, found: &mut Vec<Mistake>) {
    let (name, options) = (node.name(), node.options());
    if let Node::Leaf(leaf) = node {
        let shown = shown(name);
        match leaf.count {
            Count::Replicas(0) => found.push(vec![shown, "0 replicas".to_owned()]),
            Count::Open(Some(0)) => found.push(vec![shown, "0 members".to_owned()]),
            _ => {}
        }
        check_zero(name, "`heartbeat`", leaf.heartbeat, found);
        if let Some((initial, max)) = options.backoff {
            check_backoff(name, initial, max, found);
        }
        if options.backoff.is_some() && !group.strategy.restarts() {
            found.push(vec![format!("`{}", shown_of(name)), "`backoff`".to_owned(), "never restarts".to_owned()]);
        }
    }
    if let Some(Shutdown::Within(limit)) = options.shutdown {
        check_zero(name, "`shutdown`", Some(limit), found);
    }
    check_zero(name, "`start_timeout`", options.start_timeout, found);
    let is_open = matches!(node, Node::Leaf(Leaf { count: Count::Open(_), .. }));
    let default = if is_open { Restart::Temporary } else { Restart::Permanent };
    if options.restart.is_some_and(|restart| restart != default) && !group.strategy.restarts() {
        found.push(vec![shown_of(name), "`restart`".to_owned(), "never restarts".to_owned()]);
    }
    if options.significant {
        if group.auto_shutdown == AutoShutdown::Never {
            found.push(vec![shown_of(name), "significant".to_owned(), "`auto_shutdown` = never".to_owned()]);
        }
        let restart = options.restart.unwrap_or(default);
        if matches!(node, Node::Leaf(_)) && restart == Restart::Permanent && group.strategy.restarts() {
            found.push(vec![shown_of(name), "significant".to_owned(), "permanent".to_owned()]);
        }
    }
    if options.requires.is_empty() {
        return;
    }
    if group.strategy != Strategy::DependentsForOne {
        found.push(vec![shown_of(name), "`requires`".to_owned(), "`dependents_for_one`".to_owned()]);
        return;
    }
    for required in &options.requires {
        let at = group.nodes.iter().position(|node| !node.name().is_empty() && node.name() == required);
        match at.map(|at| (at, &group.nodes[at])) {
            None => found.push(vec![shown_of(name), shown(required), "no sibling".to_owned()]),
            Some((at, _)) if at >= position => {
                found.push(vec![shown_of(name), shown(required), "not declared before it".to_owned()]);
            }
            Some((_, node)) => {
                let is_open = matches!(node, Node::Leaf(Leaf { count: Count::Open(_), .. }));
                let default = if is_open { Restart::Temporary } else { Restart::Permanent };
                if node.options().restart.unwrap_or(default) == Restart::Temporary {
                    found.push(vec![shown_of(name), shown(required), "temporary".to_owned()]);
                }
            }
        }
    }
}

fn check_length(name: &str, found: &mut Vec<Mistake>) {
    if name.len() > 255 {
        found.push(vec![shown(name), format!("{} bytes: 255 are the most", name.len())]);
    }
}

fn check_zero(name: &str, option: &str, duration: Option<Duration>, found: &mut Vec<Mistake>) {
    if duration.is_some_and(|duration| duration.is_zero()) {
        found.push(vec![shown_of(name), option.to_owned(), "is zero".to_owned()]);
    }
}

fn check_backoff(name: &str, initial: Duration, max: Duration, found: &mut Vec<Mistake>) {
    check_zero(name, "`backoff`", Some(initial), found);
    if max < initial {
        found.push(vec![shown_of(name), "`backoff`".to_owned(), "swap them".to_owned()]);
    }
}

/// The beginning of a name, as much as every message shows.
fn shown(name: &str) -> String {
    name.chars().take(60).collect::<String>().trim_end().to_owned()
}

/// The same of what may be a supervisor without a name, which messages call by its strategy.
fn shown_of(name: &str) -> String {
    if name.is_empty() { "`".to_owned() } else { shown(name) }
}
