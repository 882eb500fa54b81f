//! What goes on by itself: who is asked to stop, who waits for how long, who is started, and in which order.

use std::time::{Duration, Instant};

use super::super::words::{Course, Ending, Is, Why};
use super::{Fate, Place, Reference, Wave};
use crate::decide::StrategyRule;
use crate::declare::Kind;

/// How long what was told to be dropped may take before it is stuck.
const PATIENCE: Duration = Duration::from_secs(1);

impl Reference {
    /// Does all that can be done at this time; who was asked to stop, and who was told to be dropped.
    pub(in super::super) fn goes_on(&mut self, now: Instant) -> Vec<Ending> {
        self.now = now;
        let mut endings = Vec::new();
        loop {
            let before = (self.course, self.places.clone(), self.waves.clone());
            self.lose_patience(&mut endings);
            // Replicas together: who may is asked first, and then done.
            for p in self.all().into_iter().filter(|&p| self.may_ask(p)).collect::<Vec<_>>() {
                self.ask(p, &mut endings);
            }
            self.wait();
            self.go_on_with_the_late();
            for p in self.all().into_iter().filter(|&p| self.may_start(p)).collect::<Vec<_>>() {
                self.begin(p);
            }
            if let Course::Ending(why) = self.course
                && !self.places.iter().any(|place| place.is.is_alive())
            {
                self.course = Course::Ended(why);
            }
            if before == (self.course, self.places.clone(), self.waves.clone()) {
                return endings;
            }
        }
    }

    pub(super) fn lose_patience(&mut self, endings: &mut Vec<Ending>) {
        let group_is_late = self.is_ending() && self.deadline.is_some_and(|deadline| deadline <= self.now);
        for p in 0..self.places.len() {
            let late = self.places[p].until.is_some_and(|until| until <= self.now);
            match self.places[p].is {
                Is::Asked if self.rule(p).kind == Kind::Supervisor => {}
                Is::Asked if late || group_is_late => self.tell(p, endings),
                Is::Told if late => {
                    self.end(Why::Stuck, Fate::Stopped);
                    self.places[p].is = Is::Stuck;
                    self.places[p].doomed = None;
                    self.places[p].until = None;
                    self.leave(p);
                }
                _ => {}
            }
        }
    }

    /// Whether a place may be asked to stop: it is to be, and everything that comes down before it is down.
    pub(super) fn may_ask(&self, p: usize) -> bool {
        let place = &self.places[p];
        if !matches!(place.is, Is::Starting | Is::Running) || place.doomed.is_none() {
            return false;
        }
        if self.is_ending() && self.deadline.is_some_and(|deadline| deadline <= self.now) {
            return true;
        }
        let alive = |&q: &usize| self.places[q].is.is_alive();
        if self.all().iter().filter(|&&user| self.uses(user).contains(&p)).any(alive) {
            return false;
        }
        let wave = self.waves.iter().find(|wave| wave.of.contains(&p));
        // One after the other; what comes down later may be on its way already.
        let before = |&q: &usize| self.places[q].doomed.is_some() && self.places[q].child > place.child;
        self.rules.strategy == StrategyRule::DependentsForOne || !wave.is_some_and(|wave| wave.of.iter().any(before))
    }

    pub(super) fn ask(&mut self, p: usize, endings: &mut Vec<Ending>) {
        let own = self.rule(p).shutdown.and_then(|shutdown| shutdown.limit()).map(|limit| self.now + limit);
        let group = self.deadline.filter(|_| self.is_ending());
        let until = own.into_iter().chain(group).min();
        self.places[p].is = Is::Asked;
        if until.is_some_and(|until| until <= self.now) && self.rule(p).kind == Kind::Worker {
            self.tell(p, endings);
        } else {
            self.places[p].until = until;
            endings.push(Ending::Asked(p));
        }
    }

    pub(super) fn tell(&mut self, p: usize, endings: &mut Vec<Ending>) {
        self.places[p].is = Is::Told;
        self.places[p].until = Some(self.now + PATIENCE);
        endings.push(Ending::Told(p));
    }

    /// What is swept waits for its delay, which begins now.
    pub(super) fn wait(&mut self) {
        for n in 0..self.waves.len() {
            if !self.is_swept(&self.waves[n]) {
                continue;
            }
            let now = self.now;
            let wave = &mut self.waves[n];
            if let Some(delay) = wave.delay.take() {
                wave.not_before = wave.not_before.max(Some(now + delay));
            }
        }
        let idle = |place: &Place| place.is != Is::Waits && !place.is.is_alive();
        let places = &self.places;
        self.waves.retain(|wave| !wave.of.iter().all(|&p| idle(&places[p])));
    }

    pub(super) fn is_swept(&self, wave: &Wave) -> bool {
        !wave.of.iter().any(|&p| self.places[p].doomed.is_some())
    }

    /// Whether a place may be started: its wave is swept and has waited, and what comes up before it is up.
    pub(super) fn may_start(&self, p: usize) -> bool {
        let place = &self.places[p];
        let Some(wave) = self.waves.iter().find(|wave| wave.of.contains(&p)) else { return false };
        let waits = place.is == Is::Waits && !self.is_ending() && !wave.late;
        let swept = self.is_swept(wave) && wave.not_before.is_none_or(|then| then <= self.now);
        // One after the other; whatever of it is starting already is waited for.
        let before = |&q: &usize| {
            let Place { child, is, .. } = self.places[q];
            is == Is::Waits && child < place.child || is == Is::Starting
        };
        let in_order = self.rules.strategy == StrategyRule::DependentsForOne || !wave.of.iter().any(before);
        // Where the failure of another takes nothing along, its handle lasts.
        let takes_along = matches!(self.rules.strategy, StrategyRule::RestForOne | StrategyRule::DependentsForOne);
        let met = wave.alone && !takes_along || self.uses(p).iter().all(|&used| self.offers(used));
        waits && swept && in_order && met
    }

    /// Whether what uses a place can be started.
    pub(super) fn offers(&self, used: usize) -> bool {
        let Place { is, doomed, failing, .. } = self.places[used];
        is == Is::Done || is == Is::Running && !failing && doomed.is_none()
    }

    pub(super) fn begin(&mut self, p: usize) {
        self.places[p].is = Is::Starting;
        self.places[p].anew = false;
        self.places[p].unready = false;
        if self.waves.iter().any(|wave| wave.alone && wave.of.contains(&p)) {
            self.leave(p);
        }
    }
}
