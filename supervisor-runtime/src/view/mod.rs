//! What can be seen of a running tree: states, events, snapshots.

mod event;
mod names;
mod snapshot;
mod status;

mod fold;
mod graph;
mod human;
mod look;
mod note;
#[cfg(feature = "serde")]
mod serialize;
mod table;

#[cfg(test)]
mod sketch;

pub(crate) use look::Tone;

pub use event::{Event, Initial, What};
pub use snapshot::{Row, Snapshot};
pub use status::{State, Status};
