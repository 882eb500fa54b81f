//! Mistakes in the user's errors and destructors cost no child its supervision.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};

use supervisor_runtime::{BoxService, Child, Context, Running, ServiceResult, State, Supervisor, service_fn};

use crate::world::{Mistake, World, at, secs, started, task};

/// An error with a mistake in what it says.
#[derive(Debug)]
struct Wrong {
    in_display: bool,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        assert!(!self.in_display, "no words for it");
        f.write_str("wrong")
    }
}

impl Error for Wrong {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        assert!(self.in_display, "no source of it");
        None
    }
}

/// Fails, and panics when it is dropped.
struct FailsAndPanics;

impl Future for FailsAndPanics {
    type Output = ServiceResult;

    fn poll(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<ServiceResult> {
        Poll::Ready(Err("broken".into()))
    }
}

impl Drop for FailsAndPanics {
    fn drop(&mut self) {
        panic!("and once more");
    }
}

/// Whose first incarnation does this, and the others nothing.
async fn first(does: impl Fn(&Context) -> ServiceResult + Copy + Send + Sync + 'static) -> Running {
    let child = task("a", move |cx| async move {
        if cx.incarnation() == 1 {
            does(&cx)?;
        }
        Ok(cx.stopping().await)
    });
    started(Supervisor::one_for_one("tree").child(child)).await
}

async fn runs_again(tree: Running) {
    tokio::time::sleep(secs(10.0)).await;
    let status = at(&tree, "a").status().unwrap();
    assert_eq!((status.state(), status.incarnation()), (State::Running, 2));
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_whose_error_panics_when_it_is_told_is_restarted() {
    let log = crate::capture::log();
    runs_again(first(|_| Err(Wrong { in_display: true }.into())).await).await;
    let page = log.page();
    assert!(page.iter().any(|line| line.contains("an error that panicked when it was to be told")), "{page:#?}");
    runs_again(first(|_| Err(Wrong { in_display: false }.into())).await).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_and_panics_when_it_is_dropped_has_failed() {
    let fails = |cx: &Context| {
        cx.spawn("task", |_| FailsAndPanics);
        Ok(())
    };
    runs_again(first(fails).await).await;
}

#[tokio::test(start_paused = true)]
async fn errors_of_tasks_that_panic_when_they_are_dropped_lose_no_restart() {
    let fail = |cx: &Context| {
        for name in ["one", "two", "three"] {
            cx.spawn(name, |_| async { Err(Mistake(|| panic!("a mistake in the drop")).into()) });
        }
        Ok(())
    };
    runs_again(first(fail).await).await;
}

#[tokio::test(start_paused = true)]
async fn what_makes_a_member_goes_with_it_also_if_its_error_panics_when_it_is_dropped() {
    let world = World::new();
    let tree = Supervisor::one_for_one("tree").child(Child::<BoxService>::open("conn", ..)).child(world.child("b"));
    let tree = started(tree).await;
    let conns = tree.children::<BoxService>("conn").unwrap();
    let canary = Arc::new(());
    let known = Arc::downgrade(&canary);
    let make = move || {
        let _canary = Arc::clone(&canary);
        BoxService::new(service_fn(|cx| async move {
            cx.sleep(secs(1.0)).await;
            Err(Mistake(|| panic!("a mistake in the drop")).into())
        }))
    };
    conns.add_with(make).await.unwrap();
    tokio::time::sleep(secs(10.0)).await;
    assert!(conns.is_empty());
    assert_eq!(known.strong_count(), 0);
    tree.shutdown().await.unwrap();
}
