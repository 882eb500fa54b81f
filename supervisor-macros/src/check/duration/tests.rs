use super::*;

#[test]
fn durations_are_read_exactly() {
    for (text, unit, expected) in [
        ("1s", Unit::Required, Duration::from_secs(1)),
        ("250ms", Unit::Required, Duration::from_millis(250)),
        ("1h30m", Unit::Required, Duration::from_secs(5_400)),
        ("1h 30m", Unit::Required, Duration::from_secs(5_400)),
        ("1.5s", Unit::Required, Duration::from_millis(1_500)),
        ("0.1s", Unit::Required, Duration::from_millis(100)),
        ("10us", Unit::Required, Duration::from_micros(10)),
        ("2d", Unit::Required, Duration::from_secs(172_800)),
        ("1_000ms", Unit::Required, Duration::from_secs(1)),
        ("5", Unit::Seconds, Duration::from_secs(5)),
        ("0.5", Unit::Seconds, Duration::from_millis(500)),
        ("1_0.25", Unit::Seconds, Duration::from_millis(10_250)),
        ("0.000000001", Unit::Seconds, Duration::from_nanos(1)),
    ] {
        match read(text, unit) {
            Ok(duration) => assert_eq!(duration, expected, "{text}"),
            Err(problem) => panic!("{text}: {problem:?}"),
        }
    }
}

#[test]
fn what_is_no_duration_is_explained() {
    for (text, unit, message, help) in [
        ("5", Unit::Required, "`5` has no time unit", "write `5s` for seconds"),
        ("1h30", Unit::Required, "`1h30` has no time unit", "write `1h30s` for seconds"),
        ("1sec", Unit::Required, "unknown time unit `sec`", "did you mean `s`?"),
        ("1M", Unit::Required, "unknown time unit `M`", "did you mean `m`?"),
        ("30S", Unit::Required, "unknown time unit `S`", "did you mean `s`?"),
        ("5MS", Unit::Required, "unknown time unit `MS`", "did you mean `ms`?"),
        ("2fortnights", Unit::Required, "unknown time unit `fortnights`", "the units are"),
        ("0x10", Unit::Seconds, "a duration is written in decimal", "write"),
        ("-1s", Unit::Required, "a duration cannot be negative", ""),
        ("", Unit::Required, "this duration is empty", "write"),
        ("s", Unit::Required, "`s` is not a duration", "write"),
        ("1.2.3s", Unit::Required, "`1.2.3s` is not a duration", "write"),
        ("0.5ns", Unit::Required, "`0.5ns` is not a duration", "write"),
        (
            "99999999999999999999999999999999999999999s",
            Unit::Required,
            "`99999999999999999999999999999999999999999s` is not a duration",
            "",
        ),
        ("99999999999999999999d", Unit::Required, "this duration is too long", ""),
    ] {
        match read(text, unit) {
            Ok(duration) => panic!("{text} was read as {duration:?}"),
            Err(problem) => {
                assert_eq!(problem.message, message, "{text}");
                let found = problem.help.unwrap_or_default();
                assert!(found.starts_with(help), "{text}: {found}");
            }
        }
    }
}
