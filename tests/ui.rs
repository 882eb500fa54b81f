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
