//! What a declaration gets wrong, all of it at once; the macro says the same things earlier.

use std::collections::HashMap;
use std::time::Duration;

use super::extent::{MAX_REPLICAS, check_name, told};
use super::spec::{ChildSpec, Size};
use super::wiring::{Positions, Use, unconnected};
use super::{AutoShutdown, Backoff, Kind, Restart, Shutdown, Strategy, Supervisor};

impl Supervisor {
    /// Everything that is wrong with it, as the outermost supervisor of a tree.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.check_depth().into_iter().collect();
        check_name("supervisor", self.name.as_str(), &mut problems);
        let (inside, uses) = self.check_inside();
        problems.extend(inside);
        problems.extend(unconnected(&uses));
        problems
    }

    /// Everything that is wrong with it and, each under its name, with the supervisors in it; and the wires that are to be
    /// provided around it.
    pub(super) fn check_inside(&self) -> (Vec<String>, Vec<Use>) {
        let mut problems = Vec::new();
        let me = if self.name.is_anonymous() {
            format!("({})", self.strategy.name())
        } else {
            told(self.name.as_str()).to_string()
        };
        self.check_options(&me, &mut problems);
        if self.children.is_empty() {
            problems.push(format!("supervisor `{me}` has no children: add one with `.child(..)`"));
        }
        self.check_count(&me, &mut problems);
        self.check_names(&me, &mut problems);
        let positions = Positions::of(&self.children);
        for (position, child) in self.children.iter().enumerate() {
            self.check_child(&me, position, child, &positions, &mut problems);
            problems.extend(child.problems.iter().cloned());
        }
        let uses = self.check_wires(&me, &positions, &mut problems);
        (problems, uses)
    }

    fn check_options(&self, me: &str, problems: &mut Vec<String>) {
        let strategy = self.strategy.name();
        if !self.strategy.restarts() {
            let set = [
                ("max_restarts", self.max_restarts.is_some()),
                ("over", self.over.is_some()),
                ("raises", self.raises.is_some()),
                ("backoff", self.backoff.is_some()),
            ];
            for (option, _) in set.iter().filter(|(_, set)| *set) {
                problems
                    .push(format!("supervisor `{me}` has `{option}`, but `{strategy}` never restarts: leave it out"));
            }
        }
        check_duration(me, "over", self.over, problems);
        check_backoff(me, self.backoff, problems);
    }

    fn check_names(&self, me: &str, problems: &mut Vec<String>) {
        if self.name.is_anonymous() {
            // They are names in the scope of the supervisor above, and told there.
            return;
        }
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for child in &self.children {
            for name in child.names() {
                if name.is_empty() {
                    problems.push(format!("a child of supervisor `{me}` has an empty name: give it one"));
                } else if name.contains(['/', '[', ']']) {
                    let name = told(name);
                    problems.push(format!(
                        "child `{name}` of supervisor `{me}` has `/`, `[` or `]` in its name: paths use them"
                    ));
                }
                check_name("child", name, problems);
                let count = seen.entry(name).or_default();
                *count += 1;
                if *count == 2 && !name.is_empty() {
                    let name = told(name);
                    problems.push(format!("supervisor `{me}` has two children of the name `{name}`: rename one"));
                }
            }
        }
    }

    fn check_child(
        &self,
        me: &str,
        position: usize,
        child: &ChildSpec,
        positions: &Positions<'_>,
        problems: &mut Vec<String>,
    ) {
        let options = &child.options;
        let name = &*told(child.label()).to_string();
        match child.size {
            Size::Replicas(0) => {
                problems.push(format!("child `{name}` of supervisor `{me}` has 0 replicas: give it at least one"));
            }
            Size::Replicas(count) if count > MAX_REPLICAS => {
                problems.push(format!(
                    "child `{name}` of supervisor `{me}` has {count} replicas: {MAX_REPLICAS} are the most"
                ));
            }
            Size::Open if child.bound == Some(0) => {
                problems
                    .push(format!("open group `{name}` of supervisor `{me}` can have 0 members: allow at least one"));
            }
            Size::Open if child.kind == Kind::Supervisor => {
                problems.push(format!("open group `{name}` of supervisor `{me}` is one of supervisors: wrap each in a child of a group of its own"));
            }
            _ => {}
        }
        if child.kind == Kind::Supervisor && options.heartbeat.is_some() {
            problems
                .push(format!("child `{name}` has `heartbeat`, but is a supervisor, which gives none: leave it out"));
        }
        if child.keeps_and_replaces && child.size == Size::Open {
            problems.push(format!(
                "open group `{name}` has `replace`: a member is what was added; add one with a factory instead"
            ));
        } else if child.in_place && child.size == Size::Open && options.restart == Restart::Temporary {
            let fix = if self.strategy.restarts() {
                "say `.restart(Restart::Transient)` or `Permanent`"
            } else {
                "use `open`"
            };
            problems.push(format!(
                "open group `{name}` is temporary, so no member is ever started again `in_place`: {fix}"
            ));
        } else if child.keeps_and_replaces {
            problems.push(format!("child `{name}` has `in_place` and `replace`: with one the old value is started again, with the other a new one is made of it"));
        }
        if let Some(Shutdown::Within(limit)) = options.shutdown {
            check_duration(name, "shutdown", Some(limit), problems);
        }
        check_duration(name, "start_timeout", options.start_timeout, problems);
        check_duration(name, "heartbeat", options.heartbeat, problems);
        check_backoff(name, options.backoff, problems);
        if !self.strategy.restarts() {
            let strategy = self.strategy.name();
            for (option, set) in
                [("restart", options.restart != child.default_restart()), ("backoff", options.backoff.is_some())]
            {
                if set {
                    problems
                        .push(format!("child `{name}` has `{option}`, but `{strategy}` never restarts: leave it out"));
                }
            }
        }
        if options.significant {
            if self.auto_shutdown == AutoShutdown::Never {
                problems
                    .push(format!("child `{name}` is significant, but supervisor `{me}` has `auto_shutdown` = never"));
            }
            if child.kind == Kind::Worker && options.restart == Restart::Permanent && self.strategy.restarts() {
                problems.push(format!("child `{name}` is significant, but permanent: it never ends by itself"));
            }
        }
        self.check_requires(position, child, positions, problems);
    }

    fn check_requires(
        &self,
        position: usize,
        child: &ChildSpec,
        positions: &Positions<'_>,
        problems: &mut Vec<String>,
    ) {
        let name = &*told(child.label()).to_string();
        if !child.options.requires.is_empty() && !matches!(self.strategy, Strategy::DependentsForOne) {
            let strategy = self.strategy.name();
            problems.push(format!(
                "child `{name}` has `requires`, but `{strategy}` does not look at it: use `dependents_for_one`"
            ));
            return;
        }
        for required in &child.options.requires {
            let (found, required) = (positions.of_name(required), told(required.as_str()));
            match found {
                None => problems.push(format!("child `{name}` requires `{required}`, which is no sibling of it")),
                Some(found) if found >= position => {
                    problems.push(format!("child `{name}` requires `{required}`, which is not declared before it"));
                }
                Some(found) if self.children[found].options.restart == Restart::Temporary => {
                    problems.push(format!(
                        "child `{name}` requires `{required}`, which is temporary and may be gone for good"
                    ));
                }
                Some(_) => {}
            }
        }
    }
}

impl ChildSpec {
    fn default_restart(&self) -> Restart {
        if self.size == Size::Open { Restart::Temporary } else { Restart::Permanent }
    }

    /// The names that it takes up in the scope of its parent: its own, or, if it has none, its children's.
    fn names(&self) -> impl Iterator<Item = &str> {
        // One made by a factory has the name that it was given, even if that is empty.
        let anonymous = self.name.is_anonymous() && !self.label.is_empty();
        let own = (!anonymous).then(|| self.name.as_str());
        own.into_iter().chain(self.inner_names.iter().map(String::as_str).filter(move |_| anonymous))
    }
}

impl Supervisor {
    /// The names that its children take up, for the scope around it if it is anonymous.
    pub(super) fn names(&self) -> Vec<String> {
        self.children.iter().flat_map(ChildSpec::names).map(str::to_owned).collect()
    }
}

fn check_duration(name: &str, option: &str, duration: Option<Duration>, problems: &mut Vec<String>) {
    if duration.is_some_and(|duration| duration.is_zero()) {
        problems.push(format!("`{option}` of `{name}` is zero: it must be longer than that"));
    }
}

fn check_backoff(name: &str, backoff: Option<Backoff>, problems: &mut Vec<String>) {
    let Some(backoff) = backoff else { return };
    check_duration(name, "backoff", Some(backoff.initial), problems);
    if backoff.max < backoff.initial {
        problems.push(format!(
            "`backoff` of `{name}` ends at {:?}, before it begins at {:?}: swap them",
            backoff.max, backoff.initial
        ));
    }
}
