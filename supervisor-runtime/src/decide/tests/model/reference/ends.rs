//! What the end of an incarnation means: instructions, restart types, strategies and the limit.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::words::{Course, Is, Said, Why};
use super::{Bounds, Fate, Place, Reference};
use crate::decide::{ChildRules, Choice, Size, StrategyRule};
use crate::declare::Kind;
use crate::{AutoShutdown, Restart};

impl Reference {
    /// It belongs to an incident that has been decided; what it says is still obeyed.
    pub(super) fn dies_before_it_is_swept(&mut self, p: usize, said: Said, fate: Fate) {
        match said {
            // Once the group is stopping, no end is more than that.
            _ if self.is_ending() => self.becomes(p, Some(fate)),
            Said::Escalate | Said::Stuck => self.fail(p, Why::Escalated(p)),
            Said::Forfeit if fate != Fate::Left => self.forfeit([p].into()),
            Said::Ok | Said::Failed | Said::Forfeit => self.becomes(p, Some(fate)),
        }
    }

    pub(super) fn ends_by_itself(
        &mut self,
        p: usize,
        said: Said,
        choice: &Choice,
        delay: Duration,
        was: &Place,
    ) -> Option<Bounds> {
        let ChildRules { kind, restart, .. } = *self.rule(p);
        // A group ends well only if each of its children was allowed to end.
        let may_end = kind == Kind::Supervisor || restart != Restart::Permanent;
        let is_first = was.is == Is::Starting && self.course == Course::Starting && !was.has_started && !was.by_hand;
        match said {
            Said::Ok if may_end => self.rests(p, Is::Done),
            // Where one is forfeited with all, that is what becomes of a failure; but who never ran has declined.
            Said::Forfeit if was.is == Is::Starting || restart == Restart::Temporary || !self.forfeits_all() => {
                self.forfeit([p].into());
            }
            Said::Escalate | Said::Stuck => self.fail(p, Why::Escalated(p)),
            _ if is_first => self.fail(p, Why::StartFailed(p)),
            _ if was.is == Is::Starting && was.by_hand => {
                // A member that never was is none.
                let is_none = self.is_member(p) && !was.has_started;
                self.becomes(p, Some(if is_none { Fate::Left } else { Fate::Stopped }));
                self.take_along(&self.users(&[p].into()));
            }
            _ if restart == Restart::Temporary => self.rests(p, Is::Gone),
            _ => return self.strategy_decides(p, choice, delay),
        }
        None
    }

    pub(super) fn strategy_decides(&mut self, p: usize, choice: &Choice, delay: Duration) -> Option<Bounds> {
        let child = self.places[p].child;
        let set = match self.rules.strategy {
            StrategyRule::OneForOne => BTreeSet::new(),
            StrategyRule::OneForAll => self.all(),
            StrategyRule::RestForOne => self.which(|other| other.child > child),
            StrategyRule::DependentsForOne => self.users(&[p].into()),
            StrategyRule::ForfeitOneForOne => {
                self.forfeit([p].into());
                return None;
            }
            StrategyRule::ForfeitOneForAll => {
                self.end(Why::Forfeited, Fate::Forfeited);
                self.rests(p, Is::Forfeited);
                return None;
            }
            StrategyRule::Crashing => {
                self.fail(p, Why::Crashed(p));
                return None;
            }
            StrategyRule::Custom => match choice {
                Choice::Restart(swept) => self.chosen(p, swept),
                Choice::Forfeit(swept) => {
                    self.forfeit(self.chosen(p, swept));
                    return None;
                }
                Choice::Escalate => {
                    self.fail(p, Why::Escalated(p));
                    return None;
                }
            },
        };
        // Most likely it failed for that reason: it waits for what becomes of the other.
        let takes_along = matches!(self.rules.strategy, StrategyRule::RestForOne | StrategyRule::DependentsForOne);
        if takes_along && self.uses(p).iter().any(|&used| self.places[used].failing) {
            let users = self.users(&[p].into());
            let users: BTreeSet<_> = users.into_iter().filter(|&user| self.places[user].is.is_alive()).collect();
            users.iter().for_each(|&user| self.doom(user, self.fate_of(user)));
            self.wave(&users | &[p].into(), None);
            return None;
        }
        self.restart(p, set, delay)
    }

    pub(super) fn restart(&mut self, p: usize, mut set: BTreeSet<usize>, delay: Duration) -> Option<Bounds> {
        let (now, limit) = (self.now, self.rules.limit);
        let in_window = self.restarts.iter().filter(|&&then| now - then <= limit.over).count();
        if in_window >= limit.max_restarts as usize {
            self.fail(p, Why::GaveUp(p));
            return None;
        }
        self.restarts.push(now);
        set.retain(|&q| !matches!(self.places[q].is, Is::Gone | Is::Forfeited | Is::Stuck));
        set.insert(p);
        let bounds = self.bounds(p);
        let alone = set.len() == 1 && !self.waves.iter().any(|wave| wave.of.contains(&p));
        self.sweep(&set);
        self.wave(set, Some(delay));
        if alone && let Some(wave) = self.waves.last_mut() {
            wave.alone = true;
            wave.not_before = wave.delay.take().map(|delay| self.now + delay);
            if delay.is_zero() {
                // It begins where it failed, and not when the supervisor gets to run.
                self.begin(p);
            }
        }
        Some(bounds)
    }

    /// Between what the delay of this restart is.
    pub(super) fn bounds(&mut self, p: usize) -> Bounds {
        let Some(backoff) = self.rule(p).backoff else { return (Duration::ZERO, Duration::ZERO) };
        self.places[p].tries += 1;
        let mut full = Duration::ZERO;
        for attempt in 2..=self.places[p].tries {
            full = if attempt == 2 { backoff.initial } else { full * 2 };
            full = full.min(backoff.max);
        }
        (full / 2, full)
    }

    /// What is alive in the set is to be stopped, and all of it to be started: what was done or stopped by hand, too, but
    /// nothing that is temporary or forfeited, nor what could not be started for want of what it uses.
    pub(super) fn sweep(&mut self, set: &BTreeSet<usize>) {
        for p in self.in_order(set) {
            let fate = self.fate_of(p);
            let temporary = fate == Fate::Gone;
            match self.places[p].is {
                is if is.is_alive() && self.places[p].doomed == Some(Fate::Stopped) && !temporary && !self.lacks(p) => {
                    self.places[p].doomed = Some(fate);
                    self.places[p].along = false;
                    self.places[p].by_hand = false;
                }
                is if is.is_alive() => self.doom(p, fate),
                Is::Done | Is::Stopped if !temporary && !self.lacks(p) => {
                    self.places[p].is = Is::Waits;
                    self.places[p].along = false;
                }
                _ => {}
            }
        }
    }

    /// What becomes of a place that a restart sweeps.
    pub(super) fn fate_of(&self, p: usize) -> Fate {
        match self.rule(p).restart {
            Restart::Temporary => Fate::Gone,
            Restart::Permanent | Restart::Transient => Fate::Restart,
        }
    }

    /// Never again, and what uses it: it could never be started.
    pub(super) fn forfeit(&mut self, set: BTreeSet<usize>) {
        let set = &set | &self.users(&set);
        self.take_down(&set, Fate::Forfeited);
    }

    pub(super) fn take_down(&mut self, set: &BTreeSet<usize>, fate: Fate) {
        for &p in set {
            if self.places[p].is.is_alive() {
                self.doom(p, fate);
                continue;
            }
            let goes = match self.places[p].is {
                Is::Waits => true,
                // What was stopped for its own sake stays that, also if what it uses is forfeited.
                Is::Stopped if fate == Fate::Forfeited => self.places[p].along,
                is => fate == Fate::Left && is != Is::Stuck,
            };
            if goes {
                self.becomes(p, Some(fate));
            }
        }
        self.wave(set.clone(), None);
    }

    /// The group fails because of this place, in which nothing is left.
    pub(super) fn fail(&mut self, p: usize, why: Why) {
        self.end(why, Fate::Stopped);
        self.becomes(p, Some(Fate::Stopped));
    }

    /// The group ends: what is alive is stopped, and nothing is started any more.
    pub(super) fn end(&mut self, why: Why, fate: Fate) {
        if self.is_ending() {
            return;
        }
        self.course = Course::Ending(why);
        let limit = self.rules.shutdown.and_then(|shutdown| shutdown.limit());
        self.deadline = limit.map(|limit| self.now + limit);
        self.take_down(&self.all(), fate);
        // Members are lost with their group.
        let members = self.all().into_iter().filter(|&p| self.is_member(p)).collect();
        self.take_down(&members, Fate::Left);
    }

    /// Nothing is left in a place; what it is from now on.
    pub(super) fn becomes(&mut self, p: usize, fate: Option<Fate>) {
        match fate {
            None | Some(Fate::Restart) => self.places[p].is = Is::Waits,
            Some(Fate::Gone) => self.rests(p, Is::Gone),
            Some(Fate::Stopped) => self.rests(p, Is::Stopped),
            Some(Fate::Forfeited) => self.rests(p, Is::Forfeited),
            Some(Fate::Left) => self.rests(p, Is::Left),
        }
    }

    /// Nothing comes by itself to a place.
    pub(super) fn rests(&mut self, p: usize, is: Is) {
        self.leave(p);
        // A member that is not to come up again is none.
        let leaves = self.is_member(p) && (is.is_over() || self.is_ending());
        let place = &mut self.places[p];
        place.is = if leaves { Is::Left } else { is };
        place.by_hand = false;
        place.along &= is == Is::Stopped;
    }

    pub(super) fn doom(&mut self, p: usize, fate: Fate) {
        let doomed = self.places[p].doomed;
        self.places[p].doomed = doomed.max(Some(fate));
    }

    pub(super) fn look_whether_started(&mut self) {
        // Who is on the way out is waited for by nobody.
        let is_awaited = |place: &Place| {
            let is_to_start = place.is == Is::Waits || place.is.is_alive() && place.doomed != Some(Fate::Left);
            is_to_start && !place.has_started && !place.by_hand
        };
        if self.course == Course::Starting && !self.places.iter().any(is_awaited) {
            self.course = Course::Running;
            self.has_started = true;
        }
    }

    /// The place has come to rest, by itself or not: is that the end?
    pub(super) fn look_whether_done(&mut self, p: usize, by_itself: bool) {
        if self.is_ending() || !self.places[p].is.is_over() {
            return;
        }
        let forfeited = self.places.iter().any(|place| place.is == Is::Forfeited);
        let why = if forfeited { Why::Forfeited } else { Why::Done };
        let significant = |p: &usize| by_itself && self.rule(*p).significant;
        let mut others = self.all().into_iter().filter(|p| significant(p));
        let enough = match self.rules.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => significant(&p),
            AutoShutdown::AllSignificant => significant(&p) && others.all(|p| self.places[p].is.is_over()),
        };
        let is_kept_open = (0..self.rules.children.len()).any(|child| match self.rules.children[child].size {
            Size::One => false,
            Size::Replicas(_) => self.members(child).is_empty(),
            Size::Open => true,
        });
        if enough || !is_kept_open && self.places.iter().all(|place| place.is.is_over()) {
            self.end(why, Fate::Stopped);
        }
    }
}
