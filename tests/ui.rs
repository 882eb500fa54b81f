//! What the compiler says: one mistake per file, with the error that it gives; and what it must accept.
//!
//! The errors in `syntax` and `check` are worded by the macro, those in `types` by the compiler of
//! `rust-toolchain.toml` and the traits of the runtime. Write them anew with `TRYBUILD=overwrite`, and
//! read them as prose before you keep them.

#[test]
fn a_mistake_gives_the_error_that_is_written_beside_it() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui-tests/syntax/*.rs");
    cases.compile_fail("ui-tests/check/*.rs");
    cases.compile_fail("ui-tests/types/*.rs");
}

#[test]
fn what_is_right_compiles() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui-tests/pass/*.rs");
}

/// The macro knows no default of the runtime but one: the window of a limit whose `over` is not written.
#[test]
fn the_macro_counts_restarts_in_the_window_that_the_runtime_takes_by_default() {
    let source = include_str!("../ui-tests/check/limit_that_is_never_reached.rs");
    let error = include_str!("../ui-tests/check/limit_that_is_never_reached.stderr");
    let over = supervisor_runtime::RestartLimit::default().over;
    assert!(source.contains("(max_restarts = 10) {"), "the tree writes a limit, but no `over`");
    assert!(error.contains(&format!(" times in {over:?}\n")), "the default is {over:?}, but the macro says: {error}");
}
