use quote::format_ident;

use super::*;

/// Each use of `config` or `pool` in `source`; `&` if it may be borrowed.
fn found(source: &str) -> String {
    let params = [format_ident!("config"), format_ident!("pool")];
    let expression = syn::parse_str(source).expect(source);
    let name = |used: &Use| format!("{}{}", if used.borrowed { "&" } else { "" }, used.name);
    uses(&expression, &params).iter().map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_parameter_is_used_where_its_name_is_in_scope() {
    for (source, expected) in [
        ("Db::new(config)", "config"),
        ("Db::new(config.clone(), pool)", "config pool"),
        ("Db::new(&config)", "&config"),
        ("Db::new(config.url)", "config"),
        ("Db::new(*config)", "config"),
        ("Db::new(&config.url)", "&config"),
        ("Db::new(&*config)", "&config"),
        ("Db::new((*config).url())", "&config"),
        ("Db::new(config.url())", "&config"),
        ("Db { config, pool: 1 }", "config"),
        ("Db { config: pool }", "pool"),
        ("db.config(self.pool)", ""),
        ("config::pool()", ""),
        ("|config| Db::new(config, pool)", "pool"),
        ("async { Db::open(config).await }", "config"),
        ("async { Db::open(&config).await }", "&config"),
        ("async move { Db::open(&config).await }", "config"),
        ("service_fn(move |cx| run(cx, &config))", "config"),
        ("{ let config = 1; Db::new(config) }", ""),
        ("{ let config = load(&config); Db::new(config) }", "&config"),
        ("{ { let config = 1; } Db::new(config) }", "config"),
        ("{ fn pool() {} Db::new(pool) }", ""),
        ("match pool { Some(config) if ok(config) => config, None => other(config) }", "&pool config"),
        ("if let Some(config) = pool { f(config) } else { g(config) }", "&pool config"),
        ("if let Some(config) = a && let Some(pool) = config { f(pool) } else { b }", ""),
        ("while let Some(pool) = config { f(pool) }", "&config"),
        ("for pool in config { f(pool) }", "&config"),
        ("for pool in pool { f(pool) }", "&pool"),
        ("{ let Some(x) = config else { return pool }; x }", "&config &pool"),
        ("format!(\"{config}\")", "&config"),
        ("format!(\"{config:?} {}\", pool)", "&config &pool"),
        ("format!(\"config\")", ""),
        ("|pool| vec![pool, config]", "&config"),
        ("Db::new((config))", "config"),
        ("Db::new::<{ pool }>()", ""),
    ] {
        assert_eq!(found(source), expected, "{source}");
    }
}
