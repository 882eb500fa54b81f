//! Groups in groups: each place of a supervisor holds a pair of its own, connected as the shell connects them. The start of
//! a group is the start of its place, its end is the end of that incarnation, and a stop of the place stops the group.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::pair::{Below, Pair};
use super::words::{Is, Said};
use super::{Declared, Event};
use crate::decide::{Choice, Size, Swept};

/// A group and those below it.
pub(super) struct Tree {
    declared: Declared,
    pair: Pair,
    below: BTreeMap<usize, Tree>,
}

impl Tree {
    pub(super) fn new(declared: &Declared, now: Instant) -> Self {
        let mut tree =
            Self { declared: declared.clone(), pair: Pair::new(declared.rules.clone(), now), below: BTreeMap::new() };
        tree.settle(now);
        tree
    }

    pub(super) fn has_ended(&self) -> bool {
        self.pair.has_ended().is_some()
    }

    /// Lets everything happen that happens by itself at this time.
    pub(super) fn settle(&mut self, now: Instant) {
        loop {
            self.pair.settle(now);
            for (p, deadline) in self.pair.told() {
                if let Some(below) = self.below.get_mut(&p) {
                    below.pair.stop(deadline, self.pair.should.deadline_of(p));
                }
            }
            for p in self.pair.places(|is| is == Is::Starting) {
                if self.pair.holds_group(p) && !self.below.contains_key(&p) {
                    let declared = &self.declared.below[self.pair.should.places[p].child];
                    let declared = declared.as_ref().expect("what holds a group has one declared");
                    self.below.insert(p, Self::new(declared, now));
                }
            }
            if !self.settle_below(now) {
                return;
            }
        }
    }

    /// Whether anything came up from there.
    fn settle_below(&mut self, now: Instant) -> bool {
        let mut news = false;
        for p in self.below.keys().copied().collect::<Vec<_>>() {
            let below = self.below.get_mut(&p).expect("it has just been there");
            below.settle(now);
            match Below::of(self.pair.is(p), &below.pair) {
                Below::Started => self.pair.started(p),
                Below::Ended(said) => {
                    self.below.remove(&p);
                    // What was asked to stop ends well, unless something of it may still run.
                    let asked = self.pair.is(p) == Is::Asked && said != Said::Stuck;
                    self.pair.ends(p, if asked { Said::Ok } else { said }, &Choice::Restart(Swept::Failed));
                }
                Below::Nothing => continue,
            }
            news = true;
        }
        news
    }

    /// Lets time pass, from one timer to the next.
    pub(super) fn passes(&mut self, from: Instant, by: Duration) {
        self.settle(from);
        let until = from + by;
        let mut now = from;
        while now < until {
            now = self.next_timer().map_or(until, |then| then.min(until));
            self.settle(now);
        }
    }

    pub(super) fn next_timer(&self) -> Option<Instant> {
        self.below.values().filter_map(Self::next_timer).chain(self.pair.next_timer()).min()
    }

    /// Something happens somewhere; whether everybody gets to run before the next event.
    pub(super) fn happens(&mut self, event: &Event) -> bool {
        match event {
            Event::Starts(pick) => self.at(*pick, Pair::starting, Pair::started),
            Event::Fails(pick) => self.at(
                *pick,
                |pair| {
                    let all = pair.places(|is| is == Is::Running).into_iter();
                    all.filter(|&p| !pair.should.places[p].failing).collect()
                },
                Pair::fails,
            ),
            Event::SaysReady(pick, ready) => self.at(
                *pick,
                |pair| pair.places(|is| matches!(is, Is::Starting | Is::Running)),
                |pair, p| pair.says_ready(p, *ready),
            ),
            Event::Ends { pick, said, choice, settles } => {
                self.at(
                    *pick,
                    |pair| pair.places(Is::is_alive),
                    |pair, p| {
                        let said = match pair.is(p) {
                            Is::Asked | Is::Told => Said::Ok,
                            // No `start` ends well as the end of an incarnation.
                            Is::Starting if *said == Said::Ok => Said::Failed,
                            // A failure it was already.
                            _ if pair.should.places[p].failing && *said == Said::Ok => Said::Failed,
                            _ => *said,
                        };
                        pair.ends(p, said, &among(choice, pair.children()));
                    },
                );
                return *settles;
            }
            Event::Stop(deadline) => {
                let deadline = deadline.map(|by| self.pair.now() + by);
                self.pair.stop(deadline, deadline);
            }
            Event::Steer { pick, mask, order, settles } => {
                let mut pairs = Vec::new();
                self.collect(&mut pairs);
                let count = pairs.len();
                let pair = &mut pairs[pick % count];
                pair.steer(pick / count % pair.children(), *mask, *order);
                return *settles;
            }
            Event::Adds { pick, settles } => {
                self.at_child(*pick, |size| size == Size::Open, Pair::add);
                return *settles;
            }
            Event::Discards { pick, settles } => {
                self.at_child(*pick, |size| size == Size::Open, |pair, child| pair.discard(child, *pick));
                return *settles;
            }
            Event::Scales { pick, count, settles } => {
                let is_replicated = |size| matches!(size, Size::Replicas(_));
                self.at_child(*pick, is_replicated, |pair, child| pair.scale(child, *count));
                return *settles;
            }
            Event::Passes(_) => {}
        }
        true
    }

    /// Does something to one of the children of such a size, wherever in the tree.
    fn at_child(&mut self, pick: usize, which: fn(Size) -> bool, mut act: impl FnMut(&mut Pair, usize)) {
        let mut pairs = Vec::new();
        self.collect(&mut pairs);
        let children = |(n, pair): (usize, &&mut Pair)| {
            let such: Vec<_> = (0..pair.children()).filter(|&child| which(pair.size(child))).collect();
            such.into_iter().map(move |child| (n, child))
        };
        let all: Vec<_> = pairs.iter().enumerate().flat_map(children).collect();
        if let Some(&(n, child)) = all.get(pick.checked_rem(all.len()).unwrap_or_default()) {
            act(pairs[n], child);
        }
    }

    /// Does something to one of the places that are such, wherever in the tree; not to those of groups.
    fn at(&mut self, pick: usize, which: fn(&Pair) -> Vec<usize>, mut act: impl FnMut(&mut Pair, usize)) {
        let mut pairs = Vec::new();
        self.collect(&mut pairs);
        let all: Vec<_> = pairs
            .iter()
            .enumerate()
            .flat_map(|(n, pair)| which(pair).into_iter().filter(|&p| !pair.holds_group(p)).map(move |p| (n, p)))
            .collect();
        if let Some(&(n, p)) = all.get(pick.checked_rem(all.len()).unwrap_or_default()) {
            act(pairs[n], p);
        }
    }

    fn collect<'a>(&'a mut self, into: &mut Vec<&'a mut Pair>) {
        into.push(&mut self.pair);
        for below in self.below.values_mut() {
            below.collect(into);
        }
    }
}

/// What a custom strategy may say in a group of so many children.
fn among(choice: &Choice, count: usize) -> Choice {
    let within = |swept: &Swept| match swept {
        Swept::Children(children) => {
            Swept::Children(children.iter().copied().filter(|&child| (child as usize) < count).collect())
        }
        swept => swept.clone(),
    };
    match choice {
        Choice::Restart(swept) => Choice::Restart(within(swept)),
        Choice::Forfeit(swept) => Choice::Forfeit(within(swept)),
        Choice::Escalate => Choice::Escalate,
    }
}
