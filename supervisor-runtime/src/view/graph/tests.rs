use expect_test::expect;

use crate::view::sketch::{child, facts, group, members, replicas, running, snapshot};
use crate::{Snapshot, State};
use std::time::Duration;

fn orders() -> Snapshot {
    let workers = (0..100_000).map(|index| match index {
        0..3 => facts(State::Delayed, 15).restarted(4, 4).failed("no route"),
        3 => running(5_000).not_ready("warming up"),
        _ => running(5_000),
    });
    snapshot(
        group(
            "Orders",
            "one_for_all",
            running(90_000),
            [
                child("db", facts(State::Forfeited, 2_000).restarted(3, 2).failed("disk \"full\"")),
                group(
                    "",
                    "one_for_one",
                    running(9_000),
                    [replicas("worker", workers), members("conn", [(7, running(10))])],
                ),
            ],
        )
        .limit(10, Duration::from_secs(1), 1),
    )
}

#[test]
fn mermaid_shows_where_each_stands() {
    expect![[r#"
        flowchart LR
            n0["Orders: one_for_all<br/>▲ running 1m 30s<br/>9/10 in 1s"]:::unready
            n1(["db<br/>✗ forfeited 2s<br/>incarnation 3, 2 restarts<br/>last exit: failed: disk #34;full#34;"]):::lost
            n0 -->|1| n1
            n2["(one_for_one)<br/>▲ running 9s"]:::unready
            n0 -->|2| n2
            n3[["worker ×100000<br/>3 ◔ delayed<br/>99996 ● running<br/>1 ▲ not ready"]]:::unready
            n2 -->|1| n3
            n4[["conn ×1<br/>1 ● running"]]:::ready
            n2 -->|2| n4
            classDef ready fill:#d3f9d8,stroke:#2b8a3e,color:#000
            classDef unready fill:#fff3bf,stroke:#e67700,color:#000
            classDef lost fill:#ffe3e3,stroke:#c92a2a,color:#000
    "#]]
    .assert_eq(&orders().mermaid().to_string());
}

#[test]
fn dot_shows_where_each_stands() {
    expect![[r##"
        digraph {
            rankdir=LR
            ordering=out
            node [shape=box, fontname="sans-serif", fillcolor=white]
            edge [fontname="sans-serif", fontsize=10]
            n0 [label="Orders: one_for_all\n▲ running 1m 30s\n9/10 in 1s", style=filled, class=unready, fillcolor="#fff3bf", color="#e67700"]
            n1 [label="db\n✗ forfeited 2s\nincarnation 3, 2 restarts\nlast exit: failed: disk \"full\"", style="filled,rounded", class=lost, fillcolor="#ffe3e3", color="#c92a2a"]
            n0 -> n1 [label=1]
            n2 [label="(one_for_one)\n▲ running 9s", style=filled, class=unready, fillcolor="#fff3bf", color="#e67700"]
            n0 -> n2 [label=2]
            n3 [label="worker ×100000\n3 ◔ delayed\n99996 ● running\n1 ▲ not ready", style="filled,rounded", peripheries=2, class=unready, fillcolor="#fff3bf", color="#e67700"]
            n2 -> n3 [label=1]
            n4 [label="conn ×1\n1 ● running", style="filled,rounded", peripheries=2, class=ready, fillcolor="#d3f9d8", color="#2b8a3e"]
            n2 -> n4 [label=2]
        }
    "##]].assert_eq(&orders().dot().to_string());
}

#[test]
fn each_replica_of_a_supervisor_is_a_box_with_its_own_children() {
    let pools = group("pool", "crashing", running(0), [child("db", running(0))]).replicated(3);
    let drawn = snapshot(group("Tree", "one_for_one", running(0), [pools])).mermaid().to_string();
    let arrows: Vec<_> = drawn.lines().filter(|line| line.contains("-->")).map(str::trim).collect();
    // They start together.
    let expected = ["n0 -->|1| n1", "n1 -->|1| n2", "n0 -->|1| n3", "n3 -->|1| n4", "n0 -->|1| n5", "n5 -->|1| n6"];
    assert_eq!(arrows, expected, "{drawn}");
}
