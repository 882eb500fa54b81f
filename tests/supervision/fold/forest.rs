//! Random trees of services that do random things, and random calls of them.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use supervisor_runtime::{
    ANONYMOUS, AnyChild, AutoShutdown, Child, Context, Decision, Exit, Restart, Service, ServiceResult, Set, Shutdown,
    State, Supervisor, TreeHandle, Untyped, escalate, forfeit,
};

use super::mirror::Mirror;

/// A small generator of random numbers (SplitMix64).
#[derive(Clone)]
pub(super) struct Random(u64);

impl Random {
    /// The numbers of a seed for one purpose.
    pub(super) fn of(seed: u64, purpose: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        (seed, purpose).hash(&mut hasher);
        Self(hasher.finish())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(super) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn pick<T: Copy, const N: usize>(&mut self, from: [T; N]) -> T {
        from[self.below(N as u64) as usize]
    }

    pub(super) fn time(&mut self) -> Duration {
        let most = self.pick([2, 20, 300]);
        Duration::from_millis(self.below(most))
    }
}

/// What the services of a tree share.
pub(super) struct Soil {
    seed: u64,
    mirror: Arc<Mirror>,
    /// How many incarnations each path had.
    lives: Mutex<HashMap<String, u64>>,
    /// One in so many incarnations does what it should not.
    calm: u64,
}

/// A service that does what its random numbers say.
struct Leaf {
    soil: Arc<Soil>,
    random: Random,
    /// Which incarnation of its path this is, over all restarts of what is above it.
    life: u64,
}

impl Leaf {
    fn new(soil: &Arc<Soil>) -> Self {
        soil.mirror.check("in a factory");
        Self { soil: Arc::clone(soil), random: Random(0), life: 0 }
    }

    /// Polls a future of the service, and looks at the mirror before and after.
    async fn watched<T>(soil: &Soil, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        poll_fn(|task| {
            soil.mirror.check("before a poll");
            let polled = future.as_mut().poll(task);
            soil.mirror.check("after a poll");
            polled
        })
        .await
    }
}

impl Drop for Leaf {
    fn drop(&mut self) {
        self.soil.mirror.check("in a destructor");
    }
}

impl Service for Leaf {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        let soil = Arc::clone(&self.soil);
        self.life = {
            let mut lives = soil.lives.lock().unwrap();
            let life = lives.entry(cx.path()).or_default();
            *life += 1;
            *life
        };
        self.random = Random::of(soil.seed, (cx.path(), self.life));
        Self::watched(&soil, self.starts(cx)).await
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        let soil = Arc::clone(&self.soil);
        Self::watched(&soil, self.runs(cx)).await
    }

    async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
        let soil = Arc::clone(&self.soil);
        Self::watched(&soil, self.stops()).await;
    }
}

impl Leaf {
    async fn starts(&mut self, cx: &Context) -> ServiceResult {
        let random = &mut self.random;
        if random.one_in(3) {
            tokio::time::sleep(random.time()).await;
        }
        if random.one_in(8) {
            cx.not_ready("warming up");
        }
        // Most trees get beyond their start.
        if !random.one_in(self.soil.calm) || self.life == 1 && !random.one_in(8) {
            return Ok(());
        }
        match random.below(24) {
            0..=17 => Err("did not start".into()),
            18 => Err(forfeit("declines")),
            19 => Err(escalate("needs help to start")),
            20 => std::panic::resume_unwind(Box::new("panics in start")),
            21 => std::future::pending().await,
            _ => {
                cx.stopping().await;
                Err("interrupted".into())
            }
        }
    }

    async fn runs(&mut self, cx: &Context) -> ServiceResult {
        let random = &mut self.random;
        for _ in 0..random.below(4) {
            if random.one_in(3) {
                cx.not_ready(random.pick(["no relay", "busy"]));
            } else {
                cx.ready();
            }
            if cx.sleep(random.time()).await.is_none() {
                return Self::asked(random).await;
            }
        }
        if random.one_in(self.soil.calm) {
            match random.below(28) {
                0..=16 => return Err("failed".into()),
                17..=20 => return Ok(()),
                21 => std::panic::resume_unwind(Box::new("panics in run")),
                22 => return Err(forfeit("gives up on itself")),
                23 => return Err(escalate("needs help")),
                24 => {
                    let task = random.time();
                    cx.spawn("task", move |_| async move {
                        tokio::time::sleep(task).await;
                        Err("its task failed".into())
                    });
                }
                _ => std::future::pending::<()>().await,
            }
        }
        cx.stopping().await;
        Self::asked(random).await
    }

    async fn asked(random: &mut Random) -> ServiceResult {
        match random.below(12) {
            0 | 1 => tokio::time::sleep(random.time()).await,
            2 => std::future::pending().await,
            3 => return Err("failed when stopped".into()),
            _ => {}
        }
        Ok(())
    }

    async fn stops(&mut self) {
        match self.random.below(16) {
            0..=2 => tokio::time::sleep(self.random.time()).await,
            3 => std::future::pending().await,
            4 => std::panic::resume_unwind(Box::new("panics in stop")),
            _ => {}
        }
    }
}

/// What can be called in a tree.
pub(super) struct Forest {
    soil: Arc<Soil>,
    children: Vec<String>,
    replicas: Vec<String>,
    open: Vec<String>,
    groups: Vec<String>,
}

impl Forest {
    /// A random tree, whose first child gives its handle to the mirror.
    pub(super) fn plant(seed: u64, mirror: &Arc<Mirror>) -> (Supervisor, Self) {
        let mut random = Random::of(seed, "tree");
        let calm = random.pick([2, 3, 6, 20]);
        let soil = Arc::new(Soil { seed, mirror: Arc::clone(mirror), lives: Mutex::default(), calm });
        let mut forest =
            Self { soil, children: Vec::new(), replicas: Vec::new(), open: Vec::new(), groups: Vec::new() };
        let first = Arc::clone(mirror);
        let first = Child::new("first", move || First(Arc::clone(&first))).restart(Restart::Transient);
        let inner = forest.group(&mut random, "", "a".to_owned(), 0);
        let tree = Supervisor::one_for_one("tree").max_restarts(200).over(Duration::from_secs(2)).jitter_seed(seed);
        (tree.child(first).child(inner), forest)
    }

    fn group(&mut self, random: &mut Random, above: &str, name: String, depth: u32) -> Supervisor {
        let anonymous = depth > 0 && random.one_in(4);
        let path = if anonymous { above.to_owned() } else { format!("{above}{name}/") };
        let label = if anonymous { ANONYMOUS } else { name.clone().into() };
        let kind = random.below(8);
        let mut group = match kind {
            0 | 1 => Supervisor::one_for_one(label),
            2 => Supervisor::one_for_all(label),
            3 => Supervisor::rest_for_one(label),
            4 => Supervisor::dependents_for_one(label),
            5 => match random.below(3) {
                0 => Supervisor::forfeit_one_for_one(label),
                1 => Supervisor::forfeit_one_for_all(label),
                _ => Supervisor::crashing(label),
            },
            _ => Supervisor::custom(label, |failure| match failure.child().len() + failure.index().unwrap_or(0) {
                length if length % 7 == 0 => Decision::Forfeit(Set::Failed),
                length if length % 3 == 0 => Decision::Restart(Set::Rest),
                length if length % 5 == 0 => Decision::Restart(Set::All),
                _ => Decision::Restart(Set::Failed),
            }),
        };
        if !anonymous {
            self.groups.push(path[..path.len() - 1].to_owned());
        }
        let (restarts, depends) = (kind != 5, kind == 4);
        if restarts {
            let most = random.pick([0, 3, 30, 30, 30]);
            group = group.max_restarts(random.below(most + 1) as u32).over(Duration::from_millis(200));
            if random.one_in(3) {
                group = group.backoff(Duration::from_millis(5)..Duration::from_millis(100));
            }
        }
        if random.one_in(3) {
            group = group.shutdown(Duration::from_millis(1 + random.below(300)));
        }
        if depth > 0 && random.one_in(5) {
            group = group.start_timeout(Duration::from_millis(1 + random.below(300)));
        }
        let significant = random.one_in(6);
        if significant {
            group = group.auto_shutdown(random.pick([AutoShutdown::AnySignificant, AutoShutdown::AllSignificant]));
        }
        let mut required: Vec<String> = Vec::new();
        for number in 0..=random.below(4) {
            let name = format!("{}{number}", if anonymous { format!("{name}x") } else { "n".to_owned() });
            let requires: Vec<_> = required.iter().filter(|_| random.one_in(2)).cloned().collect();
            let child: AnyChild = if depth < 3 && random.one_in(3) {
                let inner = self.group(random, &path, name.clone(), depth + 1);
                if depends { inner.requires(requires) } else { inner }.into()
            } else {
                let (child, stays) = self.leaf(random, &path, &name, restarts, significant);
                if depends && stays {
                    required.push(name);
                }
                if depends { child.requires(requires) } else { child }.into()
            };
            group = group.child(child);
        }
        group
    }

    /// A child, and whether others may depend on it.
    fn leaf(
        &mut self,
        random: &mut Random,
        above: &str,
        name: &str,
        restarts: bool,
        significant: bool,
    ) -> (Child<Leaf>, bool) {
        let path = format!("{above}{name}");
        let (soil, name) = (Arc::clone(&self.soil), name.to_owned());
        // What is never started again cannot be kept for that.
        let kind = match random.below(8) {
            7 if !restarts => 6,
            kind => kind,
        };
        let mut child = match kind {
            0..=2 => Child::new(name, move || Leaf::new(&soil)),
            3 => Child::in_place(name, move || Leaf::new(&soil)),
            4 => {
                let replaces = move |old: Leaf, _index: usize| match old.random.clone().one_in(4) {
                    true => Err("not replaced"),
                    false => Ok(old),
                };
                Child::replicated(name, 1 + random.below(3) as usize, move |_| Leaf::new(&soil)).replace(replaces)
            }
            5 => Child::replicated(name, 1 + random.below(3) as usize, move |_| Leaf::new(&soil)),
            6 => Child::open(name, ..),
            // What is never restarted need not be kept.
            _ if !restarts => Child::open(name, ..=4),
            _ => Child::open_in_place(name, ..=4),
        };
        match kind {
            0..=3 => self.children.push(path),
            4 | 5 => self.replicas.push(path),
            _ => self.open.push(path),
        }
        let restart = match random.below(6) {
            0 => Restart::Transient,
            1 if kind != 7 => Restart::Temporary,
            _ => Restart::Permanent,
        };
        if restarts && (kind != 6 || random.one_in(2)) {
            child = child.restart(restart);
            if significant && restart != Restart::Permanent && random.one_in(2) {
                child = child.significant();
            }
            if random.one_in(4) {
                child = child.backoff(Duration::from_millis(2)..Duration::from_millis(40));
            }
        }
        child = child.shutdown(match random.below(4) {
            0 => Shutdown::BrutalKill,
            _ => Shutdown::Within(Duration::from_millis(1 + random.below(200))),
        });
        if random.one_in(3) {
            child = child.start_timeout(Duration::from_millis(1 + random.below(200)));
        }
        (child, kind < 6 && restart != Restart::Temporary)
    }

    /// One of many calls, whose answer nobody waits for here.
    pub(super) fn call(&self, random: &mut Random, tree: &TreeHandle) {
        let (tree, soil) = (tree.clone(), Arc::clone(&self.soil));
        match random.below(13) {
            0..=3 => {
                let Some(path) = pick(random, &self.children) else { return };
                let order = random.below(4);
                let replaced = random.one_in(6);
                tokio::spawn(async move {
                    let Ok(child) = tree.child::<Leaf>(&path) else { return };
                    let _ = match order {
                        0 => child.stop().await,
                        1 => child.start().await,
                        _ if replaced => child.replace(Leaf::new(&soil)).await.map_err(|error| error.error().clone()),
                        _ => child.restart().await,
                    };
                    soil.mirror.check("after an answer");
                });
            }
            4..=6 => {
                let Some(path) = pick(random, &self.replicas) else { return };
                let (order, count) = (random.below(6), random.below(5) as usize);
                tokio::spawn(async move {
                    let Ok(replicas) = tree.replicas::<Leaf>(&path) else { return };
                    let _ = match order {
                        0 => replicas.stop().await,
                        1 => replicas.start().await,
                        2 => replicas.restart().await,
                        3 => match replicas.get(count) {
                            Some(one) => one.restart().await,
                            None => Ok(()),
                        },
                        _ => replicas.scale_to(count).await,
                    };
                    soil.mirror.check("after an answer");
                });
            }
            7..=10 => {
                let Some(path) = pick(random, &self.open) else { return };
                let (order, one) = (random.below(8), random.below(8) as usize);
                tokio::spawn(async move {
                    let Ok(children) = tree.children::<Leaf>(&path) else { return };
                    let ids = children.ids();
                    let id = ids.get(one % ids.len().max(1)).copied().unwrap_or(one);
                    let member = children.get(id);
                    match (order, member) {
                        (0, _) => drop(children.discard(id).await),
                        (1, Some(member)) => drop(member.stop().await),
                        (2, Some(member)) => drop(member.start().await),
                        (3, Some(member)) => drop(member.restart().await),
                        (4 | 5, _) => {
                            let inner = Arc::clone(&soil);
                            drop(children.add_with(move || Leaf::new(&inner)).await);
                        }
                        _ => drop(children.add(Leaf::new(&soil)).await),
                    }
                    soil.mirror.check("after an answer");
                });
            }
            11 => {
                let Some(path) = pick(random, &self.groups) else { return };
                let order = random.below(5);
                tokio::spawn(async move {
                    let Ok(group) = tree.group(&path) else { return };
                    let _ = match order {
                        0 => group.stop().await,
                        1 | 2 => group.start().await,
                        _ => group.restart().await,
                    };
                    soil.mirror.check("after an answer");
                });
            }
            _ => {
                let Some(path) = pick(random, &self.children) else { return };
                let wait = random.time();
                tokio::spawn(async move {
                    let Ok(child) = tree.child::<Untyped>(&path) else { return };
                    let waits = async {
                        let _ = child.wait_ready().await;
                        let _ = child.wait_for(State::Stopped).await;
                    };
                    let _ = tokio::time::timeout(wait, waits).await;
                    soil.mirror.check("after an answer");
                });
            }
        }
    }
}

fn pick(random: &mut Random, from: &[String]) -> Option<String> {
    let index = random.below(from.len().max(1) as u64) as usize;
    from.get(index).cloned()
}

/// Gives the handle of its tree away, and is done when everything is.
struct First(Arc<Mirror>);

impl Service for First {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        self.0.begin(cx);
        Ok(())
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        Ok(cx.stopping().await)
    }
}
