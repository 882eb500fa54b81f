/// A supervision tree.
///
/// ```text
/// one_for_all
/// ├─ db
/// └─ one_for_one
///    └─ worker*4
/// ```
#[allow(
    dead_code,
    private_interfaces,
    reason = "each child has its field, used or not, of a private type or not"
)]
#[derive(::core::fmt::Debug)]
#[must_use = "dropping it drops the running tree"]
struct Tree {
    /// `db: Db::new()`
    db: supervisor_runtime::ChildRef,
    /// `worker*4: Worker::new`
    worker: supervisor_runtime::Replicas,
    __running: supervisor_runtime::Running,
}
#[allow(
    dead_code,
    clippy::missing_errors_doc,
    clippy::used_underscore_binding,
    reason = "a program needs only some of these, a parameter without a use is passed on, \
                      and clippy does not see the docs in a macro of the user's"
)]
impl Tree {
    /// The declaration as data.
    const OUTLINE: supervisor_runtime::Outline = supervisor_runtime::Outline::group(
            "Tree",
            "one_for_all",
        )
        .with_options(&[("max_restarts", "10"), ("over", "\"1s\"")])
        .with_children(
            &[
                supervisor_runtime::Outline::child("db", "Db::new()"),
                supervisor_runtime::Outline::group("", "one_for_one")
                    .with_children(
                        &[
                            supervisor_runtime::Outline::child("worker", "Worker::new")
                                .with_replicas("4"),
                        ],
                    ),
            ],
        );
    /// The tree as a service: a child for another tree, or to run later.
    #[allow(
        unused_braces,
        unused_parens,
        clippy::redundant_closure,
        clippy::redundant_async_block,
        clippy::redundant_clone,
        reason = "the expressions stand here as they are written"
    )]
    fn service() -> supervisor_runtime::Supervisor {
        supervisor_runtime::Supervisor::one_for_all("Tree")
            .max_restarts(10)
            .over(::core::time::Duration::from_secs(1))
            .child(supervisor_runtime::Child::new("db", || Db::new()))
            .child(
                supervisor_runtime::Supervisor::one_for_one(
                        supervisor_runtime::ANONYMOUS,
                    )
                    .child(
                        supervisor_runtime::Child::replicated("worker", 4, Worker::new),
                    ),
            )
    }
    /// Starts the tree; dropping what it returns drops the tree.
    ///
    /// # Errors
    ///
    /// If a child cannot be started.
    async fn start() -> ::core::result::Result<Self, supervisor_runtime::TreeError> {
        fn references(
            running: supervisor_runtime::Running,
        ) -> ::core::result::Result<Tree, supervisor_runtime::TreeError> {
            ::core::result::Result::Ok(Tree {
                db: running.child("db")?,
                worker: running.replicas("worker")?,
                __running: running,
            })
        }
        references(Self::service().start().await?)
    }
    /// Runs the tree until it ends or the process is asked to.
    ///
    /// # Errors
    ///
    /// If a child cannot be started, or the tree gives up.
    async fn run() -> ::core::result::Result<(), supervisor_runtime::TreeError> {
        Self::service().run().await
    }
    /// Stops the tree gracefully and waits for its end.
    ///
    /// # Errors
    ///
    /// If the tree had failed, or something of it had to be dropped by force.
    async fn shutdown(
        self,
    ) -> ::core::result::Result<(), supervisor_runtime::TreeError> {
        self.__running.shutdown().await
    }
}
impl ::core::ops::Deref for Tree {
    type Target = supervisor_runtime::Running;
    fn deref(&self) -> &Self::Target {
        &self.__running
    }
}
impl ::core::ops::DerefMut for Tree {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.__running
    }
}
