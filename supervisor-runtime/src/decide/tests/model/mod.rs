//! The core against an independent reference of the rules (`reference`), in lockstep (`pair`).
//!
//! At random: groups, and trees of them (`tree`), in random histories; `SUPERVISOR_CASES=100000` tries more, and what fails is
//! shrunk and printed with its seed. Not at random: all that can happen to a small group (`exhaustive`);
//! `SUPERVISOR_DEPTH=4` goes deeper, and takes a minute.

mod exhaustive;
mod pair;
mod reference;
mod tree;
mod words;

use std::fmt;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::select;

use self::tree::Tree;
use self::words::Said;
use super::ms;
use crate::decide::{ChildRules, Choice, Order, Rules, Size, StrategyRule, Swept};
use crate::declare::Kind;
use crate::{AutoShutdown, Backoff, Restart, RestartLimit, Shutdown};

/// A group as it is declared, and those in it.
#[derive(Clone)]
struct Declared {
    rules: Rules,
    /// The group that a child is, for each child.
    below: Vec<Option<Declared>>,
}

/// What a random history is made of; the numbers choose among what is possible.
#[derive(Clone)]
enum Event {
    Starts(usize),
    /// It has failed, and its `stop` takes time.
    Fails(usize),
    SaysReady(usize, bool),
    /// An incarnation ends; what a custom strategy says to that, and whether the supervisors get to run before the next
    /// event.
    Ends {
        pick: usize,
        said: Said,
        choice: Choice,
        settles: bool,
    },
    /// An order by hand, for those replicas of a child that the mask chooses.
    Steer {
        pick: usize,
        mask: u8,
        order: Order,
        settles: bool,
    },
    /// A member is added to an open group.
    Adds {
        pick: usize,
        settles: bool,
    },
    /// One of its members is taken out of it.
    Discards {
        pick: usize,
        settles: bool,
    },
    /// A child's replicas become so many.
    Scales {
        pick: usize,
        count: usize,
        settles: bool,
    },
    Passes(Duration),
    Stop(Option<Duration>),
}

/// The rules of a group, on one line for each child.
struct Brief<'a>(&'a Rules);

impl fmt::Debug for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rules { strategy, limit, shutdown, auto_shutdown, children } = self.0;
        write!(f, "{strategy:?} {limit} shutdown: {shutdown:?} {auto_shutdown:?}")?;
        for ChildRules { kind, size, restart, shutdown, backoff, significant, requires } in children {
            write!(f, "\n  {kind:?} {size:?} {restart:?} shutdown: {shutdown:?} backoff: {backoff:?}")?;
            write!(f, " significant: {significant} requires: {requires:?}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", Brief(&self.rules))?;
        for (child, below) in self.below.iter().enumerate() {
            if let Some(below) = below {
                let below = format!("{below:?}").replace('\n', "\n    ");
                write!(f, "\n  child {child} is\n    {below}")?;
            }
        }
        Ok(())
    }
}

/// On one line, also where the others are printed at length.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starts(pick) => write!(f, "Starts({pick})"),
            Self::Fails(pick) => write!(f, "Fails({pick})"),
            Self::SaysReady(pick, ready) => write!(f, "SaysReady({pick}, {ready})"),
            Self::Ends { pick, said, choice, settles } => {
                write!(f, "Ends {{ pick: {pick}, said: {said:?}, choice: {choice:?}, settles: {settles} }}")
            }
            Self::Steer { pick, mask, order, settles } => {
                write!(f, "Steer {{ pick: {pick}, mask: {mask:#b}, order: {order:?}, settles: {settles} }}")
            }
            Self::Adds { pick, settles } => write!(f, "Adds {{ pick: {pick}, settles: {settles} }}"),
            Self::Discards { pick, settles } => write!(f, "Discards {{ pick: {pick}, settles: {settles} }}"),
            Self::Scales { pick, count, settles } => {
                write!(f, "Scales {{ pick: {pick}, count: {count}, settles: {settles} }}")
            }
            Self::Passes(by) => write!(f, "Passes({by:?})"),
            Self::Stop(deadline) => write!(f, "Stop({deadline:?})"),
        }
    }
}

fn child() -> impl Strategy<Value = ChildRules> {
    let restart = select(vec![Restart::Permanent, Restart::Permanent, Restart::Transient, Restart::Temporary]);
    let backoff = proptest::option::weighted(0.3, Just(Backoff { initial: ms(10), max: ms(80) }));
    let size = prop_oneof![
        6 => Just(Size::One),
        2 => (1_usize..4).prop_map(Size::Replicas),
        1 => Just(Size::Open),
    ];
    let shutdown = select(vec![
        Shutdown::DEFAULT,
        Shutdown::DEFAULT,
        Shutdown::Within(ms(20)),
        Shutdown::Infinity,
        Shutdown::BrutalKill,
    ]);
    let requires = proptest::collection::vec(0_u32..4, 0..3);
    (restart, backoff, size, shutdown, any::<bool>(), requires).prop_map(
        |(restart, backoff, size, shutdown, significant, requires)| ChildRules {
            kind: Kind::Worker,
            size,
            restart,
            shutdown: Some(shutdown),
            backoff,
            significant: significant && restart != Restart::Permanent,
            requires,
        },
    )
}

/// A group with so many levels below it, at most.
fn declared(levels: u32) -> BoxedStrategy<Declared> {
    let strategy = select(vec![
        StrategyRule::OneForOne,
        StrategyRule::OneForAll,
        StrategyRule::RestForOne,
        StrategyRule::DependentsForOne,
        StrategyRule::DependentsForOne,
        StrategyRule::ForfeitOneForOne,
        StrategyRule::ForfeitOneForAll,
        StrategyRule::Crashing,
        StrategyRule::Custom,
    ]);
    let auto_shutdown = select(vec![
        AutoShutdown::Never,
        AutoShutdown::Never,
        AutoShutdown::AnySignificant,
        AutoShutdown::AllSignificant,
    ]);
    let shutdown = proptest::option::weighted(0.3, select(vec![ms(0), ms(30), ms(6_000)]));
    let below = match levels {
        0 => Just(None).boxed(),
        _ => prop_oneof![2 => Just(None), 1 => declared(levels - 1).prop_map(Some)].boxed(),
    };
    let children = proptest::collection::vec((child(), below), 1..5);
    (strategy, 0_u32..5, auto_shutdown, shutdown, children)
        .prop_map(|(strategy, max_restarts, auto_shutdown, shutdown, children)| {
            let (mut children, mut below): (Vec<_>, Vec<Option<Declared>>) = children.into_iter().unzip();
            let lasts = |child: &ChildRules| child.restart != Restart::Temporary && child.size != Size::Open;
            let lasts: Vec<_> = children.iter().map(lasts).collect();
            for (position, (child, below)) in children.iter_mut().zip(&mut below).enumerate() {
                // What is added is a service.
                below.take_if(|_| child.size == Size::Open);
                // Nothing can depend on what may be gone for good.
                child.requires.retain(|&other| (other as usize) < position && lasts[other as usize]);
                if let Some(below) = &*below {
                    child.kind = Kind::Supervisor;
                    child.shutdown = below.rules.shutdown;
                }
            }
            let limit = RestartLimit { max_restarts, over: ms(100) };
            let shutdown = shutdown.map(Shutdown::Within);
            Declared { rules: Rules { strategy, limit, shutdown, auto_shutdown, children }, below }
        })
        .boxed()
}

fn choice() -> impl Strategy<Value = Choice> {
    let swept =
        select(vec![Swept::Failed, Swept::Rest, Swept::All, Swept::Children(vec![0, 2]), Swept::Children(vec![1])]);
    prop_oneof![
        6 => swept.clone().prop_map(Choice::Restart),
        2 => swept.prop_map(Choice::Forfeit),
        1 => Just(Choice::Escalate),
    ]
}

fn pick() -> impl Strategy<Value = usize> {
    0_usize..1_000
}

fn event() -> impl Strategy<Value = Event> {
    let said = prop_oneof![
        8 => Just(Said::Failed),
        4 => Just(Said::Ok),
        1 => Just(Said::Forfeit),
        1 => Just(Said::Escalate),
    ];
    // Often exactly as long as a window, a delay or a deadline.
    let times = select(vec![0, 1, 5, 10, 20, 30, 40, 80, 99, 100, 101, 1_000, 5_000, 5_500]).prop_map(ms);
    let settles = proptest::bool::weighted(0.7);
    let order = select(vec![Order::Start, Order::Stop, Order::Restart]);
    prop_oneof![
        20 => pick().prop_map(Event::Starts),
        12 => (pick(), said, choice(), settles)
            .prop_map(|(pick, said, choice, settles)| Event::Ends { pick, said, choice, settles }),
        1 => pick().prop_map(Event::Fails),
        1 => (pick(), any::<bool>()).prop_map(|(pick, ready)| Event::SaysReady(pick, ready)),
        5 => (pick(), prop_oneof![3 => Just(u8::MAX), 1 => any::<u8>()], order, settles)
            .prop_map(|(pick, mask, order, settles)| Event::Steer { pick, mask, order, settles }),
        3 => (pick(), settles).prop_map(|(pick, settles)| Event::Adds { pick, settles }),
        1 => (pick(), settles).prop_map(|(pick, settles)| Event::Discards { pick, settles }),
        2 => (pick(), 0_usize..5, settles).prop_map(|(pick, count, settles)| Event::Scales { pick, count, settles }),
        6 => times.prop_map(Event::Passes),
        1 => proptest::option::of(select(vec![ms(0), ms(30), ms(10_000)])).prop_map(Event::Stop),
    ]
}

/// How much is tried: what the environment says, or else what is quick.
fn number(name: &str, otherwise: u32) -> u32 {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(otherwise)
}

fn lives(declared: &Declared, events: &[Event]) {
    let mut now = Instant::now();
    let mut tree = Tree::new(declared, now);
    for event in events {
        if tree.has_ended() {
            return;
        }
        if let Event::Passes(by) = *event {
            tree.passes(now, by);
            now += by;
        } else if tree.happens(event) {
            tree.settle(now);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: number("SUPERVISOR_CASES", 4_000), ..ProptestConfig::default() })]

    #[test]
    fn a_group_does_what_the_reference_does(
        group in declared(0),
        events in proptest::collection::vec(event(), 0..80),
    ) {
        lives(&group, &events);
    }

    #[test]
    fn a_tree_does_what_the_reference_does(
        tree in declared(3),
        events in proptest::collection::vec(event(), 0..150),
    ) {
        lives(&tree, &events);
    }
}
