//! The tree: ten thousand children, under every strategy.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use supervisor_runtime::{Child, Supervisor, Wire};

use crate::counts::{Counts, Own};
use crate::service::{Ends, Erratic};

/// Never gives up, and so never forgets how often it has restarted what.
fn endless(strategy: fn(String) -> Supervisor, name: impl Into<String>) -> Supervisor {
    strategy(name.into()).max_restarts(u32::MAX).over(Duration::MAX)
}

pub(crate) fn tree(counts: &Arc<Counts>) -> Supervisor {
    let own = Own::new(counts, false);
    endless(Supervisor::one_for_one, "tree")
        .child(alone(&Own::new(counts, true)))
        .child(swept("all", Supervisor::one_for_all, 400, &own))
        .child(swept("rest", Supervisor::rest_for_one, 400, &own))
        .child(dependents(&own))
        .child(crashing(&own))
        .child(steered(&own))
}

/// 4,000 that are on their own: made anew, started again as they are, made of the one before; some wait between.
fn alone(own: &Own) -> Supervisor {
    let make = |own: &Own| {
        let own = own.clone();
        move |_| Erratic::make(&own, Ends::Soon)
    };
    let (again, reborn) = (own.clone(), own.clone());
    let first = |own: &Own| Erratic::new(own, Ends::Soon);
    endless(Supervisor::one_for_one, "alone")
        .child(Child::replicated("anew", 2000, make(own)))
        .child(Child::replicated("later", 1000, make(own)).backoff(Duration::from_millis(10)..Duration::from_secs(1)))
        .child(Child::replicated_in_place("again", 500, move |_| first(&again)))
        .child(Child::replicated("reborn", 500, move |_| first(&reborn)).replace(|old: Erratic, _| old.reborn()))
}

/// Groups of five that take each other along, and give up now and then.
fn swept(name: &str, strategy: fn(String) -> Supervisor, count: usize, own: &Own) -> Supervisor {
    (0..count).fold(endless(Supervisor::one_for_one, name), |above, n| {
        let group = (0..5).fold(strategy(format!("group{n}")).max_restarts(2), |group, n| {
            let own = own.clone();
            group.child(Child::new(format!("c{n}"), move || Erratic::new(&own, Ends::Late)))
        });
        above.child(group)
    })
}

/// 100 groups of a provider and nine that use it.
fn dependents(own: &Own) -> Supervisor {
    (0..100).fold(endless(Supervisor::one_for_one, "dependents"), |above, n| {
        let (wire, last) = (Wire::new(), Mutex::default());
        let provider = own.clone();
        let group = Supervisor::dependents_for_one(format!("group{n}"))
            .child(Child::new("db", move || Erratic::provider(&provider, Ends::Late, &last)).provides(&wire));
        let group = (0..9).fold(group, |group, n| {
            let own = own.clone();
            let make = move |db| Erratic::new(&own, Ends::Late).using(db);
            group.child(Child::using(format!("user{n}"), &wire, make))
        });
        above.child(group)
    })
}

/// Groups that fail with each failure inside, and are made anew.
fn crashing(own: &Own) -> Supervisor {
    (0..100).fold(endless(Supervisor::one_for_one, "crashing"), |above, n| {
        let own = own.clone();
        let group = Supervisor::crashing(format!("group{n}"));
        above.child(group.child(Child::replicated("c", 5, move |_| Erratic::new(&own, Ends::Late))))
    })
}

/// What the operator steers, scales, adds and discards.
fn steered(own: &Own) -> Supervisor {
    let own = own.clone();
    endless(Supervisor::one_for_one, "steered")
        .child(Child::replicated("w", 500, move |_| Erratic::new(&own, Ends::Soon)))
        .child(Child::<Erratic>::open("conn", ..=500))
}
