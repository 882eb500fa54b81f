//! Durations as a person says them.

use std::time::Duration;

/// `3d 4h`, `2m 5s`, `1.2s`, `15ms`: two units at most, and cut, never rounded up: what has lasted for 59.9 seconds has
/// not lasted for a minute.
pub(crate) fn human(duration: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let two = |whole: u64, unit: &str, part: u64, smaller: &str| match part {
        0 => format!("{whole}{unit}"),
        _ => format!("{whole}{unit} {part}{smaller}"),
    };
    let (secs, nanos) = (duration.as_secs(), duration.subsec_nanos());
    match (secs, nanos) {
        (0, 0) => "0s".to_owned(),
        (0, ..1_000) => format!("{nanos}ns"),
        (0, ..1_000_000) => format!("{}µs", nanos / 1_000),
        (0, _) => format!("{}ms", nanos / 1_000_000),
        // A tenth of a second is seen up to here.
        (..10, 100_000_000..) => format!("{secs}.{}s", nanos / 100_000_000),
        (..MINUTE, _) => format!("{secs}s"),
        (..HOUR, _) => two(secs / MINUTE, "m", secs % MINUTE, "s"),
        (..DAY, _) => two(secs / HOUR, "h", secs % HOUR / MINUTE, "m"),
        _ => two(secs / DAY, "d", secs % DAY / HOUR, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_reads_as_a_person_says_it() {
        const MINUTE: u64 = 60_000_000_000;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        let table = [
            (0, "0s"),
            (1, "1ns"),
            (999, "999ns"),
            (1_000, "1µs"),
            (999_999, "999µs"),
            (1_000_000, "1ms"),
            (15_900_000, "15ms"),
            (999_999_999, "999ms"),
            (1_000_000_000, "1s"),
            (1_099_999_999, "1s"),
            (1_250_000_000, "1.2s"),
            (9_999_999_999, "9.9s"),
            (10_900_000_000, "10s"),
            (MINUTE - 1, "59s"),
            (MINUTE, "1m"),
            (2 * MINUTE + 5_000_000_000, "2m 5s"),
            (HOUR - 1, "59m 59s"),
            (HOUR + 59_000_000_000, "1h"),
            (3 * HOUR + 2 * MINUTE, "3h 2m"),
            (DAY - 1, "23h 59m"),
            (DAY + HOUR - 1, "1d"),
            (3 * DAY + 4 * HOUR, "3d 4h"),
            (400 * DAY, "400d"),
        ];
        for (nanos, expected) in table {
            assert_eq!(human(Duration::from_nanos(nanos)), expected, "{nanos} ns");
        }
        assert_eq!(human(Duration::MAX), "213503982334601d 7h");
    }
}
