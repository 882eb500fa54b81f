//! Which mistakes are found, and which are not: `ui-tests` shows their words and places.

use super::mistakes;

/// The first line of each mistake.
fn found(source: &str) -> Vec<String> {
    mistakes(source).iter().map(|message| message.lines().next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_valid_tree_has_no_mistakes() {
    for source in [
        "one_for_one { a: A }",
        "one_for_one { a: A, }",
        "one_for_one { a: A::<B, C>::new(|x, y| x), b: B { c: 1 } }",
        "one_for_one { a: async { A }, b: match c { _ => d }, c: loop { break } }",
        "one_for_one { a: A = a(), b: Vec<B> = b(), c*2: C = |index| c(index) }",
        "one_for_one { a*N: A, b*n::M(restart = transient): B, c*(d())(in_place): C, d*4usize: D }",
        "one_for_one { a*2: A::make(0), b*2: Box::new(f), c*2: { C::new(0) }, d: D::new() }",
        "one_for_one { one_for_one: A, restart: B }",
        "one_for_one { r#gen: A, union: B, a: { A { b: c } }, b: { 'c: loop { break 'c d } } }",
        "one_for_one { x: one_for_one { a: A } y: one_for_one { a: A } }",
        "one_for_one { one_for_one { a: A }, one_for_all { b: B } }",
        "/// docs\npub(crate) struct T(a: Arc<A>, b: B<C, D>,); one_for_one { /// docs\n a: A }",
        "struct T(infinit: Shutdown); one_for_one { a(shutdown = infinit): A }",
        "dependents_for_one { a: A, b(requires = [a]): B, crashing(requires = [a, b]) { c: C } }",
        "dependents_for_one { a(restart = transient): A, b(requires = [a]): B }",
        "one_for_one(auto_shutdown = any_significant) { a(significant, restart = temporary): A }",
        "crashing(auto_shutdown = all_significant) { a(significant): A }",
        "one_for_one { batch: crashing(restart = transient) { a: A } }",
        "one_for_one(auto_shutdown = any_significant) { batch: one_for_one(significant) { a(restart = transient): A } }",
        "crashing(shutdown = 1s) { one_for_one(max_restarts = 3, over = 1m, backoff = 1s..2s) { a(restart = transient): A } }",
        "one_for_one { a*..: A, b*..=9: B<C>, c*..=N(restart = transient): D::E, d*..=(n + 1)(in_place, restart = permanent): Box<dyn F> }",
        "one_for_one { a*..(shutdown = 1s): (A, B), b*..=n::M: crate::a::b, c*..: u8, d*..=4usize: A<fn(B) -> C> }",
        "one_for_one(auto_shutdown = any_significant) { a*..(significant): A }",
        "dependents_for_one { a*..(restart = transient): A, b(requires = [a]): B }",
        "one_for_one(max_restarts = 3, backoff = 1s..30s) { a*..(restart = permanent): A }",
        "one_for_one(max_restarts = 3, backoff = 1s..30s) { a*..=2(restart = permanent): A }",
        "custom(decide) { a: A }",
        "custom(|failure| decide(failure), over = 1s) { a: A }",
        "one_for_one(shutdown = 5s) { a(shutdown = 5s): A, b(shutdown = infinity): B, c(shutdown = LIMIT): C }",
        "one_for_one(max_restarts = 3) { a: A, b(backoff = 1s..2s): B }",
        "one_for_one(backoff = 1s..5s) { a(heartbeat = 5s): A, b(backoff = X, heartbeat = 6s): B, c(backoff = 1s..9s, heartbeat = 6s): C }",
        "one_for_one(backoff = 1s..5s) { a*..(heartbeat = 6s): A, b(restart = temporary, heartbeat = 6s): B }",
        "one_for_one(max_restarts = 3) { a(restart = temporary): A, b: B }",
        "one_for_one(max_restarts = 2, backoff = 1s..30s) { a: A }",
        "one_for_one(max_restarts = 100, backoff = 1s..30s) { a*N: A }",
        "one_for_one(max_restarts = 100, backoff = B) { a: A }",
        "one_for_one(max_restarts = 100, over = W, backoff = 1s..30s) { a: A }",
    ] {
        assert_eq!(mistakes(source), [""; 0], "{source}");
    }
}

#[test]
fn one_mistake_is_reported_once() {
    for (source, expected) in [
        ("", "a tree needs a root group"),
        ("a: A", "the root of a tree is a group, and `a` is a child"),
        ("one_for_one", "this `one_for_one` group has no children"),
        ("one_for_one {}", "this `one_for_one` group has no children"),
        ("one_for_one { a: A } one_for_one { b: B }", "a tree has one root, and it ends before this"),
        ("pub one_for_one { a: A }", "a visibility belongs to the header of a tree"),
        ("struct; one_for_one { a: A }", "a tree needs a name after `struct`"),
        ("struct loop; one_for_one { a: A }", "`loop` is a keyword of Rust and cannot be a name"),
        ("struct T(__a: A); one_for_one { a: A }", "the name `__a` begins with `__`, which is reserved"),
        ("struct T(a); one_for_one { a: A }", "a parameter is a name and a type"),
        ("struct T(a: A b: B); one_for_one { a: A }", "expected `,` between two parameters"),
        ("one_for_one { , }", "expected a child or a group"),
        ("one_for_one { a: A, ; b: B }", "expected a child or a group"),
        ("one_for_one { a: A ; b: B }", "expected `,` after the expression of `a`"),
        ("one_for_one { a A }", "expected `:` after `a`"),
        ("one_for_one { a => A }", "expected `:` after `a`"),
        ("one_for_one { a:: A }", "expected `:` after `a`"),
        ("one_for_one { a -> A }", "expected `:` after `a`"),
        ("one_for_one { a<A>: A }", "expected `:` after `a`"),
        ("one_for_one { a & A }", "expected `:` after `a`"),
        ("one_for_one { a-b: A }", "`a-b` is not a name"),
        ("one_for_one { a.b::c: A }", "`a.b` is not a name"),
        ("one_for_one { a b: B }", "`a` has no expression"),
        ("one_for_one { a!(), b: B }", "`a!` is a macro, and cannot stand for a child"),
        ("one_for_one { pub a: A }", "a child begins with its name, and not with `pub`"),
        ("one_for_one { let mut a = A }", "a child begins with its name, and not with `let mut`"),
        ("one_for_one { a(in_place)*2: A }", "the count of `a` stands before its options"),
        ("one_for_one { a[2]: A }", "replicas are written with `*`"),
        ("one_for_one { a: { b: B } }", "this group has no strategy"),
        ("one_for_one { a: { b: B, c: C(b) } }", "this group has no strategy"),
        ("{ a: A }", "this group has no strategy"),
        ("one_for_one(a: A)", "this `one_for_one` group has no children"),
        ("one_for_one(over = 5 s) { a: A }", "a duration and its unit are one word"),
        ("one_for_one { a(backoff = 1 s .. 5 s): A }", "a duration and its unit are one word"),
        ("one_for_one { a(shutdown = 5 in_place): A }", "expected `,` between two options"),
        ("one_for_one { a(temporary): A }", "`temporary` is a value of `restart`"),
        ("one_for_one { a(never): A }", "unknown option `never` for `a`"),
        ("dependents_for_one { a: A, b(requires = [\"a\"]): B }", "expected the name of a sibling"),
        ("struct T, one_for_one { a: A }", "the header of a tree ends with `;`"),
        ("T; one_for_one { a: A }", "the header of a tree begins with `struct`"),
        ("pub T(b: B); one_for_one { a: A(b) }", "the header of a tree begins with `struct`"),
        ("struct T(pub b: B); one_for_one { a: A(b) }", "a parameter is a name and a type"),
        ("one_for_one { gen: A }", "`gen` is a keyword of Rust and cannot be a name"),
        ("one_for_one { a: A:: }", "the expression of `a` cannot be read"),
        ("one_for_one { a: A = }", "`a` has no expression"),
        ("one_for_one { a*: A }", "the count is missing after `*`"),
        ("one_for_one { a*(restart = transient): A }", "the count is missing after `*`"),
        ("one_for_one { a*-1: A }", "a count cannot be negative"),
        ("one_for_one { a*-N: A }", "a count cannot be negative"),
        (
            "one_for_one(max_restarts = 3) { a(restart = temporary): A, b*0: B }",
            "a child with zero replicas never runs",
        ),
        ("one_for_one { a*(): A }", "this count cannot be read"),
        ("one_for_one { a*f(3): A }", "a count that is more than a number or a path stands in parentheses"),
        ("one_for_one { a*2 + 2: A }", "a count that is more than a number or a path stands in parentheses"),
        ("one_for_one { a*N as usize: A }", "a count that is more than a number or a path stands in parentheses"),
        ("one_for_one { a*f!(): A }", "a count that is more than a number or a path stands in parentheses"),
        ("one_for_one { a*..=: A }", "the bound is missing after `..=`"),
        ("one_for_one { a*..=(shutdown = 3): A }", "the bound is missing after `..=`"),
        ("one_for_one { a*..5: A }", "the bound of an open group is written with `..=`"),
        ("one_for_one { a*..N: A }", "the bound of an open group is written with `..=`"),
        ("one_for_one { a*..(n + 1): A }", "the bound of an open group is written with `..=`"),
        ("one_for_one { a*1..: A }", "an open group has no lower bound: it is empty when the tree starts"),
        ("one_for_one { a*0..=5: Vec<A> }", "an open group has no lower bound: it is empty when the tree starts"),
        (
            "one_for_one { a*N..9(shutdown = 3): A }",
            "an open group has no lower bound: it is empty when the tree starts",
        ),
        ("one_for_one { a*(n)..=(m): A }", "an open group has no lower bound: it is empty when the tree starts"),
        ("one_for_one { a*..=0: A }", "an open group with a bound of zero takes no members"),
        ("one_for_one { a*..=-1: A }", "a bound cannot be negative"),
        ("one_for_one { a*..=1.5: A }", "a bound is a whole number"),
        ("one_for_one { a*..=\"9\": A }", "a bound is a number"),
        ("one_for_one { a*..=9u8: A }", "a bound is a `usize`, and this is a `u8`"),
        ("one_for_one { a*..=f(9): A }", "a bound that is more than a number or a path stands in parentheses"),
        ("one_for_one { a*..=(): A }", "this bound cannot be read"),
        ("one_for_one { a*..: }", "`a` has no type"),
        ("one_for_one { a*..: A b: B }", "expected `,` after the type of `a`"),
        ("one_for_one { a*..: A = }", "an open group takes only the type of its members"),
        ("one_for_one { a*..: A = A::new() }", "an open group takes only the type of its members"),
        ("one_for_one { a*..: A:: }", "the type of `a` cannot be read"),
        ("one_for_one { a*..: A::new }", "an open group takes the type of its members, and this is an expression"),
        ("one_for_one { a*..: A::new(b) }", "an open group takes the type of its members, and this is an expression"),
        ("one_for_one { a*..: A(1) }", "an open group takes the type of its members, and this is an expression"),
        ("one_for_one { a*..: A { b: 1 } }", "an open group takes the type of its members, and this is an expression"),
        (
            "one_for_one { a*..: |i| A::new(i) }",
            "an open group takes the type of its members, and this is an expression",
        ),
        ("one_for_one { a*..: dyn A }", "the members of `a` are of one type, and a `dyn` is none"),
        ("one_for_one { a*..: Vec<_> }", "the type of `a` is not written out"),
        ("one_for_one { a*..: impl A }", "the type of `a` is not written out"),
        ("one_for_one { a: [A; _] = b() }", "the type of `a` is not written out"),
        ("one_for_one { a*2: _ = b }", "the type of `a` is not written out"),
        (
            "one_for_one { a*..(in_place, restart = transient, replace = A::again): A }",
            "`a` is an open group, whose members the tree does not make, so it takes no `replace`",
        ),
        (
            "one_for_one { a*..(in_place): A }",
            "`a` is an open group, temporary unless it says otherwise: no member is ever started again `in_place`",
        ),
        (
            "one_for_one { a*..(restart = temporary, in_place): A }",
            "`a` is temporary: no member is ever started again `in_place`",
        ),
        (
            "crashing { a*..(in_place): A }",
            "nothing is restarted in this group, so no member of `a` is started again `in_place`",
        ),
        ("one_for_one { a*..(restart = x, in_place): A }", "unknown value `x` for `restart`"),
        (
            "dependents_for_one { a*..: A, b(requires = [a]): B }",
            "`a` is an open group, temporary unless it says otherwise: once a member has ended, what requires it could never start again",
        ),
        (
            "dependents_for_one { a*..(restart = temporary): A, b(requires = [a]): B }",
            "`a` is temporary: once it has ended, what requires it could never start again",
        ),
        (
            "one_for_one(auto_shutdown = any_significant) { a*..(restart = permanent, significant): A }",
            "a `permanent` child never ends by itself, so it cannot be `significant`",
        ),
        (
            "one_for_one(max_restarts = 3) { a*..: A }",
            "this limit can never be reached: all the children are temporary, and never restarted",
        ),
        ("one_for_one { p*..: one_for_one { a: A } }", "`p` is a group, and a group cannot be replicated"),
        (
            "one_for_one { a*2: A::new(0) }",
            "replicas need a function of the index, and this `A::new` is called already",
        ),
        ("one_for_one { a(3): A }", "expected an option"),
        ("one_for_one { a(restart): A }", "`restart` has no value"),
        ("one_for_one { a(heartbeat 3): A }", "expected `=` after `heartbeat`"),
        ("one_for_one(over == 3) { a: A }", "expected `=` after `over`"),
        ("one_for_one { _: A }", "`_` is not a name"),
        ("one_for_one { a: A, one_for_all { a: B } }", "duplicate name `a` in `Tree`"),
        ("one_for_one { x: one_for_all { a: A, a: B } }", "duplicate name `a` in `x`"),
        ("one_for_one { a: A, a: one_for_one { b: B } }", "duplicate name `a` in `Tree`"),
        ("one_for_one { r#a: A, a: A }", "duplicate name `a` in `Tree`"),
        (
            "dependents_for_one { a: A, one_for_one { b(requires = [a]): B } }",
            "`requires` has no meaning outside a `dependents_for_one` group",
        ),
        ("dependents_for_one { one_for_one { a: A } b(requires = [a]): B }", "no sibling is called `a`"),
        (
            "one_for_one(significant) { a: A }",
            "`significant` says what a group means to the one around it, and nothing is around the root",
        ),
        (
            "one_for_one(auto_shutdown = nevr) { a(significant, restart = transient): A }",
            "unknown value `nevr` for `auto_shutdown`",
        ),
        (
            "one_for_one(auto_shutdown = any_significant) { a(significant, restart = x): A }",
            "unknown value `x` for `restart`",
        ),
        ("one_for_one(max_restarts = 9, over = 1x, backoff = 1s..9s) { a: A }", "unknown time unit `x`"),
        (
            "one_for_one(max_restarts = 9, backoff = 9s..1s) { a: A }",
            "this backoff begins with 9s and is never longer than 1s",
        ),
        (
            "one_for_one(max_restarts = 3, backoff = 1s..30s) { a: A }",
            "this limit can never be reached: with their backoff, the children restart at most 3 times in 1s",
        ),
        ("struct T(size, b: B); one_for_one { a: A(size) }", "a parameter is a name and a type"),
        ("struct T(type: A, b: B); one_for_one { a: A }", "`type` is a keyword of Rust and cannot be a name"),
        ("struct T(a: A, a: B); one_for_one { a: A }", "duplicate parameter `a`"),
        ("one_for_one(over = 1s)(backoff = 1s..2s) { a: A }", "all the options stand in one pair of parentheses"),
        ("one_for_one { a(heartbeat = 1s)(shutdown = 1s): A }", "all the options stand in one pair of parentheses"),
        (
            "one_for_one(backoff = 1s..5s) { a(heartbeat = 6s): A }",
            "this `heartbeat` of 6s is longer than the 5s after which `backoff` starts over: the delay of a child that hangs would never grow",
        ),
        (
            "one_for_one { a(restart = temporary, backoff = 1s..5s, heartbeat = 6s): A }",
            "a `temporary` child is never restarted, so it takes no `backoff`",
        ),
        ("one_for_one(max_restarts = 4294967296) { a: A }", "this number is too large for `max_restarts`"),
        ("crashing(raises = E::from) { a: A }", "`crashing` never restarts anything, so it takes no `raises`"),
        (
            "crashing { one_for_one(restart = transient) { a: A } }",
            "`one_for_one` stands in a group that never restarts anything, so it takes no `restart`",
        ),
        ("custom { a: A }", "a `custom` strategy needs the function that decides"),
        ("one_for_one(decide) { a: A }", "unknown option `decide` for `one_for_one`"),
        ("one_for_one { #[cfg(x)] a: A }", "only the header of a tree takes attributes"),
        ("one_for_one { p(over = 1s): one_for_one { a: A } }", "the options of the group `p` follow its strategy"),
        ("one_for_one { p*2: one_for_one { a: A } }", "`p` is a group, and a group cannot be replicated"),
    ] {
        assert_eq!(found(source), [expected], "{source}");
    }
}

#[test]
fn all_mistakes_are_reported_in_the_order_of_the_source() {
    let source = "one_for_al(over = 0) { a: A, a(x): B, b*0: C, c: , d(requires = [a]): D e: E }";
    let expected = [
        "unknown strategy `one_for_al`",
        "`over` cannot be zero",
        "duplicate name `a` in `Tree`",
        "unknown option `x` for `a`",
        "a child with zero replicas never runs",
        "`c` has no expression",
        "expected `,` after the expression of `d`",
    ];
    assert_eq!(found(source), expected);
}
