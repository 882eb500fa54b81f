//! The tree as it is meant: what is in here has passed the rules, and can be expanded.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream};

use super::Wires;
use super::fields::Field;
use super::strategy::Strategy;
use crate::parse::{Expression, Header, Krate, Open};
use crate::uses::Use;

/// A declaration of which everything that was wrong has been left out.
pub(crate) struct Tree {
    pub(crate) krate: Krate,
    pub(crate) header: Header,
    pub(crate) root: Option<Group>,
    /// Of the running tree; those of rejected children, too.
    pub(crate) fields: Vec<Field>,
    /// Which children are used.
    pub(crate) wires: Wires,
    /// Something of it has been reported.
    pub(crate) is_wrong: bool,
}

pub(crate) enum Node {
    Group(Group),
    Child(Child),
}

pub(crate) struct Group {
    pub(crate) docs: Vec<String>,
    pub(crate) name: Option<Ident>,
    /// Whatever word stands for it.
    pub(super) kind: Strategy,
    /// The word for it, the name of a constructor of the builder.
    pub(crate) strategy: Ident,
    /// The function of a `custom` strategy.
    pub(crate) decide: Option<Expression>,
    pub(crate) options: Vec<Setting>,
    pub(crate) children: Vec<Node>,
    /// Children that cannot be expanded, which has been reported, each with the number of those that stand before it.
    pub(super) rejected: Vec<(usize, Ident)>,
}

pub(crate) struct Child {
    /// Tells it from every other child of the tree.
    pub(crate) number: usize,
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
    /// The parameters that it uses, in the order of their first use.
    pub(crate) params: Vec<Use>,
    /// The children that it uses, likewise.
    pub(crate) uses: Vec<Used>,
}

/// A child that an expression uses.
pub(crate) struct Used {
    pub(crate) used: Use,
    /// The number of that child.
    pub(crate) provider: usize,
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

impl Evaluated {
    /// What it uses is found out when the whole tree is known.
    pub(super) fn new(count: Option<Expression>, ty: Option<TokenStream>, expression: Expression) -> Self {
        Self { count, ty, expression, params: Vec::new(), uses: Vec::new() }
    }
}

impl Value {
    /// Those that are evaluated for it.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let of = |time| match time {
            &Time::Literal(_) => None,
            Time::Expression(expression) => Some(expression),
        };
        let (first, second) = match self {
            Self::Expression(value) | Self::Function(value) => (Some(value), None),
            Self::Time(time) => (of(time), None),
            Self::Range(initial, max) => (of(initial), of(max)),
            Self::Flag | Self::Wrong | Self::Word { .. } | Self::Names(_) => (None, None),
        };
        first.into_iter().chain(second)
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

/// The same if it is set to something: what is wrong has been reported, and may mean anything.
pub(crate) fn right_option<'a>(options: &'a [Setting], key: &str) -> Option<&'a Setting> {
    valid(options).find(|option| option.key == key)
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
