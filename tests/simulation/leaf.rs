//! A simulated service: it does what its random numbers say.

use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use supervisor_runtime::{Context, Exit, Provide, Service, ServiceResult, escalate, forfeit};
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::random::Random;
use crate::soil::{Handle, Soil};

/// A service that does what its random numbers say.
pub(crate) struct Leaf {
    soil: Arc<Soil>,
    random: Random,
    uses: Vec<Handle>,
    handle: Handle,
    /// Which incarnation of its path this is, over all restarts of what is above it.
    life: u64,
    alive: Option<Alive>,
    drops_badly: bool,
}

/// An incarnation that is polled, or will be.
struct Alive {
    soil: Arc<Soil>,
    path: Arc<str>,
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.soil.ends(&self.path);
    }
}

/// One that is in `run`.
struct Runs(Option<Alive>);

impl Drop for Runs {
    fn drop(&mut self) {
        if let Some(Alive { soil, path }) = &self.0 {
            soil.was_dropped(path);
        }
    }
}

/// A panic of a service; without the hook, which has better things to print.
pub(crate) fn panics(soil: &Soil, words: &'static str) -> ! {
    soil.fault();
    resume_unwind(Box::new(words))
}

impl Leaf {
    pub(crate) fn new(soil: &Arc<Soil>) -> Self {
        Self::using(soil, Vec::new())
    }

    /// What an expression gives, which may panic.
    pub(crate) fn using(soil: &Arc<Soil>, uses: Vec<Handle>) -> Self {
        soil.look("in a factory");
        let random = Random::of(soil.seed, ("birth", soil.birth()));
        let handle = Handle { path: "".into(), life: 0 };
        let soil = Arc::clone(soil);
        let mut leaf = Self { soil, random, uses, handle, life: 0, alive: None, drops_badly: false };
        if !leaf.soil.is_gentle() && leaf.random.one_in(leaf.soil.calm * 40) {
            panics(&leaf.soil, "panics in a factory");
        }
        leaf
    }

    /// Whether another can be made of it.
    pub(crate) fn is_reborn(&mut self) -> bool {
        !self.random.one_in(4)
    }

    /// Polls a future of the service, now and then a turn late, and looks at the mirror before and after.
    async fn watched<T>(soil: &Soil, yields: u64, future: impl Future<Output = T>) -> T {
        for _ in 0..yields {
            yield_now().await;
        }
        let mut future = pin!(future);
        poll_fn(|task| {
            soil.look("before a poll");
            let polled = future.as_mut().poll(task);
            soil.look("after a poll");
            polled
        })
        .await
    }
}

impl Drop for Leaf {
    fn drop(&mut self) {
        self.soil.look("in a destructor");
        self.soil.death();
        if self.drops_badly && !std::thread::panicking() {
            panics(&self.soil, "panics in a destructor");
        }
    }
}

impl Provide for Leaf {
    type Handle = Handle;

    fn handle(&self) -> Handle {
        self.soil.offers(&self.handle);
        self.handle.clone()
    }
}

impl Service for Leaf {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        let soil = Arc::clone(&self.soil);
        let path: Arc<str> = cx.path().into();
        self.life = soil.begins(&path, &self.uses);
        self.handle = Handle { path: Arc::clone(&path), life: self.life };
        let alive = Alive { soil: Arc::clone(&soil), path: Arc::clone(&path) };
        self.random = Random::of(soil.seed, (&*path, self.life));
        let yields = self.random.below(3);
        let started = Self::watched(&soil, yields, self.starts(cx)).await;
        if started.is_ok() {
            soil.has_started(&path);
            self.alive = Some(alive);
        }
        started
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        let (soil, mut runs) = (Arc::clone(&self.soil), Runs(self.alive.take()));
        let yields = self.random.below(3);
        let ran = Self::watched(&soil, yields, self.runs(cx)).await;
        self.alive = runs.0.take();
        ran
    }

    fn stop(&mut self, cx: &Context, exit: &Exit) -> impl Future<Output = ()> + Send {
        let soil = Arc::clone(&self.soil);
        let path: Arc<str> = cx.path().into();
        soil.stops(&path);
        let alive = self.alive.take().unwrap_or_else(|| {
            soil.goes_on(&path);
            Alive { soil: Arc::clone(&soil), path }
        });
        let (yields, was_asked) = (self.random.below(2), exit.was_asked());
        async move {
            Self::watched(&soil, yields, self.stops(cx, was_asked)).await;
            drop(alive);
        }
    }
}

impl Leaf {
    async fn starts(&mut self, cx: &Context) -> ServiceResult {
        let (soil, random) = (&self.soil, &mut self.random);
        if soil.is_gentle() {
            return Ok(());
        }
        if random.one_in(6) {
            sleep(random.time()).await;
        }
        if random.one_in(8) {
            not_ready(soil, cx, "warming up");
        }
        if !random.one_in(soil.calm) {
            return Ok(());
        }
        match random.below(26) {
            0..=17 => fails(soil, "did not start"),
            18 => forfeit_(soil),
            19 => escalate_(soil),
            20 => panics(soil, "panics in start"),
            21 => hangs(soil, random).await,
            22 | 23 => {
                meddle(soil, random, cx).await;
                Ok(())
            }
            _ => {
                soil.fault();
                cx.stopping().await;
                Err("interrupted".into())
            }
        }
    }

    async fn runs(&mut self, cx: &Context) -> ServiceResult {
        let (soil, random) = (&self.soil, &mut self.random);
        let waits = if soil.is_gentle() { 4 } else { random.below(4) };
        for _ in 0..waits {
            cx.heartbeat();
            if random.one_in(3) {
                not_ready(soil, cx, random.pick(["no relay", "busy"]));
            } else {
                soil.says(&cx.path(), true);
                cx.ready();
            }
            match wait(soil, random, cx, Some(random.clone().time())).await {
                Wait::Over => {}
                Wait::Asked => return Self::asked(soil, random).await,
                Wait::Struck => return fails(soil, "struck"),
            }
        }
        if random.one_in(soil.calm) {
            match random.below(32) {
                0..=16 => return fails(soil, "failed"),
                17..=20 => {
                    soil.fault();
                    return Ok(());
                }
                21 => panics(soil, "panics in run"),
                22 => return forfeit_(soil),
                23 => return escalate_(soil),
                24 => {
                    let time = random.time();
                    let shared = Arc::clone(soil);
                    cx.spawn("task", move |_| async move {
                        sleep(time).await;
                        fails(&shared, "its task failed")
                    });
                }
                25 => {
                    soil.fault();
                    self.drops_badly = true;
                    return Err("failed, and panics when it is dropped".into());
                }
                26..=28 => meddle(soil, random, cx).await,
                _ => return hangs(soil, random).await,
            }
        }
        match wait(soil, random, cx, None).await {
            Wait::Struck => fails(soil, "struck"),
            Wait::Over | Wait::Asked => Self::asked(soil, random).await,
        }
    }

    async fn asked(soil: &Soil, random: &mut Random) -> ServiceResult {
        match random.below(12) {
            0 | 1 => sleep(random.time()).await,
            2 => return hangs(soil, random).await,
            3 => return fails(soil, "failed when stopped"),
            _ => {}
        }
        Ok(())
    }

    async fn stops(&mut self, cx: &Context, was_asked: bool) {
        let (soil, random) = (&self.soil, &mut self.random);
        match random.below(20) {
            0..=2 => sleep(random.time()).await,
            3 => drop(hangs(soil, random).await),
            4 => panics(soil, "panics in stop"),
            5 if !was_asked => meddle(soil, random, cx).await,
            _ => {}
        }
    }
}

/// How a wait ended.
enum Wait {
    Over,
    Asked,
    Struck,
}

/// Waits, for so long or for good, until it is asked to stop, or lightning strikes.
async fn wait(soil: &Soil, random: &mut Random, cx: &Context, time: Option<Duration>) -> Wait {
    let mut over = pin!(sleep(time.unwrap_or(Duration::from_secs(1_000_000))));
    loop {
        // Not all at the same turn.
        let (turns, is_struck) = (random.below(3), !random.one_in(3));
        let lightning = async {
            soil.lightning.notified().await;
            for _ in 0..turns {
                yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = cx.stopping() => return Wait::Asked,
            () = lightning => {}
            () = &mut over => return Wait::Over,
        }
        if is_struck {
            return Wait::Struck;
        }
    }
}

fn fails(soil: &Soil, words: &'static str) -> ServiceResult {
    soil.fault();
    Err(words.into())
}

fn forfeit_(soil: &Soil) -> ServiceResult {
    soil.fault();
    Err(forfeit("gives up on itself"))
}

fn escalate_(soil: &Soil) -> ServiceResult {
    soil.fault();
    Err(escalate("needs help"))
}

/// Does nothing, and does not listen, for longer than any deadline; now and then for good.
async fn hangs(soil: &Soil, random: &mut Random) -> ServiceResult {
    soil.fault();
    if random.one_in(6) {
        std::future::pending::<()>().await;
    }
    sleep(Duration::from_millis(400)).await;
    Err("hung".into())
}

fn not_ready(soil: &Soil, cx: &Context, reason: &str) {
    soil.says(&cx.path(), false);
    cx.not_ready(reason);
}

/// Steers its own tree from inside, and waits for the answer.
async fn meddle(soil: &Arc<Soil>, random: &mut Random, cx: &Context) {
    soil.fault();
    if let Some(targets) = soil.targets.get() {
        targets.order(random, soil, &cx.tree()).await;
    }
}
