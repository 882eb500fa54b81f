//! Who is who: the sets that the rules speak of, looked up anew each time.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::words::{Course, Is};
use super::{Fate, Place, Reference, Wave};
use crate::Restart;
use crate::decide::{ChildRules, Size, StrategyRule, Swept};

impl Reference {
    pub(in super::super) fn rule(&self, p: usize) -> &ChildRules {
        &self.rules.children[self.places[p].child]
    }

    pub(in super::super) fn is_ending(&self) -> bool {
        matches!(self.course, Course::Ending(_) | Course::Ended(_))
    }

    pub(in super::super) fn all(&self) -> BTreeSet<usize> {
        (0..self.places.len()).filter(|&p| self.places[p].is != Is::Left).collect()
    }

    pub(super) fn which(&self, which: impl Fn(&Place) -> bool) -> BTreeSet<usize> {
        self.all().into_iter().filter(|&p| which(&self.places[p])).collect()
    }

    pub(in super::super) fn members(&self, child: usize) -> BTreeSet<usize> {
        self.which(|place| place.child == child)
    }

    /// Whether it belongs to an open group.
    pub(in super::super) fn is_member(&self, p: usize) -> bool {
        self.rule(p).size == Size::Open
    }

    /// Whether it is on its way out of its child's replicas or members.
    pub(in super::super) fn is_leaving(&self, p: usize) -> bool {
        self.places[p].doomed == Some(Fate::Left)
    }

    /// Whether it is a member that was added once, of which no other can be made.
    pub(super) fn is_made_once(&self, p: usize) -> bool {
        self.is_member(p) && self.rule(p).restart == Restart::Temporary
    }

    /// In the order of declaration: what is used comes before what uses it.
    pub(super) fn in_order(&self, set: &BTreeSet<usize>) -> Vec<usize> {
        let mut places: Vec<_> = set.iter().copied().collect();
        places.sort_by_key(|&p| (self.places[p].child, self.places[p].index));
        places
    }

    /// Whom a custom strategy means.
    pub(super) fn chosen(&self, p: usize, swept: &Swept) -> BTreeSet<usize> {
        let mut set = match swept {
            Swept::Failed => BTreeSet::new(),
            Swept::Rest => self.which(|other| other.child > self.places[p].child),
            Swept::All => self.all(),
            Swept::Children(children) => self.which(|other| children.contains(&(other.child as u32))),
        };
        set.insert(p);
        set
    }

    /// The places that a place uses, or names as its requirements.
    pub(super) fn uses(&self, p: usize) -> BTreeSet<usize> {
        let requires = &self.rule(p).requires;
        self.which(|other| requires.contains(&(other.child as u32)))
    }

    /// Whether a child depends on another, directly or not; also by way of one that has no replicas just now.
    fn depends(&self, child: usize, on: usize) -> bool {
        let requires = &self.rules.children[child].requires;
        requires.iter().any(|&used| used as usize == on || self.depends(used as usize, on))
    }

    /// All that depends on any of these, directly or not.
    pub(super) fn users(&self, of: &BTreeSet<usize>) -> BTreeSet<usize> {
        self.which(|user| of.iter().any(|&used| self.depends(user.child, self.places[used].child)))
    }

    /// Whether something that a place depends on is down and does not come by itself.
    pub(super) fn lacks(&self, p: usize) -> bool {
        self.child_lacks(self.places[p].child)
    }

    /// The same of a child. What leaves is not missed.
    pub(super) fn child_lacks(&self, child: usize) -> bool {
        let missing = self.which(|used| {
            matches!(used.is, Is::Stopped | Is::Forfeited | Is::Gone | Is::Stuck)
                || matches!(used.doomed, Some(Fate::Gone | Fate::Stopped | Fate::Forfeited))
        });
        missing.iter().any(|&used| self.depends(child, self.places[used].child))
    }

    pub(super) fn forfeits_all(&self) -> bool {
        self.rules.strategy == StrategyRule::ForfeitOneForAll
    }

    pub(super) fn leave(&mut self, p: usize) {
        for wave in &mut self.waves {
            wave.of.remove(&p);
        }
    }

    /// Overlapping waves are one: nothing of it starts before the later delay.
    pub(super) fn wave(&mut self, of: BTreeSet<usize>, delay: Option<Duration>) {
        let (overlapping, mut waves): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waves).into_iter().partition(|wave| !wave.of.is_disjoint(&of));
        let mut merged = Wave { of, delay, not_before: None, alone: false, late: false };
        for mut wave in overlapping {
            if wave.late {
                wave.of.retain(|p| !merged.of.contains(p));
                waves.push(wave);
                continue;
            }
            merged.of.extend(wave.of);
            merged.delay = merged.delay.max(wave.delay);
            merged.not_before = merged.not_before.max(wave.not_before);
        }
        let places = &self.places;
        merged.of.retain(|&p| places[p].is == Is::Waits || places[p].is == Is::Starting || places[p].doomed.is_some());
        waves.push(merged);
        self.waves = waves;
    }
}
