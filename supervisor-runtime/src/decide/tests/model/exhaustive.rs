//! Not at random: every group of up to three children, and every history of it up to a depth; and of one or two, of which one is
//! an open group or can be scaled.
//!
//! An ordinary event costs one, a rare one two (an order by hand, a stop, an instruction, a failure that the supervisor has not
//! noticed when the next one comes), and a history may cost as much as `SUPERVISOR_DEPTH` says. It begins where nothing has
//! started, and where everything has.

use std::time::{Duration, Instant};

use super::pair::Pair;
use super::words::{Is, Said};
use super::{ms, number};
use crate::decide::{ChildRules, Choice, Order, Rules, Size, StrategyRule, Swept};
use crate::declare::Kind;
use crate::{AutoShutdown, Backoff, Restart, RestartLimit, Shutdown};

const RESTARTS: [Restart; 3] = [Restart::Permanent, Restart::Transient, Restart::Temporary];

const STRATEGIES: [StrategyRule; 8] = [
    StrategyRule::OneForOne,
    StrategyRule::OneForAll,
    StrategyRule::RestForOne,
    StrategyRule::DependentsForOne,
    StrategyRule::ForfeitOneForOne,
    StrategyRule::ForfeitOneForAll,
    StrategyRule::Crashing,
    StrategyRule::Custom,
];

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Move {
    Starts(usize),
    Ends(usize, Said),
    /// Nobody gets to run before the next one.
    FailsUnnoticed(usize),
    Steer(usize, Order),
    Add(usize),
    /// The member that was added first.
    Discard(usize),
    Scale(usize, usize),
    Passes(Duration),
    Stop,
}

impl Move {
    fn cost(self) -> u32 {
        match self {
            Self::Starts(_) | Self::Ends(_, Said::Ok | Said::Failed) => 1,
            Self::Passes(by) if by <= ms(100) => 1,
            _ => 2,
        }
    }
}

/// Every way to number the children of a group, and to choose for each among so many.
fn each(children: usize, of: usize) -> impl Iterator<Item = Vec<usize>> {
    (0..of.pow(children as u32)).map(move |n| (0..children).map(|child| n / of.pow(child as u32) % of).collect())
}

/// Who requires whom: in a group that goes by it every way, in others nobody and each the one before.
fn wirings(strategy: StrategyRule, children: usize) -> Vec<Vec<Vec<u32>>> {
    let pairs: Vec<(usize, usize)> = (0..children).flat_map(|user| (0..user).map(move |used| (user, used))).collect();
    let chain = pairs.iter().enumerate().filter(|(_, (user, used))| used + 1 == *user).map(|(n, _)| 1 << n).sum();
    let masks =
        if strategy == StrategyRule::DependentsForOne { (0..1 << pairs.len()).collect() } else { vec![0, chain] };
    let wiring = |mask: u32| {
        let mut requires = vec![Vec::new(); children];
        for (_, &(user, used)) in pairs.iter().enumerate().filter(|(n, _)| mask >> n & 1 == 1) {
            requires[user].push(used as u32);
        }
        requires
    };
    let mut wirings: Vec<_> = masks.into_iter().map(wiring).collect();
    wirings.dedup();
    wirings
}

/// Every group of so many children.
fn groups(count: usize) -> impl Iterator<Item = Rules> {
    let wired = STRATEGIES
        .into_iter()
        .flat_map(move |strategy| wirings(strategy, count).into_iter().map(move |requires| (strategy, requires)));
    let backoff = Backoff { initial: ms(10), max: ms(40) };
    let limits = [
        (0, None, AutoShutdown::Never),
        (1, None, AutoShutdown::AnySignificant),
        (1, Some(backoff), AutoShutdown::AllSignificant),
    ];
    wired.flat_map(move |(strategy, requires)| {
        limits.into_iter().flat_map(move |(max_restarts, backoff, auto_shutdown)| {
            let requires = requires.clone();
            each(count, RESTARTS.len()).map(move |restarts| {
                let lasts = |other: &&u32| RESTARTS[restarts[**other as usize]] != Restart::Temporary;
                let child = |child: usize| ChildRules {
                    kind: Kind::Worker,
                    size: Size::One,
                    restart: RESTARTS[restarts[child]],
                    shutdown: Some(Shutdown::Within(ms(100))),
                    backoff,
                    significant: auto_shutdown != AutoShutdown::Never
                        && RESTARTS[restarts[child]] != Restart::Permanent
                        && child != 1,
                    requires: requires[child].iter().filter(lasts).copied().collect(),
                };
                let limit = RestartLimit { max_restarts, over: ms(100) };
                Rules { strategy, limit, shutdown: None, auto_shutdown, children: (0..count).map(child).collect() }
            })
        })
    })
}

/// The same group with each of its children as an open group, or as replicas, instead.
fn with_who_comes_and_goes(rules: &Rules) -> Vec<Rules> {
    let mut groups = Vec::new();
    for (child, size) in (0..rules.children.len()).flat_map(|child| [(child, Size::Replicas(1)), (child, Size::Open)]) {
        let mut rules = rules.clone();
        rules.children[child].size = size;
        if size == Size::Open {
            // Nothing can depend on what comes and goes.
            rules.children.iter_mut().for_each(|other| other.requires.retain(|&used| used as usize != child));
        }
        groups.push(rules);
    }
    groups
}

/// All that can happen.
fn moves(pair: &Pair) -> Vec<Move> {
    let mut moves: Vec<_> = pair.starting().into_iter().map(Move::Starts).collect();
    for p in pair.places(Is::is_alive) {
        match pair.is(p) {
            Is::Asked | Is::Told => {
                moves.push(Move::Ends(p, Said::Ok));
                continue;
            }
            Is::Running => moves.push(Move::Ends(p, Said::Ok)),
            _ => {}
        }
        moves.extend([Said::Failed, Said::Forfeit, Said::Escalate].map(|said| Move::Ends(p, said)));
        moves.push(Move::FailsUnnoticed(p));
    }
    moves.extend([Move::Passes(ms(100)), Move::Passes(ms(1_200)), Move::Stop]);
    for child in 0..pair.children() {
        match pair.size(child) {
            Size::One => {}
            Size::Replicas(_) => moves.extend([0, 1, 2].map(|count| Move::Scale(child, count))),
            Size::Open => moves.extend([Move::Add(child), Move::Discard(child)]),
        }
        moves.extend([Order::Start, Order::Stop, Order::Restart].map(|order| Move::Steer(child, order)));
    }
    moves
}

fn makes(pair: &mut Pair, it: Move) {
    let choice = Choice::Restart(Swept::Rest);
    match it {
        Move::Starts(p) => pair.started(p),
        Move::Ends(p, said) => pair.ends(p, said, &choice),
        Move::FailsUnnoticed(p) => return pair.ends(p, Said::Failed, &choice),
        Move::Steer(child, order) => pair.steer(child, u8::MAX, order),
        Move::Add(child) => pair.add(child),
        Move::Discard(child) => pair.discard(child, 0),
        Move::Scale(child, count) => pair.scale(child, count),
        Move::Passes(by) => return pair.passes(by),
        Move::Stop => pair.stop(None, None),
    }
    pair.settle(pair.now());
}

/// Tries all that can happen from here; how many histories that is.
fn explores(pair: &Pair, depth: u32) -> u64 {
    if pair.has_ended().is_some() {
        return 1;
    }
    let affordable = moves(pair).into_iter().filter(|it| it.cost() <= depth);
    let after = |it: Move| {
        let mut next = pair.clone();
        makes(&mut next, it);
        explores(&next, depth - it.cost())
    };
    1 + affordable.map(after).sum::<u64>()
}

fn explores_all(groups: impl Iterator<Item = Rules>, depth: u32) {
    let mut histories = 0;
    for rules in groups {
        let mut pair = Pair::new(rules, Instant::now());
        pair.settle(pair.now());
        histories += explores(&pair, depth);
        while let Some(&p) = pair.starting().first() {
            makes(&mut pair, Move::Starts(p));
        }
        histories += explores(&pair, depth);
    }
    println!("{histories} histories");
}

#[test]
fn every_history_of_a_small_group_is_that_of_the_reference() {
    let depth = number("SUPERVISOR_DEPTH", 3);
    explores_all(groups(1), depth + 2);
    explores_all(groups(2), depth);
    explores_all(groups(3), depth - 1);
}

#[test]
fn every_history_in_which_some_come_and_go_is_that_of_the_reference() {
    let depth = number("SUPERVISOR_DEPTH", 3);
    explores_all(groups(1).flat_map(|rules| with_who_comes_and_goes(&rules)), depth + 2);
    explores_all(groups(2).flat_map(|rules| with_who_comes_and_goes(&rules)), depth);
}
