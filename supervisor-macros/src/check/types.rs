//! Types that are stated: those of a child, and those of the members of an open group.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::visit::Visit;
use syn::{
    Expr, ExprAwait, ExprInfer, ExprParen, ExprPath, ExprStruct, ExprTry, GenericArgument, Path, PathArguments,
    PathSegment, Type, TypeImplTrait, TypeInfer, TypePath,
};

use crate::mistake::{Mistake, Mistakes};
use crate::parse::{Child, Count};
use crate::text::text;

/// The type of an open group's members.
pub(super) struct Types {
    /// As it is stated; none if it is not.
    pub(super) stated: Option<TokenStream>,
    /// As it must have been meant, where it is plain: what is called for a member elsewhere is then no second error.
    pub(super) meant: Option<TokenStream>,
}

/// The type of a child, if it is one that the running tree can have a field of.
pub(super) fn stated(child: &Child, mistakes: &mut Mistakes) -> Option<TokenStream> {
    let stated = child.ty.as_ref()?;
    if let Some(service) = fallible(stated.syntax()) {
        let name = &child.name;
        let message = format!("the type of `{name}` is that of its service, and not of a `Result` of it");
        mistakes.push(Mistake::at(&stated.tokens, message).help(format!("write `{name}: {} = ..`", text(&service))));
        return Some(service);
    }
    let mut parts = Unstated::default();
    parts.visit_type(stated.syntax());
    let Some(part) = parts.first else { return Some(stated.tokens.clone()) };
    let message = format!("the type of `{}` is not written out", child.name);
    let help = match child.expression {
        Some(_) => "write the whole type, or none: then the reference in the running tree is untyped",
        None => "write the whole type",
    };
    mistakes.push(Mistake::at(part, message).help(help));
    None
}

/// The service in `Result<Db, Error>`.
fn fallible(ty: &Type) -> Option<TokenStream> {
    let Type::Path(TypePath { qself: None, path, .. }) = ty else { return None };
    let last = path.segments.last().filter(|last| last.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(service) => Some(service.to_token_stream()),
        _ => None,
    }
}

/// `dyn Trait`, which no service can be: it has no size. (In a `Box`, services can be of a trait of the user's.)
pub(super) fn dynamic(child: &Child) -> Option<Mistake> {
    let Type::TraitObject(object) = child.ty.as_ref()?.syntax() else { return None };
    let name = &child.name;
    let (message, help) = match child.count {
        Some(Count::Open(_)) => {
            (format!("the members of `{name}` are of one type"), "write `BoxService` to take services of any type")
        }
        _ => (
            format!("the service of `{name}` is of one type"),
            "write no type, or `BoxService` and `BoxService::new(..)` around what gives the service",
        ),
    };
    Some(Mistake::at(object, format!("{message}, and a `dyn` is none")).help(help))
}

/// Where an expression would stand, an open group has a type; `path` is that of its field in the running tree.
pub(super) fn members(child: &Child, path: &str, mistakes: &mut Mistakes) -> Types {
    let wrong = |meant| Types { stated: None, meant };
    match (&child.ty, &child.expression) {
        (Some(ty), None) => {
            if let Some(meant) = called(ty.syntax()) {
                mistakes.push(is_expression(child, &ty.tokens, Some(&meant), path));
                return wrong(Some(meant));
            }
            if let Some(mistake) = dynamic(child) {
                mistakes.push(mistake);
                return wrong(None);
            }
            let stated = stated(child, mistakes);
            Types { meant: stated.clone(), stated }
        }
        (Some(ty), Some(expression)) => {
            let message = "an open group takes only the type of its members";
            mistakes.push(Mistake::at(expression, message).help(help(child, &ty.tokens, path)));
            wrong(stated(child, mistakes))
        }
        (None, Some(expression)) => {
            let meant = meant(expression.syntax());
            mistakes.push(is_expression(child, &expression.tokens, meant.as_ref(), path));
            wrong(meant)
        }
        (None, None) => wrong(None),
    }
}

fn is_expression(child: &Child, written: &TokenStream, meant: Option<&TokenStream>, path: &str) -> Mistake {
    let message = "an open group takes the type of its members, and this is an expression";
    let ty = meant.cloned().unwrap_or_else(|| quote!(Type));
    Mistake::at(written, message).help(help(child, &ty, path))
}

fn help(child: &Child, ty: &TokenStream, path: &str) -> String {
    let dots = match &child.count {
        Some(Count::Open(open)) => open.as_text(),
        _ => String::new(),
    };
    let ty = text(ty);
    format!("write `{}*{dots}: {ty}`; members are added while the tree runs: `{path}.add(..)`", child.name)
}

/// What reads like a type but is an expression: `Conn::new`, `Conn::new(config)`, `Conn(config)`.
fn called(ty: &Type) -> Option<TokenStream> {
    let Type::Path(TypePath { qself: None, path, .. }) = ty else { return None };
    let last = path.segments.last()?;
    let is_call = matches!(last.arguments, PathArguments::Parenthesized(_));
    if is_call || is_lower(last) { owner(path) } else { None }
}

/// The type of which an expression gives a value, or a function that gives one.
fn meant(expression: &Expr) -> Option<TokenStream> {
    match expression {
        Expr::Path(ExprPath { qself: None, path, .. }) | Expr::Struct(ExprStruct { qself: None, path, .. }) => {
            owner(path)
        }
        Expr::Call(call) => meant(&call.func),
        Expr::Closure(closure) => meant(&closure.body),
        Expr::Await(ExprAwait { base: inner, .. })
        | Expr::Try(ExprTry { expr: inner, .. })
        | Expr::Paren(ExprParen { expr: inner, .. }) => meant(inner),
        _ => None,
    }
}

/// By the convention of names: `Conn` of `Conn::new` and of `Conn`.
fn owner(path: &Path) -> Option<TokenStream> {
    let mut path = path.clone();
    if path.segments.last().is_some_and(is_lower) {
        path.segments.pop();
        path.segments.pop_punct();
    }
    let last = path.segments.last_mut()?;
    if matches!(last.arguments, PathArguments::Parenthesized(_)) {
        last.arguments = PathArguments::None;
    }
    (!is_lower(last)).then(|| path.into_token_stream())
}

fn is_lower(segment: &PathSegment) -> bool {
    segment.ident.unraw().to_string().starts_with(|first: char| first.is_lowercase() || first == '_')
}

/// The first part of a type that only the compiler knows: `_`, `impl Trait`.
#[derive(Default)]
struct Unstated {
    first: Option<TokenStream>,
}

impl<'ast> Visit<'ast> for Unstated {
    fn visit_type_infer(&mut self, part: &'ast TypeInfer) {
        self.first.get_or_insert_with(|| part.to_token_stream());
    }

    fn visit_expr_infer(&mut self, part: &'ast ExprInfer) {
        self.first.get_or_insert_with(|| part.to_token_stream());
    }

    fn visit_type_impl_trait(&mut self, part: &'ast TypeImplTrait) {
        self.first.get_or_insert_with(|| part.to_token_stream());
    }
}
