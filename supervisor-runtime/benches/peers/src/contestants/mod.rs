//! Who takes part.

mod by_hand;
mod kameo;
mod ractor_supervisor;
mod supervisor_runtime;
mod task_supervisor;
mod taskvisor;
mod tokio_graceful_shutdown;

use crate::scenario::Contestant;

/// The first one is what all are compared with.
pub(crate) const CONTESTANTS: &[Contestant] = &[
    by_hand::CONTESTANT,
    supervisor_runtime::CONTESTANT,
    task_supervisor::CONTESTANT,
    taskvisor::CONTESTANT,
    kameo::CONTESTANT,
    ractor_supervisor::CONTESTANT,
    tokio_graceful_shutdown::CONTESTANT,
];
