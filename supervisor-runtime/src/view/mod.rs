//! What can be seen of a running tree: states, events, snapshots.

mod apply;
mod event;
mod events;
mod fold;
mod graph;
mod human;
mod look;
mod names;
mod note;
mod page;
#[cfg(feature = "serde")]
mod serialize;
#[cfg(test)]
mod sketch;
mod snapshot;
mod status;
mod table;

pub use event::{Event, Initial, Order, What};
pub use events::{Events, Missed};
pub use snapshot::{Row, Snapshot};
pub use status::{State, Status};

pub(crate) use event::{Beginning, Change};
pub(crate) use events::{EventLog, Pushed, is_logged};
pub(crate) use look::Tone;
pub(crate) use names::{GroupId, Label, Members, Names, Place};
pub(crate) use page::{Page, Subject, Told};
pub(crate) use snapshot::{ANCHOR, ChildPart, GroupPart};
pub(crate) use status::Facts;
