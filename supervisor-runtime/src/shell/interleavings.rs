//! Every order in which a child's task and those who tell it something may run, by `loom`.
//!
//! What is under the group's lock is a [`Record`] here; what is not is the child's [`Cell`]. A wake that is lost shows as a
//! deadlock, which `loom` reports with the schedule that leads to it.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Poll, Waker};

use loom::future::block_on;
use loom::thread;

use super::cell::Cell;
use super::record::Record;
use super::tell::Outside;
use crate::sync::{Mutex, MutexExt};

const MEMBER: u32 = 0;
const FIRST: u32 = 1;

/// Not `loom::model`, which would have a log kept meanwhile by the whole process: in the middle of the models of whole trees, which
/// tell more where they are logged.
fn in_every_order(test: impl Fn() + Send + Sync + 'static) {
    loom::model::Builder::new().check(test);
}

/// A child as its group has it.
#[derive(Default)]
struct Place {
    cell: Cell,
    record: Mutex<Record>,
    /// Which incarnation the supervisor has decided to start after the first.
    decided: Mutex<Option<u32>>,
}

impl Place {
    fn new() -> Arc<Self> {
        let place = Self::default();
        place.cell.begin(MEMBER, FIRST);
        Arc::new(place)
    }

    /// What the supervisor does: something under the lock, and the wakes after it.
    fn tell(&self, act: impl FnOnce(&mut Record, &Cell, &mut Outside)) {
        let mut outside = Outside::default();
        act(&mut self.record.hold(), &self.cell, &mut outside);
        outside.run();
    }

    fn register(&self, waker: &Waker) {
        let old = self.record.hold().register(waker, &self.cell);
        drop(old);
    }

    /// The child's task in `run`: polls as a guard does, until it was told to be dropped or the service has ended.
    fn guarded(
        self: Arc<Self>,
        mut service: impl FnMut(&Waker) -> Poll<&'static str>,
    ) -> impl Future<Output = &'static str> {
        poll_fn(move |task| {
            self.cell.note_own_waker(task.waker());
            loop {
                let command = self.cell.read();
                if command.is_kill() {
                    return Poll::Ready("dropped");
                }
                if let Poll::Ready(end) = service(task.waker()) {
                    return Poll::Ready(end);
                }
                if self.cell.waits_again(command) || self.cell.may_wait(command, || self.register(task.waker())) {
                    return Poll::Pending;
                }
            }
        })
    }

    /// The service waits in its own task for the incarnation to be asked.
    fn stopping(self: &Arc<Self>) -> impl Future<Output = &'static str> + use<> {
        let place = Arc::clone(self);
        Arc::clone(self).guarded(move |waker| {
            // As `Stopping` does: under the waker of the child's own task it need not listen.
            if place.cell.is_over(MEMBER, FIRST) {
                return Poll::Ready("stopped");
            }
            assert!(place.cell.is_own_waker(waker));
            Poll::Pending
        })
    }
}

#[test]
fn a_child_hears_that_it_is_asked_to_stop() {
    for is_last in [false, true] {
        in_every_order(move || {
            let place = Place::new();
            let task = place.stopping();
            let supervisor =
                thread::spawn(move || place.tell(|record, cell, outside| record.ask(cell, is_last, outside)));
            assert_eq!(block_on(task), "stopped");
            supervisor.join().expect("it does not panic");
        });
    }
}

/// After this, a child that does not listen is asked to stop, perhaps as the last thing that is said to it, and then told to be
/// dropped: it hears that.
fn is_dropped_after(before: fn(&Place)) {
    for is_last in [false, true] {
        in_every_order(move || {
            let place = Place::new();
            let task = Arc::clone(&place).guarded(|_| Poll::Pending);
            let supervisor = thread::spawn(move || {
                before(&place);
                place.tell(|record, cell, outside| record.ask(cell, is_last, outside));
                place.tell(Record::kill);
            });
            assert_eq!(block_on(task), "dropped");
            supervisor.join().expect("it does not panic");
        });
    }
}

#[test]
fn a_child_that_does_not_listen_hears_that_it_is_dropped_though_its_waker_was_taken_before() {
    is_dropped_after(|_| {});
}

#[test]
fn a_child_that_was_woken_for_nothing_hears_all_that_comes_after() {
    is_dropped_after(|place| place.tell(|record, _, outside| record.wake(outside)));
}

#[test]
fn a_listener_in_another_task_hears_that_the_child_is_asked_to_stop() {
    in_every_order(|| {
        let place = Place::new();
        let theirs = Arc::clone(&place);
        let listening = poll_fn(move |task| {
            let is_over = theirs.cell.is_over(MEMBER, FIRST)
                || theirs.record.hold().listen(&theirs.cell, MEMBER, FIRST, task.waker());
            if is_over { Poll::Ready(()) } else { Poll::Pending }
        });
        let supervisor = thread::spawn(move || place.tell(|record, cell, outside| record.ask(cell, true, outside)));
        block_on(listening);
        supervisor.join().expect("it does not panic");
    });
}

#[test]
fn a_task_that_waits_for_its_next_incarnation_hears_of_it() {
    in_every_order(|| {
        let place = Place::new();
        place.cell.note_end();
        let theirs = Arc::clone(&place);
        let parked = poll_fn(move |task| {
            theirs.cell.note_own_waker(task.waker());
            match theirs.cell.after(FIRST) {
                Some(Some(incarnation)) => Poll::Ready(incarnation),
                Some(None) if theirs.cell.is_registered() => Poll::Pending,
                _ => {
                    // As `resume` does: its waker first, then a look at what has been decided.
                    theirs.register(task.waker());
                    theirs.decided.hold().map_or(Poll::Pending, Poll::Ready)
                }
            }
        });
        let supervisor = thread::spawn(move || {
            *place.decided.hold() = Some(FIRST + 1);
            place.tell(|record, cell, outside| {
                cell.begin(MEMBER, FIRST + 1);
                record.wake(outside);
            });
        });
        assert_eq!(block_on(parked), FIRST + 1);
        supervisor.join().expect("it does not panic");
    });
}

#[test]
fn a_child_that_is_stopped_while_it_fails_reads_one_answer_for_good() {
    in_every_order(|| {
        let place = Place::new();
        let theirs = Arc::clone(&place);
        let supervisor = thread::spawn(move || place.tell(|record, cell, outside| record.ask(cell, true, outside)));
        // What it reads first when its `run` has ended by itself is how the exit is told.
        let asked = theirs.cell.read().is_asked();
        let again = theirs.cell.read().is_asked();
        assert!(again || !asked, "what was asked stays asked");
        supervisor.join().expect("it does not panic");
        assert!(theirs.cell.read().is_asked());
    });
}

#[test]
fn who_has_seen_the_end_of_an_incarnation_sees_it_for_good() {
    in_every_order(|| {
        let place = Place::new();
        let theirs = Arc::clone(&place);
        let reader = thread::spawn(move || {
            let [first, second] = [(); 2].map(|()| theirs.cell.is_over(MEMBER, FIRST));
            assert!(second || !first, "what is over stays over");
        });
        place.cell.note_run_over();
        place.tell(|_, cell, _| cell.begin(MEMBER, FIRST + 1));
        place.cell.forget_waiting();
        reader.join().expect("it does not panic");
    });
}
