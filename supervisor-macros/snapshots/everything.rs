/// Takes orders.
///
/// ```text
/// dependents_for_one
/// ├─ db
/// ├─ inbox
/// ├─ cache
/// ├─ pool: one_for_one
/// │  ├─ worker*(config.workers)
/// │  ├─ tick*4
/// │  └─ conn*..=(config.limit)
/// └─ custom
///    ├─ report
///    ├─ made*2
///    └─ job*..
/// ```
#[derive(Debug)]
#[allow(
    dead_code,
    private_interfaces,
    reason = "each child has its field, used or not, of a private type or not"
)]
#[must_use = "dropping it drops the running tree"]
pub struct Orders {
    /// Keeps the orders.
    ///
    /// `db: Db = Db::open(&config.url).await?`
    pub db: supervisor_runtime::ChildRef<Db>,
    /// `inbox: Inbox::new(rx)`
    pub inbox: supervisor_runtime::ChildRef,
    /// `cache: Cache::open(&config)`
    pub cache: supervisor_runtime::ChildRef,
    /// `pool: one_for_one`
    pub pool: OrdersPool,
    /// `report: service_fn(move |cx| report(cx, config.clone()))`
    pub report: supervisor_runtime::ChildRef,
    /// `made*2: make().await`
    pub made: supervisor_runtime::Replicas,
    /// `job*..: Job`
    pub job: supervisor_runtime::Children<Job>,
    __running: supervisor_runtime::Running,
}
#[allow(dead_code, reason = "a program needs only some of these")]
impl Orders {
    /// The declaration as data.
    pub const OUTLINE: supervisor_runtime::Outline = supervisor_runtime::Outline::group(
            "Orders",
            "dependents_for_one",
        )
        .with_options(
            &[
                ("max_restarts", "config.limit"),
                ("over", "1m"),
                ("raises", "OrderError::from"),
                ("backoff", "100ms..30s"),
                ("shutdown", "30"),
                ("auto_shutdown", "any_significant"),
            ],
        )
        .with_children(
            &[
                supervisor_runtime::Outline::child("db", "Db::open(&config.url).await?")
                    .with_ty("Db")
                    .with_docs("Keeps the orders."),
                supervisor_runtime::Outline::child("inbox", "Inbox::new(rx)")
                    .with_options(&[("in_place", ""), ("shutdown", "infinity")]),
                supervisor_runtime::Outline::child("cache", "Cache::open(&config)")
                    .with_options(
                        &[
                            ("restart", "transient"),
                            ("significant", ""),
                            ("start_timeout", "0.5"),
                        ],
                    ),
                supervisor_runtime::Outline::group("pool", "one_for_one")
                    .with_options(
                        &[("requires", "[db, cache]"), ("restart", "permanent")],
                    )
                    .with_children(
                        &[
                            supervisor_runtime::Outline::child(
                                    "worker",
                                    "|index| Worker::new(index, config)",
                                )
                                .with_replicas("(config.workers)")
                                .with_options(
                                    &[("heartbeat", "LIMIT * 2"), ("replace", "Worker::reborn")],
                                ),
                            supervisor_runtime::Outline::child("tick", "Tick::new")
                                .with_replicas("4"),
                            supervisor_runtime::Outline::child("conn", "Conn<Tcp>")
                                .with_replicas("..=(config.limit)")
                                .with_options(&[("restart", "transient"), ("in_place", "")])
                                .with_docs("Whoever has called."),
                        ],
                    ),
                supervisor_runtime::Outline::group("", "custom")
                    .with_decide("decide")
                    .with_children(
                        &[
                            supervisor_runtime::Outline::child(
                                    "report",
                                    "service_fn(move |cx| report(cx, config.clone()))",
                                )
                                .with_options(&[("shutdown", "brutal_kill")]),
                            supervisor_runtime::Outline::child("made", "make().await")
                                .with_replicas("2"),
                            supervisor_runtime::Outline::child("job", "Job")
                                .with_replicas(".."),
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
    pub fn service(
        config: Arc<Config>,
        rx: Receiver<Order>,
    ) -> supervisor_runtime::Supervisor {
        supervisor_runtime::Supervisor::dependents_for_one("Orders")
            .max_restarts(config.limit)
            .over(::core::time::Duration::from_secs(60))
            .raises(OrderError::from)
            .backoff(
                ::core::time::Duration::from_millis(
                    100,
                )..::core::time::Duration::from_secs(30),
            )
            .shutdown(::core::time::Duration::from_secs(30))
            .auto_shutdown(supervisor_runtime::AutoShutdown::AnySignificant)
            .child({
                let config = ::core::clone::Clone::clone(&config);
                supervisor_runtime::Child::<
                    Db,
                >::new(
                    "db",
                    move || {
                        let config = ::core::clone::Clone::clone(&config);
                        async move {
                            ::core::result::Result::Ok::<
                                _,
                                supervisor_runtime::BoxError,
                            >(Db::open(&config.url).await?)
                        }
                    },
                )
            })
            .child(
                supervisor_runtime::Child::in_place("inbox", move || Inbox::new(rx))
                    .shutdown(supervisor_runtime::Shutdown::Infinity),
            )
            .child(
                {
                    let config = ::core::clone::Clone::clone(&config);
                    supervisor_runtime::Child::new(
                        "cache",
                        move || {
                            let config = ::core::clone::Clone::clone(&config);
                            async move {
                                supervisor_runtime::IntoService::into_service(
                                        Cache::open(&config),
                                    )
                                    .await
                            }
                        },
                    )
                }
                    .restart(supervisor_runtime::Restart::Transient)
                    .significant()
                    .start_timeout(::core::time::Duration::from_millis(500)),
            )
            .child(
                supervisor_runtime::Supervisor::one_for_one("pool")
                    .requires(["db", "cache"])
                    .restart(supervisor_runtime::Restart::Permanent)
                    .child(
                        {
                            let config = ::core::clone::Clone::clone(&config);
                            supervisor_runtime::Child::replicated(
                                "worker",
                                config.workers,
                                move |index| {
                                    let config = ::core::clone::Clone::clone(&config);
                                    Worker::new(index, config)
                                },
                            )
                        }
                            .heartbeat(LIMIT * 2)
                            .replace(Worker::reborn),
                    )
                    .child(supervisor_runtime::Child::replicated("tick", 4, Tick::new))
                    .child(
                        supervisor_runtime::Child::<
                            Conn<Tcp>,
                        >::open("conn", ..=(config.limit))
                            .restart(supervisor_runtime::Restart::Transient)
                            .in_place(),
                    ),
            )
            .child(
                supervisor_runtime::Supervisor::custom(
                        supervisor_runtime::ANONYMOUS,
                        decide,
                    )
                    .child(
                        {
                            let config = ::core::clone::Clone::clone(&config);
                            supervisor_runtime::Child::new(
                                "report",
                                move || {
                                    let config = ::core::clone::Clone::clone(&config);
                                    service_fn(move |cx| report(cx, config.clone()))
                                },
                            )
                        }
                            .shutdown(supervisor_runtime::Shutdown::BrutalKill),
                    )
                    .child(
                        supervisor_runtime::Child::replicated(
                            "made",
                            2,
                            move |index| async move { (make().await)(index) },
                        ),
                    )
                    .child(supervisor_runtime::Child::<Job>::open("job", ..)),
            )
    }
    /// Starts the tree; dropping what it returns drops the tree.
    ///
    /// # Errors
    ///
    /// If a child cannot be started.
    pub async fn start(
        config: Arc<Config>,
        rx: Receiver<Order>,
    ) -> ::core::result::Result<Self, supervisor_runtime::TreeError> {
        let running = Self::service(config, rx).start().await?;
        ::core::result::Result::Ok(Self {
            db: running.child("db")?,
            inbox: running.child("inbox")?,
            cache: running.child("cache")?,
            pool: OrdersPool {
                worker: running.replicas("pool/worker")?,
                tick: running.replicas("pool/tick")?,
                conn: running.children("pool/conn")?,
                __group: running.group("pool")?,
            },
            report: running.child("report")?,
            made: running.replicas("made")?,
            job: running.children("job")?,
            __running: running,
        })
    }
    /// Runs the tree until it ends or the process is asked to.
    ///
    /// # Errors
    ///
    /// If a child cannot be started, or the tree gives up.
    pub async fn run(
        config: Arc<Config>,
        rx: Receiver<Order>,
    ) -> ::core::result::Result<(), supervisor_runtime::TreeError> {
        Self::service(config, rx).run().await
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
    /// `worker*(config.workers): |index| Worker::new(index, config)`
    pub worker: supervisor_runtime::Replicas,
    /// `tick*4: Tick::new`
    pub tick: supervisor_runtime::Replicas,
    /// Whoever has called.
    ///
    /// `conn*..=(config.limit): Conn<Tcp>`
    pub conn: supervisor_runtime::Children<Conn<Tcp>>,
    __group: supervisor_runtime::GroupRef,
}
impl ::core::ops::Deref for OrdersPool {
    type Target = supervisor_runtime::GroupRef;
    fn deref(&self) -> &Self::Target {
        &self.__group
    }
}
