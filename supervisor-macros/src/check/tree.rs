//! The tree as it is meant: what is in here has passed the rules, and can be expanded.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream};

use super::fields::Field;
use crate::parse::{Expression, Header, Open};

/// A declaration of which everything that was wrong has been left out.
pub(crate) struct Tree {
    pub(crate) krate: TokenStream,
    pub(crate) header: Header,
    pub(crate) root: Option<Group>,
    /// Of the running tree; those of rejected children, too.
    pub(crate) fields: Vec<Field>,
}

pub(crate) enum Node {
    Group(Group),
    Child(Child),
}

pub(crate) struct Group {
    pub(crate) docs: Vec<String>,
    pub(crate) name: Option<Ident>,
    /// The word for it, the name of a constructor of the builder.
    pub(crate) strategy: Ident,
    /// The function of a `custom` strategy.
    pub(crate) decide: Option<Expression>,
    pub(crate) options: Vec<Setting>,
    pub(crate) children: Vec<Node>,
}

pub(crate) struct Child {
    pub(crate) docs: Vec<String>,
    pub(crate) name: Ident,
    pub(crate) options: Vec<Setting>,
    pub(crate) body: Body,
}

/// Where the services of a child come from.
pub(crate) enum Body {
    Evaluated(Evaluated),
    Open(Members),
}

/// An expression gives the service; or the replicas, as a function of the index.
pub(crate) struct Evaluated {
    pub(crate) count: Option<Expression>,
    pub(crate) ty: Option<TokenStream>,
    pub(crate) expression: Expression,
}

/// They are added while the tree runs.
pub(crate) struct Members {
    pub(crate) open: Open,
    pub(crate) ty: TokenStream,
}

/// One option: the name of a method of the builder, and its argument.
pub(crate) struct Setting {
    pub(crate) key: Ident,
    pub(crate) value: Value,
    /// The tokens of the value as they are written.
    pub(crate) written: TokenStream,
}

pub(crate) enum Value {
    /// None: the option stands alone.
    Flag,
    Expression(Expression),
    /// A function that is kept, and so must own what it uses.
    Function(Expression),
    Time(Time),
    Range(Time, Time),
    /// A variant of an enum of the runtime; the word as the user wrote it.
    Word {
        of: &'static str,
        variant: &'static str,
        word: Ident,
    },
    Names(Vec<Ident>),
    /// None that can be expanded, which has been reported; the rules still see that the option is set.
    Wrong,
}

/// A duration.
pub(crate) enum Time {
    Literal(Duration),
    Expression(Expression),
}

impl Time {
    pub(crate) fn literal(&self) -> Option<Duration> {
        match self {
            Self::Literal(duration) => Some(*duration),
            Self::Expression(_) => None,
        }
    }
}

impl Node {
    pub(crate) fn name(&self) -> Option<&Ident> {
        match self {
            Self::Group(group) => group.name.as_ref(),
            Self::Child(child) => Some(&child.name),
        }
    }

    pub(crate) fn options(&self) -> &[Setting] {
        match self {
            Self::Group(group) => &group.options,
            Self::Child(child) => &child.options,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Child(Child { body: Body::Open(_), .. }))
    }
}

/// The options that can be expanded.
pub(crate) fn valid(options: &[Setting]) -> impl Iterator<Item = &Setting> {
    options.iter().filter(|option| !matches!(option.value, Value::Wrong))
}

/// Finds an option by its name.
pub(crate) fn option<'a>(options: &'a [Setting], key: &str) -> Option<&'a Setting> {
    options.iter().find(|option| option.key == key)
}

impl Child {
    /// Whether it is evaluated once.
    pub(crate) fn is_in_place(&self) -> bool {
        option(&self.options, "in_place").is_some()
    }
}

impl Setting {
    /// The word that it is set to.
    pub(crate) fn word(&self) -> Option<&'static str> {
        match self.value {
            Value::Word { variant, .. } => Some(variant),
            _ => None,
        }
    }
}
