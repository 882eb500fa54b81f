use quote::format_ident;

use super::*;

/// Each use of `config` or `pool` in `source`; `&` if it may be borrowed.
fn found(source: &str) -> String {
    let params = [format_ident!("config"), format_ident!("pool")];
    let expression = syn::parse_str(source).expect(source);
    let name = |used: &Use| format!("{}{}", if used.borrowed { "&" } else { "" }, used.name);
    uses(&expression, &params.iter().collect()).iter().map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_name_is_used_where_it_is_in_scope() {
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
        ("Db::new(r#config)", "r#config"),
        ("{ let r#config = 1; config }", ""),
        ("|r#pool| pool", ""),
        ("db.config.pool()", ""),
        ("Db { pool: 1, ..config }", "&config"),
        ("config()", "&config"),
        ("pool[0].clone()", "&pool"),
        ("async move { let pool = pool.get().await?; Db::new(pool) }", "pool"),
        ("move || { fn config() {} config(pool) }", "pool"),
        ("{ const pool: u8 = 1; Db::new(pool) }", ""),
        ("{ use a::config; Db::new(pool) }", "pool"),
        ("{ use a::config; Db::new(config()) }", ""),
        ("{ use a::{b::c as config, pool}; Db::new(config(pool())) }", ""),
        ("{ use a::config; Db::new(config(&pool)) }", "&pool"),
        ("{ use a::config; config::open(config) }", "config"),
        ("{ { use a::config; } Db::new(config()) }", "&config"),
        ("{ use a::config as pool; Db::new(config()) }", "&config"),
        ("{ use a::*; Db::new(config) }", "config"),
        ("{ struct config; Db::new(config) }", ""),
        ("{ struct config(u8); Db::new(config(1), pool) }", "pool"),
        ("{ struct config { a: u8 } Db::new(config { a: 1 }, config) }", "config"),
        ("<Db as config::Pool>::pool()", ""),
        ("&mut |Db { pool, config: c }: Db| f(pool, c, config)", "config"),
        ("loop { let config = pool; break config }", "&pool"),
    ] {
        assert_eq!(found(source), expected, "{source}");
    }
}

#[test]
fn a_macro_uses_what_its_arguments_use() {
    for (source, expected) in [
        ("vec![pool.clone()]", "pool"),
        ("vec![pool; 3]", "&pool"),
        ("vec![config.pool]", "&config"),
        ("vec![Db { config: 1 }, Db { pool }]", "pool"),
        ("format!(\"{pool}\", pool = config)", "&config"),
        ("format!(\"{pool:>5} {{config}}\")", "&pool"),
        ("format!(\"{{{config}}}\")", "&config"),
        ("format!(\"{:config$}\", 1)", "&config"),
        ("format!(\"{:>1$.pool$}\", 1, 2)", "&pool"),
        ("format!(r#\"{config:#?}\"#)", "&config"),
        ("println!(\"{}\", |pool: u8| pool)", ""),
        ("query!(\"pool\", config::url())", ""),
        ("select! { x = pool.next() => x, config::y() => z }", "&pool"),
        ("object!({ pool: 1, config = 2, c.config, a::pool, b ..pool })", "&pool"),
        ("object!({ pool == 1 })", "&pool"),
        ("matches!(a, Some(pool) if pool == config)", "&config"),
        ("std::matches!(pool, Some(config) | Ok(config) if config > 0,)", "&pool"),
        ("object!({ config => \"{pool}\" })", "&config &pool"),
    ] {
        assert_eq!(found(source), expected, "{source}");
    }
}

#[test]
fn a_function_cannot_stand_where_a_value_is_used() {
    for (source, expected) in [
        ("Db::new(config)", false),
        ("Db::new(&config)", false),
        ("config()", false),
        ("config.serve()", false),
        ("*config", false),
        ("vec![config]", false),
        ("config.clone()", true),
        ("config.url", true),
        ("&config.url", true),
        ("Db::new(config.url)", true),
        ("config[0]", true),
        ("format!(\"{config}\")", true),
        ("Db::new(config, config.url)", true),
    ] {
        let expression = syn::parse_str(source).expect(source);
        let found = uses(&expression, &[&format_ident!("config")].into_iter().collect());
        let found: Vec<_> = found.iter().map(|used| used.is_value).collect();
        assert_eq!(found, [expected], "{source}");
    }
}
