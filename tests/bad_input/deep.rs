//! Supervisors inside supervisors inside supervisors.

use std::time::Duration;

use supervisor_runtime::{Child, Supervisor, TreeErrorKind, service_fn};

use crate::{idle, in_time, look_at};

/// So many supervisors inside one another, all but the outermost and the innermost of this name, with a child in the
/// innermost.
fn nested(depth: usize, name: &'static str, leaf: Child<impl Send + 'static>) -> Supervisor {
    let innermost = Supervisor::one_for_one(if depth > 1 { "innermost" } else { "tree" }).max_restarts(1).child(leaf);
    (1..depth).fold(innermost, |inside, level| {
        let name = if level + 1 == depth { "tree" } else { name };
        Supervisor::one_for_one(name).max_restarts(0).child(inside)
    })
}

#[test]
fn a_hundred_supervisors_in_one_another_run_and_a_failure_goes_all_the_way() {
    in_time(async || {
        for name in ["level", ""] {
            let tree = nested(100, name, idle("leaf")).start().await.unwrap();
            look_at(&tree).await;
            tree.wait_ready().await.unwrap();
            tree.shutdown().await.unwrap();

            let broken = Child::new("leaf", || service_fn(|_| async { Err("disk full".into()) }));
            let error = nested(100, name, broken).run().await.unwrap_err();
            assert_eq!(error.kind(), TreeErrorKind::LimitReached);
            let story = format!("{error:?}");
            assert!(story.contains("innermost/leaf` failed\n  caused by: disk full"), "{story}");
            assert!(!format!("{error} {error:#}").is_empty());
        }
    });
}

#[test]
fn more_than_a_hundred_are_told_with_their_number_and_where() {
    in_time(async || {
        for (depth, path) in [(101, "tree/level/.."), (102, "tree/level/level/.."), (1000, "tree/level/level/..")] {
            let error = nested(depth, "level", idle("leaf")).start().await.unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "tree `tree` is not valid: supervisors stand {depth} deep in one another, along `{path}`: 100 is the \
                     most, so let some of them stand side by side"
                )
            );
        }
        // Nor does it hurt to make and to drop what is never started.
        drop(nested(100_000, "level", idle("leaf")));
        drop(nested(100_000, "", idle("leaf")));
        assert!(nested(1000, "", idle("leaf")).run().await.is_err());
        let aside = Supervisor::one_for_one("tree").child(idle("a")).child(nested(1000, "level", idle("leaf")));
        assert!(aside.start().await.unwrap_err().to_string().contains("deep in one another"));
    });
}

#[test]
fn one_that_a_factory_makes_of_its_own_kind_without_end_is_told() {
    /// Contains itself.
    fn endless() -> Supervisor {
        Supervisor::one_for_one("endless").max_restarts(0).child(Child::new("inside", endless))
    }
    in_time(async || {
        let error = endless().start().await.unwrap_err();
        assert_eq!(error.kind(), TreeErrorKind::StartFailed);
        let story = format!("{error:?}");
        assert!(story.contains("supervisors stand 101 deep in one another, along `endless/inside/inside/"), "{story}");
        assert_eq!(story.matches("did not start").count(), 100, "a line for each that stands around it: {story}");
        // Nothing of it is left.
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
    });
}
