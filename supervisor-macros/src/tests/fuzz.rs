//! No input makes the macro panic: whatever it is given, it expands to items that parse, and what it blames is a token
//! of the input.
//!
//! The inputs are mutations of trees and random tokens, the same in each run. A million take about a minute on two cores:
//! `SUPERVISOR_FUZZ=1_000_000 cargo test -p supervisor-macros --lib fuzz`. A failure prints the number of the input, and
//! `SUPERVISOR_FUZZ_FROM=123` begins there; a number that nobody has begun at yet gives inputs that nobody has tried.

use std::{env, panic, thread};

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::File;

use crate::expand::expand;

const SOURCES: [&str; 10] = [
    "one_for_all(max_restarts = 10, over = \"1s\") { db: Db::new(), one_for_one { worker*4: Worker::new } }",
    "pub struct T(a: Arc<A>, b: B); one_for_one(backoff = 1s..30s) { a: A = f(&a).await?, b*(b.n)(in_place): |i| B(i, b) }",
    "dependents_for_one { a: A, b(requires = [a], restart = transient): async move { b }, p: rest_for_one { c: C } }",
    "custom(decide, shutdown = infinity, auto_shutdown = never) { a*N(replace = A::again, significant): |i: usize| -> A { a } }",
    "#[derive(Debug)] struct T; crashing { /// docs\n a(heartbeat = 0.5, start_timeout = 1h30m): m!(a, { b }), b*..=3: B }",
    "struct T(d: D); rest_for_one { a: A, b*2(in_place): |i| B(i, a, d), r#c: c(&b)?, p: one_for_one { a: A(a), e: f!(\"{a}\", c.d, b[0]) } }",
    "one_for_one { a*..: A, p: one_for_all { b*..=(n)(in_place): B<dyn C>, q: crashing { c*..=N: C } } }",
    "rest_for_one(max_restarts = 9, over = 10s) { a(backoff = 4s..30s, heartbeat = 40s): A, b*3(restart = temporary): B::new(0) }",
    "struct T<A>(a: A, a: B) dependents_for_one(max_restart = -1) { a: , a*0: B, one_for_noe { c(shutdown = 1x) C, d*: D } , }",
    "one_for_all(auto_shutdown = any_significant, raises = E::from) { a(significant, restart = transient): match a { A { b, .. } => b, _ => loop {} } }",
];

const SPARE: &str = "a , : :: ; = == => * - .. ..= # ! ? & | . ' { } ( ) [ ] 0 1s 0x1u8 1.5e3 \"\" \"1h\" \"{a}\" 'c' 'l b'x' r#\"x\"# c\"x\" \
    r#loop loop self Self super crate struct pub enum fn if else match let use impl dyn where for in mut ref static union yield \
    one_for_one one_for_all custom crashing dependents_for_one restart requires in_place replace shutdown backoff heartbeat over \
    max_restarts significant transient temporary permanent infinity return await async move unsafe try _ __x $ < > << @ ~ -> += \
    99999999999999999999999d 1_ms 3usize 1e9s 0b1h ü worker Worker Tree compile_error";

/// A small generator of its own (xorshift), so that a failure happens again.
struct Random(u64);

impl Random {
    /// That of one case, and of no other.
    fn of(case: u64) -> Self {
        let mut random = Self((case + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        random.below(2);
        random.below(2);
        random
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % u64::try_from(end.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    fn one_of<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// What the inputs are made of; of one thread, as spans are.
struct Material {
    sources: Vec<TokenStream>,
    spare: Vec<TokenTree>,
}

impl Material {
    fn new() -> Self {
        let sources = SOURCES.iter().map(|source| source.parse().expect("tokens")).collect();
        let spare = SPARE
            .split_whitespace()
            .filter_map(|token| token.parse::<TokenStream>().ok())
            .flatten()
            .chain("() {} []".parse::<TokenStream>().expect("tokens"))
            .collect();
        Self { sources, spare }
    }

    fn input(&self, random: &mut Random) -> TokenStream {
        let mut input = match random.below(8) {
            0 => self.any(4, random),
            1 => {
                let (first, second) = (random.one_of(&self.sources).clone(), random.one_of(&self.sources).clone());
                splice(first, second, random)
            }
            _ => random.one_of(&self.sources).clone(),
        };
        for _ in 0..=random.below(6) {
            input = self.mutate(input, random);
        }
        input
    }

    /// Random tokens, nested at most so deep.
    fn any(&self, depth: usize, random: &mut Random) -> TokenStream {
        let token = |random: &mut Random| match random.below(5) {
            0 if depth > 0 => grouped(self.any(depth - 1, random), self.spare(random).span(), random),
            _ => self.spare(random),
        };
        (0..random.below(12)).map(|_| token(random)).collect()
    }

    fn spare(&self, random: &mut Random) -> TokenTree {
        random.one_of(&self.spare).clone()
    }

    fn mutate(&self, input: TokenStream, random: &mut Random) -> TokenStream {
        let mut tokens: Vec<TokenTree> = input.into_iter().collect();
        let (at, other) = (random.below(tokens.len()), random.below(tokens.len()));
        let what = random.below(14);
        let Some(token) = tokens.get(at).cloned() else {
            return [self.spare(random)].into_iter().collect();
        };
        match (what, token) {
            (0, _) => drop(tokens.remove(at)),
            (1, token) => tokens.insert(other, token),
            (2, _) => tokens.swap(at, other),
            (3, _) => tokens[at] = self.spare(random),
            (4, _) => tokens.truncate(at),
            (5, _) => tokens.insert(at, self.spare(random)),
            (6, token) => {
                // As a variable of a `macro_rules!` is, among others.
                let end = (at + 1 + random.below(4)).min(tokens.len());
                let inner = tokens.drain(at..end).collect();
                tokens.insert(at, grouped(inner, token.span(), random));
            }
            (7, TokenTree::Group(group)) => drop(tokens.splice(at..=at, group.stream())),
            (7, TokenTree::Ident(word)) => tokens[at] = mistyped(&word, random).into(),
            (_, TokenTree::Group(group)) => {
                let mut inner = Group::new(group.delimiter(), self.mutate(group.stream(), random));
                inner.set_span(group.span());
                tokens[at] = inner.into();
            }
            (_, TokenTree::Ident(word)) if what > 11 => tokens[at] = mistyped(&word, random).into(),
            _ => tokens.insert(other, self.spare(random)),
        }
        tokens.into_iter().collect()
    }
}

/// The beginning of the one and the end of the other.
fn splice(first: TokenStream, second: TokenStream, random: &mut Random) -> TokenStream {
    let (first, second): (Vec<_>, Vec<_>) = (first.into_iter().collect(), second.into_iter().collect());
    let (end, begin) = (random.below(first.len() + 1), random.below(second.len() + 1));
    first[..end].iter().chain(&second[begin..]).cloned().collect()
}

/// The tokens in some delimiters; among them those that nobody sees.
fn grouped(inner: TokenStream, place: Span, random: &mut Random) -> TokenTree {
    let delimiters = [Delimiter::Parenthesis, Delimiter::Brace, Delimiter::Bracket, Delimiter::None];
    let mut group = Group::new(*random.one_of(&delimiters), inner);
    group.set_span(place);
    group.into()
}

/// A letter less, twice, or in another place.
fn mistyped(word: &Ident, random: &mut Random) -> Ident {
    let mut letters: Vec<char> = word.to_string().chars().collect();
    let at = random.below(letters.len());
    match random.below(3) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letters[at]),
        _ => letters.rotate_left(1),
    }
    let text: String = letters.into_iter().collect();
    let is_word = text.chars().all(|c| c.is_alphanumeric() || c == '_') && !text.starts_with(|c: char| c.is_numeric());
    if text.is_empty() || !is_word { word.clone() } else { Ident::new(&text, word.span()) }
}

/// Whether a place is in the input: that of the whole macro call, which is what nobody should be shown, is empty.
fn is_in_the_input(span: Span) -> bool {
    !span.byte_range().is_empty()
}

/// What is wrong with what the macro makes of an input.
fn trouble(input: &TokenStream) -> Option<String> {
    let read = || {
        let input = quote!([supervisor_runtime] #input);
        // What an editor completes in is as half-typed as the input: it has to be there, not to parse.
        let _ = crate::editor::editor(input.clone());
        let (tree, mistakes) = crate::checked(input);
        // Without a header and a child, nothing of the input is in the expansion, and one is as the other.
        let is_empty = !is_in_the_input(tree.header.name.span()) && tree.root.is_none() && tree.fields.is_empty();
        let expansion = (!is_empty).then(|| expand(&tree));
        (tree, mistakes, expansion)
    };
    let Ok((tree, mistakes, expansion)) = panic::catch_unwind(panic::AssertUnwindSafe(read)) else {
        return Some("the macro panicked".to_owned());
    };
    let blamed = mistakes.places().find(|(start, end, _)| !is_in_the_input(*start) || !is_in_the_input(*end));
    if let Some((.., message)) = blamed.filter(|_| !input.is_empty()) {
        return Some(format!("this blames the whole macro call: {message}"));
    }
    if tree.root.is_none() && mistakes.is_empty() {
        return Some("a tree without a group, and nothing is blamed".to_owned());
    }
    // Without a copy to show, which would make the parser copy each token.
    let error = syn::parse2::<File>(expansion?).err()?;
    Some(format!("{error}, in: {}", expand(&tree)))
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.replace('_', "").parse().expect("a number of inputs"))
}

/// The numbers of inputs that have failed, most of them only once in a million.
#[test]
fn what_has_failed_does_not_fail_again() {
    let material = Material::new();
    for case in [671_485, 820_224] {
        let input = material.input(&mut Random::of(case));
        assert_eq!(trouble(&input), None, "{input}");
    }
}

#[test]
fn whatever_the_macro_is_given_it_expands_and_blames_what_it_was_given() {
    let count = number("SUPERVISOR_FUZZ").unwrap_or(100_000);
    let from = number("SUPERVISOR_FUZZ_FROM").unwrap_or(0);
    let threads = thread::available_parallelism().map_or(1, |threads| u64::try_from(threads.get()).unwrap_or(1));
    let some = move |thread: u64| {
        let material = Material::new();
        for case in (from..from + count).skip(usize::try_from(thread).unwrap_or(0)).step_by(threads as usize) {
            let input = material.input(&mut Random::of(case));
            if let Some(trouble) = trouble(&input) {
                panic!("SUPERVISOR_FUZZ_FROM={case}: {trouble}\nfrom: {input}");
            }
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(move || some(thread))).collect();
        for thread in threads {
            thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
        }
    });
}
