//! The fields of the running tree: one for each child and each named group, wrong ones included.

use proc_macro2::{Ident, TokenStream};

use crate::parse::{Child, Count};
use crate::text::text;

/// A field of the running tree, or of one of its named groups.
pub(crate) struct Field {
    pub(crate) docs: Vec<String>,
    pub(crate) name: Ident,
    /// What it refers to, as it is written: `worker*4: Worker::new`.
    pub(crate) line: String,
    pub(crate) reference: Reference,
}

/// What a field is; with the type of the services, where it is stated.
pub(crate) enum Reference {
    Child(Option<TokenStream>),
    Replicas(Option<TokenStream>),
    Children(Option<TokenStream>),
    Group(Vec<Field>),
}

impl Field {
    pub(super) fn of_child(child: &Child, ty: Option<TokenStream>) -> Self {
        let reference = match child.count {
            None => Reference::Child(ty),
            Some(Count::Known(_) | Count::Wrong) => Reference::Replicas(ty),
            Some(Count::Open(_)) => Reference::Children(ty),
        };
        Self { docs: child.docs.clone(), name: child.name.clone(), line: line(child), reference }
    }

    pub(super) fn of_group(name: &Ident, docs: &[String], strategy: &Ident, fields: Vec<Self>) -> Self {
        let line = format!("{name}: {strategy}");
        Self { docs: docs.to_vec(), name: name.clone(), line, reference: Reference::Group(fields) }
    }
}

fn line(child: &Child) -> String {
    let mut line = child.name.to_string();
    match &child.count {
        Some(Count::Known(count)) => line += &format!("*{}", count.as_amount()),
        Some(Count::Open(open)) => line += &format!("*{}", open.as_text()),
        Some(Count::Wrong) | None => {}
    }
    let ty = child.ty.as_ref().map(|ty| text(&ty.tokens));
    let expression = child.expression.as_ref().map(|expression| abridged(expression.text()));
    let body: Vec<String> = ty.into_iter().chain(expression).collect();
    if body.is_empty() { line } else { format!("{line}: {}", body.join(" = ")) }
}

/// What is longer than a line of documentation is cut.
fn abridged(expression: &str) -> String {
    const WIDTH: usize = 60;
    match expression.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{} ..", expression[..end].trim_end()),
        None => expression.to_owned(),
    }
}
