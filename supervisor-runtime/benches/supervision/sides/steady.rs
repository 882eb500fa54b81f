//! Two services that send each other messages as fast as they can.
//!
//! Each message is one poll, so that what supervision adds to a poll weighs as much as it can.

use std::sync::Arc;
use std::time::Instant;

use supervisor_runtime::{BoxError, Child, Context, Restart, Service, ServiceResult, Supervisor};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::each;
use super::fairness::{self, Crashes};

/// One of two that send each other a number, which each of them counts down.
struct Player {
    inbox: mpsc::Receiver<usize>,
    outbox: mpsc::Sender<usize>,
    /// The first one to play, and how long the game has taken.
    first: Option<(usize, oneshot::Sender<f64>)>,
    /// What is to be under way before the game begins.
    beside: Option<Arc<Crashes>>,
}

/// Two who play, and what tells the nanoseconds for each message.
fn players(messages: usize, beside: Option<&Arc<Crashes>>) -> (Player, Player, oneshot::Receiver<f64>) {
    let (to_pong, of_pong) = mpsc::channel(1);
    let (to_ping, of_ping) = mpsc::channel(1);
    let (tell, told) = oneshot::channel();
    let ping = Player { inbox: of_ping, outbox: to_pong, first: Some((messages, tell)), beside: beside.cloned() };
    (ping, Player { inbox: of_pong, outbox: to_ping, first: None, beside: None }, told)
}

impl Player {
    /// Receives, counts and answers until nothing is left; the same code on both sides.
    async fn play(&mut self) -> ServiceResult {
        let begun = self.begin().await?;
        while let Some(left) = self.inbox.recv().await {
            if self.is_over(left).await? {
                break;
            }
        }
        self.end(begun)
    }

    /// As [`play`](Self::play), but listens to `stopping` beside its inbox, as a service does that has to be stopped.
    async fn play_until<F: Future>(&mut self, stopping: impl Fn() -> F) -> ServiceResult {
        let begun = self.begin().await?;
        loop {
            tokio::select! {
                _ = stopping() => return Ok(()),
                message = self.inbox.recv() => {
                    if self.is_over(message.unwrap_or(0)).await? {
                        break;
                    }
                }
            }
        }
        self.end(begun)
    }

    async fn begin(&mut self) -> Result<Instant, BoxError> {
        if let Some(crashes) = &self.beside {
            crashes.under_way().await;
        }
        let begun = Instant::now();
        if let Some((messages, _)) = &self.first {
            self.outbox.send(*messages).await?;
        }
        Ok(begun)
    }

    /// Answers, and says whether that was the last message.
    async fn is_over(&mut self, left: usize) -> Result<bool, BoxError> {
        if left > 0 {
            self.outbox.send(left - 1).await?;
        }
        Ok(left <= 1)
    }

    fn end(&mut self, begun: Instant) -> ServiceResult {
        if let Some((messages, tell)) = self.first.take() {
            let _ = tell.send(each(begun.elapsed(), messages));
        }
        Ok(())
    }
}

struct Bare(Player);

impl Service for Bare {
    async fn run(&mut self, _cx: &Context) -> ServiceResult {
        self.0.play().await
    }
}

struct Listening(Player);

impl Service for Listening {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        self.0.play_until(|| cx.stopping()).await
    }
}

pub(crate) async fn ours(messages: usize) -> f64 {
    let (ping, pong, told) = players(messages, None);
    supervise(Bare(pong), Bare(ping)).await;
    told.await.expect("the game has ended")
}

pub(crate) async fn ours_select(messages: usize) -> f64 {
    let (ping, pong, told) = players(messages, None);
    supervise(Listening(pong), Listening(ping)).await;
    told.await.expect("the game has ended")
}

async fn supervise<S: Service + Sync>(pong: S, ping: S) {
    let tree = playing(Supervisor::one_for_one("tree"), pong, ping);
    tree.start().await.expect("it starts").wait().await.expect("it ends well");
}

fn playing<S: Service + Sync>(tree: Supervisor, pong: S, ping: S) -> Supervisor {
    tree.child(Child::in_place("pong", move || pong).restart(Restart::Temporary))
        .child(Child::in_place("ping", move || ping).restart(Restart::Temporary))
}

/// With a sibling that crashes in a loop, which mostly has the other thread for itself.
pub(crate) async fn ours_beside(messages: usize) -> f64 {
    let crashes = Arc::default();
    let (ping, pong, told) = players(messages, Some(&crashes));
    let tree = playing(fairness::crashing(&crashes), Bare(pong), Bare(ping));
    let mut running = tree.start().await.expect("it starts");
    let each = told.await.expect("the game has ended");
    crashes.end();
    running.wait().await.expect("it ends well");
    each
}

/// Fair: the bare future in a task, with nothing around it.
pub(crate) async fn raw(messages: usize) -> f64 {
    play_by_hand(messages, None).await
}

/// Fair: beside a respawn loop.
pub(crate) async fn raw_beside(messages: usize) -> f64 {
    let crashes = Arc::default();
    let crashing = fairness::crash_by_hand(&crashes);
    let each = play_by_hand(messages, Some(&crashes)).await;
    crashes.end();
    crashing.await.expect("it ends well");
    each
}

async fn play_by_hand(messages: usize, beside: Option<&Arc<Crashes>>) -> f64 {
    let (mut ping, mut pong, told) = players(messages, beside);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { pong.play().await });
    tasks.spawn(async move { ping.play().await });
    while tasks.join_next().await.is_some() {}
    told.await.expect("the game has ended")
}

/// Fair: the token is asked as ours is, by one future for each turn of the loop.
pub(crate) async fn raw_select(messages: usize) -> f64 {
    let (mut ping, mut pong, told) = players(messages, None);
    let mut tasks = JoinSet::new();
    let token = CancellationToken::new();
    let (one, other) = (token.clone(), token.clone());
    tasks.spawn(async move { pong.play_until(|| one.cancelled()).await });
    tasks.spawn(async move { ping.play_until(|| other.cancelled()).await });
    while tasks.join_next().await.is_some() {}
    told.await.expect("the game has ended")
}
