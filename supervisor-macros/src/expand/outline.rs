//! The declaration as data, and as a drawing for the documentation of the tree's type.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;

use crate::check::{Body, Child, Evaluated, Group, Members, Node, Setting, valid};
use crate::parse::{Expression, Krate};
use crate::text::text;

/// `Outline::group("Tree", "one_for_all").with_children(&[..])`
pub(super) fn root(krate: &Krate, title: &str, root: &Group) -> TokenStream {
    group(krate, title, root)
}

fn group(krate: &Krate, name: &str, group: &Group) -> TokenStream {
    let strategy = group.strategy.to_string();
    let decide = group.decide.iter().map(|decide| {
        let decide = decide.text();
        quote!(.with_decide(#decide))
    });
    let options = options(&group.options);
    let docs = docs(&group.docs);
    let children = group.children.iter().map(|node| self::node(krate, node));
    quote!(#krate::Outline::group(#name, #strategy) #(#decide)* #options #docs .with_children(&[#(#children),*]))
}

fn node(krate: &Krate, node: &Node) -> TokenStream {
    let name = node.name().map(|name| name.unraw().to_string()).unwrap_or_default();
    match node {
        Node::Group(inner) => group(krate, &name, inner),
        Node::Child(child) => {
            let (expression, replicas, ty) = match &child.body {
                Body::Evaluated(Evaluated { count, ty, expression, .. }) => {
                    (expression.text().to_owned(), count.as_ref().map(Expression::as_amount), ty.as_ref())
                }
                Body::Open(Members { open, ty }) => (text(ty), Some(open.as_text()), None),
            };
            let uses = uses(child);
            let uses = (!uses.is_empty()).then(|| quote!(.with_uses(&[#(#uses),*])));
            let replicas = replicas.iter().map(|count| quote!(.with_replicas(#count)));
            let ty = ty.iter().map(|ty| {
                let ty = text(ty);
                quote!(.with_ty(#ty))
            });
            let options = options(&child.options);
            let docs = docs(&child.docs);
            quote!(#krate::Outline::child(#name, #expression) #(#replicas)* #(#ty)* #uses #options #docs)
        }
    }
}

/// The names of the children that it uses.
fn uses(child: &Child) -> Vec<String> {
    match &child.body {
        Body::Evaluated(made) => made.uses.iter().map(|used| used.used.name.unraw().to_string()).collect(),
        Body::Open(_) => Vec::new(),
    }
}

fn options(options: &[Setting]) -> Option<TokenStream> {
    let options = valid(options).map(|option| {
        let (key, value) = (option.key.to_string(), text(&option.written));
        quote!((#key, #value))
    });
    let options: Vec<_> = options.collect();
    (!options.is_empty()).then(|| quote!(.with_options(&[#(#options),*])))
}

fn docs(lines: &[String]) -> Option<TokenStream> {
    let docs = lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n");
    (!docs.is_empty()).then(|| quote!(.with_docs(#docs)))
}

/// The lines of documentation that show the tree.
pub(super) fn drawing(root: &Group) -> Vec<String> {
    let mut lines = vec![String::new(), " ```text".to_owned(), format!(" {}", root.strategy)];
    draw(&root.children, " ", &mut lines);
    lines.push(" ```".to_owned());
    lines
}

fn draw(nodes: &[Node], indent: &str, lines: &mut Vec<String>) {
    for (index, node) in nodes.iter().enumerate() {
        let (branch, below) = if index + 1 == nodes.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        lines.push(format!("{indent}{branch}{}", caption(node)));
        if let Node::Group(group) = node {
            draw(&group.children, &format!("{indent}{below}"), lines);
        }
    }
}

fn caption(node: &Node) -> String {
    match node {
        Node::Group(group) => match &group.name {
            Some(name) => format!("{name}: {}", group.strategy),
            None => group.strategy.to_string(),
        },
        Node::Child(child @ Child { name, body: Body::Evaluated(made), .. }) => {
            let count = made.count.iter().map(|count| format!("*{}", count.as_amount())).collect::<String>();
            let uses = uses(child);
            let uses = if uses.is_empty() { String::new() } else { format!("  <- {}", uses.join(", ")) };
            format!("{name}{count}{uses}")
        }
        Node::Child(Child { name, body: Body::Open(members), .. }) => format!("{name}*{}", members.open.as_text()),
    }
}
