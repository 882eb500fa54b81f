//! What trees expand to, as a person would write it. `UPDATE_EXPECT=1` writes the snapshots anew.

use expect_test::expect_file;

use super::tokens;

/// The expansion, formatted.
fn expansion(source: &str) -> String {
    let file = syn::parse2(crate::pipeline(tokens(source))).expect("the expansion is made of items");
    prettyplease::unparse(&file)
}

#[test]
fn the_first_example_expands_to_what_one_would_write() {
    let source = r#"
        one_for_all(max_restarts = 10, over = "1s") {
            db: Db::new(),
            one_for_one {
                worker*4: Worker::new,
            }
        }
    "#;
    expect_file!["../../snapshots/small.rs"].assert_eq(&expansion(source));
}

#[test]
fn everything_expands_to_what_one_would_write() {
    let source = r#"
        /// Takes orders.
        #[derive(Debug)]
        pub struct Orders(config: Arc<Config>, rx: Receiver<Order>);

        dependents_for_one(
            max_restarts = config.limit, over = 1m, raises = OrderError::from, backoff = 100ms..30s,
            shutdown = 30, auto_shutdown = any_significant,
        ) {
            /// Keeps the orders.
            db: Db = Db::open(&config.url).await?,
            inbox(in_place, shutdown = infinity): Inbox::new(rx),
            orders: Orders::new(db, inbox),
            index(restart = transient, significant, start_timeout = 0.5): Index::open(&config),
            pool: one_for_one(requires = [db, index], restart = permanent) {
                worker*(config.workers)(heartbeat = LIMIT * 2, replace = Worker::reborn): |index| Worker::new(index, config),
                mailer*4: |index| Mailer::new(index, db.clone(), config),
                tick*4: Tick::new,
                /// Whoever has called.
                conn*..=(config.limit)(restart = transient, in_place): Conn<Tcp>,
            }
            custom(decide) {
                report(shutdown = brutal_kill): service_fn(move |cx| report(cx, config.clone())),
                made*2: make().await,
                job*..: Job,
            }
            shards: rest_for_one {
                shard*3(in_place): Shard::open,
                cache(in_place): Cache::new(&shard),
                query*8: async |index| Query::new(index, shard, cache.reader().await),
                lookup*2: lookup(&shard),
            }
        }
    "#;
    expect_file!["../../snapshots/everything.rs"].assert_eq(&expansion(source));
}

#[test]
fn a_wrong_tree_expands_to_the_same_names() {
    let source = r#"
        pub struct Orders(config: Config);

        one_for_al(max_restart = 10) {
            db: ,
            cache*0: Cache::new,
            conn*..: Conn::new(config),
            worker: Worker::new(config),
            loop: A,
            pool: one_for_one {
                worker*1..=5: Worker,
            }
            worker: Worker::new(config),
        }
    "#;
    expect_file!["../../snapshots/wrong.rs"].assert_eq(&expansion(source));
}
