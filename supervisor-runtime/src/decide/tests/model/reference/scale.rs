//! Who comes and who goes: members of open groups, and replicas.

use std::collections::BTreeSet;
use std::time::Instant;

use super::super::words::Is;
use super::{Fate, Place, Reference, Wave};

impl Reference {
    /// Adds members or replicas of these indices to a child; their places, unless it is refused. Those that were on their way
    /// out begin anew.
    pub(in super::super) fn admit(&mut self, child: usize, indices: &[usize], now: Instant) -> Option<Vec<usize>> {
        self.now = now;
        if self.is_ending() || self.child_lacks(child) {
            return None;
        }
        let places: Vec<usize> = indices.iter().map(|&index| self.place_of(child, index)).collect();
        let (back, new): (BTreeSet<_>, BTreeSet<_>) = places.iter().partition(|&&p| self.places[p].is.is_alive());
        for &p in &places {
            self.is_asked_for(p);
            self.raise(p);
        }
        if !back.is_empty() {
            self.wave(back, None);
        }
        let users = self.interrupt_users(&places.iter().copied().collect());
        if !users.is_empty() {
            self.wave(&new | &users, None);
        } else if self.is_in_the_way(Some(child)) {
            self.waves.push(Wave { of: new, delay: None, not_before: None, alone: false, late: true });
        } else if new.iter().all(|&p| self.uses(p).iter().all(|&used| self.offers(used))) {
            // They begin where they were added, and not when the supervisor gets to run.
            new.into_iter().for_each(|p| self.begin(p));
        } else {
            self.wave(new, None);
        }
        self.look_whether_started();
        Some(places)
    }

    fn place_of(&mut self, child: usize, index: usize) -> usize {
        let known = self.members(child).into_iter().find(|&p| self.places[p].index == index);
        known.unwrap_or_else(|| {
            self.places.push(Place::new(child, index));
            self.places.len() - 1
        })
    }

    /// Takes members or replicas out of their child; whether that is refused.
    pub(in super::super) fn discard(&mut self, set: &BTreeSet<usize>, now: Instant) -> bool {
        self.now = now;
        if self.is_ending() {
            return true;
        }
        let users = self.interrupt_users(set);
        self.take_down(set, Fate::Left);
        set.iter().for_each(|&p| self.places[p].by_hand = false);
        self.wave(set | &users, None);
        self.look_whether_started();
        // What was stopped by hand kept the group from being done.
        set.first().into_iter().for_each(|&p| self.look_whether_done(p, false));
        false
    }

    /// What uses them begins anew with those that are there then, also what waits by itself for its backoff; what is down stays
    /// down. A restart that is under way is waited for.
    fn interrupt_users(&mut self, of: &BTreeSet<usize>) -> BTreeSet<usize> {
        let goes_on = |&p: &usize| self.places[p].is.is_alive() || self.places[p].is == Is::Waits;
        let users: BTreeSet<_> = self.users(of).into_iter().filter(goes_on).collect();
        for &p in &users {
            if self.places[p].is.is_alive() {
                self.doom(p, self.fate_of(p));
            } else if self.waves.iter().any(|wave| wave.alone && wave.of.contains(&p)) {
                self.leave(p);
            }
        }
        users
    }
}
