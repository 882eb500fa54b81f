//! The `supervision_tree!` macro; use it from `supervisor-runtime`, which documents the language.
//!
//! Tokens in, tokens out: this crate knows no type of the runtime, and no default. A declaration goes
//! through three stages:
//!
//! 1. [`parse`]: the tree as it is written, spans kept. Never fails; it reads on at the next comma.
//! 2. [`check`]: the rules over the whole tree. Collects every mistake, returns the tree as it is meant.
//! 3. [`expand`]: the builder calls that a person would write. Always gives the tree's type, so that a
//!    wrong tree raises no second wave of errors in the rest of the program.

mod check;
mod editor;
mod expand;
mod mistake;
mod parse;
#[cfg(test)]
mod tests;
mod text;
mod uses;

use proc_macro2::TokenStream;

use crate::check::Tree;
use crate::mistake::Mistakes;

/// What `supervisor_runtime::supervision_tree!` calls, with the path of the runtime in front:
/// `[$crate] one_for_one { .. }`.
#[proc_macro]
pub fn supervision_tree(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    pipeline(input.into()).into()
}

/// The same where the runtime is read by rust-analyzer, for which it is compiled with `cfg(rust_analyzer)`.
#[proc_macro]
pub fn supervision_tree_in_an_editor(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = TokenStream::from(input);
    let mut expansion = editor::editor(input.clone());
    expansion.extend(pipeline(input));
    expansion.into()
}

fn pipeline(input: TokenStream) -> TokenStream {
    let (tree, mistakes) = checked(input);
    let mut expansion = expand::expand(&tree);
    // Last: an editor completes in what comes first, the same for a valid and an invalid tree.
    expansion.extend(mistakes.into_tokens());
    expansion
}

/// The tree as it is meant, and what is wrong with how it is written.
fn checked(input: TokenStream) -> (Tree, Mistakes) {
    let mut mistakes = Mistakes::default();
    let written = parse::parse(input, &mut mistakes);
    (check::check(written, &mut mistakes), mistakes)
}
