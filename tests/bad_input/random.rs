//! Declarations at random: each is refused with all of its mistakes, or runs and ends.

use std::time::Duration;

use proptest::option::weighted;
use proptest::prelude::*;
use supervisor_runtime::{AutoShutdown, Restart, Shutdown, TreeErrorKind};
use tokio::time::{sleep, timeout};

use crate::declaration::{Count, Group, Leaf, Node, Options, Strategy as Rule};
use crate::mistakes::mistakes;
use crate::{in_time, look_at};

/// Mostly one that is the only one of its kind.
fn name() -> BoxedStrategy<String> {
    prop_oneof![
        40 => "[a-z]{8}",
        4 => "[a-c]",
        1 => Just(String::new()),
        1 => "[a/\\[\\]]{1,3}",
        1 => Just("x".repeat(255)),
        1 => Just("y".repeat(256)),
        1 => Just("z ".repeat(100_000)),
        2 => "\\PC{1,4}",
        1 => Just("\0\u{1b}[2J\r\n\u{202e}`{}\"".to_owned()),
    ]
    .boxed()
}

/// Of a supervisor inside another, which needs none.
fn group_name() -> BoxedStrategy<String> {
    prop_oneof![5 => name(), 1 => Just(String::new())].boxed()
}

fn duration() -> BoxedStrategy<Duration> {
    prop_oneof![
        1 => Just(Duration::ZERO),
        2 => Just(Duration::from_nanos(1)),
        4 => (1_u64..10_000).prop_map(Duration::from_millis),
        2 => Just(Duration::from_secs(u64::MAX)),
        2 => Just(Duration::MAX),
    ]
    .boxed()
}

fn backoff() -> BoxedStrategy<(Duration, Duration)> {
    (duration(), duration())
        .prop_map(|(one, other)| if one > other && one < Duration::MAX { (other, one) } else { (one, other) })
        .boxed()
}

fn options() -> BoxedStrategy<Options> {
    let restart = prop_oneof![Just(Restart::Permanent), Just(Restart::Transient), Just(Restart::Temporary)];
    let shutdown = prop_oneof![4 => duration().prop_map(Shutdown::Within), 1 => Just(Shutdown::Infinity), 1 => Just(Shutdown::BrutalKill)];
    (
        weighted(0.15, restart),
        weighted(0.3, shutdown),
        weighted(0.1, duration()),
        weighted(0.1, backoff()),
        prop_oneof![12 => Just(Vec::new()), 1 => prop::collection::vec(name(), 1..3)],
        weighted(0.05, Just(())),
    )
        .prop_map(|(restart, shutdown, start_timeout, backoff, requires, significant)| Options {
            restart,
            shutdown,
            start_timeout,
            backoff,
            requires,
            significant: significant.is_some(),
        })
        .boxed()
}

fn leaf() -> BoxedStrategy<Leaf> {
    let count = prop_oneof![
        10 => Just(Count::One),
        4 => (1_usize..20).prop_map(Count::Replicas),
        1 => prop_oneof![Just(0), Just(10_000_001), Just(usize::MAX)].prop_map(Count::Replicas),
        2 => Just(Count::Open(None)),
        1 => prop_oneof![Just(0), Just(1), Just(usize::MAX)].prop_map(|bound| Count::Open(Some(bound))),
    ];
    (name(), count, weighted(0.05, duration()), options(), prop_oneof![3 => Just(0_u32), 2 => 1_u32..5])
        .prop_map(|(name, count, heartbeat, options, failures)| Leaf { name, count, heartbeat, options, failures })
        .boxed()
}

fn group_of(name: BoxedStrategy<String>, node: BoxedStrategy<Node>) -> BoxedStrategy<Group> {
    let auto_shutdown = prop_oneof![
        6 => Just(AutoShutdown::Never),
        1 => Just(AutoShutdown::AnySignificant),
        1 => Just(AutoShutdown::AllSignificant)
    ];
    let max_restarts = prop_oneof![Just(0), Just(1), Just(3), Just(u32::MAX - 1), Just(u32::MAX)];
    (
        name,
        prop::sample::select(Rule::ALL.to_vec()),
        weighted(0.3, max_restarts),
        weighted(0.2, duration()),
        auto_shutdown,
        options(),
        prop_oneof![1 => Just(0..1), 30 => Just(1..5)]
            .prop_flat_map(move |count| prop::collection::vec(node.clone(), count)),
    )
        .prop_map(|(name, strategy, max_restarts, over, auto_shutdown, options, nodes)| Group {
            name,
            strategy,
            max_restarts,
            over,
            auto_shutdown,
            options,
            nodes,
        })
        .boxed()
}

fn tree() -> BoxedStrategy<Group> {
    let node = leaf()
        .prop_map(Node::Leaf)
        .prop_recursive(4, 24, 4, |inner| group_of(group_name(), inner).prop_map(Node::Group));
    group_of(name(), node.boxed())
}

/// The same without its mistakes; what is odd and allowed stays.
fn mended(mut tree: Group) -> Group {
    if tree.name.is_empty() || tree.name.len() > 255 {
        tree.name = "tree".to_owned();
    }
    tree.options.requires.clear();
    tree.options.significant = false;
    mend_group(&mut tree, &mut 0);
    tree
}

fn mend_group(group: &mut Group, count: &mut u32) {
    mend_time(&mut group.over);
    if group.nodes.is_empty() {
        group.nodes.push(Node::Leaf(Leaf {
            name: String::new(),
            count: Count::Open(None),
            heartbeat: None,
            options: group.options.clone(),
            failures: 0,
        }));
    }
    let restarts = group.strategy.restarts();
    if !restarts {
        (group.max_restarts, group.over, group.options.backoff) = (None, None, None);
    }
    let mut before: Vec<String> = Vec::new();
    for node in &mut group.nodes {
        let is_open = matches!(node, Node::Leaf(Leaf { count: Count::Open(_), .. }));
        let is_group = matches!(node, Node::Group(_));
        let (name, options) = match node {
            Node::Group(group) => (&mut group.name, &mut group.options),
            Node::Leaf(leaf) => (&mut leaf.name, &mut leaf.options),
        };
        if !(is_group && name.is_empty()) {
            *count += 1;
            let odd = name.len() > 200 || name.contains(['/', '[', ']']);
            *name = if odd { format!("n{count}") } else { format!("{name}{count}") };
        }
        if let Some(Shutdown::Within(limit)) = options.shutdown {
            options.shutdown = Some(Shutdown::Within(limit.max(Duration::from_nanos(1))));
        }
        mend_time(&mut options.start_timeout);
        if let Some((initial, max)) = options.backoff {
            let (initial, max) = (initial.min(max), initial.max(max));
            options.backoff = Some((initial.max(Duration::from_nanos(1)), max.max(Duration::from_nanos(1))));
        }
        if !restarts {
            (options.restart, options.backoff) = (None, if is_group { options.backoff } else { None });
        }
        if options.significant && restarts {
            options.restart = Some(Restart::Transient);
        }
        if options.significant && group.auto_shutdown == AutoShutdown::Never {
            group.auto_shutdown = AutoShutdown::AllSignificant;
        }
        let wants = std::mem::take(&mut options.requires).len();
        if group.strategy == Rule::DependentsForOne {
            options.requires = before.iter().rev().take(wants).cloned().collect();
        }
        let is_temporary = options.restart == Some(Restart::Temporary) || is_open && options.restart.is_none();
        if !is_temporary && !name.is_empty() {
            before.push(name.clone());
        }
        match node {
            Node::Group(inside) => mend_group(inside, count),
            Node::Leaf(leaf) => {
                mend_time(&mut leaf.heartbeat);
                if matches!(leaf.count, Count::Replicas(0 | 10_000_000..) | Count::Open(Some(0))) {
                    leaf.count = Count::Replicas(7);
                }
            }
        }
    }
}

fn mend_time(time: &mut Option<Duration>) {
    *time = time.map(|time| time.max(Duration::from_nanos(1)));
}

/// What becomes of it, if anything is wrong with that.
async fn life_of(tree: Group) -> Result<bool, String> {
    let expected = mistakes(&tree);
    let started = match timeout(Duration::MAX, tree.declare().start()).await.map_err(|_| "it never starts")? {
        Err(error) if error.kind() == TreeErrorKind::Invalid => {
            let story = format!("{error:?}");
            let told: Vec<&str> = story.split("\n  - ").skip(1).collect();
            let is_told =
                |mistake: &Vec<String>| told.iter().any(|told| mistake.iter().all(|word| told.contains(word)));
            if let Some(missing) = expected.iter().find(|mistake| !is_told(mistake)) {
                return Err(format!("nobody tells of {missing:.200?}, but of {told:.200?}"));
            }
            let is_one = |told: &&str| expected.iter().any(|mistake| mistake.iter().all(|word| told.contains(word)));
            return match told.iter().find(|told| !is_one(told)) {
                Some(wrong) => Err(format!("that is no mistake: {wrong:.200}")),
                None if story.len() > 2000 * (told.len() + 1) => Err(format!("it takes {} bytes to tell", story.len())),
                None => Ok(false),
            };
        }
        Err(error) => Err(error),
        Ok(tree) => Ok(tree),
    };
    if !expected.is_empty() {
        return Err(format!("{expected:.200?} is not told"));
    }
    // What has failed to start, or to run, may have.
    if let Ok(tree) = started {
        look_at(&tree).await;
        sleep(Duration::from_secs(1)).await;
        if tree.snapshot().is_ok() {
            look_at(&tree).await;
        }
        let _ = timeout(Duration::from_secs(86_400), tree.shutdown()).await.map_err(|_| "it never stops")?;
    }
    Ok(true)
}

proptest! {
    #[test]
    fn a_declaration_is_refused_with_all_of_its_mistakes_or_runs_and_ends(tree in prop_oneof![tree(), tree().prop_map(mended)]) {
        let (tell, hear) = std::sync::mpsc::channel();
        in_time(async move || {
            tell.send(life_of(tree).await).unwrap();
            sleep(Duration::from_millis(1)).await;
            assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0, "something still runs");
        });
        if let Err(why) = hear.recv().unwrap() {
            prop_assert!(false, "{}", why);
        }
    }
}
