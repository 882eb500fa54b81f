//! References with the type of a service, and without.

use std::future::Future;
use std::pin::Pin;

use super::Rejected;

/// Stands for the type of a service where the declaration does not state it: its reference steers, untyped.
#[derive(Debug)]
pub enum Untyped {}

/// What can take the place of a child that is declared as `S`: an `S`.
///
/// Not for implementing: it is there for what the compiler says of anything else.
#[diagnostic::on_unimplemented(
    message = "this child is declared as `{S}`, and a `{Self}` cannot take its place",
    label = "not a `{S}`"
)]
pub trait Replaces<S>: Send {
    /// The same value.
    #[doc(hidden)]
    fn take_the_place(self) -> S;
}

#[diagnostic::do_not_recommend]
impl<S: Send> Replaces<S> for S {
    fn take_the_place(self) -> S {
        self
    }
}

/// What waits for a service to take the place of a child.
///
/// Boxed, because its type must not depend on that of the service: where the service is of a wrong type, the compiler
/// would say so of the future, too.
pub type Replacing<'a, S> = Pin<Box<dyn Future<Output = Result<(), Rejected<S>>> + Send + 'a>>;

/// Holds for nothing, so that the compiler says why.
#[diagnostic::on_unimplemented(
    message = "the declaration does not state the type of this child, so no `{R}` can take its place",
    label = "the type of the child is not stated",
    note = "state it where the child is declared, as in a `let`: `db: Db = Db::new()`"
)]
#[doc(hidden)]
pub trait States<R> {}

impl<R: Send> Replaces<Untyped> for R
where
    Untyped: States<R>,
{
    fn take_the_place(self) -> Untyped {
        unreachable!("no type is stated")
    }
}
