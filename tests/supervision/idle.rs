//! Children that run until they are asked to stop; what goes wrong with them is the test's.

use supervisor_runtime::{Child, Context, Service, ServiceResult};

pub(crate) struct Idle;

impl Service for Idle {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        Ok(cx.stopping().await)
    }
}

pub(crate) fn idle(name: &'static str) -> Child<Idle> {
    Child::new(name, || Idle)
}

pub(crate) fn idles(name: &'static str, count: usize) -> Child<Idle> {
    Child::replicated(name, count, |_| Idle)
}
