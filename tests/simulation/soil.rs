//! What the services of one simulated tree share, and what they see for themselves.
//!
//! A service that finds a promise broken cannot panic: that would be one more failure. It notes it here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use tokio::sync::Notify;

use crate::mirror::Mirror;
use crate::orders::Targets;

/// The name of every simulated tree.
pub(crate) const TREE: &str = "tree";

/// What the services of a tree share.
pub(crate) struct Soil {
    pub(crate) seed: u64,
    /// One in so many incarnations does what it should not.
    pub(crate) calm: u64,
    pub(crate) mirror: Arc<Mirror>,
    /// Whether the mirror is compared with the tree before and after every poll.
    pub(crate) is_watched: bool,
    /// Half of those that hear it fail, at this instant.
    pub(crate) lightning: Notify,
    /// What there is to steer, for services that do.
    pub(crate) targets: OnceLock<Targets>,
    /// Services do nothing wrong yet, so that the tree gets beyond its start.
    is_gentle: AtomicBool,
    faults: AtomicU64,
    births: AtomicU64,
    deaths: AtomicU64,
    unanswered: AtomicI64,
    places: Mutex<HashMap<String, Place>>,
    wrong: Mutex<Option<String>>,
}

/// What happens at one path.
#[derive(Default)]
struct Place {
    /// How many incarnations it had, over all restarts of what is above it.
    lives: u64,
    /// The handles that each living incarnation uses; there is at most one.
    living: Vec<Vec<Handle>>,
    owes: Owes,
    /// Of its incarnation that started last.
    handle: Option<Handle>,
    /// Whether it says that it is ready.
    is_ready: bool,
}

/// Whether `stop` has to be called.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Owes {
    #[default]
    Nothing,
    /// Its `run` was dropped: by force, and then it is not, or because a task of it failed, and then it is.
    Perhaps,
    AStop,
}

/// What a service offers to others: which one it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handle {
    pub(crate) path: Arc<str>,
    pub(crate) life: u64,
}

/// An order that has not been answered, nor given up.
pub(crate) struct Asking<'a>(&'a Soil);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.unanswered.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Soil {
    pub(crate) fn new(seed: u64, calm: u64, mirror: Arc<Mirror>, is_watched: bool) -> Self {
        Self {
            seed,
            calm,
            mirror,
            is_watched,
            lightning: Notify::new(),
            targets: OnceLock::new(),
            is_gentle: AtomicBool::new(false),
            faults: AtomicU64::new(0),
            births: AtomicU64::new(0),
            deaths: AtomicU64::new(0),
            unanswered: AtomicI64::new(0),
            places: Mutex::default(),
            wrong: Mutex::default(),
        }
    }

    pub(crate) fn is_gentle(&self) -> bool {
        self.is_gentle.load(Ordering::Relaxed)
    }

    pub(crate) fn set_gentle(&self, is_gentle: bool) {
        self.is_gentle.store(is_gentle, Ordering::Relaxed);
    }

    /// A service does what it should not.
    pub(crate) fn fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    /// The number of a service that is made.
    pub(crate) fn birth(&self) -> u64 {
        self.births.fetch_add(1, Ordering::Relaxed)
    }

    /// A service is dropped.
    pub(crate) fn death(&self) {
        self.deaths.fetch_add(1, Ordering::Relaxed);
    }

    /// Somebody waits for the answer to an order.
    pub(crate) fn asks(&self) -> Asking<'_> {
        self.unanswered.fetch_add(1, Ordering::Relaxed);
        Asking(self)
    }

    pub(crate) fn unanswered(&self) -> i64 {
        self.unanswered.load(Ordering::Relaxed)
    }

    /// Whenever code of a service runs.
    pub(crate) fn look(&self, when: &str) {
        if self.is_watched {
            self.mirror.check(when);
        }
    }

    /// What the services have found to be wrong, if anything.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        self.wrong.lock().unwrap().take().map_or(Ok(()), Err)
    }

    fn is_wrong(&self, wrong: String) {
        self.wrong.lock().unwrap().get_or_insert(wrong);
    }

    /// An incarnation begins; the number of its life.
    pub(crate) fn begins(&self, path: &str, uses: &[Handle]) -> u64 {
        let mut places = self.places.lock().unwrap();
        for (user, place) in places.iter() {
            let uses_this = |handle: &&Handle| &*handle.path == path;
            if let Some(handle) = place.living.iter().flatten().find(uses_this) {
                self.is_wrong(format!("{path} starts while {user} uses its life {}", handle.life));
            }
        }
        for handle in uses {
            let current = places.get(&*handle.path).and_then(|provider| provider.handle.as_ref());
            if current != Some(handle) {
                self.is_wrong(format!("{path} is made with {handle:?}, and there is {current:?}"));
            }
        }
        let place = places.entry(path.to_owned()).or_default();
        if !place.living.is_empty() {
            self.is_wrong(format!("two of {path} live"));
        }
        if place.owes == Owes::AStop {
            self.is_wrong(format!("{path} starts again without a `stop`"));
        }
        place.living.push(uses.to_vec());
        place.is_ready = true;
        place.lives += 1;
        place.lives
    }

    /// Its `start` has succeeded: `stop` will be called.
    pub(crate) fn has_started(&self, path: &str) {
        self.at(path, |place| place.owes = Owes::AStop);
    }

    pub(crate) fn offers(&self, handle: &Handle) {
        self.at(&handle.path, |place| place.handle = Some(handle.clone()));
    }

    /// Its `run` was dropped.
    pub(crate) fn was_dropped(&self, path: &str) {
        self.at(path, |place| {
            if place.owes == Owes::AStop {
                place.owes = Owes::Perhaps;
            }
        });
    }

    /// Its `stop` is called.
    pub(crate) fn stops(&self, path: &str) {
        let owed = self.at(path, |place| std::mem::take(&mut place.owes));
        if owed == Owes::Nothing {
            self.is_wrong(format!("`stop` of {path} without a start"));
        }
    }

    /// Nothing of the incarnation is polled any more.
    pub(crate) fn ends(&self, path: &str) {
        self.at(path, |place| drop(place.living.pop()));
    }

    /// It comes back to life: its tasks have taken its `run` along, and `stop` follows.
    pub(crate) fn goes_on(&self, path: &str) {
        self.at(path, |place| place.living.push(Vec::new()));
    }

    pub(crate) fn says(&self, path: &str, is_ready: bool) {
        self.at(path, |place| place.is_ready = is_ready);
    }

    pub(crate) fn says_ready(&self, path: &str) -> bool {
        self.at(path, |place| place.is_ready)
    }

    /// A reference to the child at `path` below the outermost supervisor gives this as its handle, if any.
    pub(crate) fn is_given(&self, path: &str, given: Option<Handle>) {
        let Some(given) = given else { return };
        let current = self.at(&format!("{TREE}/{path}"), |place| place.handle.clone());
        if current.as_ref() != Some(&given) {
            self.is_wrong(format!("the reference gives {given:?}, and there is {current:?}"));
        }
    }

    /// Nothing is polled, no `stop` is owed, and no service was kept.
    pub(crate) fn is_at_rest(&self) -> Result<(), String> {
        let kept = self.births.load(Ordering::Relaxed) - self.deaths.load(Ordering::Relaxed);
        if kept > 0 {
            return Err(format!("{kept} services were not dropped"));
        }
        let places = self.places.lock().unwrap();
        let mut paths: Vec<_> = places.iter().collect();
        paths.sort_by_key(|(path, _)| *path);
        for (path, place) in paths {
            if !place.living.is_empty() {
                return Err(format!("{path} lives after the end"));
            }
            if place.owes == Owes::AStop {
                return Err(format!("{path} ended without a `stop`"));
            }
        }
        Ok(())
    }

    fn at<T>(&self, path: &str, act: impl FnOnce(&mut Place) -> T) -> T {
        act(self.places.lock().unwrap().entry(path.to_owned()).or_default())
    }
}
