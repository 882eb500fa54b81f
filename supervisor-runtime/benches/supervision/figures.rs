//! Which figures there are, and how each is taken.

use std::time::Duration;

use crate::measure::{Both, Flavor, Pair, Run, in_turns, median, quantile};
use crate::memory::{self, Of};
use crate::report::Report;
use crate::sides::restart::Failing;
use crate::sides::start::Spent;
use crate::sides::{fairness, group, idle, latency, least, look, restart, start, steady, storm};

/// Figures that are taken together.
pub(crate) struct Figure {
    names: &'static [&'static str],
    pub(crate) measure: fn(&Run, &mut Report),
}

impl Figure {
    pub(crate) fn is_wanted(&self, wanted: &[String]) -> bool {
        self.names.iter().any(|name| is_wanted(name, wanted))
    }
}

/// Whether a name begins with what was asked for; all of them are wanted if nothing was.
pub(crate) fn is_wanted(name: &str, wanted: &[String]) -> bool {
    wanted.is_empty() || wanted.iter().any(|wanted| name.starts_with(wanted.as_str()))
}

pub(crate) const FIGURES: &[Figure] = &[
    Figure { names: &["restart_cycle"], measure: restart_cycle },
    Figure { names: &["restart_cycle_panic"], measure: restart_cycle_panic },
    Figure { names: &["restart_latency_p50", "restart_latency_p99"], measure: restart_latency },
    Figure { names: &["restart_window", "restart_window_1000", "restart_window_1000000"], measure: restart_window },
    Figure { names: &["group_restart_replicas"], measure: group_restart_replicas },
    Figure { names: &["group_restart_declared"], measure: group_restart_declared },
    Figure { names: &["start", "stop", "start_growth", "stop_growth"], measure: start_and_stop },
    Figure { names: &["start_open", "stop_open"], measure: start_and_stop_open },
    Figure { names: &["memory", "memory_open"], measure: memory },
    Figure { names: &["steady"], measure: steady },
    Figure { names: &["steady_select"], measure: steady_select },
    Figure { names: &["steady_beside"], measure: steady_beside },
    Figure { names: &["storm"], measure: storm },
    Figure { names: &["idle"], measure: idle },
    Figure { names: &["status"], measure: status },
    Figure { names: &["snapshot"], measure: snapshot },
    Figure { names: &["listener"], measure: listener },
    Figure { names: &["fairness"], measure: fairness },
];

/// The children of a large tree.
const MANY: usize = 100_000;
/// The children of a tree that many programs have.
const SOME: usize = 10_000;
/// The children of a group that is restarted as one.
const GROUP: usize = 100;
const GROUP_RESTARTS: usize = 50;
/// The restarts of a round, which takes a few milliseconds.
const RESTARTS: usize = 5_000;

/// One child that fails at once.
fn restart_cycle(run: &Run, report: &mut Report) {
    cycle("restart_cycle", Failing::WithError, RESTARTS, run, report);
    let restarts = run.effort.short(RESTARTS);
    let rounds = (0..run.effort.short_rounds()).map(|_| run.rested(least::restart(restarts)));
    least("restart_cycle", run, report, rounds);
}

/// The same by a panic, which is a good deal of work for the language itself.
fn restart_cycle_panic(run: &Run, report: &mut Report) {
    cycle("restart_cycle_panic", Failing::ByPanic, RESTARTS / 10, run, report);
}

/// What nobody's code can do without.
fn least(name: &str, run: &Run, report: &mut Report, ns: impl IntoIterator<Item = f64>) {
    let (flavor, ns) = (run.flavor.name(), median(ns));
    report.note(name, &format!("flavor={flavor}: the least that does it: least_ns={ns:.1}"));
}

fn cycle(name: &str, failing: Failing, restarts: usize, run: &Run, report: &mut Report) {
    let restarts = run.effort.short(restarts);
    let both = run.alternate_often(|| restart::ours(failing, restarts), || restart::raw(failing, restarts));
    report.ns(name, run, both.median());
    let bare = median((0..run.effort.short_rounds()).map(|_| run.rested(restart::bare(failing, restarts))));
    let in_main = median((0..run.effort.short_rounds()).map(|_| run.once_in_main(restart::raw(failing, restarts))));
    let flavor = run.flavor.name();
    report
        .note(name, &format!("flavor={flavor}: by a loop that counts nothing and hears no shutdown: raw_ns={bare:.1}"));
    report.note(name, &format!("flavor={flavor}: with the loop in `main`, which is no worker: raw_ns={in_main:.1}"));
}

/// From the failure to the next incarnation's first line.
fn restart_latency(run: &Run, report: &mut Report) {
    let restarts = run.effort.short(RESTARTS);
    let both = run.alternate_often(|| latency::ours(restarts), || latency::raw(restarts));
    for (name, part) in [("restart_latency_p50", 0.5), ("restart_latency_p99", 0.99)] {
        report.ns(name, run, both.median_of(|times| quantile(times.iter().copied(), part)));
    }
}

/// The cycle with so many restarts in the window already, against none.
fn restart_window(run: &Run, report: &mut Report) {
    let restarts = run.effort.short(RESTARTS);
    for (name, before) in
        [("restart_window_1000", 1_000), ("restart_window", 10_000), ("restart_window_1000000", 1_000_000)]
    {
        let before = run.effort.of(before);
        let both = run.alternate(|| restart::ours_in_window(before, restarts), || restart::ours_in_window(0, restarts));
        report.grown(name, run, both.median());
    }
}

/// One of a hundred fails, and all are restarted.
fn group_restart_replicas(run: &Run, report: &mut Report) {
    let restarts = run.effort.short(GROUP_RESTARTS);
    let both = run.alternate_often(|| group::ours_replicas(GROUP, restarts), || group::raw(GROUP, restarts));
    report.ns("group_restart_replicas", run, both.median());
    let rounds = (0..run.effort.short_rounds()).map(|_| run.rested(least::group(GROUP, restarts)));
    least("group_restart_replicas", run, report, rounds);
}

fn group_restart_declared(run: &Run, report: &mut Report) {
    let restarts = run.effort.short(GROUP_RESTARTS);
    let both = run.alternate_often(|| group::ours_declared(GROUP, restarts), || group::raw(GROUP, restarts));
    report.ns("group_restart_declared", run, both.median());
}

/// The start and the stop of each child, and how both grow with the number of children.
fn start_and_stop(run: &Run, report: &mut Report) {
    let (many, some) = (run.effort.of(MANY), run.effort.of(SOME));
    let both: Both<[Spent; 2]> = run.alternate(
        || async move { [start::ours(many).await, start::mean(|| start::ours(some)).await] },
        || async move { [start::raw(many).await, start::mean(|| start::raw(some)).await] },
    );
    let (start, stop) = (both.median_of(|[many, _]| many.start), both.median_of(|[many, _]| many.stop));
    report.ns("start", run, start);
    report.ns("stop", run, stop);
    let rounds: Vec<Spent> = (0..run.effort.rounds()).map(|_| run.once(least::many(many))).collect();
    least("start", run, report, rounds.iter().map(|spent| spent.start));
    least("stop", run, report, rounds.iter().map(|spent| spent.stop));
    let growth = |to: Pair, from: Pair| Pair { ours: to.ours / from.ours, raw: to.raw / from.raw };
    report.growth("start_growth", run, growth(start, both.median_of(|[_, some]| some.start)));
    report.growth("stop_growth", run, growth(stop, both.median_of(|[_, some]| some.stop)));
}

/// The same for an open group, whose members come one by one.
fn start_and_stop_open(run: &Run, report: &mut Report) {
    let many = run.effort.of(MANY);
    let both: Both<Spent> = run.alternate(|| start::ours_open(many), || start::raw_one_by_one(many));
    report.ns("start_open", run, both.median_of(|spent| spent.start));
    report.ns("stop_open", run, both.median_of(|spent| spent.stop));
    let rounds = (0..run.effort.rounds()).map(|_| run.once(least::one_by_one(many)));
    least("start_open", run, report, rounds);
    let raw: Vec<Spent> = (0..run.effort.rounds()).map(|_| run.once(start::raw(many))).collect();
    let (flavor, start) = (run.flavor.name(), median(raw.iter().map(|spent| spent.start)));
    report.note("start_open", &format!("flavor={flavor}: spawned without waiting for each: raw_ns={start:.1}"));
}

/// What each idle child takes, each time in a new process.
fn memory(run: &Run, report: &mut Report) {
    if !cfg!(target_os = "linux") {
        return report.note("memory", "only measured on Linux");
    }
    let children = run.effort.children_of_memory(MANY);
    for (name, ours) in [("memory", Of::Replicas), ("memory_open", Of::Members)] {
        let of = |of| memory::of_each_child(of, run.flavor, children);
        let both = in_turns(run.effort.rounds(), || of(ours), || of(Of::Tasks));
        report.bytes(name, run, both.median());
    }
}

/// What a message costs between services.
fn steady(run: &Run, report: &mut Report) {
    let messages = run.effort.short(10_000);
    let both = run.alternate_often(|| steady::ours(messages), || steady::raw(messages));
    report.ns("steady", run, both.median());
}

fn steady_select(run: &Run, report: &mut Report) {
    let messages = run.effort.short(10_000);
    let both = run.alternate_often(|| steady::ours_select(messages), || steady::raw_select(messages));
    report.ns("steady_select", run, both.median());
}

/// What a message costs while a sibling crashes in a loop: on one thread they would take turns, and that is fairness.
fn steady_beside(run: &Run, report: &mut Report) {
    if run.flavor == Flavor::CurrentThread {
        return report.note("steady_beside", "only measured on two threads");
    }
    let messages = run.effort.short(10_000);
    let both = run.alternate_often(|| steady::ours_beside(messages), || steady::raw_beside(messages));
    report.ns("steady_beside", run, both.median());
}

/// Each of ten thousand children that fail at the same time.
fn storm(run: &Run, report: &mut Report) {
    let children = run.effort.short(SOME);
    let both = run.alternate_often(|| storm::ours(children), || storm::raw(children));
    report.ns("storm", run, both.median());
}

/// CPU time of a tree in which nothing happens.
fn idle(run: &Run, report: &mut Report) {
    if !cfg!(target_os = "linux") {
        return report.note("idle", "only measured on Linux");
    }
    let (children, time) = (run.effort.of(MANY), run.effort.time(Duration::from_secs(2)));
    let both = run.alternate(|| idle::ours(children, time), || idle::raw(children, time));
    report.ns("idle", run, both.median());
}

fn status(run: &Run, report: &mut Report) {
    let children = run.effort.short(SOME);
    report.ours("status", run, median(run.repeat(|| look::status(children)).concat()));
}

fn snapshot(run: &Run, report: &mut Report) {
    let children = run.effort.short(SOME);
    report.ours("snapshot", run, median(run.repeat(|| look::snapshot(children)).concat()));
}

/// What somebody who listens adds to each restart.
fn listener(run: &Run, report: &mut Report) {
    let restarts = run.effort.short(RESTARTS);
    let both = run.alternate_often(|| restart::ours_heard(restarts), || restart::ours(Failing::WithError, restarts));
    let Pair { ours: heard, raw: unheard } = both.median();
    report.ours("listener", run, heard - unheard);
    let flavor = run.flavor.name();
    report.note("listener", &format!("flavor={flavor}: a restart takes {heard:.1} ns with one, {unheard:.1} without"));
}

/// How long others wait beside a child that crashes in a loop.
fn fairness(run: &Run, report: &mut Report) {
    let yields = run.effort.short(2_000);
    let both = run.alternate(|| fairness::ours(yields), || fairness::raw(yields));
    let p99 = both.median_of(|times| quantile(times.iter().copied(), 0.99));
    report.ours("fairness", run, p99.ours);
    let (flavor, raw) = (run.flavor.name(), p99.raw);
    report
        .note("fairness", &format!("flavor={flavor}: beside a respawn loop, which awaits each task: raw_ns={raw:.1}"));
}
