//! The memory of this process.

use std::fmt;
use std::time::Duration;

/// So much is in use; only Linux says.
#[derive(Clone, Copy)]
pub(crate) struct Kilobytes(Option<u64>);

pub(crate) fn used() -> Kilobytes {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    Kilobytes(line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok()))
}

/// The second half of the time took no more memory, but for what the allocator keeps for itself. In half a minute it has as
/// much as it will ever need; in a few seconds it is still growing, and little can be said.
pub(crate) fn check_flat(time: Duration, warm: Kilobytes, end: Kilobytes) {
    let (Kilobytes(Some(warm)), Kilobytes(Some(end))) = (warm, end) else { return };
    let slack = if time < Duration::from_secs(30) { 16_384 } else { 4096 + warm / 20 };
    assert!(end <= warm + slack, "{warm} kB at half time, {end} kB at the end");
}

impl fmt::Debug for Kilobytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(kilobytes) => write!(f, "{kilobytes} kB"),
            None => f.write_str("unknown"),
        }
    }
}
