//! Supervision trees for tokio services, with the semantics of Erlang/OTP.
mod context;
mod decide;
mod declare;
mod error;
mod exit;
mod log;
mod macros;
mod outline;
mod service;
mod shell;
mod signals;
mod sync;
mod tree;

pub use context::{Context, Interval, Stopping};
pub use declare::{
    ANONYMOUS, AnyChild, AutoShutdown, Backoff, Child, Decision, Failure, IntoService, Name, Restart, RestartLimit,
    Set, Shutdown, Supervisor,
};
pub use error::{Left, RestartLimitReached, TreeError, TreeErrorKind};
pub use exit::{Cause, Exit, Panic, Phase, escalate, forfeit};
pub use outline::Outline;
pub use service::{BoxError, BoxService, Service, ServiceFn, ServiceResult, service_fn};
pub use tree::{Running, TreeHandle};

/// What `supervision_tree!` expands to, besides the public API: the macro itself.
#[doc(hidden)]
pub mod __private {
    pub use supervisor_macros::supervision_tree;
}
