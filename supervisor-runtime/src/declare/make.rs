//! How a child's expression becomes a service: which types may stand there, and the words for those
//! that may not.
//!
//! The dispatch is on the type that the expression *gives*: [`IntoService`] takes a service, a
//! `Result` of one and a future of either, to any depth. Its parameter `M` is inferred and tells the
//! implementations apart. The bounds stand on the factory argument ([`Makes`]), so that the compiler
//! underlines exactly the user's expression.

use std::future::{self, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};

use pin_project_lite::pin_project;

use super::Child;
use crate::service::BoxFuture;
use crate::shell::Factory;
use crate::{BoxError, Service};

/// What may stand as a child's expression: a [`Service`], a `Result` of one, a future of either.
///
/// Not for implementing; implement [`Service`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Service`",
    label = "this child is not a `Service`",
    note = "a child is an expression that gives a `Service`, a `Result` of one whose error is an `Error`, or a future of either that is `Send`",
    note = "implement `Service` for your type, or wrap async code in `service_fn(|cx| async move {{ .. }})`",
    note = "a function is called here, as in `Worker::new()`; replicas (`worker*4`) take the function itself"
)]
pub trait IntoService<M>: Sized {
    /// The service that comes out.
    type Service: Service;

    /// The future on the way, which has to be `Send`. That is a bound of its own, so that the compiler says what is not,
    /// and where it is held, instead of that the future is no service.
    #[doc(hidden)]
    type Way;

    /// A future of the service; an `Err` on the way is a failed start.
    #[doc(hidden)]
    fn into_service(self) -> Begun<impl Future<Output = Result<Self::Service, BoxError>> + Send>
    where
        Self::Way: Send;
}

pin_project! {
    /// What was begun: most is done at once, or has failed; the rest has to be waited for. Either can be awaited, once.
    #[doc(hidden)]
    #[must_use = "a future does nothing unless it is polled"]
    #[project = BegunProjection]
    pub enum Begun<F> where F: Future {
        Done { outcome: Option<F::Output> },
        Pending { #[pin] future: F },
    }
}

/// The future of what is done at once in any case.
pub(crate) type Never<T> = future::Pending<T>;

impl<F: Future> Begun<F> {
    pub(crate) fn done(outcome: F::Output) -> Self {
        Self::Done { outcome: Some(outcome) }
    }

    pub(crate) fn pending(future: F) -> Self {
        Self::Pending { future }
    }

    /// The same for what comes of it; in a box if it has to be waited for.
    pub(crate) fn boxed<'a, T>(self, of: impl FnOnce(F::Output) -> T + Send + 'a) -> Begun<BoxFuture<'a, T>>
    where
        F: Send + 'a,
    {
        match self {
            Self::Done { outcome } => Begun::Done { outcome: outcome.map(of) },
            Self::Pending { future } => Begun::pending(Box::pin(async { of(future.await) })),
        }
    }
}

impl<S, F: Future<Output = Result<S, BoxError>>> Begun<F> {
    /// What could not be begun has failed.
    pub(crate) fn or_failed<E: Into<BoxError>>(begun: Result<Self, E>) -> Self {
        begun.unwrap_or_else(|error| Self::done(Err(error.into())))
    }
}

impl<F: Future> Future for Begun<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<F::Output> {
        match self.project() {
            BegunProjection::Done { outcome } => Poll::Ready(outcome.take().expect("polled after its end")),
            BegunProjection::Pending { future } => future.poll(task),
        }
    }
}

/// Tells the implementations of [`IntoService`] apart; inferred.
#[doc(hidden)]
pub struct ByValue;
/// Tells the implementations of [`IntoService`] apart; inferred.
#[doc(hidden)]
pub struct Fallible<M>(M);
/// Tells the implementations of [`IntoService`] apart; inferred.
#[doc(hidden)]
pub struct Async<M>(M);

#[diagnostic::do_not_recommend]
impl<S: Service> IntoService<ByValue> for S {
    type Service = S;
    type Way = ();

    fn into_service(self) -> Begun<impl Future<Output = Result<S, BoxError>> + Send> {
        Begun::<Never<_>>::done(Ok(self))
    }
}

#[diagnostic::do_not_recommend]
impl<T, E, M> IntoService<Fallible<M>> for Result<T, E>
where
    T: IntoService<M>,
    E: Into<BoxError>,
{
    type Service = T::Service;
    type Way = T::Way;

    fn into_service(self) -> Begun<impl Future<Output = Result<T::Service, BoxError>> + Send>
    where
        Self::Way: Send,
    {
        Begun::or_failed(self.map(T::into_service))
    }
}

#[diagnostic::do_not_recommend]
impl<F, M> IntoService<Async<M>> for F
where
    F: Future,
    F::Output: IntoService<M>,
    <F::Output as IntoService<M>>::Way: Send,
{
    type Service = <F::Output as IntoService<M>>::Service;
    type Way = F;

    fn into_service(self) -> Begun<impl Future<Output = Result<Self::Service, BoxError>> + Send>
    where
        Self::Way: Send,
    {
        Begun::pending(async { self.await.into_service().await })
    }
}

/// Holds for exactly the type that a child declares (`db: Db = ..`); any type where it declares none.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "this child is declared as `{S}`, but its expression gives `{Self}`",
    label = "gives `{Self}`"
)]
pub trait Declared<S>: Service {
    /// The same value, under its declared type.
    fn declared(self) -> S;

    /// The same child, likewise.
    fn child(child: Child<Self>) -> Child<S>
    where
        Self: Sized;

    /// The same source of its incarnations, likewise.
    #[allow(private_interfaces, reason = "only the crate declares children")]
    fn factory(factory: Arc<dyn Factory<Self>>) -> Arc<dyn Factory<S>>
    where
        Self: Sized;
}

#[diagnostic::do_not_recommend]
impl<S: Service> Declared<S> for S {
    fn declared(self) -> S {
        self
    }

    fn child(child: Child<S>) -> Child<S> {
        child
    }

    #[allow(private_interfaces, reason = "only the crate declares children")]
    fn factory(factory: Arc<dyn Factory<S>>) -> Arc<dyn Factory<S>> {
        factory
    }
}

/// A function from the arguments `A` to what may stand as a child that gives an `S`; see [`IntoService`].
///
/// Not for implementing: it holds for every such function and closure.
#[doc(hidden)]
pub trait Makes<S, A, M>: Send + Sync + 'static {
    /// `S`, as the type that is known to be a service: were that asked of `S`, the compiler would say of a child that is
    /// none that its declared type is none, and then that what the expression gives is none.
    type Made: Declared<S>;

    /// Calls the function.
    fn make(&self, args: A) -> Begun<impl Future<Output = Result<Self::Made, BoxError>> + Send>;
}

/// [`Makes`] for a function that can be called once: an `in_place` child.
#[doc(hidden)]
pub trait MakesOnce<S, A, M>: Send + 'static {
    /// As of [`Makes`].
    type Made: Declared<S>;

    /// Calls the function.
    fn make_once(self, args: A) -> Begun<impl Future<Output = Result<Self::Made, BoxError>> + Send>;
}

macro_rules! makes {
    ($($arg:ident: $ty:ident),*) => {
        impl<F, R, S, M, $($ty),*> Makes<S, ($($ty,)*), M> for F
        where
            F: Fn($($ty),*) -> R + Send + Sync + 'static,
            R: IntoService<M>,
            R::Way: Send,
            R::Service: Declared<S>,
        {
            type Made = R::Service;

            fn make(
                &self,
                ($($arg,)*): ($($ty,)*),
            ) -> Begun<impl Future<Output = Result<R::Service, BoxError>> + Send> {
                self($($arg),*).into_service()
            }
        }
    };
}
makes!();
makes!(first: A);
makes!(first: A, second: B);

macro_rules! makes_once {
    ($($arg:ident: $ty:ident),*) => {
        impl<F, R, S, M, $($ty),*> MakesOnce<S, ($($ty,)*), M> for F
        where
            F: FnOnce($($ty),*) -> R + Send + 'static,
            R: IntoService<M>,
            R::Way: Send,
            R::Service: Declared<S>,
        {
            type Made = R::Service;

            fn make_once(
                self,
                ($($arg,)*): ($($ty,)*),
            ) -> Begun<impl Future<Output = Result<R::Service, BoxError>> + Send> {
                self($($arg),*).into_service()
            }
        }
    };
}
makes_once!();
makes_once!(first: A);
