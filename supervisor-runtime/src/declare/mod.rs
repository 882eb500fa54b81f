//! What a person declares: plain data, and the builder that collects it. Nothing here runs.

mod check;
mod child;
mod custom;
mod extent;
mod make;
mod options;
mod spec;
mod supervisor;
mod wire;
mod wiring;

pub use child::Child;
pub use custom::{Decision, Failure, Set};
pub use make::IntoService;
pub use options::{ANONYMOUS, AutoShutdown, Backoff, Bound, Name, Restart, RestartLimit, Shutdown};
pub use spec::AnyChild;
pub use supervisor::Supervisor;
pub use wire::{Connect, Uses, Wire, Wires};

pub(crate) use extent::{MAX_DEPTH, MAX_REPLICAS, told, too_deep};
pub(crate) use make::{Begun, Declared, Makes, MakesOnce, Never};
pub(crate) use spec::{ChildSpec, Kind, Size};
pub(crate) use supervisor::{GroupSpec, Strategy};
pub(crate) use wire::{Handles, Offer};
