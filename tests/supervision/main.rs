//! The behaviour of supervision trees, by the public API.
#![allow(clippy::unit_arg, reason = "`Ok(cx.stopping().await)` is how the documentation ends a run")]
#![allow(clippy::type_complexity, reason = "a table says what its columns are above it")]
#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails, and says where")]

mod after_a_slow_stop;
mod blocked;
mod capture;
mod context;
mod custom;
mod delays;
mod done;
mod dropped;
mod embedded;
mod ending;
mod escalation;
mod events;
mod harness;
mod held;
mod idle;
mod in_turn;
mod instructions;
mod invalid;
mod kept;
mod leaving;
mod limits;
mod load;
mod logs;
mod mistakes;
mod mode;
mod open_group;
mod panics;
mod probe;
mod races;
mod readiness;
mod references;
mod restart;
mod runtime_dropped;
mod runtimes;
mod scaling;
mod start;
mod steering;
mod steering_dependents;
mod steering_inside;
mod steering_storm;
mod stop;
mod strategies;
mod stuck;
mod supervisors;
mod tasks;
mod timeouts;
mod told;
mod typed;
mod wiring;
mod world;
