//! What is asked for by hand.

use std::collections::BTreeSet;
use std::time::Instant;

use super::super::words::{Course, Is};
use super::{Fate, Place, Reference, Wave};
use crate::decide::{Order, StrategyRule};

impl Reference {
    /// Carries out an order for places of one child; whether it is refused. What uses them is stopped before them and
    /// started after them, and nothing counts against the limit.
    pub(in super::super) fn steer(&mut self, set: &BTreeSet<usize>, order: Order, now: Instant) -> bool {
        self.now = now;
        let is_stuck = |&p: &usize| self.places[p].is == Is::Stuck;
        let cannot = set.iter().any(is_stuck) || set.iter().any(|&p| self.lacks(p));
        if self.is_ending() || order != Order::Stop && cannot {
            return true;
        }
        match order {
            Order::Stop => {
                // What it uses comes down after it.
                let is_up =
                    |&p: &usize| !matches!(self.places[p].is, Is::Done | Is::Stopped | Is::Forfeited | Is::Gone);
                let users = if set.iter().any(is_up) { self.users(set) } else { BTreeSet::new() };
                let along = self.take_along(&users);
                self.stop_for_long(set);
                self.wave(set | &along, None);
                set.iter().for_each(|&p| self.places[p].along = false);
            }
            Order::Start => {
                let down: BTreeSet<_> = set.iter().copied().filter(|&p| !self.is_up(p)).collect();
                self.bring_up(&down);
            }
            Order::Restart => self.bring_up(set),
        }
        self.look_whether_started();
        false
    }

    /// Whether a place runs, or will without more ado.
    pub(super) fn is_up(&self, p: usize) -> bool {
        let Place { is, doomed, failing, .. } = self.places[p];
        is.is_alive() && (doomed == Some(Fate::Restart) || doomed.is_none() && !failing)
    }

    /// What uses something that is taken down goes down with it, and comes up with it; not what is down by itself.
    pub(super) fn take_along(&mut self, users: &BTreeSet<usize>) -> BTreeSet<usize> {
        let along: BTreeSet<_> = users.iter().copied().filter(|&p| !self.is_down_by_itself(p)).collect();
        self.stop_for_long(&along);
        along.iter().for_each(|&p| self.places[p].along = true);
        along
    }

    /// Until somebody starts them: what cannot be made again is no member any more.
    fn stop_for_long(&mut self, set: &BTreeSet<usize>) {
        let (once, others): (BTreeSet<_>, _) = set.iter().copied().partition(|&p| self.is_made_once(p));
        self.take_down(&once, Fate::Left);
        self.take_down(&others, Fate::Stopped);
    }

    pub(super) fn is_down_by_itself(&self, p: usize) -> bool {
        let Place { is, doomed, along, .. } = self.places[p];
        let is_down = !is.is_alive() && is != Is::Waits || doomed > Some(Fate::Restart);
        is == Is::Stuck || is_down && !along
    }

    pub(super) fn bring_up(&mut self, set: &BTreeSet<usize>) {
        if set.is_empty() {
            return;
        }
        let was_in_wave = set.iter().any(|&p| self.is_in_a_wave_with_others(p));
        for &p in set {
            self.is_asked_for(p);
            self.raise(p);
        }
        let users = self.users(set);
        for p in self.in_order(&users) {
            if self.is_down_by_itself(p) || self.is_leaving(p) || self.lacks(p) {
                continue;
            }
            if self.is_made_once(p) {
                self.take_down(&[p].into(), Fate::Left);
            } else {
                self.raise(p);
            }
        }
        let all = set | &users;
        let any_alive = all.iter().any(|&p| self.places[p].is.is_alive());
        let child = set.first().map(|&p| self.places[p].child);
        let late = !any_alive && !was_in_wave && self.is_in_the_way(child);
        if late {
            let waits = |&p: &usize| self.places[p].is == Is::Waits && !self.is_in_a_wave_with_others(p);
            let of: BTreeSet<_> = all.into_iter().filter(waits).collect();
            of.iter().for_each(|&p| self.leave(p));
            self.waves.push(Wave { of, delay: None, not_before: None, alone: false, late });
            return;
        }
        self.wave(all, None);
        if let Some(wave) = self.waves.last_mut() {
            // Who asks by hand does not wait for a backoff.
            wave.delay = None;
            wave.not_before = None;
        }
    }

    /// Its next start concerns who asked for it; what belongs to the start of the group still does.
    pub(super) fn is_asked_for(&mut self, p: usize) {
        let Place { child, index, has_started, by_hand, .. } = self.places[p];
        let is_declared = index < self.rules.children[child].size.count();
        let is_first = self.course == Course::Starting && is_declared && !has_started && !by_hand;
        self.places[p].by_hand |= !is_first;
        self.places[p].anew = self.places[p].is.is_alive();
        self.places[p].tries = 0;
    }

    fn is_in_a_wave_with_others(&self, p: usize) -> bool {
        self.waves.iter().any(|wave| !wave.late && !wave.alone && wave.of.contains(&p))
    }

    /// It is to begin anew, whatever it does.
    pub(super) fn raise(&mut self, p: usize) {
        let place = &mut self.places[p];
        place.along = false;
        if place.is.is_alive() {
            place.doomed = Some(Fate::Restart);
        } else if place.is != Is::Stuck {
            place.is = Is::Waits;
        }
    }

    /// Whether something that is declared before a child is on its way, and matters.
    pub(super) fn is_in_the_way(&self, child: Option<usize>) -> bool {
        let each_for_itself = matches!(self.rules.strategy, StrategyRule::OneForOne | StrategyRule::ForfeitOneForOne);
        self.rules.strategy != StrategyRule::DependentsForOne
            && !(each_for_itself && self.has_started)
            && self.front().is_some_and(|front| Some(front) < child)
    }

    /// The first child of which something is on its way in a wave.
    pub(super) fn front(&self) -> Option<usize> {
        let waves = self.waves.iter().filter(|wave| !wave.late && !wave.alone);
        let on_its_way = |&&p: &&usize| {
            let Place { is, doomed, .. } = self.places[p];
            is != Is::Running && (is == Is::Waits || is.is_alive()) || doomed.is_some()
        };
        waves.flat_map(|wave| wave.of.iter().filter(on_its_way)).map(|&p| self.places[p].child).min()
    }

    pub(super) fn go_on_with_the_late(&mut self) {
        let front = self.front();
        let may = |&p: &usize| front.is_none_or(|front| front >= self.places[p].child);
        let late = self.waves.iter().filter(|wave| wave.late).flat_map(|wave| wave.of.iter().copied());
        let go: BTreeSet<_> = late.filter(may).collect();
        if !go.is_empty() {
            self.wave(go, None);
        }
    }
}
