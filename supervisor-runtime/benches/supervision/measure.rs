//! Both sides in turns, and what is made of their times.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// Which of tokio's runtimes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavor {
    CurrentThread,
    TwoWorkers,
}

impl Flavor {
    pub(crate) const BOTH: [Self; 2] = [Self::CurrentThread, Self::TwoWorkers];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CurrentThread => "ct",
            Self::TwoWorkers => "mt2",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::BOTH.into_iter().find(|flavor| flavor.name() == name)
    }

    pub(crate) fn runtime(self) -> Runtime {
        let mut builder = match self {
            Self::CurrentThread => Builder::new_current_thread(),
            Self::TwoWorkers => Builder::new_multi_thread(),
        };
        builder.worker_threads(2).enable_all().build().expect("the system has threads left")
    }
}

/// How much time is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// For figures to be believed.
    Full,
    /// For a first look.
    Quick,
    /// To see that everything works.
    Smoke,
}

impl Effort {
    /// How often that is measured which takes long.
    pub(crate) fn rounds(self) -> usize {
        match self {
            Self::Full => 11,
            Self::Quick => 3,
            Self::Smoke => 1,
        }
    }

    /// How often that is measured which takes a few milliseconds: most of these rounds are over before the system gives
    /// the processor to somebody else, and the median is one of them.
    pub(crate) fn short_rounds(self) -> usize {
        match self {
            Self::Full => 51,
            Self::Quick => 15,
            Self::Smoke => 1,
        }
    }

    /// So many units of a short round.
    pub(crate) fn short(self, count: usize) -> usize {
        if self == Self::Smoke { (count / 100).max(10) } else { count }
    }

    /// So many units of a long round, and fewer if there is little time.
    pub(crate) fn of(self, count: usize) -> usize {
        match self {
            Self::Full => count,
            Self::Quick => (count / 10).max(10),
            Self::Smoke => (count / 1000).max(10),
        }
    }

    /// So many children that what the process itself takes does not show in what each of them does.
    pub(crate) fn children_of_memory(self, count: usize) -> usize {
        match self {
            Self::Full => count,
            Self::Quick => count.min(20_000),
            Self::Smoke => count.min(1_000),
        }
    }

    /// A time over which something is watched.
    pub(crate) fn time(self, time: Duration) -> Duration {
        match self {
            Self::Full => time,
            Self::Quick => time / 4,
            Self::Smoke => time / 100,
        }
    }
}

/// One figure's run on one of the runtimes.
pub(crate) struct Run {
    pub(crate) flavor: Flavor,
    pub(crate) effort: Effort,
    runtime: Runtime,
}

impl Run {
    pub(crate) fn new(flavor: Flavor, effort: Effort) -> Self {
        Self { flavor, effort, runtime: flavor.runtime() }
    }

    /// What `side` gives, run in a task of its own.
    pub(crate) fn once<T: Send + 'static>(&self, side: impl Future<Output = T> + Send + 'static) -> T {
        self.runtime.block_on(async { tokio::spawn(side).await.expect("a side of a benchmark does not fail") })
    }

    /// What `side` gives, run where `#[tokio::main]` runs `main`.
    pub(crate) fn once_in_main<T>(&self, side: impl Future<Output = T>) -> T {
        self.runtime.block_on(side)
    }

    /// Both sides in turns, after a round that warms them up; whoever goes first in one round goes last in the next.
    pub(crate) fn alternate<T, O, R>(&self, ours: impl Fn() -> O, raw: impl Fn() -> R) -> Both<T>
    where
        T: Send + 'static,
        O: Future<Output = T> + Send + 'static,
        R: Future<Output = T> + Send + 'static,
    {
        in_turns(self.effort.rounds(), || self.once(ours()), || self.once(raw()))
    }

    /// As [`alternate`](Self::alternate), for rounds that take a few milliseconds.
    pub(crate) fn alternate_often<T, O, R>(&self, ours: impl Fn() -> O, raw: impl Fn() -> R) -> Both<T>
    where
        T: Send + 'static,
        O: Future<Output = T> + Send + 'static,
        R: Future<Output = T> + Send + 'static,
    {
        in_turns(self.effort.short_rounds(), || self.rested(ours()), || self.rested(raw()))
    }

    /// What each round gives, where there is only one side.
    pub(crate) fn repeat<T: Send + 'static, O>(&self, ours: impl Fn() -> O) -> Vec<T>
    where
        O: Future<Output = T> + Send + 'static,
    {
        (0..self.effort.rounds()).map(|_| self.once(ours())).collect()
    }

    /// As [`once`](Self::once), after a pause: who has just run is the first to wait for others.
    pub(crate) fn rested<T: Send + 'static>(&self, side: impl Future<Output = T> + Send + 'static) -> T {
        std::thread::sleep(Duration::from_millis(1));
        self.once(side)
    }
}

/// See [`Run::alternate`].
pub(crate) fn in_turns<T>(rounds: usize, ours: impl Fn() -> T, raw: impl Fn() -> T) -> Both<T> {
    if rounds > 1 {
        ours();
        raw();
    }
    let mut both = Both { ours: Vec::new(), raw: Vec::new() };
    for round in 0..rounds {
        if round % 2 == 0 {
            both.ours.push(ours());
            both.raw.push(raw());
        } else {
            both.raw.push(raw());
            both.ours.push(ours());
        }
    }
    both
}

/// What each round has given, on both sides.
pub(crate) struct Both<T> {
    pub(crate) ours: Vec<T>,
    pub(crate) raw: Vec<T>,
}

impl<T> Both<T> {
    /// The median of what is of interest in each round.
    pub(crate) fn median_of(&self, of: impl Fn(&T) -> f64) -> Pair {
        let median = |rounds: &[T]| median(rounds.iter().map(&of));
        Pair { ours: median(&self.ours), raw: median(&self.raw) }
    }
}

impl Both<f64> {
    pub(crate) fn median(&self) -> Pair {
        self.median_of(|value| *value)
    }
}

/// One figure of both sides.
#[derive(Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) ours: f64,
    pub(crate) raw: f64,
}

impl Pair {
    pub(crate) fn ratio(self) -> f64 {
        self.ours / self.raw
    }
}

pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    quantile(values, 0.5)
}

/// The value below which this part of all lies.
pub(crate) fn quantile(values: impl IntoIterator<Item = f64>, part: f64) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
}
