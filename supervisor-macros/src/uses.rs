//! Which names of the tree, those of its parameters and its children, an expression uses.
//!
//! A name is used where it stands as a path and no closure argument, `let`, pattern or item in between
//! takes it. What a `use` in between imports may be a module or a function: where it is called, it is the function. Field and
//! method names are no uses; the shorthand of a struct literal is. The body of a macro
//! is read as its arguments, if it reads like some, and otherwise every mention in it is taken for a use that
//! is not the name of something: nobody knows what it expands to.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use proc_macro2::{Ident, Literal, Spacing, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{
    Arm, Block, Expr, ExprAsync, ExprCall, ExprClosure, ExprField, ExprForLoop, ExprIf, ExprIndex, ExprLet,
    ExprMethodCall, ExprPath, ExprReference, ExprStruct, ExprWhile, Fields, Item, Lit, Local, Macro, Pat, PatIdent,
    Stmt, Token, UnOp, UseTree,
};

/// A name that an expression uses.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    /// As it stands at the first use, with the span of that.
    pub(crate) name: Ident,
    /// Whether the value of the expression may hold a borrow of it: everything but moving and cloning.
    pub(crate) borrowed: bool,
    /// Whether no use of it can move out of it: fields, method calls and references.
    pub(crate) only_read: bool,
    /// Whether some use of it is one of a value: through a field or an index, by `.clone()` or in a text (`"{db}"`). A
    /// function of that name could not stand there.
    pub(crate) is_value: bool,
}

/// The names that an expression could mean, found without a look at all of them.
#[derive(Default)]
pub(crate) struct Names(HashMap<String, Ident>);

impl Names {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contains(&self, name: &Ident) -> bool {
        self.0.contains_key(&name.unraw().to_string())
    }
}

impl<'a> FromIterator<&'a Ident> for Names {
    fn from_iter<I: IntoIterator<Item = &'a Ident>>(names: I) -> Self {
        Self(names.into_iter().map(|name| (name.unraw().to_string(), name.clone())).collect())
    }
}

/// The uses in `expression` of some `names`, in the order of the first use of each.
pub(crate) fn uses(expression: &Expr, names: &Names) -> Vec<Use> {
    let mut visitor =
        Visitor { names, scopes: vec![Vec::new()], imports: vec![Vec::new()], owned: 0, uses: Vec::new() };
    visitor.visit_expr(expression);
    visitor.uses
}

struct Visitor<'a> {
    names: &'a Names,
    /// The names that are taken, innermost scope last.
    scopes: Vec<Vec<String>>,
    /// Those that are imported, in the same scopes.
    imports: Vec<Vec<String>>,
    /// How many `move` closures and `async move` blocks are around: what is used there has moved there.
    owned: usize,
    uses: Vec<Use>,
}

/// How a name is used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// By value, or cloned on the spot.
    Moved,
    Cloned,
    /// A part of it, by value.
    Part,
    /// What it points to, by value.
    Pointed,
    /// Through a field or an index, or in a text.
    Field,
    /// Through a method or a reference.
    Read,
    Unknown,
}

impl Visitor<'_> {
    fn found(&mut self, name: &Ident, how: How) {
        let text = name.unraw().to_string();
        if !self.names.0.contains_key(&text) || self.scopes.iter().flatten().any(|taken| *taken == text) {
            return;
        }
        let borrowed = self.owned == 0 && matches!(how, How::Read | How::Field | How::Unknown);
        let only_read =
            self.owned == 0 && matches!(how, How::Read | How::Field | How::Part | How::Pointed | How::Cloned);
        let is_value = matches!(how, How::Field | How::Part | How::Cloned);
        match self.uses.iter_mut().find(|earlier| earlier.name.unraw() == text) {
            Some(earlier) => {
                earlier.borrowed |= borrowed;
                earlier.only_read &= only_read;
                earlier.is_value |= is_value;
            }
            None => self.uses.push(Use { name: name.clone(), borrowed, only_read, is_value }),
        }
    }

    /// Visits an expression in a place that says how a bare name is used.
    fn used(&mut self, expression: &Expr, how: How) {
        match expression {
            Expr::Path(path) => self.path(path, how),
            Expr::Paren(paren) => self.used(&paren.expr, how),
            Expr::Field(field) if how == How::Moved => self.used(&field.base, How::Part),
            Expr::Field(field) if matches!(how, How::Part | How::Unknown) => self.used(&field.base, how),
            Expr::Unary(unary) if how == How::Moved && matches!(unary.op, UnOp::Deref(_)) => {
                self.used(&unary.expr, How::Pointed)
            }
            other => self.visit_expr(other),
        }
    }

    fn path(&mut self, path: &ExprPath, how: How) {
        if let (None, Some(name)) = (&path.qself, path.path.get_ident()) {
            self.found(name, how);
        } else {
            visit::visit_expr_path(self, path);
        }
    }

    fn scoped(&mut self, visit: impl FnOnce(&mut Self)) {
        self.scopes.push(Vec::new());
        self.imports.push(Vec::new());
        visit(self);
        self.imports.pop();
        self.scopes.pop();
    }

    fn owning(&mut self, owns: bool, visit: impl FnOnce(&mut Self)) {
        self.owned += usize::from(owns);
        visit(self);
        self.owned -= usize::from(owns);
    }

    fn take(&mut self, name: &Ident) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.push(name.unraw().to_string());
        }
    }

    /// Takes the names that an item has as a value, or imports.
    fn declare(&mut self, item: &Item) {
        match item {
            Item::Const(item) => self.take(&item.ident),
            Item::Static(item) => self.take(&item.ident),
            Item::Fn(item) => self.take(&item.sig.ident),
            Item::Struct(item) if !matches!(item.fields, Fields::Named(_)) => self.take(&item.ident),
            Item::Use(item) => self.import(&item.tree),
            _ => {}
        }
    }

    fn import(&mut self, tree: &UseTree) {
        let name = match tree {
            UseTree::Path(path) => return self.import(&path.tree),
            UseTree::Group(group) => return group.items.iter().for_each(|tree| self.import(tree)),
            UseTree::Name(name) => &name.ident,
            UseTree::Rename(renamed) => &renamed.rename,
            // Nobody knows what that is.
            UseTree::Glob(_) => return,
        };
        if let Some(scope) = self.imports.last_mut() {
            scope.push(name.unraw().to_string());
        }
    }

    fn is_imported(&self, name: &Ident) -> bool {
        self.imports.iter().flatten().any(|imported| name.unraw() == imported)
    }

    /// Arguments, as of `vec!` and `format!`: expressions, some of them named, and texts that name what they show.
    fn arguments(&mut self, arguments: &Punctuated<Expr, Token![,]>) {
        let named = |argument: &Expr| match argument {
            Expr::Assign(named) => as_name(&named.left).map(|name| name.unraw().to_string()),
            _ => None,
        };
        let names: Vec<String> = arguments.iter().filter_map(named).collect();
        for argument in arguments {
            match argument {
                // Whether a macro moves or borrows what it is given is its own business.
                Expr::Assign(assigned) if as_name(&assigned.left).is_some() => {
                    self.used(&assigned.right, How::Unknown);
                }
                Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_)) => {
                    if let Lit::Str(text) = &literal.lit {
                        self.shown(&text.token(), &names);
                    }
                }
                argument => self.used(argument, How::Unknown),
            }
        }
    }

    /// Tokens that are anything: what is not the name of a field, of an argument or of a part of a path may be a use.
    fn scan(&mut self, tokens: TokenStream) {
        let is = |token: Option<&TokenTree>, mark: char, spacing: Option<Spacing>| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark && spacing.is_none_or(|of| punct.spacing() == of));
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            let (before, after) = (at.checked_sub(1).and_then(|at| tokens.get(at)), tokens.get(at + 1));
            match token {
                TokenTree::Ident(name) => {
                    let of_range = at > 1 && is(tokens.get(at - 2), '.', Some(Spacing::Joint));
                    let is_field = is(before, '.', None) && !of_range;
                    let is_label = is(after, ':', None) || is(after, '=', Some(Spacing::Alone));
                    let is_of_path =
                        is(before, ':', None) && at > 1 && is(tokens.get(at - 2), ':', Some(Spacing::Joint));
                    if !is_field && !is_label && !is_of_path {
                        self.found(name, How::Unknown);
                    }
                }
                TokenTree::Group(group) => self.scan(group.stream()),
                TokenTree::Literal(literal) => self.shown(literal, &[]),
                TokenTree::Punct(_) => {}
            }
        }
    }

    /// What a text shows: `format!("{config}")`; except what `named` gives it.
    fn shown(&mut self, literal: &Literal, named: &[String]) {
        for shown in placeholders(&literal.to_string()) {
            if let Some(name) = self.names.0.get(shown)
                && !named.iter().any(|named| named == shown)
            {
                let mut name = name.clone();
                name.set_span(literal.span());
                self.found(&name, How::Field);
            }
        }
    }
}

/// What a text names: `{name}`, `{name:?}` and `{:name$}`.
fn placeholders(text: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        if let Some(escaped) = after.strip_prefix('{') {
            rest = escaped;
            continue;
        }
        let (placeholder, after) = after.split_once('}').unwrap_or((after, ""));
        let (argument, spec) = placeholder.split_once(':').unwrap_or((placeholder, ""));
        names.push(argument.trim());
        let mut sizes: Vec<&str> = spec.split('$').collect();
        sizes.pop();
        names.extend(sizes.into_iter().filter_map(|before| before.rsplit(|c| !is_word(c)).next()));
        rest = after;
    }
    names
}

/// `matches!(value, pattern if guard)`
struct Matches {
    value: Expr,
    pattern: Pat,
    guard: Option<Expr>,
}

impl Parse for Matches {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let value = input.parse()?;
        input.parse::<Token![,]>()?;
        let pattern = Pat::parse_multi_with_leading_vert(input)?;
        let guard = input.parse::<Option<Token![if]>>()?.map(|_| input.parse()).transpose()?;
        input.parse::<Option<Token![,]>>()?;
        Ok(Self { value, pattern, guard })
    }
}

fn as_name(expression: &Expr) -> Option<&Ident> {
    match expression {
        Expr::Path(path) if path.qself.is_none() => path.path.get_ident(),
        _ => None,
    }
}

impl<'ast> Visit<'ast> for Visitor<'_> {
    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        self.path(path, How::Unknown);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if !as_name(&call.func).is_some_and(|name| self.is_imported(name)) {
            self.visit_expr(&call.func);
        }
        for argument in &call.args {
            self.used(argument, How::Moved);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let how = if call.method == "clone" && call.args.is_empty() { How::Cloned } else { How::Read };
        self.used(&call.receiver, how);
        for argument in &call.args {
            self.used(argument, How::Moved);
        }
    }

    fn visit_expr_struct(&mut self, literal: &'ast ExprStruct) {
        for field in &literal.fields {
            self.used(&field.expr, How::Moved);
        }
        if let Some(rest) = &literal.rest {
            self.visit_expr(rest);
        }
    }

    fn visit_expr_field(&mut self, field: &'ast ExprField) {
        self.used(&field.base, How::Field);
    }

    fn visit_expr_index(&mut self, index: &'ast ExprIndex) {
        self.used(&index.expr, How::Field);
        self.visit_expr(&index.index);
    }

    fn visit_expr_reference(&mut self, reference: &'ast ExprReference) {
        self.used(&reference.expr, How::Read);
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        self.scoped(|visitor| {
            for input in &closure.inputs {
                visitor.visit_pat(input);
            }
            visitor.owning(closure.capture.is_some(), |visitor| visitor.visit_expr(&closure.body));
        });
    }

    fn visit_expr_async(&mut self, block: &'ast ExprAsync) {
        self.owning(block.capture.is_some(), |visitor| visitor.visit_block(&block.block));
    }

    fn visit_block(&mut self, block: &'ast Block) {
        self.scoped(|visitor| {
            for statement in &block.stmts {
                if let Stmt::Item(item) = statement {
                    visitor.declare(item);
                }
            }
            visit::visit_block(visitor, block);
        });
    }

    fn visit_local(&mut self, local: &'ast Local) {
        if let Some(init) = &local.init {
            self.visit_expr(&init.expr);
            if let Some((_, diverge)) = &init.diverge {
                self.visit_expr(diverge);
            }
        }
        self.visit_pat(&local.pat);
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        self.scoped(|visitor| {
            // A guard is part of the pattern, and comes after its bindings.
            visitor.visit_pat(&arm.pat);
            visitor.visit_expr(&arm.body);
        });
    }

    fn visit_expr_let(&mut self, condition: &'ast ExprLet) {
        self.visit_expr(&condition.expr);
        self.visit_pat(&condition.pat);
    }

    fn visit_expr_if(&mut self, branches: &'ast ExprIf) {
        self.scoped(|visitor| {
            visitor.visit_expr(&branches.cond);
            visitor.visit_block(&branches.then_branch);
        });
        if let Some((_, other)) = &branches.else_branch {
            self.visit_expr(other);
        }
    }

    fn visit_expr_while(&mut self, repeated: &'ast ExprWhile) {
        self.scoped(|visitor| {
            visitor.visit_expr(&repeated.cond);
            visitor.visit_block(&repeated.body);
        });
    }

    fn visit_expr_for_loop(&mut self, repeated: &'ast ExprForLoop) {
        self.visit_expr(&repeated.expr);
        self.scoped(|visitor| {
            visitor.visit_pat(&repeated.pat);
            visitor.visit_block(&repeated.body);
        });
    }

    fn visit_pat_ident(&mut self, binding: &'ast PatIdent) {
        self.take(&binding.ident);
        visit::visit_pat_ident(self, binding);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        let tokens = || call.tokens.clone();
        let is_matches = call.path.segments.last().is_some_and(|last| last.ident == "matches");
        if is_matches && let Ok(Matches { value, pattern, guard }) = syn::parse2(tokens()) {
            self.used(&value, How::Unknown);
            self.scoped(|visitor| {
                visitor.visit_pat(&pattern);
                guard.iter().for_each(|guard| visitor.visit_expr(guard));
            });
        } else if let Ok(arguments) = Punctuated::parse_terminated.parse2(tokens()) {
            self.arguments(&arguments);
        } else {
            self.scan(tokens());
        }
    }

    // An item cannot see the names of a tree, and neither can a type or its arguments.
    fn visit_item(&mut self, _: &'ast Item) {}
    fn visit_generic_argument(&mut self, _: &'ast syn::GenericArgument) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
}
