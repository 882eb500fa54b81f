//! Whether an expression leaves off in the middle: `.await`, `?`, `return`.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Expr, ExprAsync, ExprAwait, ExprClosure, ExprReturn, ExprTry, Item, Macro};

/// What happens in an expression itself, not in the closures and the `async` blocks within it.
#[derive(Clone, Copy, Default)]
pub(super) struct Flow {
    pub(super) awaits: bool,
    pub(super) fails: bool,
    pub(super) returns: bool,
}

impl Flow {
    pub(super) fn of(expression: &Expr) -> Self {
        let mut flow = Self::default();
        flow.visit_expr(expression);
        flow
    }

    /// In a macro's body nobody knows what is an expression: every `.await` and every `?` may be one.
    fn scan(&mut self, tokens: TokenStream) {
        let mut after_dot = false;
        for token in tokens {
            match &token {
                TokenTree::Ident(word) => self.awaits |= after_dot && word == "await",
                TokenTree::Punct(punct) => self.fails |= punct.as_char() == '?',
                TokenTree::Group(group) => self.scan(group.stream()),
                TokenTree::Literal(_) => {}
            }
            after_dot = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '.');
        }
    }
}

impl<'ast> Visit<'ast> for Flow {
    fn visit_expr_await(&mut self, expression: &'ast ExprAwait) {
        self.awaits = true;
        visit::visit_expr_await(self, expression);
    }

    fn visit_expr_try(&mut self, expression: &'ast ExprTry) {
        self.fails = true;
        visit::visit_expr_try(self, expression);
    }

    fn visit_expr_return(&mut self, expression: &'ast ExprReturn) {
        self.returns = true;
        visit::visit_expr_return(self, expression);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.scan(call.tokens.clone());
    }

    fn visit_expr_closure(&mut self, _: &'ast ExprClosure) {}
    fn visit_expr_async(&mut self, _: &'ast ExprAsync) {}
    fn visit_item(&mut self, _: &'ast Item) {}
}
