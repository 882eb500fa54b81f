//! Random trees whose children do random things, and what must hold in spite of that.
//!
//! A failure names its seed; `SEED=17 cargo test chaos` runs that one alone and prints its log,
//! `SEEDS=100000` runs more of them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use supervisor_runtime::{ANONYMOUS, AnyChild, Child, Restart, Shutdown, Supervisor, TreeHandle};

use crate::world::{Act, Order, World, secs, task};

/// A small generator of random numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn time(&mut self) -> Duration {
        Duration::from_millis(self.below(3000))
    }

    fn act(&mut self) -> Act {
        let time = self.time();
        match self.below(24) {
            0 => Act::FailStart,
            1 => Act::FailStartAfter(time),
            2 => Act::DeclineStart,
            3 => Act::EscalateStart,
            4 => Act::BlockStart,
            5 => Act::HangInStart,
            6 | 7 => Act::SlowStart(time),
            8 => Act::Fail,
            9..=13 => Act::FailAfter(time),
            14 => Act::FinishAfter(time),
            15 => Act::IgnoreStop,
            16..=18 => Act::SlowStop(time),
            19 => Act::HangInStop,
            20 => Act::SlowStopAndHang(time),
            21 => Act::FailWhenStopped,
            _ => Act::Run,
        }
    }
}

/// Makes a tree, and tells the world which starts exclude whom.
struct Gardener {
    random: Random,
    world: World,
    names: Vec<String>,
}

impl Gardener {
    /// A group, and the names of the probes in it.
    fn group(&mut self, name: String, depth: u32) -> (Supervisor, Vec<String>) {
        let name = if depth > 0 && self.random.one_in(4) { ANONYMOUS } else { name.into() };
        let kind = self.random.below(7);
        let new = [
            Supervisor::one_for_one,
            Supervisor::one_for_all,
            Supervisor::rest_for_one,
            Supervisor::dependents_for_one,
            Supervisor::forfeit_one_for_one,
            Supervisor::forfeit_one_for_all,
            Supervisor::crashing,
        ][kind as usize];
        let (restarts, sweeps, depends) = (kind < 4, kind == 1 || kind == 2, kind == 3);
        let mut group = new(name);
        if restarts {
            group = group.max_restarts(self.random.below(6) as u32).over(secs(5.0));
            if self.random.one_in(3) {
                group = group.backoff(secs(0.5)..secs(4.0));
            }
        }
        if self.random.one_in(3) {
            group = group.shutdown(Duration::from_millis(1 + self.random.below(6000)));
        }
        if self.random.one_in(5) {
            group = group.start_timeout(Duration::from_millis(1 + self.random.below(6000)));
        }
        if std::env::var("SEED").is_ok() {
            println!("{group:?} depth {depth}");
        }
        // Of each child so far: its name, the probes in it, whether it is one itself, and whom it requires.
        let mut children: Vec<(String, Vec<String>, bool, Vec<usize>)> = Vec::new();
        for _ in 0..=self.random.below(3) {
            let name = format!("n{}", self.names.len());
            self.names.push(name.clone());
            let required: Vec<usize> = match depends {
                true => (0..children.len()).filter(|_| self.random.one_in(2)).collect(),
                false => Vec::new(),
            };
            let requires: Vec<_> = required.iter().map(|&child| children[child].0.clone()).collect();
            let (child, probes, is_probe): (AnyChild, _, _) = if depth < 3 && self.random.one_in(3) {
                let (inner, probes) = self.group(name.clone(), depth + 1);
                // It may be required by its name, which an anonymous one has not.
                let inner = if depends { Supervisor::one_for_all(name.clone()).child(inner) } else { inner };
                (if depends { inner.requires(requires) } else { inner }.into(), probes, false)
            } else {
                let probe = self.probe(&name, restarts && !depends);
                (if depends { probe.requires(requires) } else { probe }.into(), vec![name.clone()], true)
            };
            group = group.child(child);
            children.push((name, probes, is_probe, required));
        }
        for earlier in 0..children.len() {
            let mut taken = vec![earlier];
            for later in earlier + 1..children.len() {
                if sweeps || depends && children[later].3.iter().any(|required| taken.contains(required)) {
                    if std::env::var("SEED").is_ok() {
                        println!("{later} {:?}", children[later]);
                    }
                    taken.push(later);
                    if children[earlier].2 {
                        self.world.starts_before(&children[earlier].0, &children[later].1);
                    }
                }
            }
        }
        (group, children.into_iter().flat_map(|(_, probes, ..)| probes).collect())
    }

    fn probe(&mut self, name: &str, any_restart: bool) -> Child<crate::probe::Probe> {
        let acts: Vec<_> = (0..12).map(|_| self.random.act()).collect();
        if std::env::var("SEED").is_ok() {
            println!("{name} {acts:?}");
        }
        self.world.plan(name, acts);
        let (world, own) = (self.world.clone(), name.to_owned());
        let mut child = Child::new(name.to_owned(), move || world.service(&own));
        child = child.shutdown(match self.random.below(4) {
            0 => Shutdown::BrutalKill,
            1 => Shutdown::DEFAULT,
            _ => Shutdown::Within(Duration::from_millis(1 + self.random.below(3000))),
        });
        if any_restart {
            child = child
                .restart([Restart::Permanent, Restart::Transient, Restart::Temporary][self.random.below(3) as usize]);
        }
        if self.random.one_in(2) {
            child = child.start_timeout(Duration::from_millis(1 + self.random.below(3000)));
        }
        child
    }
}

async fn life_of(seed: u64) -> (World, Result<(), String>) {
    let world = World::new();
    let mut gardener = Gardener { random: Random(seed), world: world.clone(), names: Vec::new() };
    let (inner, _) = gardener.group("root".to_owned(), 0);
    let Gardener { mut random, names, .. } = gardener;
    let handle: Arc<Mutex<Option<TreeHandle>>> = Arc::default();
    let kept = Arc::clone(&handle);
    let control = task("control", move |cx| {
        *kept.lock().unwrap() = Some(cx.tree());
        async move { Ok(cx.stopping().await) }
    });
    let alone = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let tree =
        Supervisor::one_for_one("tree").max_restarts(3).over(secs(10.0)).jitter_seed(seed).child(control).child(inner);
    if std::env::var("SEED").is_ok() {
        let w = world.clone();
        crate::capture::listen(Arc::new(move |l| w.write(l)));
    }
    let mut run = tokio::spawn(tree.run());
    world.idle().await;
    for _ in 0..random.below(40) {
        tokio::time::sleep(random.time() / 4).await;
        let name = &names[random.below(names.len() as u64) as usize];
        let orders =
            [Order::Fail, Order::Fail, Order::Fail, Order::Finish, Order::Panic, Order::Forfeit, Order::Escalate];
        let kinds = if random.one_in(6) { 7 } else { 4 };
        world.order(name, orders[random.below(kinds) as usize]);
    }
    handle.lock().unwrap().take().expect("the first child has started").shutdown();
    let Ok(end) = tokio::time::timeout(secs(10_000.0), &mut run).await else {
        return (world, Err("it does not end".to_owned()));
    };
    let told = match end {
        Ok(end) => format!("{end:?}"),
        Err(panic) => return (world, Err(panic.to_string())),
    };
    if world.alive() > 0 {
        return (world, Err("something is alive after the end".to_owned()));
    }
    let lines = world.timed_page();
    tokio::time::sleep(secs(100.0)).await;
    let late = world.page();
    let wrong = lines.iter().map(|(_, line)| line).find(|line| line.contains("two of") || line.contains("beside"));
    let result = if let Some(wrong) = wrong {
        Err(wrong.clone())
    } else if !late.is_empty() {
        Err(format!("after the end: {late:?}"))
    } else if tokio::runtime::Handle::current().metrics().num_alive_tasks() > alone {
        Err("a task is left".to_owned())
    } else if told.contains("stuck") {
        Err(told.clone())
    } else {
        Ok(())
    };
    for (time, line) in lines {
        world.write(format!("{} {line}", time.as_millis()));
    }
    world.write(told);
    (world, result)
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_nothing_runs_twice_or_out_of_order_or_beyond_the_end() {
    let number = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let one = number("SEED");
    let seeds = number("SEEDS").unwrap_or(300);
    for seed in one.map_or(0..seeds, |seed| seed..seed + 1) {
        let (world, result) = life_of(seed).await;
        if one.is_some() || result.is_err() {
            println!("{}", world.page().join("\n"));
        }
        assert_eq!(result, Ok(()), "SEED={seed}");
    }
}
