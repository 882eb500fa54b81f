//! References: a running tree, held by name, to look at it and to steer it.

mod child;
mod children;
mod error;
mod group;
mod replicas;
mod route;
mod typed;
mod wait;

pub use child::ChildRef;
pub use children::Children;
pub use error::{Rejected, SteerError};
pub use group::{Counts, GroupRef};
pub use replicas::Replicas;
pub(crate) use route::Route;
pub use typed::{Replaces, Replacing, Untyped};
