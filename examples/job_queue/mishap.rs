//! What goes wrong: a quarter of the jobs does on the first attempt, by their number, the same in every run.

use std::future;

use supervisor_runtime::ServiceResult;

/// Lets the worker panic, fail or hang if it is this job's turn.
pub(crate) async fn strike(job: u64, attempt: u32) -> ServiceResult {
    match (attempt, job % 12) {
        (1, 3) => panic!("job {job} met a bug"),
        (1, 7) => Err(format!("job {job} lost its connection to the archive").into()),
        // Neither done nor failed: only the silence tells.
        (1, 11) => future::pending().await,
        _ => Ok(()),
    }
}
