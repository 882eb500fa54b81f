use std::time::Duration;

use serde_json::{Value, json, to_value};

use super::super::sketch::{While, child, facts, group, replicas, running, snapshot};
use super::*;
use crate::Phase;

fn orders() -> Snapshot {
    let down = While("opening", While("reading", "disk full".into()).into());
    let workers = [running(1_250), facts(State::Delayed, 15).restarted(4, 3).starts_in(500).panicked("boom")];
    snapshot(
        group(
            "Orders",
            "one_for_all",
            running(5_000),
            [
                child("db", running(2_000).not_ready("warming up").failed(down)),
                group("", "crashing", running(4_000), [replicas("worker", workers)]),
            ],
        )
        .limit(10, Duration::from_millis(1_500), 1),
    )
}

#[test]
fn a_snapshot_is_nested_data() {
    let value = to_value(orders()).expect("it is data");
    let expected = r#"{
        "number": 7,
        "tree": {
            "path": "Orders", "name": "Orders",
            "state": "running", "ready": false, "not_ready": "Orders/db: warming up",
            "incarnation": 1, "restarts": 0, "in_state": 5.0, "uptime": 5.0, "delay": null, "last_exit": null,
            "requires": [], "waits_for": [], "strategy": "one_for_all", "limit": { "max_restarts": 10, "over": 1.5 }, "restarts_left": 9,
            "children": [
                {
                    "path": "Orders/db", "name": "db",
                    "state": "running", "ready": false, "not_ready": "warming up",
                    "incarnation": 1, "restarts": 0, "in_state": 2.0, "uptime": 2.0, "delay": null,
                    "last_exit": {
                        "cause": "error", "phase": "run", "asked": false,
                        "message": "failed: opening", "chain": ["reading", "disk full"]
                    },
                    "requires": [], "waits_for": [], "strategy": null, "limit": null, "restarts_left": null, "children": []
                },
                {
                    "path": "Orders/(crashing)", "name": "(crashing)",
                    "state": "running", "ready": false, "not_ready": "Orders/worker[1]: delayed for 500ms",
                    "incarnation": 1, "restarts": 0, "in_state": 4.0, "uptime": 4.0, "delay": null, "last_exit": null,
                    "requires": [], "waits_for": [], "strategy": "crashing", "limit": null, "restarts_left": null,
                    "children": [
                        {
                            "path": "Orders/worker[0]", "name": "worker[0]",
                            "state": "running", "ready": true, "not_ready": null,
                            "incarnation": 1, "restarts": 0, "in_state": 1.25, "uptime": 1.25, "delay": null,
                            "last_exit": null,
                            "requires": [], "waits_for": [], "strategy": null, "limit": null, "restarts_left": null, "children": []
                        },
                        {
                            "path": "Orders/worker[1]", "name": "worker[1]",
                            "state": "delayed", "ready": false, "not_ready": "delayed for 500ms",
                            "incarnation": 4, "restarts": 3, "in_state": 0.015, "uptime": null, "delay": 0.5,
                            "last_exit": {
                                "cause": "panic", "phase": "run", "asked": false,
                                "message": "panicked at src/worker.rs:7:9: boom", "chain": []
                            },
                            "requires": [], "waits_for": [], "strategy": null, "limit": null, "restarts_left": null, "children": []
                        }
                    ]
                }
            ]
        }
    }"#;
    let expected: Value = serde_json::from_str(expected).expect("it is JSON");
    assert_eq!(value, expected, "{value:#}");
}

#[test]
fn a_status_is_what_its_row_says_of_it() {
    let snapshot = orders();
    for row in snapshot.rows() {
        let status = to_value(row.status()).expect("it is data");
        let whole = to_value(row).expect("it is data");
        let fields = status.as_object().expect("fields");
        assert_eq!(fields.len(), STATUS_FIELDS);
        for (name, value) in fields {
            assert_eq!(&whole[name], value, "{name} of {}", row.path());
        }
    }
}

#[test]
fn every_state_is_its_word() {
    for state in State::ALL {
        assert_eq!(to_value(state).ok(), Some(Value::from(state.word())));
    }
}

#[test]
fn every_cause_and_phase_has_its_word() {
    let time = Duration::from_secs(1);
    let table = [
        (Cause::Done, Phase::Run, "done", "run"),
        (Cause::Error("no".into()), Phase::Create, "error", "create"),
        (Cause::StartTimedOut(time), Phase::Start, "start_timed_out", "start"),
        (Cause::Unresponsive(time), Phase::Run, "unresponsive", "run"),
        (Cause::Dropped, Phase::Stop, "dropped", "stop"),
    ];
    for (cause, phase, cause_word, phase_word) in table {
        let snapshot = snapshot(group("Tree", "crashing", running(0).exited(cause, phase), []));
        let exit = to_value(snapshot.root()).expect("it is data")["last_exit"].take();
        assert_eq!((&exit["cause"], &exit["phase"]), (&json!(cause_word), &json!(phase_word)), "{exit}");
    }
}
