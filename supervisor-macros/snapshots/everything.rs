/// Takes orders.
///
/// ```text
/// dependents_for_one
/// ├─ db
/// ├─ inbox
/// ├─ orders  <- db, inbox
/// ├─ index
/// ├─ pool: one_for_one
/// │  ├─ worker*(config.workers)
/// │  ├─ mailer*4  <- db
/// │  ├─ tick*4
/// │  └─ conn*..=(config.limit)
/// ├─ custom
/// │  ├─ report
/// │  ├─ made*2
/// │  └─ job*..
/// └─ shards: rest_for_one
///    ├─ shard*3
///    ├─ cache  <- shard
///    ├─ query*8  <- shard, cache
///    └─ lookup*2  <- shard
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
    /// `orders: Orders::new(db, inbox)`
    pub orders: supervisor_runtime::ChildRef,
    /// `index: Index::open(&config)`
    pub index: supervisor_runtime::ChildRef,
    /// `pool: one_for_one`
    pub pool: OrdersPool,
    /// `report: service_fn(move |cx| report(cx, config.clone()))`
    pub report: supervisor_runtime::ChildRef,
    /// `made*2: make().await`
    pub made: supervisor_runtime::Replicas,
    /// `job*..: Job`
    pub job: supervisor_runtime::Children<Job>,
    /// `shards: rest_for_one`
    pub shards: OrdersShards,
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
                supervisor_runtime::Outline::child("orders", "Orders::new(db, inbox)")
                    .with_uses(&["db", "inbox"]),
                supervisor_runtime::Outline::child("index", "Index::open(&config)")
                    .with_options(
                        &[
                            ("restart", "transient"),
                            ("significant", ""),
                            ("start_timeout", "0.5"),
                        ],
                    ),
                supervisor_runtime::Outline::group("pool", "one_for_one")
                    .with_options(
                        &[("requires", "[db, index]"), ("restart", "permanent")],
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
                            supervisor_runtime::Outline::child(
                                    "mailer",
                                    "|index| Mailer::new(index, db.clone(), config)",
                                )
                                .with_replicas("4")
                                .with_uses(&["db"]),
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
                supervisor_runtime::Outline::group("shards", "rest_for_one")
                    .with_children(
                        &[
                            supervisor_runtime::Outline::child("shard", "Shard::open")
                                .with_replicas("3")
                                .with_options(&[("in_place", "")]),
                            supervisor_runtime::Outline::child(
                                    "cache",
                                    "Cache::new(&shard)",
                                )
                                .with_uses(&["shard"])
                                .with_options(&[("in_place", "")]),
                            supervisor_runtime::Outline::child(
                                    "query",
                                    "async |index| Query::new(index, shard, cache.reader().await)",
                                )
                                .with_replicas("8")
                                .with_uses(&["shard", "cache"]),
                            supervisor_runtime::Outline::child(
                                    "lookup",
                                    "lookup(&shard)",
                                )
                                .with_replicas("2")
                                .with_uses(&["shard"]),
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
        let db = supervisor_runtime::Wire::new();
        let inbox = supervisor_runtime::Wire::new();
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
            .child(
                {
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
                }
                    .provides(&db),
            )
            .child(
                supervisor_runtime::Child::in_place("inbox", move || Inbox::new(rx))
                    .provides(&inbox)
                    .shutdown(supervisor_runtime::Shutdown::Infinity),
            )
            .child(
                supervisor_runtime::Child::using(
                    "orders",
                    (&db, &inbox),
                    |(db, inbox)| Orders::new(db, inbox),
                ),
            )
            .child(
                {
                    let config = ::core::clone::Clone::clone(&config);
                    supervisor_runtime::Child::new(
                        "index",
                        move || {
                            let config = ::core::clone::Clone::clone(&config);
                            async move {
                                supervisor_runtime::IntoService::into_service(
                                        Index::open(&config),
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
                    .requires(["db", "index"])
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
                    .child({
                        let config = ::core::clone::Clone::clone(&config);
                        supervisor_runtime::Child::replicated_using(
                            "mailer",
                            4,
                            &db,
                            move |index, db| {
                                let config = ::core::clone::Clone::clone(&config);
                                Mailer::new(index, db.clone(), config)
                            },
                        )
                    })
                    .child(supervisor_runtime::Child::replicated("tick", 4, Tick::new))
                    .child(
                        supervisor_runtime::Child::<
                            Conn<Tcp>,
                        >::open_in_place("conn", ..=(config.limit))
                            .restart(supervisor_runtime::Restart::Transient),
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
            .child({
                let shard = supervisor_runtime::Wires::new();
                let cache = supervisor_runtime::Wire::new();
                supervisor_runtime::Supervisor::rest_for_one("shards")
                    .child(
                        {
                            supervisor_runtime::Child::replicated_in_place(
                                "shard",
                                3,
                                Shard::open,
                            )
                        }
                            .provides_each_stable(&shard),
                    )
                    .child(
                        supervisor_runtime::Child::in_place_using(
                                "cache",
                                &shard,
                                |shard| async move {
                                    supervisor_runtime::IntoService::into_service(
                                            Cache::new(&shard),
                                        )
                                        .await
                                },
                            )
                            .provides(&cache),
                    )
                    .child(
                        supervisor_runtime::Child::replicated_using(
                            "query",
                            8,
                            (&shard, &cache),
                            |index, (shard, cache)| async move {
                                Query::new(index, shard, cache.reader().await)
                            },
                        ),
                    )
                    .child(
                        supervisor_runtime::Child::replicated_using(
                            "lookup",
                            2,
                            &shard,
                            |index, shard| async move {
                                supervisor_runtime::IntoService::into_service(
                                        (lookup(&shard))(index),
                                    )
                                    .await
                            },
                        ),
                    )
            })
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
        fn references(
            running: supervisor_runtime::Running,
        ) -> ::core::result::Result<Orders, supervisor_runtime::TreeError> {
            ::core::result::Result::Ok(Orders {
                db: running.child("db")?,
                inbox: running.child("inbox")?,
                orders: running.child("orders")?,
                index: running.child("index")?,
                pool: OrdersPool {
                    worker: running.replicas("pool/worker")?,
                    mailer: running.replicas("pool/mailer")?,
                    tick: running.replicas("pool/tick")?,
                    conn: running.children("pool/conn")?,
                    __group: running.group("pool")?,
                },
                report: running.child("report")?,
                made: running.replicas("made")?,
                job: running.children("job")?,
                shards: OrdersShards {
                    shard: running.replicas("shards/shard")?,
                    cache: running.child("shards/cache")?,
                    query: running.replicas("shards/query")?,
                    lookup: running.replicas("shards/lookup")?,
                    __group: running.group("shards")?,
                },
                __running: running,
            })
        }
        references(Self::service(config, rx).start().await?)
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
    /// `mailer*4: |index| Mailer::new(index, db.clone(), config)`
    pub mailer: supervisor_runtime::Replicas,
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
/// The group `shards` of `Orders`, while it runs.
#[allow(
    dead_code,
    private_interfaces,
    reason = "each child has its field, used or not, of a private type or not"
)]
#[derive(::core::clone::Clone, ::core::fmt::Debug)]
pub struct OrdersShards {
    /// `shard*3: Shard::open`
    pub shard: supervisor_runtime::Replicas,
    /// `cache: Cache::new(&shard)`
    pub cache: supervisor_runtime::ChildRef,
    /// `query*8: async |index| Query::new(index, shard, cache.reader().await)`
    pub query: supervisor_runtime::Replicas,
    /// `lookup*2: lookup(&shard)`
    pub lookup: supervisor_runtime::Replicas,
    __group: supervisor_runtime::GroupRef,
}
impl ::core::ops::Deref for OrdersShards {
    type Target = supervisor_runtime::GroupRef;
    fn deref(&self) -> &Self::Target {
        &self.__group
    }
}
