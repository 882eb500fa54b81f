//! What is supervised: a [`Service`].

use std::any::{Any, TypeId};
use std::error::Error;
use std::future::{Future, Ready, ready};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use crate::{Context, Exit};

/// Any error, boxed, as a service returns it; `?` turns every error type into it.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What a [`Service`] returns: nothing, or the reason why it failed.
pub type ServiceResult = Result<(), BoxError>;

/// A long-running part of a program that a supervisor starts, watches, restarts and stops.
///
/// One value of the type is one *incarnation*: unless the child is declared `in_place` or with
/// `replace`, a restart drops it and evaluates the child's expression again, so that a restart
/// begins with clean state. The life of an incarnation is `start`, then `run`, then `stop`.
///
/// Write plain `async fn`s:
///
/// ```
/// use std::time::Duration;
/// use supervisor_runtime::{Context, Exit, Service, ServiceResult};
///
/// struct Ticker(u64);
///
/// impl Service for Ticker {
///     async fn run(&mut self, cx: &Context) -> ServiceResult {
///         let mut ticks = cx.interval(Duration::from_secs(1));
///         while let Some(_) = ticks.tick().await {
///             self.0 += 1;
///         }
///         Ok(()) // asked to stop
///     }
///
///     async fn stop(&mut self, _cx: &Context, exit: &Exit) {
///         println!("{} ticks, then: {exit}", self.0);
///     }
/// }
/// ```
///
/// # Panics
///
/// A panic in any of the three is a failure like any other, with its message and place.
///
/// # Cancel safety
///
/// The futures are polled to their end, except where a limit forbids it: a `start` past its
/// `start_timeout`, a `run` past its `heartbeat`, and anything past its `shutdown` deadline is
/// dropped. A service that must not lose work listens to [`Context::stopping`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Service`",
    label = "not a `Service`",
    note = "implement `Service` for your type, or wrap async code in `service_fn(|cx| async move {{ .. }})`"
)]
pub trait Service: Send + 'static {
    /// Prepares the service; what is declared after it waits until this has returned.
    ///
    /// The default does nothing. An `Err` is a failed start, and `run` and `stop` are not called.
    fn start(&mut self, cx: &Context) -> impl Future<Output = ServiceResult> + Send {
        let _ = cx;
        Nothing::of(self, Ok(()))
    }

    /// Runs until the work is done, something failed, or [`Context::stopping`] says to stop.
    ///
    /// Returning `Ok` unasked is a failure for a `permanent` child, the default, and the end of its
    /// work for a `transient` or `temporary` one.
    fn run(&mut self, cx: &Context) -> impl Future<Output = ServiceResult> + Send;

    /// Cleans up, once for every successful `start`, whatever `exit` ended the run.
    ///
    /// The default does nothing. It shares the child's `shutdown` deadline with what is left of
    /// `run`, and is not called for a future that had to be dropped.
    fn stop(&mut self, cx: &Context, exit: &Exit) -> impl Future<Output = ()> + Send {
        let _ = (cx, exit);
        Nothing::of(self, ())
    }
}

/// The future of a `start` or `stop` that the service `S` does not have.
///
/// `S` is in its type because the `start` of a service around another one may give the other's future: that is still a `start` of
/// its own.
struct Nothing<S: ?Sized, T> {
    outcome: Ready<T>,
    service: PhantomData<fn(&S)>,
}

impl<S: ?Sized, T> Nothing<S, T> {
    fn of(_: &S, outcome: T) -> Self {
        Self { outcome: ready(outcome), service: PhantomData }
    }
}

impl<S: ?Sized, T> Future for Nothing<S, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<T> {
        Pin::new(&mut self.outcome).poll(task)
    }
}

/// Whether the service has a `start` of its own; the compiler knows.
#[inline]
pub(crate) fn has_start<S: Service>() -> bool {
    is_own::<S, _, _>(|(service, cx): (&'static mut S, &'static Context)| service.start(cx))
}

/// Whether the service has a `stop` of its own; the compiler knows.
#[inline]
pub(crate) fn has_stop<S: Service>() -> bool {
    is_own::<S, _, _>(|(service, cx, exit): (&'static mut S, &'static Context, &'static Exit)| service.stop(cx, exit))
}

/// Whether that, which is not called, gives another future than that of what `S` does not have.
#[inline]
fn is_own<S: Service, A, F: Future + 'static>(_: impl FnOnce(A) -> F) -> bool {
    TypeId::of::<F>() != TypeId::of::<Nothing<S, F::Output>>()
}

/// A service that offers a *handle* to others: what they talk to it with, a pool or a sender, say.
///
/// In `supervision_tree!`, a child's expression uses the handle of a child declared before it by that child's name. It is taken
/// when the provider's `start` has succeeded, and it is the one of the current incarnation: when that has ended, whoever
/// used the handle is restarted with the new one. By hand: [`Wire`](crate::Wire).
///
/// ```
/// use supervisor_runtime::{Context, Provide, Service, ServiceResult};
/// use tokio::sync::mpsc;
///
/// struct Mailer { inbox: mpsc::Receiver<String>, outbox: mpsc::Sender<String> }
///
/// impl Provide for Mailer {
///     type Handle = mpsc::Sender<String>;
///
///     fn handle(&self) -> Self::Handle {
///         self.outbox.clone()
///     }
/// }
/// # impl Service for Mailer { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` offers no handle: it does not implement `Provide`",
    label = "this child is used by others, but offers them nothing",
    note = "say what they get: `impl Provide for {Self} {{ type Handle = ..; fn handle(&self) -> Self::Handle {{ .. }} }}`"
)]
pub trait Provide: Service {
    /// What others talk to the service with; each that uses it gets a clone.
    type Handle: Clone + Send + Sync + 'static;

    /// The handle of this incarnation; called once, when its `start` has succeeded. A panic is a failed start.
    fn handle(&self) -> Self::Handle;
}

/// Says: "my handle works across restarts of the same value".
///
/// A child of such a service, declared `in_place`, can be used also where its failure does not restart those that use
/// it, under `one_for_one` for instance. Nothing checks that it is true: a handle that talks to something that `start` makes
/// anew, say, is not stable.
///
/// ```
/// # use supervisor_runtime::{Context, Provide, Service, ServiceResult, StableHandle};
/// # use tokio::sync::mpsc;
/// # struct Mailer { inbox: mpsc::Receiver<String>, outbox: mpsc::Sender<String> }
/// # impl Provide for Mailer { type Handle = mpsc::Sender<String>; fn handle(&self) -> Self::Handle { self.outbox.clone() } }
/// # impl Service for Mailer { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
/// // The channel is the value's own: a restart of the same value goes on reading it.
/// impl StableHandle for Mailer {}
/// ```
#[diagnostic::on_unimplemented(
    message = "the handle of `{Self}` is not known to be stable: it does not implement `StableHandle`",
    label = "those that use it would go on with the old handle when it is restarted",
    note = "if its handle works across restarts of the same value, say so: `impl StableHandle for {Self} {{}}`",
    note = "otherwise put both into a `dependents_for_one`, `rest_for_one` or `one_for_all` group, without `in_place`"
)]
pub trait StableHandle: Provide {}

/// Makes a [`Service`] from a function of its [`Context`]; see [`service_fn`].
pub struct ServiceFn<F>(Option<F>);

/// Makes a service of a closure that returns a future.
///
/// In a tree the expression is evaluated anew for each incarnation, so a closure that can be called
/// once is enough. (Declared `in_place`, its second start is therefore an error: write a [`Service`].)
///
/// ```
/// use std::time::Duration;
/// use supervisor_runtime::{service_fn, Supervisor, Child};
///
/// let tree = Supervisor::one_for_one("clock").child(Child::new("tick", || {
///     service_fn(|cx| async move {
///         while cx.sleep(Duration::from_secs(1)).await.is_some() {
///             println!("tick");
///         }
///         Ok(())
///     })
/// }));
/// ```
pub fn service_fn<F, Fut>(run: F) -> ServiceFn<F>
where
    F: FnOnce(Context) -> Fut + Send + 'static,
    Fut: Future<Output = ServiceResult> + Send + 'static,
{
    ServiceFn(Some(run))
}

// What the future gives is asked for in `service_fn` alone: were it asked for here again, a closure without its `Ok(())`
// would be told that, and also that it is no service.
impl<F, Fut> Service for ServiceFn<F>
where
    F: FnOnce(Context) -> Fut + Send + 'static,
    Fut: Future + Send + 'static,
{
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        let Some(run) = self.0.take() else {
            return Err("a `service_fn` runs once: an `in_place` child needs a type of its own".into());
        };
        let mut ended = Some(run(cx.clone()).await);
        let ended: Option<&mut Option<ServiceResult>> = (&mut ended as &mut dyn Any).downcast_mut();
        ended.and_then(Option::take).expect("`service_fn` takes only what gives a `ServiceResult`")
    }
}

/// A [`Service`] whose type is erased, so that one child can hold one of several.
///
/// Its three futures are boxed; where the type is known, do without.
///
/// ```
/// use supervisor_runtime::{service_fn, BoxService};
///
/// fn backend(in_memory: bool) -> BoxService {
///     if in_memory {
///         BoxService::new(service_fn(|cx| async move { cx.stopping().await; Ok(()) }))
///     } else {
///         BoxService::new(service_fn(|_| async { Err("no such file".into()) }))
///     }
/// }
/// # let _ = backend(true);
/// ```
pub struct BoxService(Box<dyn DynService>);

impl BoxService {
    /// Erases the type of `service`.
    pub fn new(service: impl Service) -> Self {
        Self(Box::new(service))
    }
}

impl Service for BoxService {
    async fn start(&mut self, cx: &Context) -> ServiceResult {
        self.0.start(cx).await
    }

    async fn run(&mut self, cx: &Context) -> ServiceResult {
        self.0.run(cx).await
    }

    async fn stop(&mut self, cx: &Context, exit: &Exit) {
        self.0.stop(cx, exit).await;
    }
}

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A [`Service`] whose type is erased; as an `Any`, whoever knows the type gets it back.
pub(crate) trait DynService: Any + Send {
    fn start<'a>(&'a mut self, cx: &'a Context) -> BoxFuture<'a, ServiceResult>;
    fn run<'a>(&'a mut self, cx: &'a Context) -> BoxFuture<'a, ServiceResult>;
    fn stop<'a>(&'a mut self, cx: &'a Context, exit: &'a Exit) -> BoxFuture<'a, ()>;
}

impl<S: Service> DynService for S {
    fn start<'a>(&'a mut self, cx: &'a Context) -> BoxFuture<'a, ServiceResult> {
        Box::pin(Service::start(self, cx))
    }

    fn run<'a>(&'a mut self, cx: &'a Context) -> BoxFuture<'a, ServiceResult> {
        Box::pin(Service::run(self, cx))
    }

    fn stop<'a>(&'a mut self, cx: &'a Context, exit: &'a Exit) -> BoxFuture<'a, ()> {
        Box::pin(Service::stop(self, cx, exit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain;

    impl Service for Plain {
        async fn run(&mut self, _cx: &Context) -> ServiceResult {
            Ok(())
        }
    }

    /// Does something before it gives the futures of another, which are those that do nothing.
    struct Around(Plain);

    impl Service for Around {
        fn start(&mut self, cx: &Context) -> impl Future<Output = ServiceResult> + Send {
            Service::start(&mut self.0, cx)
        }

        fn run(&mut self, cx: &Context) -> impl Future<Output = ServiceResult> + Send {
            Service::run(&mut self.0, cx)
        }

        fn stop(&mut self, cx: &Context, exit: &Exit) -> impl Future<Output = ()> + Send {
            Service::stop(&mut self.0, cx, exit)
        }
    }

    struct Own;

    impl Service for Own {
        async fn start(&mut self, _cx: &Context) -> ServiceResult {
            Ok(())
        }

        async fn run(&mut self, _cx: &Context) -> ServiceResult {
            Ok(())
        }

        async fn stop(&mut self, _cx: &Context, _exit: &Exit) {}
    }

    #[test]
    fn a_service_has_what_it_says_itself_also_if_that_is_what_another_does_not_have() {
        assert_eq!((has_start::<Plain>(), has_stop::<Plain>()), (false, false));
        assert_eq!((has_start::<Around>(), has_stop::<Around>()), (true, true));
        assert_eq!((has_start::<Own>(), has_stop::<Own>()), (true, true));
    }
}
