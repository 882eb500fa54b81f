//! What an error asks for is obeyed wherever it comes from, and at one level.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use supervisor_runtime::{BoxError, Supervisor, TreeErrorKind, escalate, forfeit};

use crate::world::{World, ended, secs, started, task};

/// A context that a user puts around an error.
#[derive(Debug)]
struct While(BoxError);

impl fmt::Display for While {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("while opening the store")
    }
}

impl Error for While {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_spawned_task_asks_for_is_obeyed() {
    // (the instruction, how the tree ends, what it says)
    let table: [(fn(&'static str) -> BoxError, TreeErrorKind, &str); 4] = [
        (
            |words| escalate(words),
            TreeErrorKind::Failed,
            "supervisor `tree` escalated the failure of its child `tree/a`: its task `task` failed: no disk",
        ),
        (
            |words| Box::new(While(escalate(words))),
            TreeErrorKind::Failed,
            "supervisor `tree` escalated the failure of its child `tree/a`: its task `task` failed: \
             while opening the store: no disk",
        ),
        (
            |words| forfeit(words),
            TreeErrorKind::Forfeited,
            "supervisor `tree` ended with something forfeited: `tree/a`",
        ),
        (
            |words| Box::new(While(forfeit(words))),
            TreeErrorKind::Forfeited,
            "supervisor `tree` ended with something forfeited: `tree/a`",
        ),
    ];
    for (instruct, kind, said) in table {
        let world = World::new();
        let w = world.clone();
        let tree = Supervisor::one_for_one("tree").child(task("a", move |cx| {
            w.write("run a");
            async move {
                cx.spawn("task", move |_| async move {
                    tokio::time::sleep(secs(1.0)).await;
                    Err(instruct("no disk"))
                });
                Ok(cx.stopping().await)
            }
        }));
        let mut tree = started(tree).await;
        let error = ended(&mut tree).await.unwrap_err();
        assert_eq!(format!("{error:#}"), said);
        assert_eq!(error.kind(), kind, "{said}");
        world.expect(&["run a"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_escalation_goes_up_one_level_also_behind_a_context_and_from_a_task() {
    for (behind_a_context, from_a_task) in [(false, false), (true, false), (false, true), (true, true)] {
        let world = World::new();
        let (w, failed) = (world.clone(), Arc::new(AtomicBool::new(false)));
        let a = task("a", move |cx| {
            let (again, world) = (failed.swap(true, Ordering::Relaxed), w.clone());
            let fail = move || async move {
                tokio::time::sleep(secs(1.0)).await;
                world.write("escalate a");
                let error = escalate("no disk");
                Err(if behind_a_context { Box::new(While(error)) } else { error })
            };
            w.write("run a");
            async move {
                match (again, from_a_task) {
                    (true, _) => Ok(cx.stopping().await),
                    (false, false) => fail().await,
                    (false, true) => {
                        cx.spawn("task", move |_| fail());
                        Ok(cx.stopping().await)
                    }
                }
            }
        });
        let inner = Supervisor::one_for_one("inner").child(world.child("b")).child(a);
        let outer = Supervisor::one_for_one("outer").child(world.child("c")).child(inner);
        let tree = started(Supervisor::one_for_one("tree").child(world.child("d")).child(outer)).await;
        world.idle().await;
        assert_eq!(world.page(), ["start d", "start c", "start b", "run a"]);
        tokio::time::sleep(secs(10.0)).await;
        assert_eq!(
            world.page(),
            ["escalate a", "stop b", "start b", "run a"],
            "behind a context: {behind_a_context}, from a task: {from_a_task}"
        );
        tree.shutdown().await.unwrap();
    }
}
