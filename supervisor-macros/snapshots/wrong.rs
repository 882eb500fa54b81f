/// A supervision tree.
///
/// ```text
/// one_for_one
/// └─ worker
/// ```
pub struct Orders;
#[allow(dead_code, reason = "a program needs only some of these")]
impl Orders {
    /// The declaration as data.
    pub const OUTLINE: supervisor_runtime::Outline = supervisor_runtime::Outline::group(
            "Orders",
            "one_for_one",
        )
        .with_children(
            &[supervisor_runtime::Outline::child("worker", "Worker::new(config)")],
        );
    /// The tree as a service: a child for another tree, or to run later.
    #[allow(
        unused_braces,
        unused_parens,
        clippy::redundant_closure,
        clippy::redundant_async_block,
        reason = "the expressions stand here as they are written"
    )]
    pub fn service(config: Config) -> supervisor_runtime::Supervisor {
        supervisor_runtime::Supervisor::one_for_one("Orders")
            .child(
                supervisor_runtime::Child::new(
                    "worker",
                    move || {
                        let config = ::core::clone::Clone::clone(&config);
                        Worker::new(config)
                    },
                ),
            )
    }
    /// Starts the tree; dropping what it returns drops the tree.
    ///
    /// # Errors
    ///
    /// If a child cannot be started.
    pub async fn start(
        config: Config,
    ) -> ::core::result::Result<
        supervisor_runtime::Running,
        supervisor_runtime::TreeError,
    > {
        Self::service(config).start().await
    }
    /// Runs the tree until it ends or the process is asked to.
    ///
    /// # Errors
    ///
    /// If a child cannot be started, or the tree gives up.
    pub async fn run(
        config: Config,
    ) -> ::core::result::Result<(), supervisor_runtime::TreeError> {
        Self::service(config).run().await
    }
}
const _: () = {
    ::core::compile_error! {
        "unknown strategy `one_for_al`\n= help: did you mean `one_for_all`?"
    }
};
const _: () = {
    ::core::compile_error! {
        "unknown option `max_restart` for `one_for_al`\n= help: did you mean `max_restarts`?"
    }
};
const _: () = {
    ::core::compile_error! {
        "`db` has no expression\n= help: write `db: expression`, where the expression gives a service"
    }
};
const _: () = {
    ::core::compile_error! {
        "a child with zero replicas never runs\n= help: write at least 1, or remove the child"
    }
};
