//! What had to be dropped is told by the tree, however soon it ends. Needs real threads, which are held up where it matters.

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use supervisor_runtime::{Child, Service, Shutdown, Supervisor, service_fn};

use crate::capture::overheard;
use crate::world::{secs, started};

/// What never ends would hold up all tests.
async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(secs(20.0), future).await.expect("it ends in time")
}

/// Never stops by itself, but is polled all the time.
fn restless(name: &'static str) -> Child<impl Service> {
    let child = Child::new(name, || {
        service_fn(|_| async {
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
    });
    child.shutdown(Shutdown::BrutalKill)
}

#[test]
fn what_is_dropped_before_the_supervisor_has_gone_on_is_told_by_the_tree() {
    let runtime = overheard(3, |line| {
        if line == "DEBUG told to be dropped child=tree/a" {
            std::thread::sleep(Duration::from_millis(300));
        }
    });
    runtime.block_on(async {
        let tree = started(Supervisor::one_for_one("tree").child(restless("a"))).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        let error = within(tree.shutdown()).await.expect_err("it was dropped by force");
        assert_eq!(error.dropped().len(), 1);
    });
}

#[test]
fn what_is_dropped_while_another_is_told_is_told_by_the_tree() {
    let (tell, ended) = mpsc::channel::<()>();
    let ended = Mutex::new(ended);
    let runtime = overheard(4, move |line| {
        if line.starts_with("WARN dropped by force child=tree/a") {
            let _ = ended.lock().unwrap().recv_timeout(Duration::from_secs(2));
        }
    });
    runtime.block_on(async {
        let children = Supervisor::one_for_one("tree").child(restless("a")).child(restless("b"));
        let tree = started(children.shutdown(Duration::from_millis(1))).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        let error = within(tree.shutdown()).await.expect_err("they were dropped by force");
        let _ = tell.send(());
        assert_eq!(error.dropped().len(), 2, "{:?}", error.dropped());
    });
}
