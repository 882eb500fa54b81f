//! Random trees.

use std::sync::Arc;
use std::time::Duration;

use supervisor_runtime::{
    ANONYMOUS, AnyChild, AutoShutdown, Backoff, Child, Context, Decision, Restart, RestartLimit, Service,
    ServiceResult, Set, Shutdown, Supervisor, Wire,
};

use crate::declared::{self, Declared};
use crate::leaf::Leaf;
use crate::mirror::Mirror;
use crate::orders::Targets;
use crate::random::Random;
use crate::soil::{Handle, Soil, TREE};

/// Makes a tree, and notes what it has declared.
pub(crate) struct Forest {
    random: Random,
    soil: Arc<Soil>,
    targets: Targets,
    declared: Declared,
}

/// A group in which names are unique: one that has a name.
struct Scope {
    /// What the paths of its children begin with.
    path: String,
    names: usize,
    /// Of those without a name, one is enough to be told from others by its path.
    has_anonymous: bool,
}

/// A child that others can use.
#[derive(Clone)]
struct Provider {
    path: String,
    wire: Wire<Handle>,
}

/// What a group says to its children.
struct Around {
    strategy: &'static str,
    restarts: bool,
    significant: bool,
    backoff: Option<Backoff>,
    /// Those that can be used.
    providers: Vec<Provider>,
    /// The names and paths of those that can be required.
    required: Vec<(String, String)>,
}

/// A child that was made, with what is to be known of it.
struct Made {
    child: AnyChild,
    path: String,
    name: String,
    /// The paths of those that it requires, or uses, in its own group or around it.
    needs: Vec<String>,
    shutdown: Duration,
    shutdown_when_steered: Duration,
    backoff: Option<Backoff>,
    is_open: bool,
    is_single: bool,
    may_be_required: bool,
    provider: Option<Provider>,
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl Forest {
    /// A random tree, whose first child gives its handle to the mirror.
    pub(crate) fn plant(seed: u64, mirror: &Arc<Mirror>) -> (Supervisor, Arc<Soil>) {
        let mut random = Random::of(seed, "tree");
        let calm = random.pick([2, 3, 3, 8]);
        let soil = Arc::new(Soil::new(seed, calm, Arc::clone(mirror), random.one_in(100)));
        soil.set_gentle(!random.one_in(8));
        let (targets, declared) = (Targets::default(), Declared::default());
        let mut forest = Self { random, soil: Arc::clone(&soil), targets, declared };
        let limit = RestartLimit { max_restarts: 300, over: ms(2000) };
        let around = Around {
            strategy: "one_for_one",
            restarts: true,
            significant: false,
            backoff: None,
            providers: Vec::new(),
            required: Vec::new(),
        };
        let mut scope = Scope { path: TREE.to_owned(), names: 0, has_anonymous: true };
        let first = Arc::clone(mirror);
        let first = Child::new("first", move || First(Arc::clone(&first))).restart(Restart::Transient);
        let first = Made {
            child: first.into(),
            path: format!("{TREE}/first"),
            name: "first".to_owned(),
            needs: Vec::new(),
            shutdown: Duration::ZERO,
            shutdown_when_steered: Duration::ZERO,
            backoff: None,
            is_open: false,
            is_single: true,
            may_be_required: false,
            provider: None,
        };
        let groups: Vec<_> = (0..2).map(|_| forest.group(&mut scope, &around, 0)).collect();
        let tree = Supervisor::one_for_one(TREE).max_restarts(limit.max_restarts).over(limit.over).jitter_seed(seed);
        let shutdown = groups.iter().map(|group| group.shutdown).sum();
        let shutdown_when_steered = groups.iter().map(|group| group.shutdown_when_steered).sum();
        let made = std::iter::once(first).chain(groups).collect();
        let declared = declared::Group {
            strategy: around.strategy,
            limit,
            children: Vec::new(),
            shutdown,
            shutdown_when_steered,
            own_shutdown: None,
        };
        let tree = forest.declare(tree, TREE, declared, made);
        let Self { targets, declared, .. } = forest;
        let _ = soil.targets.set(targets);
        mirror.judges(declared, &soil);
        (tree, soil)
    }

    /// Adds its children to a group, and notes them.
    fn declare(&mut self, mut group: Supervisor, path: &str, declared: declared::Group, made: Vec<Made>) -> Supervisor {
        let children: Vec<_> = made.iter().map(|made| made.path.clone()).collect();
        for (position, made) in made.into_iter().enumerate() {
            let Made { needs, backoff, is_open, is_single, .. } = made;
            // That of a group is judged by its own stop.
            let shutdown = (!self.declared.groups.contains_key(&made.path)).then_some(made.shutdown);
            let requires = (0..position).filter(|&earlier| needs.contains(&children[earlier])).collect();
            let child =
                declared::Child { group: path.to_owned(), position, requires, backoff, shutdown, is_open, is_single };
            self.declared.children.insert(made.path, child);
            group = group.child(made.child);
        }
        self.declared.groups.insert(path.to_owned(), declared::Group { children, ..declared });
        group
    }

    fn group(&mut self, scope: &mut Scope, around: &Around, depth: u32) -> Made {
        let random = &mut self.random;
        let is_anonymous = !scope.has_anonymous && random.one_in(4);
        let name = format!("g{}", scope.names);
        scope.names += 1;
        let label = if is_anonymous { ANONYMOUS } else { name.clone().into() };
        let (strategy, mut group) = match random.below(10) {
            0 | 1 => ("one_for_one", Supervisor::one_for_one(label)),
            2 | 3 => ("one_for_all", Supervisor::one_for_all(label)),
            4 | 5 => ("rest_for_one", Supervisor::rest_for_one(label)),
            6 | 7 => ("dependents_for_one", Supervisor::dependents_for_one(label)),
            8 => match random.below(3) {
                0 => ("forfeit_one_for_one", Supervisor::forfeit_one_for_one(label)),
                1 => ("forfeit_one_for_all", Supervisor::forfeit_one_for_all(label)),
                _ => ("crashing", Supervisor::crashing(label)),
            },
            _ => (
                "custom",
                Supervisor::custom(label, |failure| match failure.child().len() + failure.index().unwrap_or(0) {
                    length if length % 7 == 0 => Decision::Forfeit(Set::Failed),
                    length if length % 3 == 0 => Decision::Restart(Set::Rest),
                    length if length % 5 == 0 => Decision::Restart(Set::All),
                    _ => Decision::Restart(Set::Failed),
                }),
            ),
        };
        let restarts = !matches!(strategy, "forfeit_one_for_one" | "forfeit_one_for_all" | "crashing");
        let mut limit = RestartLimit::default();
        let mut backoff = around.backoff;
        if restarts {
            let most = random.pick([0, 3, 30, 100, 100]);
            limit = RestartLimit { max_restarts: random.below(most + 1) as u32, over: ms(200) };
            group = group.max_restarts(limit.max_restarts).over(limit.over);
            if random.one_in(3) {
                let own = Backoff::from(ms(5)..ms(100));
                group = group.backoff(own);
                backoff = Some(own);
            } else {
                backoff = None;
            }
        }
        let own_shutdown = random.one_in(3).then(|| ms(1 + random.below(300)));
        if let Some(own) = own_shutdown {
            group = group.shutdown(own);
        }
        if depth > 0 && random.one_in(5) {
            group = group.start_timeout(ms(1 + random.below(300)));
        }
        let significant = random.one_in(6);
        if significant {
            group = group.auto_shutdown(random.pick([AutoShutdown::AnySignificant, AutoShutdown::AllSignificant]));
        }
        let (mut own_scope, path);
        let inner = if is_anonymous {
            scope.has_anonymous = true;
            path = format!("{}/({strategy})", scope.path);
            scope
        } else {
            path = format!("{}/{name}", scope.path);
            self.targets.groups.push(below(&path));
            own_scope = Scope { path: path.clone(), names: 0, has_anonymous: false };
            &mut own_scope
        };
        let mut inside = Around {
            strategy,
            restarts,
            significant,
            backoff,
            providers: around.providers.clone(),
            required: Vec::new(),
        };
        let mut made = Vec::new();
        let count = if depth == 0 { 3 + self.random.below(4) } else { 1 + self.random.below(4) };
        for _ in 0..count {
            let child = match depth < 3 && self.random.one_in(3) {
                true => self.group(inner, &inside, depth + 1),
                false => self.leaf(inner, &inside),
            };
            inside.providers.extend(child.provider.clone());
            inside.required.extend(child.may_be_required.then(|| (child.name.clone(), child.path.clone())));
            made.push(child);
        }
        let sum: Duration = made.iter().map(|made| made.shutdown).sum();
        let sum_when_steered = made.iter().map(|made| made.shutdown_when_steered).sum();
        let [shutdown, shutdown_when_steered] =
            [sum, sum_when_steered].map(|sum| own_shutdown.map_or(sum, |own: Duration| own.min(sum)));
        let (requires, mut needs) = self.requires(around);
        // What is used inside it, it uses itself.
        needs.extend(made.iter().flat_map(|made| made.needs.clone()));
        let declared =
            declared::Group { strategy, limit, children: Vec::new(), shutdown, shutdown_when_steered, own_shutdown };
        let mut group = self.declare(group, &path, declared, made);
        if !requires.is_empty() {
            group = group.requires(requires);
        }
        Made {
            child: group.into(),
            path,
            name,
            needs,
            shutdown,
            shutdown_when_steered,
            // Its own comes from its parent.
            backoff: around.backoff,
            is_open: false,
            is_single: true,
            may_be_required: false,
            provider: None,
        }
    }

    /// The names and paths of some of those that can be required.
    fn requires(&mut self, around: &Around) -> (Vec<String>, Vec<String>) {
        match around.strategy {
            "dependents_for_one" => around.required.iter().filter(|_| self.random.one_in(2)).cloned().unzip(),
            _ => Default::default(),
        }
    }

    fn leaf(&mut self, scope: &mut Scope, around: &Around) -> Made {
        let name = format!("n{}", scope.names);
        scope.names += 1;
        let path = format!("{}/{name}", scope.path);
        let (requires, mut needs) = self.requires(around);
        let random = &mut self.random;
        let soil = Arc::clone(&self.soil);
        let kind = random.below(9);
        let count = 1 + random.below(4) as usize;
        let label = name.clone();
        let mut child = match kind {
            0..=3 => match random.one_of(&around.providers).filter(|_| kind < 3) {
                Some(Provider { path, wire }) => {
                    needs.push(path.clone());
                    Child::using(label, wire, move |handle| Leaf::using(&soil, vec![handle]))
                }
                None => Child::new(label, move || Leaf::new(&soil)),
            },
            4 => Child::in_place(label, move || Leaf::new(&soil)),
            5 => Child::replicated(label, count, move |_| Leaf::new(&soil)).replace(|mut old: Leaf, _| {
                match old.is_reborn() {
                    true => Ok(old),
                    false => Err("not replaced"),
                }
            }),
            6 => Child::replicated(label, count, move |_| Leaf::new(&soil)),
            7 => Child::open(label, ..),
            // What is never restarted need not be kept.
            _ if !around.restarts => Child::open(label, ..=4),
            _ => Child::open_in_place(label, ..=4),
        };
        let targets = match kind {
            0..=4 => &mut self.targets.children,
            5 | 6 => &mut self.targets.replicas,
            _ => &mut self.targets.open,
        };
        targets.push(below(&path));
        let restart = match random.below(6) {
            0 => Restart::Transient,
            1 if kind != 8 => Restart::Temporary,
            _ => Restart::Permanent,
        };
        let mut is_temporary = kind == 7;
        let mut backoff = around.backoff;
        if around.restarts && (kind != 7 || random.one_in(2)) {
            is_temporary = restart == Restart::Temporary;
            child = child.restart(restart);
            if around.significant && restart != Restart::Permanent && random.one_in(2) {
                child = child.significant();
            }
            if random.one_in(4) {
                let own = Backoff::from(ms(2)..ms(40));
                child = child.backoff(own);
                backoff = Some(own);
            }
        }
        let mut provider = None;
        let takes_users_along = matches!(
            around.strategy,
            "one_for_all" | "rest_for_one" | "dependents_for_one" | "forfeit_one_for_all" | "crashing"
        );
        if kind < 4 && !is_temporary && takes_users_along && random.one_in(2) {
            let wire = Wire::new();
            child = child.provides(&wire);
            self.targets.providers.push(below(&path));
            provider = Some(Provider { path: path.clone(), wire });
        }
        let shutdown = if random.one_in(4) { Duration::ZERO } else { ms(1 + random.below(200)) };
        child = child.shutdown(if shutdown.is_zero() { Shutdown::BrutalKill } else { Shutdown::Within(shutdown) });
        if random.one_in(3) {
            child = child.start_timeout(ms(1 + random.below(200)));
        }
        if random.one_in(6) {
            child = child.heartbeat(ms(20 + random.below(200)));
        }
        if !requires.is_empty() {
            child = child.requires(requires);
        }
        Made {
            child: child.into(),
            path,
            name,
            needs,
            shutdown,
            // What was stopped by hand before the others of the same child is waited for first.
            shutdown_when_steered: if kind < 5 { shutdown } else { shutdown * 2 },
            backoff,
            is_open: kind > 6,
            is_single: kind < 5,
            may_be_required: kind < 7 && !is_temporary,
            provider,
        }
    }
}

/// The path below the outermost supervisor.
fn below(path: &str) -> String {
    path[TREE.len() + 1..].to_owned()
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
