//! Names: which may stand, and in which scope they are unique.

use std::collections::HashMap;

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::ext::IdentExt;

use super::fields::Field;
use crate::mistake::{Mistake, Mistakes};
use crate::parse::{Header, Node};

/// The names that belong to one named group, those in its anonymous groups included.
pub(super) struct Scope {
    group: String,
    /// Where its fields are: `tree.pool`.
    path: String,
    names: HashMap<String, Span>,
    fields: Vec<Field>,
}

impl Scope {
    /// The scope of the whole tree.
    pub(super) fn of(tree: String) -> Self {
        Self { group: tree, path: "tree".to_owned(), names: HashMap::new(), fields: Vec::new() }
    }

    /// The scope of a named group.
    pub(super) fn inner(&self, name: &Ident) -> Self {
        Self { path: self.path(name), ..Self::of(name.unraw().to_string()) }
    }

    /// How a program gets at what is declared under a name.
    pub(super) fn path(&self, name: &Ident) -> String {
        format!("{}.{name}", self.path)
    }

    /// Adds the name of a child or a group; there is no field for one that is none, or is taken.
    pub(super) fn declare(&mut self, field: Field, mistakes: &mut Mistakes) {
        let name = &field.name;
        let text = name.unraw().to_string();
        let is_usable = usable(name, "choose a name; paths, logs and errors show it", mistakes);
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
                self.fields.extend(is_usable.then_some(field));
            }
        }
    }

    pub(super) fn into_fields(self) -> Vec<Field> {
        self.fields
    }
}

/// The names of the type and its parameters; a type cannot be expanded under a name that is none.
pub(super) fn header(header: &mut Header, mistakes: &mut Mistakes) {
    usable(&header.name, "choose a name", mistakes);
    if !is_identifier(&header.name) {
        header.name = Ident::new("Tree", header.name.span());
    }
    // Each keeps its place, under a name that nobody uses: `Tree::run(..)` is called with as many arguments as are written.
    let mut names: Vec<Ident> = Vec::new();
    for (index, param) in header.params.iter_mut().enumerate() {
        usable(&param.name, "choose a name, by which the expressions use it", mistakes);
        let is_taken = names.contains(&param.name);
        if is_taken {
            let message = format!("duplicate parameter `{}`", param.name);
            mistakes.push(Mistake::at(&param.name, message).help("rename one of the two"));
        }
        if is_taken || !is_identifier(&param.name) {
            param.name = Ident::new(&format!("__{index}"), param.name.span());
        }
        names.push(param.name.clone());
    }
}

/// The name of a node, to be found by its siblings; empty for an anonymous group.
pub(super) fn of_node(node: &Node) -> String {
    match node {
        Node::Group(group) => group.name.as_ref().map(|name| name.unraw().to_string()).unwrap_or_default(),
        Node::Child(child) => child.name.unraw().to_string(),
    }
}

/// Whether it is neither a keyword nor `_`. Which edition a name is from is not known, so `gen` is a keyword in each.
pub(super) fn is_identifier(name: &Ident) -> bool {
    name != "gen" && syn::parse2::<Ident>(name.to_token_stream()).is_ok()
}

/// Whether a name can stand; if not, that is reported, with `nameless` as the help for `_`.
fn usable(name: &Ident, nameless: &str, mistakes: &mut Mistakes) -> bool {
    let text = name.to_string();
    let mistake = if text.starts_with("__") {
        let message = format!("the name `{text}` begins with `__`, which is reserved");
        Mistake::at(name, message).help("choose a name without the underscores")
    } else if text == "_" {
        Mistake::at(name, "`_` is not a name").help(nameless)
    } else if !is_identifier(name) {
        let message = format!("`{text}` is a keyword of Rust and cannot be a name");
        let is_raw = syn::parse_str::<Ident>(&format!("r#{text}")).is_ok();
        let raw = if is_raw { format!("write `r#{text}`, or ") } else { String::new() };
        Mistake::at(name, message).help(format!("{raw}choose another name"))
    } else {
        return true;
    };
    mistakes.push(mistake);
    false
}
