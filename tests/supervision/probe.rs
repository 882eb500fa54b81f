//! The service of a [`World`]: it does what it is told and writes it down.

use std::time::Duration;

use supervisor_runtime::{BoxError, Context, Exit, Service, ServiceResult, escalate, forfeit};

use crate::world::World;

/// What an incarnation does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Act {
    /// Runs until it is asked to stop.
    Run,
    /// Returns an error from `start`.
    FailStart,
    /// Returns an error from `start`, after a while.
    FailStartAfter(Duration),
    /// Panics in `start`.
    PanicStart,
    /// Declines to run, from `start`.
    DeclineStart,
    /// Returns an error from `start` that says "my supervisor fails".
    EscalateStart,
    /// Never returns from `start`, unless it is asked to stop.
    BlockStart,
    /// Never returns from `start`.
    HangInStart,
    /// Returns from `start` after a while.
    SlowStart(Duration),
    /// Returns an error from `run`, at once.
    Fail,
    /// Returns an error from `run`, after a while.
    FailAfter(Duration),
    /// Returns `Ok` from `run`, after a while.
    FinishAfter(Duration),
    /// Does not listen when it is asked to stop.
    IgnoreStop,
    /// Runs until it is asked to stop, then needs a while.
    SlowStop(Duration),
    /// Runs until it is told how to end, and then `stop` needs a while.
    FailAndSlowStop(Duration),
    /// Runs until it is asked to stop, and then `stop` never returns.
    HangInStop,
    /// Runs until it is asked to stop, then needs a while, and then `stop` never returns.
    SlowStopAndHang(Duration),
    /// Runs until it is asked to stop, and then `stop` panics.
    PanicInStop,
    /// Runs until it is asked to stop, and then returns an error.
    FailWhenStopped,
}

/// How a running incarnation is told to end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Order {
    /// With an error.
    Fail,
    /// With `Ok`.
    Finish,
    /// With a panic.
    Panic,
    /// With an error that says "do not restart me".
    Forfeit,
    /// With an error that says "my supervisor fails".
    Escalate,
}

/// A service of a [`World`].
pub(crate) struct Probe {
    pub(crate) name: String,
    act: Act,
    world: World,
}

impl Service for Probe {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        self.act = self.world.next_act(&self.name);
        self.write("start");
        self.world.present(&self.name, self.starting(cx)).await
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        self.world.present(&self.name, self.running(cx)).await
    }

    async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
        self.write("stop");
        self.world.present(&self.name, self.stopping()).await;
    }
}

impl Probe {
    pub(crate) fn new(name: &str, world: &World) -> Self {
        Self { name: name.to_owned(), act: Act::Run, world: world.clone() }
    }

    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    async fn starting(&self, cx: &Context) -> ServiceResult {
        match self.act {
            Act::FailStart => Err(self.error("start failed")),
            Act::FailStartAfter(time) => {
                tokio::time::sleep(time).await;
                self.write("fail");
                Err(self.error("start failed"))
            }
            Act::PanicStart => panic!("{} panics in start", self.name),
            Act::DeclineStart => Err(forfeit(self.error("declines"))),
            Act::EscalateStart => Err(escalate(self.error("needs help to start"))),
            Act::BlockStart => {
                cx.stopping().await;
                Err(self.error("interrupted in start"))
            }
            Act::HangInStart => std::future::pending().await,
            Act::SlowStart(time) => {
                tokio::time::sleep(time).await;
                self.write("started");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn running(&self, cx: &Context) -> ServiceResult {
        match self.act {
            Act::Fail => Err(self.error("failed")),
            Act::FailAfter(time) => match cx.sleep(time).await {
                Some(()) => {
                    self.write("fail");
                    Err(self.error("failed"))
                }
                None => Ok(()),
            },
            Act::FinishAfter(time) => {
                if cx.sleep(time).await.is_some() {
                    self.write("finish");
                }
                Ok(())
            }
            Act::IgnoreStop => self.ordered().await,
            Act::SlowStop(time) | Act::SlowStopAndHang(time) => {
                tokio::select! {
                    biased;
                    () = cx.stopping() => {}
                    ended = self.ordered() => return ended,
                }
                tokio::time::sleep(time).await;
                Ok(())
            }
            Act::FailWhenStopped => {
                cx.stopping().await;
                Err(self.error("failed when stopped"))
            }
            _ => tokio::select! {
                biased;
                () = cx.stopping() => Ok(()),
                ended = self.ordered() => ended,
            },
        }
    }

    async fn ordered(&self) -> ServiceResult {
        match self.world.next_order(&self.name).await {
            Order::Fail => {
                self.write("fail");
                Err(self.error("failed on demand"))
            }
            Order::Finish => {
                self.write("finish");
                Ok(())
            }
            Order::Panic => {
                self.write("panic");
                panic!("{} panics on demand", self.name)
            }
            Order::Forfeit => {
                self.write("forfeit");
                Err(forfeit(self.error("gives up on itself")))
            }
            Order::Escalate => {
                self.write("escalate");
                Err(escalate(self.error("needs help")))
            }
        }
    }

    async fn stopping(&self) {
        match self.act {
            Act::HangInStop | Act::SlowStopAndHang(_) => std::future::pending().await,
            Act::FailAndSlowStop(time) => tokio::time::sleep(time).await,
            Act::PanicInStop => panic!("{} panics in stop", self.name),
            _ => {}
        }
    }

    fn write(&self, word: &str) {
        self.world.write(format!("{word} {}", self.name));
    }

    fn error(&self, words: &str) -> BoxError {
        format!("{} {words}", self.name).into()
    }
}
