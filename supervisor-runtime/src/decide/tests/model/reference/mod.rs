//! The rules of one group, from the words of the design and of OTP, and not from the code of the core.
//!
//! As slow and as plain as possible: no counters, no queues, no cache; whatever it wants to know it looks up anew. A
//! *place* is that of one child or replica. A *wave* is a set of places that is stopped in reverse order and then started
//! in order: the first start, each restart, each order by hand and the end of the group are all waves.

mod by_hand;
mod ends;
mod goes_on;
mod scale;
mod who;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::words::{Course, Is, Said, Why};
use crate::decide::{Choice, Rules};
use crate::declare::Kind;

/// A group, as it should be.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    rules: Rules,
    pub(super) places: Vec<Place>,
    waves: Vec<Wave>,
    pub(super) course: Course,
    /// Whether all have started, or declined to, at some time.
    pub(super) has_started: bool,
    /// The group's own deadline, once it is ending.
    deadline: Option<Instant>,
    /// When there was a restart; all of them.
    restarts: Vec<Instant>,
    now: Instant,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) child: usize,
    pub(super) index: usize,
    pub(super) is: Is,
    /// Its incarnation is to be stopped, and what becomes of the place then.
    doomed: Option<Fate>,
    has_started: bool,
    /// Its next start was asked for by hand: whether it succeeds concerns who asked.
    by_hand: bool,
    /// That is about the incarnation after the one that is there.
    anew: bool,
    /// It is down, or will be, because something that it uses was taken down: it comes up with that.
    along: bool,
    /// It has failed, and what is left of it is in its `stop`.
    pub(super) failing: bool,
    unready: bool,
    /// Restarts without a long enough run in between.
    tries: u32,
    ran_since: Option<Instant>,
    /// How long it may take to stop, or to be dropped. A group keeps that itself.
    until: Option<Instant>,
}

/// What becomes of a place once its incarnation has been stopped; the later ones prevail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Restart,
    Gone,
    Stopped,
    Forfeited,
    Left,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Wave {
    of: BTreeSet<usize>,
    /// How long it waits once everything is swept.
    delay: Option<Duration>,
    not_before: Option<Instant>,
    /// It is the restart of one place that concerns nobody else.
    alone: bool,
    /// It was asked for by hand, and waits until nothing that stands before it is on its way.
    late: bool,
}

impl Reference {
    pub(super) fn new(rules: Rules, now: Instant) -> Self {
        let counts = rules.children.iter().map(|child| child.size.count()).enumerate();
        let of = |(child, count)| (0..count).map(move |index| Place::new(child, index));
        let places: Vec<_> = counts.flat_map(of).collect();
        let mut group = Self {
            waves: Vec::new(),
            course: Course::Starting,
            has_started: false,
            deadline: None,
            restarts: Vec::new(),
            now,
            places,
            rules,
        };
        group.wave(group.all(), None);
        // An open group has nobody yet.
        group.look_whether_started();
        group
    }

    /// The `start` of a place has succeeded.
    pub(super) fn started(&mut self, p: usize, now: Instant) {
        self.now = now;
        self.places[p].ran_since = Some(now);
        self.places[p].has_started = true;
        self.places[p].by_hand &= self.places[p].anew;
        if self.places[p].is == Is::Starting {
            self.places[p].is = Is::Running;
            if self.places[p].doomed.is_none() {
                self.leave(p);
            }
        }
        self.look_whether_started();
    }

    /// The incarnation in a place has failed, and its `stop` takes time.
    pub(super) fn fails(&mut self, p: usize, now: Instant) {
        self.now = now;
        self.places[p].failing = true;
    }

    pub(super) fn says_ready(&mut self, p: usize, ready: bool) {
        self.places[p].unready = !ready;
    }

    /// The incarnation in a place has ended. `delay` is what the core chose, where the rules leave a choice; and what the
    /// rules say about it comes back: `None` if nothing is restarted for it.
    pub(super) fn ends(
        &mut self,
        p: usize,
        said: Said,
        choice: &Choice,
        delay: Duration,
        now: Instant,
    ) -> Option<Bounds> {
        self.now = now;
        let before = self.places[p].clone();
        if let Some(backoff) = self.rule(p).backoff
            && before.ran_since.is_some_and(|then| now - then > backoff.max)
        {
            self.places[p].tries = 0;
        }
        let place = &mut self.places[p];
        place.ran_since = None;
        place.failing = false;
        place.unready = false;
        place.until = None;
        place.is = Is::Waits;
        place.doomed = None;
        let bounds = match before {
            Place { is: Is::Asked | Is::Told, doomed, .. } => {
                match said {
                    Said::Stuck if !self.is_ending() => self.fail(p, Why::Escalated(p)),
                    _ => self.becomes(p, doomed),
                }
                None
            }
            Place { doomed: Some(fate), .. } => {
                self.dies_before_it_is_swept(p, said, fate);
                None
            }
            _ => self.ends_by_itself(p, said, choice, delay, &before),
        };
        self.look_whether_started();
        let by_itself = match before {
            // What was to be started by hand and was not has not ended: it is down, or none at all.
            Place { is: Is::Starting, by_hand: true, doomed: None, .. } => said != Said::Failed,
            Place { doomed: None, .. } => true,
            Place { doomed: Some(Fate::Left), .. } | Place { is: Is::Asked | Is::Told, .. } => false,
            _ => said == Said::Forfeit,
        };
        self.look_whether_done(p, by_itself);
        bounds
    }

    /// The group is asked to stop.
    pub(super) fn stop(&mut self, deadline: Option<Instant>, now: Instant) {
        self.now = now;
        match self.course {
            Course::Starting | Course::Running => {
                self.end(Why::Stopped, Fate::Stopped);
                self.deadline = deadline;
            }
            Course::Ending(_) => self.deadline = [self.deadline, deadline].into_iter().flatten().min(),
            Course::Ended(_) => {}
        }
    }

    /// When something happens by itself.
    pub(super) fn next_timer(&self) -> Option<Instant> {
        let worker = |place: &&Place| self.rules.children[place.child].kind == Kind::Worker;
        let patience = self.places.iter().filter(worker).filter_map(|place| place.until);
        let delays = self.waves.iter().filter(|wave| self.is_swept(wave)).filter_map(|wave| wave.not_before);
        let deadline = self.deadline.filter(|_| matches!(self.course, Course::Ending(_)));
        patience.chain(delays).chain(deadline).filter(|&then| then > self.now).min()
    }

    /// The group in a place has been asked to stop: by when.
    pub(super) fn deadline_of(&self, p: usize) -> Option<Instant> {
        self.places[p].until.into_iter().chain(self.deadline.filter(|_| self.is_ending())).min()
    }

    /// The restarts that counted when the last one was made.
    pub(super) fn restarts(&self) -> &[Instant] {
        let Some(&last) = self.restarts.last() else { return &[] };
        let expired = self.restarts.iter().take_while(|&&then| last - then > self.rules.limit.over).count();
        &self.restarts[expired..]
    }

    pub(super) fn show(&self) -> String {
        let doomed: Vec<_> = self.places.iter().map(|place| place.doomed).collect();
        format!("{:?}\ndoomed {doomed:?}\nwaves {:?}", super::Brief(&self.rules), self.waves)
    }

    pub(super) fn is_ready(&self) -> bool {
        // Members come and go: nobody waits for one.
        self.all().into_iter().filter(|&p| !self.is_member(p)).map(|p| &self.places[p]).all(|place| match place.is {
            Is::Running => !place.failing && !place.unready,
            is => matches!(is, Is::Done | Is::Gone),
        })
    }
}

impl Place {
    fn new(child: usize, index: usize) -> Self {
        Self {
            child,
            index,
            is: Is::Waits,
            doomed: None,
            has_started: false,
            by_hand: false,
            anew: false,
            along: false,
            failing: false,
            unready: false,
            tries: 0,
            ran_since: None,
            until: None,
        }
    }
}

/// The least and the most that a delay can be.
pub(super) type Bounds = (Duration, Duration);
