//! No input makes the macro panic, and every input expands to items that parse.

use proc_macro2::{Group, TokenStream, TokenTree};

use super::tokens;

const SOURCES: [&str; 7] = [
    "one_for_all(max_restarts = 10, over = \"1s\") { db: Db::new(), one_for_one { worker*4: Worker::new } }",
    "pub struct T(a: Arc<A>, b: B); one_for_one(backoff = 1s..30s) { a: A = f(&a).await?, b*(b.n)(in_place): |i| B(i, b) }",
    "dependents_for_one { a: A, b(requires = [a], restart = transient): async move { b }, p: rest_for_one { c: C } }",
    "custom(decide, shutdown = infinity, auto_shutdown = never) { a*N(replace = A::again, significant): |i: usize| -> A { a } }",
    "#[derive(Debug)] struct T; crashing { /// docs\n a(heartbeat = 0.5, start_timeout = 1h30m): m!(a, { b }), b*..=3: B }",
    "struct T(d: D); rest_for_one { a: A, b*2(in_place): |i| B(i, a, d), r#c: c(&b)?, p: one_for_one { a: A(a), e: f!(\"{a}\", c.d, b[0]) } }",
    "one_for_one { a*..: A, p: one_for_all { b*..=(n)(in_place): B<dyn C>, q: crashing { c*..=N: C } } }",
];

const SPARE: &str = "a , : :: ; = == => * - .. ..= # ! ? & | . ' { } ( ) [ ] 0 1s 0x1u8 1.5e3 \"\" \"1h\" 'c' 'l r#loop loop self struct pub \
    one_for_one custom restart requires in_place return await async move _ $ < > << @ 99999999999999999999999d 1_ms";

/// A small generator of its own (xorshift), so that a failure happens again.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}

fn mutate(input: TokenStream, spare: &[TokenTree], random: &mut Random) -> TokenStream {
    let mut tokens: Vec<TokenTree> = input.into_iter().collect();
    let at = random.below(tokens.len());
    let other = random.below(tokens.len());
    match (random.below(8), tokens.get(at).cloned()) {
        (0, Some(_)) => drop(tokens.remove(at)),
        (1, Some(token)) => tokens.insert(other, token),
        (2, Some(_)) => tokens.swap(at, other),
        (3, Some(_)) => tokens[at] = spare[random.below(spare.len())].clone(),
        (4, Some(_)) => tokens.truncate(at),
        (_, Some(TokenTree::Group(group))) => {
            tokens[at] = Group::new(group.delimiter(), mutate(group.stream(), spare, random)).into();
        }
        _ => tokens.insert(at, spare[random.below(spare.len())].clone()),
    }
    tokens.into_iter().collect()
}

#[test]
fn no_mutation_of_a_tree_makes_the_macro_panic() {
    let spare: Vec<TokenTree> = SPARE
        .split_whitespace()
        .filter_map(|token| token.parse::<TokenStream>().ok())
        .flatten()
        .chain("() {} []".parse::<TokenStream>().expect("tokens"))
        .collect();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for source in SOURCES {
        for _ in 0..1_000 {
            let mut input: TokenStream = source.parse().expect(source);
            for _ in 0..=random.below(4) {
                input = mutate(input, &spare, &mut random);
                let expansion = crate::pipeline(tokens("").into_iter().chain(input.clone()).collect());
                if let Err(error) = syn::parse2::<syn::File>(expansion.clone()) {
                    panic!("{error}\nfrom: {input}\nto: {expansion}");
                }
            }
        }
    }
}
