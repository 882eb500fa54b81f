//! Groups, children and options as calls of the builder.

use std::time::Duration;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Expr;
use syn::ext::IdentExt;

use super::factory::{Factory, braced};
use super::params::Params;
use crate::check::{Body, Child, Evaluated, Group, Members, Node, Setting, Stability, Time, Value, Wire, Wires, valid};
use crate::parse::Krate;

/// Writes the calls of one tree.
pub(super) struct Builder<'a> {
    pub(super) krate: &'a Krate,
    pub(super) params: &'a Params,
    pub(super) wires: &'a Wires,
}

impl Builder<'_> {
    pub(super) fn root(&self, title: &str, root: &Group) -> TokenStream {
        let (wires, supervisor) = (self.declared(root), self.supervisor(&quote!(#title), root));
        quote!(#wires #supervisor)
    }

    /// ```text
    /// {
    ///     let db = Wire::new();
    ///     Supervisor::rest_for_one("pool")
    ///         .child(Child::new("db", || Db::new()).provides(&db))
    ///         .child(Child::using("report", &db, |db| Report::new(db)))
    /// }
    /// ```
    fn inner(&self, name: &TokenStream, group: &Group) -> TokenStream {
        let (wires, supervisor) = (self.declared(group), self.supervisor(name, group));
        if wires.is_empty() { supervisor } else { quote!({ #wires #supervisor }) }
    }

    /// The wires of the children of a group that are used.
    fn declared(&self, group: &Group) -> TokenStream {
        let krate = self.krate;
        let wire = |node: &Node| match node {
            Node::Child(child) => self.wires.get(child.number),
            Node::Group(_) => None,
        };
        let declare = |wire: &Wire| {
            let (name, ty) = (&wire.name, if wire.of_replicas { quote!(Wires) } else { quote!(Wire) });
            quote!(let #name = #krate::#ty::new();)
        };
        group.children.iter().filter_map(wire).map(declare).collect()
    }

    fn supervisor(&self, name: &TokenStream, group: &Group) -> TokenStream {
        let krate = self.krate;
        let strategy = &group.strategy;
        let decide = group.decide.iter().map(|decide| self.params.function(decide));
        let options = self.options(valid(&group.options));
        let children = group.children.iter().map(|node| self.node(node));
        let constructor = callee(krate, "Supervisor", None, &strategy.to_string(), strategy.span());
        quote! {
            #constructor(#name #(, #decide)*)
                #options
                #(.child(#children))*
        }
    }

    fn node(&self, node: &Node) -> TokenStream {
        let krate = self.krate;
        match node {
            Node::Child(child) => match &child.body {
                Body::Evaluated(made) => self.evaluated(child, made),
                Body::Open(members) => self.open(child, members),
            },
            Node::Group(group) => match &group.name {
                Some(name) => {
                    let name = name.unraw().to_string();
                    self.inner(&quote!(#name), group)
                }
                None => self.inner(&quote!(#krate::ANONYMOUS), group),
            },
        }
    }

    /// ```text
    /// worker*4(shutdown = 30s): Worker = |index| Worker::new(index, pool)
    ///
    /// {
    ///     let pool = Clone::clone(&pool);
    ///     Child::<Worker>::replicated("worker", 4, move |index| {
    ///         let pool = Clone::clone(&pool);
    ///         Worker::new(index, pool)
    ///     })
    /// }
    /// .shutdown(Duration::from_secs(30))
    /// ```
    fn evaluated(&self, child: &Child, made: &Evaluated) -> TokenStream {
        let krate = self.krate;
        let constructor = match (&made.count, child.is_in_place(), made.uses.is_empty()) {
            (None, false, true) => "new",
            (None, false, false) => "using",
            (None, true, true) => "in_place",
            (None, true, false) => "in_place_using",
            (Some(_), false, true) => "replicated",
            (Some(_), false, false) => "replicated_using",
            (Some(_), true, true) => "replicated_in_place",
            (Some(_), true, false) => "replicated_in_place_using",
        };
        let constructor = callee(krate, "Child", made.ty.as_ref(), constructor, child.name.span());
        let name = child.name.unraw().to_string();
        let count = made.count.iter().map(|count| self.params.value(count));
        let Factory { clones, wires, function } =
            Factory::of(made, child.is_in_place(), krate, self.params, self.wires);
        let wires = wires.into_iter();
        let options = self.constructed(child);
        let call = quote!(#constructor(#name #(, #count)* #(, #wires)*, #function));
        let wire = self.wires.get(child.number);
        // The compiler blames the child for a handle that is not stable: so it gets the place of the use.
        let place = wire.filter(|wire| wire.stability == Stability::Stable).map(|wire| wire.place);
        let call = match (clones.is_empty(), place) {
            (true, None) => call,
            (_, place) => braced(place.unwrap_or_else(Span::call_site), quote!(#clones #call)),
        };
        let provides = wire.map(provides);
        quote!(#call #provides #options)
    }

    /// ```text
    /// conn*..=1000(in_place, restart = transient): Conn
    ///
    /// Child::<Conn>::open_in_place("conn", ..=1000).restart(Restart::Transient)
    /// ```
    fn open(&self, child: &Child, members: &Members) -> TokenStream {
        let constructor = if child.is_in_place() { "open_in_place" } else { "open" };
        let constructor = callee(self.krate, "Child", Some(&members.ty), constructor, child.name.span());
        let name = child.name.unraw().to_string();
        let place = members.open.place;
        let bound = match &members.open.bound {
            Some(bound) => {
                let value = self.params.value(bound);
                let is_plain = matches!(bound.syntax(), Expr::Lit(_) | Expr::Path(_));
                let value = if is_plain { value } else { quote!((#value)) };
                quote_spanned!(place=> ..=#value)
            }
            None => quote_spanned!(place=> ..),
        };
        let options = self.constructed(child);
        quote!(#constructor(#name, #bound) #options)
    }

    /// The options of a child that its constructor does not say already.
    fn constructed(&self, child: &Child) -> TokenStream {
        self.options(valid(&child.options).filter(|option| option.key != "in_place"))
    }

    fn options<'a>(&self, options: impl Iterator<Item = &'a Setting>) -> TokenStream {
        options.map(|option| self.option(option)).collect()
    }

    fn option(&self, option: &Setting) -> TokenStream {
        let krate = self.krate;
        let key = &option.key;
        let value = match &option.value {
            Value::Flag | Value::Wrong => TokenStream::new(),
            Value::Expression(expression) => self.params.value(expression),
            Value::Function(function) => self.params.function(function),
            Value::Time(time) => self.time(time),
            Value::Range(initial, max) => {
                let (initial, max) = (self.time(initial), self.time(max));
                quote!(#initial..#max)
            }
            Value::Word { of, variant, word } => {
                let of = Ident::new(of, Span::call_site());
                let variant = Ident::new(variant, word.span());
                quote!(#krate::#of::#variant)
            }
            Value::Names(names) => {
                let names = names.iter().map(|name| name.unraw().to_string());
                quote!([#(#names),*])
            }
        };
        quote_spanned!(key.span()=> .#key(#value))
    }

    fn time(&self, time: &Time) -> TokenStream {
        match time {
            Time::Literal(duration) => literal(*duration),
            Time::Expression(expression) => self.params.value(expression),
        }
    }
}

/// `$crate::Child::<Db>::new`, all of it in the place of one word of the user, which the compiler then
/// labels where it would label the callee. Every token resolves as `$crate` does: the ends of a path of
/// two contexts would be taken for the ends of the whole macro call.
fn callee(krate: &Krate, ty: &str, parameter: Option<&TokenStream>, function: &str, place: Span) -> TokenStream {
    let (krate, span) = krate.at(place);
    let (ty, function) = (Ident::new(ty, span), Ident::new(function, span));
    let parameter = parameter.map(|parameter| quote_spanned!(span=> ::<#parameter>));
    quote_spanned!(span=> #krate::#ty #parameter ::#function)
}

/// `.provides(&db)`, in the place of the use that asks for it: there the compiler says what the type of the provider lacks.
fn provides(wire: &Wire) -> TokenStream {
    let provides = match (wire.of_replicas, wire.stability) {
        (false, Stability::PerIncarnation) => "provides",
        (false, Stability::Stable) => "provides_stable",
        (true, Stability::PerIncarnation) => "provides_each",
        (true, Stability::Stable) => "provides_each_stable",
    };
    let (provides, name) = (Ident::new(provides, wire.place), &wire.name);
    quote!(.#provides(&#name))
}

/// In the largest unit that is exact.
fn literal(duration: Duration) -> TokenStream {
    let nanos = duration.as_nanos();
    let of = |unit: u128| {
        u64::try_from(nanos / unit).ok().filter(|_| nanos.is_multiple_of(unit)).map(Literal::u64_unsuffixed)
    };
    if let Some(seconds) = of(1_000_000_000) {
        quote!(::core::time::Duration::from_secs(#seconds))
    } else if let Some(millis) = of(1_000_000) {
        quote!(::core::time::Duration::from_millis(#millis))
    } else if let Some(micros) = of(1_000) {
        quote!(::core::time::Duration::from_micros(#micros))
    } else {
        let (seconds, nanos) =
            (Literal::u64_unsuffixed(duration.as_secs()), Literal::u32_unsuffixed(duration.subsec_nanos()));
        quote!(::core::time::Duration::new(#seconds, #nanos))
    }
}
