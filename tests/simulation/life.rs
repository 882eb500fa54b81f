//! The life of one simulated tree, from its seed to its end.

use std::sync::Arc;
use std::time::Duration;

use supervisor_runtime::{Running, TreeError, TreeErrorKind, TreeHandle};
use tokio::runtime::{Builder, Handle};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, sleep, timeout};

use crate::forest::Forest;
use crate::mirror::Mirror;
use crate::random::Random;
use crate::soil::Soil;

/// How often something is done to a tree in one life, at most.
const STEPS: u64 = 200;

/// How long an answer may take in which no time passes.
const TURNS: usize = 50;

/// What a life was.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) lives: u64,
    /// Every event, as text, if it was logged.
    pub(crate) events: Vec<String>,
    pub(crate) number_of_events: u64,
    /// What services did that they should not.
    pub(crate) faults: u64,
    /// What was done to it from outside.
    pub(crate) orders: u64,
    /// How often a snapshot was compared with what the events had told.
    pub(crate) compared: u64,
}

impl Story {
    /// Counts another life in, without its events.
    pub(crate) fn add(&mut self, other: &Self) {
        self.lives += other.lives;
        self.number_of_events += other.number_of_events;
        self.faults += other.faults;
        self.orders += other.orders;
        self.compared += other.compared;
    }
}

/// Lives through the life of a seed, in a runtime of its own; what is wrong with it, if something is.
pub(crate) fn live(seed: u64, is_logged: bool) -> (Story, Result<(), String>) {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(Life::begin(seed, is_logged))
}

struct Life {
    random: Random,
    mirror: Arc<Mirror>,
    soil: Arc<Soil>,
    handle: TreeHandle,
    start: JoinHandle<Result<Running, TreeError>>,
    orders: u64,
}

impl Life {
    async fn begin(seed: u64, is_logged: bool) -> (Story, Result<(), String>) {
        let began = Instant::now();
        let mirror = Arc::new(Mirror::new(began.into_std(), is_logged));
        let (tree, soil) = Forest::plant(seed, &mirror);
        let start = tokio::spawn(tree.start());
        // Its first child gives the handle.
        while mirror.handle().is_none() {
            yield_now().await;
        }
        let handle = mirror.handle().expect("it was there just now");
        if soil.is_gentle() {
            while !start.is_finished() && began.elapsed() < Duration::from_secs(1) {
                sleep(Duration::from_millis(1)).await;
            }
            soil.set_gentle(false);
        }
        let random = Random::of(seed, "life");
        let mut life = Self { random, mirror: Arc::clone(&mirror), soil: Arc::clone(&soil), handle, start, orders: 0 };
        let verdict = life.steps().await;
        let orders = life.orders;
        let verdict = match verdict {
            Ok(()) => life.end().await,
            wrong => wrong,
        };
        let story = Story {
            lives: 1,
            number_of_events: mirror.events(),
            events: mirror.log(),
            faults: soil.faults(),
            orders,
            compared: mirror.compared() as u64,
        };
        // Whoever holds a context holds the declaration.
        mirror.forget();
        let verdict = verdict.and_then(|()| nothing_of_the_services_is_left(soil));
        (story, verdict)
    }

    /// Does one thing after the other to the tree, and looks at it after each.
    async fn steps(&mut self) -> Result<(), String> {
        let pauses = self.random.one_in(10);
        for _ in 0..self.random.below(STEPS) {
            match self.random.below(16) {
                0..=3 => sleep(self.random.time()).await,
                // All at the same instant.
                4 => {
                    for _ in 0..self.random.below(5) {
                        self.order();
                    }
                }
                5 => self.order(),
                // What is down comes up again: there is more to break.
                6 => self.revive(),
                _ => {
                    self.soil.lightning.notify_waiters();
                    let time = self.random.pick([1, 3, 30]);
                    sleep(self.random.millis(time)).await;
                }
            }
            // Now and then the next step comes before this one has had any effect.
            for _ in 0..self.random.pick([0, 1, 3, 20]) {
                yield_now().await;
            }
            self.look("after a step")?;
            self.every_order_is_answered_where_nothing_is_on_its_way().await?;
            if pauses {
                match self.random.below(20) {
                    0 => self.mirror.pause(),
                    1..=3 => self.mirror.resume(),
                    _ => {}
                }
            }
        }
        self.mirror.resume();
        Ok(())
    }

    /// Asks for something, and does not wait for the answer.
    fn order(&mut self) {
        self.orders += 1;
        let (soil, handle) = (Arc::clone(&self.soil), self.handle.clone());
        let mut random = Random::of(self.soil.seed, ("order", self.orders));
        tokio::spawn(async move {
            let targets = soil.targets.get().expect("the tree has been declared");
            targets.order(&mut random, &soil, &handle).await;
        });
    }

    fn revive(&mut self) {
        let handle = self.handle.clone();
        let group = self.random.pick(["g0", "g1"]);
        let soil = Arc::clone(&self.soil);
        tokio::spawn(async move {
            let _asking = soil.asks();
            if let Ok(all) = handle.group(group) {
                let _ = all.start().await;
                let _ = all.restart().await;
            }
        });
    }

    /// As long as nothing happens at all, nobody has a reason to wait.
    async fn every_order_is_answered_where_nothing_is_on_its_way(&self) -> Result<(), String> {
        if self.soil.unanswered() == 0 {
            return Ok(());
        }
        let Some(number) = self.mirror.is_at_rest() else { return Ok(()) };
        for _ in 0..TURNS {
            yield_now().await;
            if self.soil.unanswered() == 0 {
                return Ok(());
            }
        }
        match self.mirror.is_at_rest() {
            Some(still) if still == number => {
                Err(format!("{} orders without an answer, and nothing is on its way", self.soil.unanswered()))
            }
            _ => Ok(()),
        }
    }

    fn look(&self, when: &str) -> Result<(), String> {
        self.mirror.check(when);
        self.soil.verdict()?;
        self.mirror.verdict()
    }

    async fn end(mut self) -> Result<(), String> {
        let soil = Arc::clone(&self.soil);
        if self.random.one_in(12) {
            self.drop_it().await;
        } else {
            self.shut_down().await?;
            for _ in 0..TURNS {
                yield_now().await;
            }
            if soil.unanswered() > 0 {
                return Err(format!("{} orders without an answer, and the tree has ended", soil.unanswered()));
            }
        }
        sleep(Duration::from_secs(1)).await;
        soil.verdict()?;
        soil.is_at_rest()?;
        no_task_is_left(&soil).await
    }

    /// The owner is dropped: what runs is dropped, unordered and without a last event.
    async fn drop_it(self) {
        self.start.abort();
        drop(self.start.await);
    }

    async fn shut_down(mut self) -> Result<(), String> {
        self.handle.shutdown();
        // In the middle of what was done last, or after it.
        if self.random.one_in(2) {
            self.look("after the shutdown")?;
        }
        let end = async {
            match self.start.await.map_err(|panic| panic.to_string())? {
                Ok(running) => Ok::<_, String>(running.shutdown().await.err()),
                Err(error) => Ok(Some(error)),
            }
        };
        let end = timeout(Duration::from_secs(10_000), end).await.map_err(|_| "it does not end".to_owned())??;
        if let Some(error) = end.filter(|error| error.kind() == TreeErrorKind::Stuck) {
            return Err(format!("nothing here blocks: {error:?}"));
        }
        self.mirror.end()
    }
}

/// What was called has an answer, too, and nothing of the tree runs.
async fn no_task_is_left(soil: &Soil) -> Result<(), String> {
    sleep(Duration::from_secs(100)).await;
    match Handle::current().metrics().num_alive_tasks() {
        0 => Ok(()),
        left => Err(format!("{left} tasks are left, {} of them orders without an answer", soil.unanswered())),
    }
}

/// Every service was dropped, and everything that makes them.
fn nothing_of_the_services_is_left(soil: Arc<Soil>) -> Result<(), String> {
    match Arc::strong_count(&soil) {
        1 => Ok(()),
        count => Err(format!("{} services, or what makes them, are left", count - 1)),
    }
}

/// A short life by the clock of the machine, in which only the fold is compared; how often it was.
pub(crate) async fn live_on_many_threads(seed: u64) -> Result<usize, String> {
    let mirror = Arc::new(Mirror::new(Instant::now().into_std(), false));
    let (tree, soil) = Forest::plant(seed, &mirror);
    mirror.judges_nothing();
    soil.set_gentle(false);
    let start = tokio::spawn(tree.start());
    while mirror.handle().is_none() {
        yield_now().await;
    }
    let handle = mirror.handle().expect("it was there just now");
    let mut random = Random::of(seed, "life");
    for order in 0..40 {
        let (soil, tree, mut random_order) = (Arc::clone(&soil), handle.clone(), Random::of(seed, ("order", order)));
        tokio::spawn(async move {
            let targets = soil.targets.get().expect("the tree has been declared");
            targets.order(&mut random_order, &soil, &tree).await;
        });
        mirror.check("after an order");
        if random.one_in(4) {
            sleep(Duration::from_millis(1)).await;
        }
    }
    handle.shutdown();
    let end = async {
        if let Ok(Ok(running)) = start.await {
            let _ = running.shutdown().await;
        }
    };
    timeout(Duration::from_secs(60), end).await.map_err(|_| "it does not end".to_owned())?;
    mirror.end()?;
    Ok(mirror.compared())
}
