//! The pipeline as a whole: what it says, what it gives, and that it never panics.

mod check_time;
mod cost;
mod expansion;
mod fuzz;
mod messages;
mod typed;
mod wiring;

use proc_macro2::TokenStream;

/// A declaration as the macro gets it.
fn tokens(source: &str) -> TokenStream {
    format!("[supervisor_runtime] {source}").parse().expect("a declaration is made of tokens")
}

/// What is wrong with a declaration, in the order of the source.
fn mistakes(source: &str) -> Vec<String> {
    let (_, mistakes) = crate::checked(tokens(source));
    mistakes.messages()
}
