//! Which parameters an expression uses.
//!
//! A parameter is used where its name stands as a path and no closure argument, `let`, pattern or item
//! in between takes it. Field and method names are no uses; the shorthand of a struct literal is. Only in
//! the body of a macro is every mention taken for a use, for nobody knows what it expands to.

#[cfg(test)]
mod tests;

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{
    Arm, Block, Expr, ExprAsync, ExprCall, ExprClosure, ExprField, ExprForLoop, ExprIf, ExprIndex, ExprLet,
    ExprMethodCall, ExprPath, ExprReference, ExprStruct, ExprWhile, Item, Local, Macro, PatIdent, Stmt, UnOp,
};

/// A parameter that an expression uses.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    /// As it stands at the first use, with the span of that.
    pub(crate) name: Ident,
    /// Whether the value of the expression may hold a borrow of it: everything but moving and cloning.
    pub(crate) borrowed: bool,
    /// Whether no use of it can move out of it: fields, method calls and references.
    pub(crate) only_read: bool,
}

/// The uses in `expression` of names in `params`, in the order of the first use of each.
pub(crate) fn uses(expression: &Expr, params: &[Ident]) -> Vec<Use> {
    let mut visitor = Visitor { params, scopes: vec![Vec::new()], owned: 0, uses: Vec::new() };
    visitor.visit_expr(expression);
    visitor.uses
}

struct Visitor<'a> {
    params: &'a [Ident],
    /// The names that are taken, innermost scope last.
    scopes: Vec<Vec<String>>,
    /// How many `move` closures and `async move` blocks are around: what is used there has moved there.
    owned: usize,
    uses: Vec<Use>,
}

/// How a parameter is used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// By value, or cloned on the spot.
    Moved,
    Cloned,
    /// A part of it, by value.
    Part,
    /// Through a field, a method or a reference.
    Read,
    Unknown,
}

impl Visitor<'_> {
    fn found(&mut self, name: &Ident, how: How) {
        let is_param = self.params.iter().any(|param| param == name);
        if !is_param || self.scopes.iter().flatten().any(|taken| name == taken) {
            return;
        }
        let borrowed = self.owned == 0 && matches!(how, How::Read | How::Unknown);
        let only_read = self.owned == 0 && matches!(how, How::Read | How::Part | How::Cloned);
        match self.uses.iter_mut().find(|earlier| earlier.name == *name) {
            Some(earlier) => {
                earlier.borrowed |= borrowed;
                earlier.only_read &= only_read;
            }
            None => self.uses.push(Use { name: name.clone(), borrowed, only_read }),
        }
    }

    /// Visits an expression in a place that says how a bare name is used.
    fn used(&mut self, expression: &Expr, how: How) {
        match expression {
            Expr::Path(path) => self.path(path, how),
            Expr::Paren(paren) => self.used(&paren.expr, how),
            Expr::Field(field) if how == How::Moved => self.used(&field.base, How::Part),
            Expr::Field(field) if how == How::Part => self.used(&field.base, how),
            Expr::Unary(unary) if how == How::Moved && matches!(unary.op, UnOp::Deref(_)) => {
                self.used(&unary.expr, How::Part)
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
        visit(self);
        self.scopes.pop();
    }

    fn owning(&mut self, owns: bool, visit: impl FnOnce(&mut Self)) {
        self.owned += usize::from(owns);
        visit(self);
        self.owned -= usize::from(owns);
    }

    fn take(&mut self, name: &Ident) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.push(name.to_string());
        }
    }

    fn scan(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(name) => self.found(&name, How::Unknown),
                TokenTree::Group(group) => self.scan(group.stream()),
                TokenTree::Literal(literal) => {
                    // `format!("{config}")`
                    let text = literal.to_string();
                    for param in self.params {
                        if [format!("{{{param}}}"), format!("{{{param}:")]
                            .iter()
                            .any(|named| text.contains(named.as_str()))
                        {
                            let mut name = param.clone();
                            name.set_span(literal.span());
                            self.found(&name, How::Unknown);
                        }
                    }
                }
                TokenTree::Punct(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Visitor<'_> {
    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        self.path(path, How::Unknown);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        self.visit_expr(&call.func);
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
        self.used(&field.base, How::Read);
    }

    fn visit_expr_index(&mut self, index: &'ast ExprIndex) {
        self.used(&index.expr, How::Read);
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
                match statement {
                    Stmt::Item(Item::Const(item)) => visitor.take(&item.ident),
                    Stmt::Item(Item::Static(item)) => visitor.take(&item.ident),
                    Stmt::Item(Item::Fn(item)) => visitor.take(&item.sig.ident),
                    _ => {}
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
        self.scan(call.tokens.clone());
    }

    // An item cannot see the parameters, and neither can a type or its arguments.
    fn visit_item(&mut self, _: &'ast Item) {}
    fn visit_generic_argument(&mut self, _: &'ast syn::GenericArgument) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
}
