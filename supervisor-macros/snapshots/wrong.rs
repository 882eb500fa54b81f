/// A supervision tree.
///
/// ```text
/// one_for_one
/// ├─ worker
/// ├─ loop
/// ├─ pool: one_for_one
/// │  └─ worker*..=5
/// └─ worker
/// ```
#[allow(
    dead_code,
    private_interfaces,
    reason = "each child has its field, used or not, of a private type or not"
)]
#[derive(::core::fmt::Debug)]
#[must_use = "dropping it drops the running tree"]
pub struct Orders {
    /// `db`
    pub db: supervisor_runtime::ChildRef,
    /// `cache*0: Cache::new`
    pub cache: supervisor_runtime::Replicas,
    /// `conn*..: Conn::new(config)`
    pub conn: supervisor_runtime::Children<Conn>,
    /// `worker: Worker::new(config)`
    pub worker: supervisor_runtime::ChildRef,
    /// `pool: one_for_one`
    pub pool: OrdersPool,
    __running: supervisor_runtime::Running,
}
#[allow(
    dead_code,
    clippy::missing_errors_doc,
    clippy::used_underscore_binding,
    reason = "a program needs only some of these, a parameter without a use is passed on, \
                      and clippy does not see the docs in a macro of the user's"
)]
impl Orders {
    /// The declaration as data.
    pub const OUTLINE: supervisor_runtime::Outline = supervisor_runtime::Outline::group(
            "Orders",
            "one_for_one",
        )
        .with_children(
            &[
                supervisor_runtime::Outline::child("worker", "Worker::new(config)"),
                supervisor_runtime::Outline::child("loop", "A"),
                supervisor_runtime::Outline::group("pool", "one_for_one")
                    .with_children(
                        &[
                            supervisor_runtime::Outline::child("worker", "Worker")
                                .with_replicas("..=5"),
                        ],
                    ),
                supervisor_runtime::Outline::child("worker", "Worker::new(config)"),
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
    pub fn service(config: Config) -> supervisor_runtime::Supervisor {
        let _ = &config;
        supervisor_runtime::Supervisor::one_for_one("Orders")
            .child({
                let config = ::core::clone::Clone::clone(&config);
                supervisor_runtime::Child::new(
                    "worker",
                    move || {
                        let config = ::core::clone::Clone::clone(&config);
                        Worker::new(config)
                    },
                )
            })
            .child(supervisor_runtime::Child::new("loop", || A))
            .child(
                supervisor_runtime::Supervisor::one_for_one("pool")
                    .child(supervisor_runtime::Child::<Worker>::open("worker", ..=5)),
            )
            .child({
                let config = ::core::clone::Clone::clone(&config);
                supervisor_runtime::Child::new(
                    "worker",
                    move || {
                        let config = ::core::clone::Clone::clone(&config);
                        Worker::new(config)
                    },
                )
            })
    }
    /// Starts the tree; dropping what it returns drops the tree.
    ///
    /// # Errors
    ///
    /// If a child cannot be started.
    pub async fn start(
        config: Config,
    ) -> ::core::result::Result<Self, supervisor_runtime::TreeError> {
        fn references(
            running: supervisor_runtime::Running,
        ) -> ::core::result::Result<Orders, supervisor_runtime::TreeError> {
            ::core::result::Result::Ok(Orders {
                db: running.child("db")?,
                cache: running.replicas("cache")?,
                conn: running.children("conn")?,
                worker: running.child("worker")?,
                pool: OrdersPool {
                    worker: running.children("pool/worker")?,
                    __group: running.group("pool")?,
                },
                __running: running,
            })
        }
        references(Self::service(config).start().await?)
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
    /// Stops the tree gracefully and waits for its end.
    ///
    /// # Errors
    ///
    /// If the tree had failed, or something of it had to be dropped by force.
    pub async fn shutdown(
        self,
    ) -> ::core::result::Result<(), supervisor_runtime::TreeError> {
        self.__running.shutdown().await
    }
}
impl ::core::ops::Deref for Orders {
    type Target = supervisor_runtime::Running;
    fn deref(&self) -> &Self::Target {
        &self.__running
    }
}
impl ::core::ops::DerefMut for Orders {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.__running
    }
}
/// The group `pool` of `Orders`, while it runs.
#[allow(
    dead_code,
    private_interfaces,
    reason = "each child has its field, used or not, of a private type or not"
)]
#[derive(::core::clone::Clone, ::core::fmt::Debug)]
pub struct OrdersPool {
    /// `worker*..=5: Worker`
    pub worker: supervisor_runtime::Children<Worker>,
    __group: supervisor_runtime::GroupRef,
}
impl ::core::ops::Deref for OrdersPool {
    type Target = supervisor_runtime::GroupRef;
    fn deref(&self) -> &Self::Target {
        &self.__group
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
const _: () = {
    ::core::compile_error! {
        "an open group takes the type of its members, and this is an expression\n= help: write `conn*..: Conn`; members are added while the tree runs: `tree.conn.add(..)`"
    }
};
const _: () = {
    ::core::compile_error! {
        "`loop` is a keyword of Rust and cannot be a name\n= help: write `r#loop`, or choose another name"
    }
};
const _: () = {
    ::core::compile_error! {
        "an open group has no lower bound: it is empty when the tree starts\n= help: write `*..=5`"
    }
};
const _: () = {
    ::core::compile_error! {
        "duplicate name `worker` in `Orders`\n= help: rename one of the two, or put one into a named group\n= note: the first `worker` is on line 8"
    }
};
