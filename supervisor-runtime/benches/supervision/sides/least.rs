//! The least that does what a supervisor does in a scenario: commands, wakers and one lock; nothing is decided, told or limited.
//!
//! Nobody's code, and nothing to rely on: it tells how near to nothing a supervisor can come, and so what is left of its cost.

use std::future::poll_fn;
use std::hint::black_box;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Instant;

use supervisor_runtime::{BoxError, ServiceResult};
use tokio::sync::Notify;

use super::group::Cycles;
use super::respawn::{Window, caught};
use super::restart::{Course, Failing};
use super::start::Spent;
use super::{Arrivals, each, hold, refused};

/// What is kept of a failure.
struct Last {
    _error: BoxError,
    _at: Instant,
}

/// One child in one task: caught, counted, and its last failure kept, with the lock that somebody looks under.
pub(crate) async fn restart(restarts: usize) -> f64 {
    /// It makes way for others as often as ours does.
    const LONG: u64 = 320;
    let course = Course::new(Failing::WithError, 0, restarts);
    let seen: Mutex<(Window, Option<Arc<Last>>, u64)> = Mutex::default();
    loop {
        let service = Arc::clone(&course);
        let Ok(Err(error)) = caught(async move { service.run() }).await else { return course.each() };
        let at = Instant::now();
        let last = Some(Arc::new(Last { _error: error, _at: at }));
        let (old, number) = {
            let (window, kept, number) = &mut *hold(&seen);
            black_box(window.is_full(at));
            *number += 1;
            (std::mem::replace(kept, last), *number)
        };
        drop(old);
        if number.is_multiple_of(LONG) {
            tokio::task::yield_now().await;
        }
        // It has started.
        black_box(&mut hold(&seen).2);
    }
}

const RUN: u8 = 0;
const STOP: u8 = 1;
const PARK: u8 = 2;
const END: u8 = 3;

/// Children that are told what to do by a command each.
struct Group {
    commands: Vec<AtomicU8>,
    state: Mutex<State>,
    ended: Notify,
}

struct State {
    wakers: Vec<Option<Waker>>,
    last: Vec<Option<Arc<Last>>>,
    /// Those that have stopped, and wait for all others.
    stopped: usize,
    /// Those that have a task.
    alive: usize,
}

impl Group {
    fn of(count: usize) -> Arc<Self> {
        let last = (0..count).map(|_| None).collect();
        let state = State { wakers: vec![None; count], last, stopped: 0, alive: count };
        let commands = (0..count).map(|_| AtomicU8::new(RUN)).collect();
        Arc::new(Self { commands, state: Mutex::new(state), ended: Notify::new() })
    }

    fn command(&self, index: usize) -> u8 {
        self.commands[index].load(Ordering::Acquire)
    }

    /// Tells those who are told this now; whom to wake for it, once the lock is released.
    fn tell(&self, state: &State, now: u8, next: u8) -> Vec<Waker> {
        let told = self.commands.iter().filter(|command| command.load(Ordering::Relaxed) == now);
        told.for_each(|command| command.store(next, Ordering::Release));
        state.wakers.iter().flatten().cloned().collect()
    }

    /// Waits for another command than this.
    async fn command_after(&self, index: usize, known: u8) -> u8 {
        let mut is_registered = false;
        poll_fn(|task| {
            if self.command(index) == known && !is_registered {
                hold(&self.state).wakers[index].get_or_insert_with(|| task.waker().clone());
                is_registered = true;
            }
            if self.command(index) == known { Poll::Pending } else { Poll::Ready(self.command(index)) }
        })
        .await
    }

    /// A child: runs, stops, waits for all others, and again.
    async fn child(self: Arc<Self>, index: usize, fails: impl Fn() -> bool) {
        loop {
            let end: ServiceResult = if fails() {
                Err(refused())
            } else {
                self.command_after(index, RUN).await;
                Ok(())
            };
            if self.exited(index, end) {
                return;
            }
            if self.command_after(index, PARK).await == END {
                return self.end(&mut hold(&self.state));
            }
        }
    }

    /// Whether its task ends with that.
    fn exited(&self, index: usize, end: ServiceResult) -> bool {
        let mut state = hold(&self.state);
        if self.command(index) == END {
            self.end(&mut state);
            return true;
        }
        self.commands[index].store(PARK, Ordering::Release);
        state.stopped += 1;
        let has_failed = end.is_err();
        let old = end.err().and_then(|error| {
            let last = Arc::new(Last { _error: error, _at: Instant::now() });
            state.last[index].replace(last)
        });
        let wakers = if state.stopped == self.commands.len() {
            state.stopped = 0;
            self.tell(&state, PARK, RUN)
        } else if has_failed {
            self.tell(&state, RUN, STOP)
        } else {
            Vec::new()
        };
        drop(state);
        drop(old);
        wakers.into_iter().for_each(Waker::wake);
        false
    }

    fn end(&self, state: &mut State) {
        state.alive -= 1;
        if state.alive == 0 {
            self.ended.notify_one();
        }
    }

    async fn stop(&self) {
        let wakers = {
            let state = hold(&self.state);
            self.commands.iter().for_each(|command| command.store(END, Ordering::Release));
            state.wakers.iter().flatten().cloned().collect::<Vec<_>>()
        };
        wakers.into_iter().for_each(Waker::wake);
        self.ended.notified().await;
    }
}

/// One of so many fails, and all are restarted.
pub(crate) async fn group(children: usize, restarts: usize) -> f64 {
    let cycles = Cycles::of(children, restarts);
    let group = Group::of(children);
    let begun = Instant::now();
    for index in 0..children {
        let cycles = Arc::clone(&cycles);
        tokio::spawn(Box::pin(Arc::clone(&group).child(index, move || cycles.fails())));
    }
    cycles.over().await;
    let took = begun.elapsed();
    group.stop().await;
    each(took, restarts)
}

/// So many children that do nothing.
pub(crate) async fn many(children: usize) -> Spent {
    let (group, arrivals) = (Group::of(children), Arrivals::of(children));
    let begun = Instant::now();
    for index in 0..children {
        let arrivals = arrivals.clone();
        let arrives = move || {
            arrivals.arrive();
            false
        };
        tokio::spawn(Box::pin(Arc::clone(&group).child(index, arrives)));
    }
    arrivals.all().await;
    let start = begun.elapsed();
    let begun = Instant::now();
    group.stop().await;
    Spent::new(children, start, begun.elapsed())
}

/// The same, each awaited before the next: who adds them is woken under the lock.
pub(crate) async fn one_by_one(children: usize) -> f64 {
    let added: Arc<Mutex<Added>> = Arc::default();
    let begun = Instant::now();
    for number in 1..=children {
        tokio::spawn(Box::pin(member(Arc::clone(&added))));
        poll_fn(|task| {
            let mut added = hold(&added);
            if added.wakers.len() == number {
                return Poll::Ready(());
            }
            added.waits = Some(task.waker().clone());
            Poll::Pending
        })
        .await;
    }
    let took = begun.elapsed();
    let wakers = {
        let mut added = hold(&added);
        added.is_over = true;
        std::mem::take(&mut added.wakers)
    };
    wakers.into_iter().for_each(Waker::wake);
    each(took, children)
}

#[derive(Default)]
struct Added {
    wakers: Vec<Waker>,
    waits: Option<Waker>,
    is_over: bool,
}

async fn member(added: Arc<Mutex<Added>>) {
    let mut is_there = false;
    poll_fn(|task| {
        let mut added = hold(&added);
        if is_there {
            return if added.is_over { Poll::Ready(()) } else { Poll::Pending };
        }
        is_there = true;
        added.wakers.push(task.waker().clone());
        let waits = added.waits.take();
        drop(added);
        waits.into_iter().for_each(Waker::wake);
        Poll::Pending
    })
    .await;
}
