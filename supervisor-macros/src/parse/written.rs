//! The tree as it is written: nothing is checked, nothing is left out that could be read.

use std::cell::OnceCell;
use std::fmt;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Expr, Type, Visibility};

use crate::text::text;

/// A whole declaration.
pub(crate) struct Tree {
    pub(crate) krate: Krate,
    pub(crate) header: Option<Header>,
    pub(crate) root: Option<Group>,
}

/// The path of the runtime crate. It stands in the expansion once for each child and more, so it is kept as tokens that can
/// be appended one by one: to append a stream to a stream asks the compiler several times.
pub(crate) struct Krate(pub(super) Vec<TokenTree>);

impl Krate {
    /// All of it in one place, where it resolves as it does here.
    pub(crate) fn at(&self, place: Span) -> (Self, Span) {
        let span = place.resolved_at(self.0.first().map_or_else(Span::call_site, TokenTree::span));
        let mut tokens = self.0.clone();
        tokens.iter_mut().for_each(|token| token.set_span(span));
        (Self(tokens), span)
    }
}

impl ToTokens for Krate {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.0.iter().cloned());
    }
}

/// `pub struct Orders(config: Arc<Config>);`
pub(crate) struct Header {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    /// Not allowed, which has been reported; the types of the parameters name them.
    pub(crate) generics: Option<TokenStream>,
    pub(crate) params: Vec<Param>,
}

/// `config: Arc<Config>`
pub(crate) struct Param {
    pub(crate) name: Ident,
    /// `None` if it is missing or cannot be read, which has been reported.
    pub(crate) ty: Option<TokenStream>,
}

/// What stands in a group.
pub(crate) enum Node {
    Group(Group),
    Child(Child),
}

/// `pool: one_for_one(max_restarts = 10) { .. }`
pub(crate) struct Group {
    pub(crate) docs: Vec<String>,
    pub(crate) name: Option<Ident>,
    pub(crate) strategy: Ident,
    pub(crate) arguments: Vec<Argument>,
    /// `None` if the braces are missing or nothing in them can be read, which has been reported.
    pub(crate) children: Option<Vec<Node>>,
}

/// `worker*4(restart = transient): Worker = Worker::new`
pub(crate) struct Child {
    pub(crate) docs: Vec<String>,
    pub(crate) name: Ident,
    pub(crate) count: Option<Count>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) ty: Option<Stated>,
    /// `None` if it is missing or cannot be read, which has been reported.
    pub(crate) expression: Option<Expression>,
}

/// What follows the `*` of a child.
pub(crate) enum Count {
    Known(Expression),
    /// `..`, with or without a bound.
    Open(Open),
    /// Cannot be read, which has been reported.
    Wrong,
}

/// `..=1000`
pub(crate) struct Open {
    /// Where the dots are.
    pub(crate) place: Span,
    /// None, too, if it cannot be read, which has been reported.
    pub(crate) bound: Option<Expression>,
}

impl Open {
    /// As it stands after the `*`.
    pub(crate) fn as_text(&self) -> String {
        self.bound.as_ref().map_or_else(|| "..".to_owned(), |bound| format!("..={}", bound.as_amount()))
    }
}

/// What a number after the `*` says.
#[derive(Clone, Copy)]
pub(crate) enum Amount {
    /// How many replicas there are.
    Replicas,
    /// How many members an open group may have at most.
    Members,
}

impl Amount {
    /// How it begins.
    pub(crate) fn star(self) -> &'static str {
        match self {
            Self::Replicas => "*",
            Self::Members => "*..=",
        }
    }

    /// What to write, as the help of a mistake.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Replicas => "write how many replicas there are: `*4`",
            Self::Members => "write how many members there may be at most: `*..=1000`; without a limit, write `*..`",
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Replicas => "count",
            Self::Members => "bound",
        })
    }
}

/// One of the arguments in the parentheses of a group or a child.
pub(crate) enum Argument {
    /// `max_restarts = 10`; no value if it is missing or cannot be read, which has been reported.
    Keyed { key: Ident, value: Option<Expression> },
    /// `significant`
    Bare(Ident),
    /// Anything else; the function of a `custom` strategy.
    Positional(Expression),
}

/// A type that the user wrote, and its tokens as they were.
pub(crate) struct Stated {
    syntax: Box<Type>,
    pub(crate) tokens: TokenStream,
}

impl Stated {
    pub(crate) fn new(syntax: Type, tokens: TokenStream) -> Self {
        Self { syntax: Box::new(syntax), tokens }
    }

    pub(crate) fn syntax(&self) -> &Type {
        &self.syntax
    }
}

/// An expression that the user wrote, and its tokens as they were, for those go in untouched.
#[derive(Clone)]
pub(crate) struct Expression {
    syntax: Box<Expr>,
    pub(crate) tokens: TokenStream,
    text: OnceCell<String>,
}

impl Expression {
    pub(crate) fn new(syntax: Expr, tokens: TokenStream) -> Self {
        Self { syntax: Box::new(syntax), tokens, text: OnceCell::new() }
    }

    /// A part of another expression.
    pub(crate) fn part(syntax: &Expr) -> Self {
        Self::new(syntax.clone(), syntax.to_token_stream())
    }

    pub(crate) fn syntax(&self) -> &Expr {
        &self.syntax
    }

    /// Without the parentheses, and the invisible delimiters of a `macro_rules!` variable, around it.
    pub(crate) fn bare(&self) -> Self {
        match self.syntax() {
            Expr::Paren(paren) => Self::part(&paren.expr).bare(),
            Expr::Group(group) => Self::part(&group.expr).bare(),
            _ => self.clone(),
        }
    }

    /// The one identifier that it is.
    pub(crate) fn as_ident(&self) -> Option<&Ident> {
        match self.syntax() {
            Expr::Path(path) if path.qself.is_none() && path.attrs.is_empty() => path.path.get_ident(),
            _ => None,
        }
    }

    /// As the user wrote it, on one line.
    pub(crate) fn text(&self) -> &str {
        self.text.get_or_init(|| text(&self.tokens))
    }

    /// As it stands after a `*`, where more than a number or a path is in parentheses.
    pub(crate) fn as_amount(&self) -> String {
        match self.syntax() {
            Expr::Lit(_) | Expr::Path(_) => self.text().to_owned(),
            Expr::Paren(_) | Expr::Group(_) => match self.bare() {
                bare if matches!(bare.syntax(), Expr::Lit(_) | Expr::Path(_)) => bare.text().to_owned(),
                bare => format!("({})", bare.text()),
            },
            _ => format!("({})", self.text()),
        }
    }

    /// Where it begins and where it ends.
    pub(crate) fn spans(&self) -> (Span, Span) {
        let mut tokens = self.tokens.clone().into_iter();
        let first = tokens.next().map_or_else(Span::call_site, |token| token.span());
        let last = tokens.last().map_or(first, |token| token.span());
        (first, last)
    }
}

impl ToTokens for Expression {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.tokens.clone());
    }
}
