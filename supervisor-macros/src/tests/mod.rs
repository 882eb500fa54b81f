//! The pipeline as a whole: what it says, what it gives, and that it never panics.

mod cost;
mod expansion;
mod fuzz;
mod messages;
mod typed;
mod wiring;

use proc_macro2::TokenStream;

use crate::mistake::Mistakes;
use crate::{check, parse};

/// A declaration as the macro gets it.
fn tokens(source: &str) -> TokenStream {
    format!("[supervisor_runtime] {source}").parse().expect("a declaration is made of tokens")
}

/// What is wrong with a declaration, in the order of the source.
fn mistakes(source: &str) -> Vec<String> {
    let mut mistakes = Mistakes::default();
    let written = parse::parse(tokens(source), &mut mistakes);
    check::check(written, &mut mistakes);
    mistakes.messages()
}
