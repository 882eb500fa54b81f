//! Names: which may stand, and in which scope they are unique.

use std::collections::HashMap;

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;

use crate::mistake::{Mistake, Mistakes};
use crate::parse::{Header, Node};

/// The names that belong to one named group, those in its anonymous groups included.
pub(super) struct Scope {
    group: String,
    names: HashMap<String, Span>,
}

impl Scope {
    pub(super) fn of(group: String) -> Self {
        Self { group, names: HashMap::new() }
    }

    /// The scope of a named group.
    pub(super) fn inner(&self, name: &Ident) -> Self {
        Self::of(name.unraw().to_string())
    }

    /// Adds the name of a child or a group.
    pub(super) fn declare(&mut self, name: &Ident, mistakes: &mut Mistakes) {
        usable(name, mistakes);
        let text = name.unraw().to_string();
        match self.names.get(&text) {
            Some(first) => {
                let message = format!("duplicate name `{text}` in `{}`", self.group);
                let line = first.start().line;
                mistakes.push(
                    Mistake::at(name, message)
                        .help("rename one of the two, or put one into a named group")
                        .note(format!("the first `{text}` is on line {line}")),
                );
            }
            None => {
                self.names.insert(text, name.span());
            }
        }
    }
}

/// The names of the type and its parameters; a type cannot be expanded under a name that is none.
pub(super) fn header(header: &mut Header, mistakes: &mut Mistakes) {
    usable(&header.name, mistakes);
    if !is_identifier(&header.name) {
        header.name = Ident::new("Tree", header.name.span());
    }
    for param in &header.params {
        usable(&param.name, mistakes);
    }
}

/// The name of a node, to be found by its siblings; empty for an anonymous group.
pub(super) fn of_node(node: &Node) -> String {
    match node {
        Node::Group(group) => group.name.as_ref().map(|name| name.unraw().to_string()).unwrap_or_default(),
        Node::Child(child) => child.name.unraw().to_string(),
    }
}

/// Whether it is neither a keyword nor `_`.
fn is_identifier(name: &Ident) -> bool {
    syn::parse_str::<Ident>(&name.to_string()).is_ok()
}

fn usable(name: &Ident, mistakes: &mut Mistakes) {
    let text = name.to_string();
    if text.starts_with("__") {
        let message = format!("the name `{text}` begins with `__`, which is reserved");
        mistakes.push(Mistake::at(name, message).help("choose a name without the underscores"));
    } else if text == "_" {
        mistakes.push(Mistake::at(name, "`_` is not a name").help("choose a name; paths, logs and errors show it"));
    } else if !is_identifier(name) {
        let message = format!("`{text}` is a keyword of Rust and cannot be a name");
        mistakes.push(Mistake::at(name, message).help("choose another name"));
    }
}
