//! What an expansion costs: `cargo test -p supervisor-macros --lib cost -- --ignored --nocapture`.
//!
//! Not with `--release`, which optimises this crate and not those that a macro depends on. In the compiler, where each look at a
//! span is a call, and with a macro that is not optimised, as in a user's build, 100 children take about 10 ms.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::tokens;

/// A tree of so many children, ten to a group, of all kinds.
fn tree(children: usize) -> String {
    let mut source = "struct Big(config: Config); dependents_for_one(max_restarts = 10, over = 1m) {".to_owned();
    for group in 0..children / 10 {
        let _ = write!(source, "group{group}: rest_for_one(shutdown = 30s) {{ first{group}: Db = Db::new(),");
        for child in 1..10 {
            let _ = match child % 3 {
                0 => write!(source, "child{child}*4: Worker::new,"),
                1 => write!(source, "child{child}(restart = transient): Child::new(config.clone(), {child}),"),
                _ => write!(
                    source,
                    "child{child}*2(backoff = 1s..9s): |index| Worker::with(index, first{group}.clone()),"
                ),
            };
        }
        source.push('}');
    }
    source.push('}');
    source
}

/// The best of some expansions, as it is the one that nothing else has disturbed.
fn time(children: usize) -> Duration {
    let input = tokens(&tree(children));
    assert!(super::mistakes(&tree(children)).is_empty(), "the tree is right");
    let once = || {
        let begin = Instant::now();
        let expansion = crate::pipeline(input.clone());
        let time = begin.elapsed();
        assert!(!expansion.is_empty());
        time
    };
    (0..10).map(|_| once()).min().unwrap_or_default()
}

#[test]
#[ignore = "a benchmark"]
fn the_cost_of_an_expansion_is_linear_and_small() {
    let times = [10, 100, 1_000].map(|children| (children, time(children)));
    for (children, time) in times {
        println!("{children:>5} children: {time:>10.1?}, {:.1?} each", time / children as u32);
    }
    let [_, (_, hundred), (_, thousand)] = times;
    println!("expand_100 ms={:.1}", hundred.as_secs_f64() * 1e3);
    assert!(hundred < Duration::from_millis(10), "100 children take {hundred:?}");
    assert!(thousand < hundred * 20, "1,000 children take {thousand:?}, and 100 {hundred:?}");
}
