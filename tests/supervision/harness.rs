//! Testing a tree with `supervisor_runtime::testing`: faults happen where they are meant to, and what is wrong is told.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::Poll;

use expect_test::{Expect, expect};
use supervisor_runtime::testing::{Fault, TestTree};
use supervisor_runtime::{
    BoxError, Child, Context, Exit, Phase, Provide, Service, ServiceResult, Supervisor, TreeErrorKind, Wire, escalate,
    forfeit, supervision_tree,
};

use crate::idle::{Idle, idle, idles};
use crate::world::secs;

/// Says twice a second that it is alive.
struct Beating;

impl Service for Beating {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        let mut ticks = cx.interval(secs(0.5));
        while ticks.tick().await.is_some() {
            cx.heartbeat();
        }
        Ok(())
    }
}

fn orders() -> Supervisor {
    let pool = Supervisor::one_for_one("pool").max_restarts(1).over(secs(10.0)).child(idles("worker", 3));
    Supervisor::rest_for_one("orders").child(idle("db")).child(pool)
}

/// The message with which a test of a tree fails.
async fn failure_of(test: impl Future<Output = ()>) -> String {
    let mut test = pin!(test);
    let failure =
        std::future::poll_fn(|task| match std::panic::catch_unwind(AssertUnwindSafe(|| test.as_mut().poll(task))) {
            Ok(polled) => polled.map(|()| None),
            Err(panic) => Poll::Ready(Some(panic)),
        });
    let failure = failure.await.expect("the test fails");
    let message = *failure.downcast::<String>().expect("a message");
    // Where it stands in this file says nothing.
    match (message.find("tests/"), message.find(" is not what")) {
        (Some(start), Some(end)) => format!("{}HERE{}", &message[..start], &message[end..]),
        _ => message,
    }
}

/// How a panic outside of any future reads.
fn refusal_of(test: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(AssertUnwindSafe(test)).expect_err("the test fails");
    *panic.downcast::<String>().expect("a message")
}

async fn fails(test: impl Future<Output = ()>, message: Expect) {
    message.assert_eq(&format!("{}\n", failure_of(test).await));
}

#[tokio::test(start_paused = true)]
async fn a_trace_that_is_right_passes_to_the_end_of_the_tree() {
    let mut tree = TestTree::new(orders());
    tree.expect("start db, start pool/worker[0..3]").await;
    tree.fail("pool/worker[1]");
    tree.expect("fail pool/worker[1], start pool/worker[1]").await;
    tree.fail("db");
    tree.expect("fail db, stop pool/worker[0..3], start db, start pool/worker[0..3]").await;
    tree.shutdown();
    tree.expect("stop pool/worker[0..3], stop db, end").await;
    assert!(tree.ended().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_trace_that_is_wrong_shows_what_is_missing_and_what_is_too_much() {
    let mut tree = TestTree::new(orders());
    tree.expect("start db, start pool/worker[0..3]").await;
    tree.advance(secs(2.0)).await;
    tree.inject(Fault::fail_with("db", || "disk full".into()));
    tree.hang("pool/worker[1]");
    let test = tree.expect("fail db, stop pool/worker[0..3], start db, start cache, start pool/worker[0..3]");
    let message = expect![[r#"
        the trace at HERE is not what was expected:
            fail db                   at 2s: failed: disk full
          - stop pool/worker[0..3]
          + stop pool/worker[0][2]    at 2s
          + drop pool/worker[1]       at 7s: was dropped by force
            start db                  at 7s
          - start cache
            start pool/worker[0..3]   at 7s
          (`-` was expected and has not happened, `+` has happened and was not expected)
    "#]];
    fails(test, message).await;
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_has_met_nobody_is_told_where_the_trace_is_wrong() {
    let mut tree = TestTree::new(orders());
    tree.inject(Fault::panic("db").at(Phase::Start).incarnation(2));
    let message = expect![[r#"
        the trace at HERE is not what was expected:
            start db
          - fail db
          + start pool/worker[0..3]
          (`-` was expected and has not happened, `+` has happened and was not expected)
          `panic db in start of incarnation 2` was injected and has not happened
    "#]];
    fails(tree.expect("start db, fail db"), message).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_expected_only_where_nothing_happens() {
    let mut tree = TestTree::new(orders());
    tree.expect("start db, start pool/worker[0..3]").await;
    tree.expect("").await;
    tree.finish("db");
    let message = failure_of(tree.expect("")).await;
    assert!(message.contains("+ fail db "), "{message}");
}

#[tokio::test(start_paused = true)]
async fn more_than_was_expected_fails_at_once() {
    let mut tree = TestTree::new(orders());
    let message = failure_of(tree.expect("start db")).await;
    assert!(message.contains("+ start pool/worker[0..3]"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn times_are_compared_where_there_is_one() {
    let tree = || Supervisor::one_for_one("clock").backoff(secs(4.0)..secs(60.0)).jitter_seed(3).child(idle("tick"));
    let mut ticking = TestTree::new(tree());
    ticking.inject(Fault::fail("tick").times(3));
    ticking
        .expect("start tick, fail tick, start tick, fail tick, +2651ms, start tick, fail tick, +7762ms, start tick")
        .await;
    let mut ticking = TestTree::new(tree());
    ticking.inject(Fault::fail("tick").times(2));
    ticking.expect("start tick, fail tick, start tick, fail tick, start tick").await;
    ticking.advance(secs(1.5)).await;
    ticking.fail("tick");
    let message = failure_of(ticking.expect("+1s, fail tick")).await;
    assert!(message.contains("  - +1s\n  + +1.5s"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_fault_happens_in_the_phase_for_which_it_is_meant() {
    for (fault, phase, words) in [
        (Fault::fail("a"), Phase::Create, "failed while it was created: injected failure"),
        (Fault::fail("a"), Phase::Start, "failed in start: injected failure"),
        (Fault::fail("a"), Phase::Run, "failed: injected failure"),
        (Fault::panic("a"), Phase::Create, "panicked while it was created: injected panic"),
        (Fault::panic("a"), Phase::Start, "panicked in start: injected panic"),
        (Fault::panic("a"), Phase::Run, "panicked: injected panic"),
        (Fault::hang("a"), Phase::Create, "start took longer than its start_timeout of 1s"),
        (Fault::hang("a"), Phase::Start, "start took longer than its start_timeout of 1s"),
        (Fault::hang("a"), Phase::Run, "gave no heartbeat for 1s"),
        (Fault::finish("a"), Phase::Run, "returned Ok"),
    ] {
        let child = Child::new("a", || Beating).start_timeout(secs(1.0)).heartbeat(secs(1.0));
        let mut tree = TestTree::new(Supervisor::one_for_one("tree").child(child));
        tree.expect("start a").await;
        tree.inject(fault.clone().at(phase));
        if phase != Phase::Run {
            // A first start would not be tried again.
            tree.fail("a");
            tree.until("fail a").await;
        }
        let failed = tree.step().await.expect("it fails");
        assert_eq!(failed.what().to_string(), words, "{fault:?} at {phase}");
        tree.until("start a").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_hangs_does_not_listen_and_is_dropped() {
    let mut tree = TestTree::new(orders());
    tree.expect("start db, start pool/worker[0..3]").await;
    tree.hang("db");
    tree.shutdown();
    tree.expect("stop pool/worker[0..3], +5s, drop db, end").await;
    assert_eq!(tree.ended().await.unwrap_err().kind(), TreeErrorKind::Dropped);
}

#[tokio::test(start_paused = true)]
async fn a_stop_can_be_slow_and_can_panic() {
    let mut tree = TestTree::new(orders());
    tree.expect("start db, start pool/worker[0..3]").await;
    tree.inject(Fault::delay("pool/worker[2]", secs(3.0)).at(Phase::Stop));
    tree.inject(Fault::panic("db").at(Phase::Stop));
    tree.shutdown();
    tree.expect("stop pool/worker[0..2], +3s, stop pool/worker[2], stop db, end").await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_start_holds_up_what_is_declared_after_it() {
    let mut tree = TestTree::new(orders());
    tree.inject(Fault::delay("db", secs(3.0)).at(Phase::Start));
    tree.expect("+3s, start db, start pool/worker[0..3]").await;
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_an_incarnation_meets_that_one_only() {
    let mut tree = TestTree::new(Supervisor::one_for_one("tree").child(idles("worker", 2)));
    tree.inject(Fault::fail("worker[1]").incarnation(3));
    tree.inject(Fault::fail("worker[1]").incarnation(1));
    tree.expect("start worker[0..2], fail worker[1], start worker[1]").await;
    tree.fail("worker[1]");
    tree.expect("fail worker[1], start worker[1], fail worker[1], start worker[1]").await;
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_always_happens_uses_up_the_limit() {
    let mut tree = TestTree::new(Supervisor::one_for_one("tree").max_restarts(2).child(idle("a")));
    tree.inject(Fault::panic("a").always());
    tree.expect("start a, fail a, start a, fail a, start a, fail a, give up tree, end").await;
    let error = tree.ended().await.unwrap_err();
    assert_eq!(error.kind(), TreeErrorKind::LimitReached);
    assert!(format!("{error:?}").contains("injected panic"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn an_error_can_be_an_instruction() {
    for (error, trace) in
        [(forfeit as fn(BoxError) -> BoxError, "fail a, forfeit a"), (escalate, "fail a, escalate tree, stop b, end")]
    {
        let mut tree = TestTree::new(Supervisor::one_for_one("tree").child(idle("a")).child(idle("b")));
        tree.expect("start a, start b").await;
        tree.inject(Fault::fail_with("a", move || error("no disk".into())));
        tree.expect(trace).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_stops_in_the_middle_of_a_restart() {
    let mut tree = TestTree::new(orders());
    tree.expect("start db, start pool/worker[0..3]").await;
    tree.fail("db");
    let failed = tree.step().await.expect("it fails");
    assert_eq!((failed.path().as_str(), failed.incarnation()), ("orders/db", Some(1)));
    tree.until("stop pool/worker[2]").await;
    tree.shutdown();
    tree.expect("fail db, stop pool/worker[0..3], end").await;
}

#[tokio::test(start_paused = true)]
async fn what_does_not_happen_is_not_waited_for_in_vain() {
    let mut tree = TestTree::new(orders());
    let message = failure_of(tree.until("fail db")).await;
    assert!(message.ends_with("`fail db` does not happen, only start db, start pool/worker[0..3]"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_trace_can_be_printed_with_its_times() {
    let mut tree = TestTree::new(orders());
    tree.advance(secs(90.0)).await;
    tree.fail("pool/worker[0]");
    let trace = tree.trace().await;
    assert_eq!(trace.to_string(), "start db, start pool/worker[0..3], fail pool/worker[0], start pool/worker[0]");
    assert_eq!(
        format!("{trace:#}"),
        "start db, start pool/worker[0..3], +90s, fail pool/worker[0], start pool/worker[0]"
    );
}

#[tokio::test(start_paused = true)]
async fn a_fault_for_nobody_is_refused_at_once() {
    let tree = TestTree::new(orders().child(idle("cache")));
    let known = "there are `cache`, `db`, `pool/worker`";
    for (fault, why) in [
        (Fault::fail("bd"), format!("cannot fail bd in run: there is no child `bd`; {known}")),
        (Fault::hang("worker[0]"), format!("cannot hang worker[0] in run: there is no child `worker`; {known}")),
        (Fault::fail("db[0]"), "cannot fail db[0] in run: `db` is one child, without an index".to_owned()),
        (
            Fault::fail("pool/worker").at(Phase::Start),
            "cannot fail pool/worker in start: `pool/worker` are several: say which, as in `pool/worker[0]` or \
             `pool/worker[0..2]`"
                .to_owned(),
        ),
        (
            Fault::panic("pool"),
            "cannot panic pool in run: `pool` is a supervisor: faults happen to the services in it".to_owned(),
        ),
    ] {
        assert_eq!(refusal_of(|| tree.inject(fault)), why);
    }
    assert_eq!(refusal_of(|| drop(Fault::fail("db").at(Phase::Stop))), "a service cannot fail in `stop`");
    assert_eq!(refusal_of(|| drop(Fault::fail("a b"))), "`a b` is no child: there is a blank in it");
    assert!(
        refusal_of(|| drop(TestTree::new(Supervisor::one_for_one("tree")))).starts_with("tree `tree` is not valid")
    );
}

#[tokio::test]
async fn a_clock_that_moves_by_itself_is_refused() {
    let refusal = std::panic::catch_unwind(|| drop(TestTree::new(orders()))).expect_err("it is refused");
    assert!(
        refusal.downcast::<&str>().unwrap().ends_with("write `#[tokio::test(start_paused = true)]` above the test")
    );
}

/// A service with a handle and a value that a test can look at.
struct Counter(u32);

impl Service for Counter {
    async fn start(&mut self, _cx: &Context) -> ServiceResult {
        self.0 += 1;
        Ok(())
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        Ok(cx.stopping().await)
    }

    async fn stop(&mut self, _cx: &Context, _exit: &Exit) {}
}

impl Provide for Counter {
    type Handle = u32;

    fn handle(&self) -> u32 {
        self.0
    }
}

#[tokio::test(start_paused = true)]
async fn services_are_kept_replaced_and_offered_as_without_a_test() {
    let wire = Wire::new();
    let tree = Supervisor::rest_for_one("tree")
        .child(Child::in_place("counter", || Counter(0)).provides(&wire))
        .child(Child::using("user", &wire, |_: u32| Idle));
    let mut tree = TestTree::new(tree);
    tree.expect("start counter, start user").await;
    assert_eq!(tree.child::<Counter>("counter").unwrap().handle().unwrap(), 1);
    tree.fail("counter");
    tree.expect("fail counter, stop user, start counter, start user").await;
    assert_eq!(tree.child::<Counter>("counter").unwrap().handle().unwrap(), 2);
    let replaced = tree.child::<Counter>("counter").unwrap().replace(Counter(40)).await;
    assert!(replaced.is_ok());
    tree.expect("stop user, stop counter, start counter, start user").await;
    assert_eq!(tree.child::<Counter>("counter").unwrap().handle().unwrap(), 41);
}

supervision_tree! {
    struct Billing(prices: u32);

    one_for_one {
        ledger: Counter(prices),
        conn*..: Idle,
    }
}

#[tokio::test(start_paused = true)]
async fn a_declared_tree_is_tested_as_a_service_of_its_own_or_inside_another() {
    let mut tree = TestTree::new(Billing::service(3));
    tree.expect("start ledger").await;
    let conn = tree.children::<Idle>("conn").unwrap();
    conn.add(Idle).await.unwrap();
    tree.panic("conn[0]");
    tree.expect("start conn[0], fail conn[0]").await;
    tree.shutdown();
    assert!(tree.ended().await.is_ok());

    let billing = Child::new("billing", || Billing::service(3));
    let mut tree = TestTree::new(Supervisor::one_for_one("shop").child(billing));
    tree.inject(Fault::delay("billing/ledger", secs(1.0)).at(Phase::Create));
    tree.expect("+1s, start billing/ledger").await;
    tree.fail("billing/ledger");
    tree.expect("fail billing/ledger, start billing/ledger").await;
}
