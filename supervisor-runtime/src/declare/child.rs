//! The declaration of a child: a name, a factory, options.

use std::any::type_name;
use std::sync::Arc;
use std::time::Duration;

#[cfg(doc)]
use super::Supervisor;
use super::extent::told;
use super::spec::{ChildSpec, Kind, Size};
use super::wire::{List, Offered, WireId};
use super::wiring::{Carries, Provided, Stability, Use};
use super::{Backoff, Bound, Connect, Declared, Makes, MakesOnce, Name, Restart, Shutdown, Uses, Wire, Wires};
use crate::shell::{Added, Evaluated, Factory, InPlace, Inserted, Offers, Replaced, Using};
use crate::{Provide, Service, StableHandle};

/// A child of a [`Supervisor`]: how it is made, and what happens when it ends.
///
/// `S` is the type of the service, inferred or stated (`Child::<Db>::new(..)`).
///
/// ```
/// use std::time::Duration;
/// use supervisor_runtime::{Child, Context, Restart, Service, ServiceResult, Supervisor};
///
/// struct Worker(usize);
///
/// impl Service for Worker {
///     async fn run(&mut self, cx: &Context) -> ServiceResult {
///         cx.stopping().await;
///         Ok(())
///     }
/// }
///
/// let pool = Supervisor::one_for_one("pool").child(
///     Child::replicated("worker", 4, Worker)
///         .restart(Restart::Transient)
///         .shutdown(Duration::from_secs(30)),
/// );
/// ```
#[must_use = "a child does nothing until it is given to a supervisor"]
pub struct Child<S> {
    pub(super) spec: ChildSpec,
    pub(super) factory: Arc<dyn Factory<S>>,
    pub(super) inserted: Arc<Inserted<S>>,
    pub(super) offers: Offers<S>,
}

// The bounds stand on the functions: on the `impl`, the compiler would say of a type that is no service that there is no
// such function, and not why.
impl<S> Child<S> {
    /// A child whose every incarnation is made by calling `make`.
    ///
    /// `make` returns the service, a `Result` of it (an `Err` is a failed start), or a future of either.
    pub fn new<F, R, M>(name: impl Into<Name>, make: F) -> Self
    where
        F: Fn() -> R,
        F: Makes<S, (), M>,
        M: 'static,
        S: 'static,
    {
        Declared::child(Child::<F::Made>::from_factory(name, Size::One, false, Arc::new(Evaluated::once_each(make))))
    }

    /// A child whose service is made once, when the tree starts, and started again after a failure.
    ///
    /// It may show what a panic left behind; the other constructors give clean state. `make` can move
    /// out of what it captured.
    ///
    /// ```
    /// use supervisor_runtime::{Child, Context, Service, ServiceResult, Supervisor};
    /// use tokio::sync::mpsc;
    ///
    /// struct Mailer { inbox: mpsc::Receiver<String> }
    ///
    /// impl Service for Mailer {
    ///     async fn run(&mut self, cx: &Context) -> ServiceResult {
    ///         while let Some(Some(mail)) = cx.until_stopped(self.inbox.recv()).await {
    ///             println!("sending {mail}");
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let (outbox, inbox) = mpsc::channel(100);
    /// let tree = Supervisor::one_for_one("office").child(Child::in_place("mailer", move || Mailer { inbox }));
    /// # drop(outbox);
    /// ```
    pub fn in_place<F, R, M>(name: impl Into<Name>, make: F) -> Self
    where
        F: FnOnce() -> R,
        F: MakesOnce<S, (), M>,
        M: 'static,
        S: 'static,
    {
        Declared::child(Child::<F::Made>::from_factory(name, Size::One, true, Arc::new(InPlace::once(make))))
    }

    /// `count` children of one kind: `make` is called with the index of the replica, from 0.
    ///
    /// An index belongs to its replica for life. Replicas start together and stop together.
    pub fn replicated<F, R, M>(name: impl Into<Name>, count: usize, make: F) -> Self
    where
        F: Fn(usize) -> R,
        F: Makes<S, (usize,), M>,
        M: 'static,
        S: 'static,
    {
        Declared::child(Child::<F::Made>::from_factory(
            name,
            Size::Replicas(count),
            false,
            Arc::new(Evaluated::by_index(make)),
        ))
    }

    /// [`replicated`](Self::replicated), each replica made once, as [`in_place`](Self::in_place).
    pub fn replicated_in_place<F, R, M>(name: impl Into<Name>, count: usize, make: F) -> Self
    where
        F: Fn(usize) -> R,
        F: Makes<S, (usize,), M>,
        M: 'static,
        S: 'static,
    {
        Declared::child(Child::<F::Made>::from_factory(
            name,
            Size::Replicas(count),
            true,
            Arc::new(InPlace::by_index(make)),
        ))
    }

    /// [`new`](Self::new), with the handles of the children that it uses, as they are each time that it is made.
    ///
    /// To use a [`Wire`](super::Wire) is to depend on the child that [provides](Self::provides) it: under
    /// [`Supervisor::dependents_for_one`] that is the order, and under every strategy a provider that is stopped or restarted by
    /// hand takes those that use it along. Several wires are a tuple: `Child::using("report", (&db, &cache), |(db, cache)| ..)`.
    ///
    /// The provider has to stand before it, in its own supervisor or in one around that. What could leave it with a handle
    /// of an incarnation that is gone is a mistake, which the start of the tree reports: the provider's supervisor is
    /// `one_for_one`, `forfeit_one_for_one` or `custom`, or this child keeps its old value, unless the handle is
    /// [stable](Self::provides_stable).
    pub fn using<U, F, R, M>(name: impl Into<Name>, uses: U, make: F) -> Self
    where
        U: Connect,
        F: Fn(<U::Uses as Uses>::Handles) -> R,
        F: Makes<S, (<U::Uses as Uses>::Handles,), M>,
        M: 'static,
        S: 'static,
    {
        let (uses, wires) = connect(uses);
        let factory = Arc::new(Using::once_each(uses, make));
        Declared::child(Child::<F::Made>::from_factory(name, Size::One, false, factory)).uses(wires)
    }

    /// [`in_place`](Self::in_place), with the handles of the children that it uses; see [`using`](Self::using).
    pub fn in_place_using<U, F, R, M>(name: impl Into<Name>, uses: U, make: F) -> Self
    where
        U: Connect,
        F: FnOnce(<U::Uses as Uses>::Handles) -> R,
        F: MakesOnce<S, (<U::Uses as Uses>::Handles,), M>,
        M: 'static,
        S: 'static,
    {
        let (uses, wires) = connect(uses);
        let factory = Arc::new(InPlace::once_using(uses, make));
        Declared::child(Child::<F::Made>::from_factory(name, Size::One, true, factory)).uses(wires)
    }

    /// [`replicated`](Self::replicated), with the handles of the children that each replica uses; see
    /// [`using`](Self::using).
    pub fn replicated_using<U, F, R, M>(name: impl Into<Name>, count: usize, uses: U, make: F) -> Self
    where
        U: Connect,
        F: Fn(usize, <U::Uses as Uses>::Handles) -> R,
        F: Makes<S, (usize, <U::Uses as Uses>::Handles), M>,
        M: 'static,
        S: 'static,
    {
        let (uses, wires) = connect(uses);
        let factory = Arc::new(Using::by_index(uses, make));
        Declared::child(Child::<F::Made>::from_factory(name, Size::Replicas(count), false, factory)).uses(wires)
    }

    /// [`replicated_in_place`](Self::replicated_in_place), with the handles of the children that each replica uses; see
    /// [`using`](Self::using).
    pub fn replicated_in_place_using<U, F, R, M>(name: impl Into<Name>, count: usize, uses: U, make: F) -> Self
    where
        U: Connect,
        F: Fn(usize, <U::Uses as Uses>::Handles) -> R,
        F: Makes<S, (usize, <U::Uses as Uses>::Handles), M>,
        M: 'static,
        S: 'static,
    {
        let (uses, wires) = connect(uses);
        let factory = Arc::new(InPlace::by_index_using(uses, make));
        Declared::child(Child::<F::Made>::from_factory(name, Size::Replicas(count), true, factory)).uses(wires)
    }

    /// Offers its handle to those that use this wire, from each successful `start` on.
    pub fn provides(self, wire: &Wire<S::Handle>) -> Self
    where
        S: Provide,
    {
        self.offers(wire.id(), Carries::One, Stability::PerIncarnation, Offered::one(wire, false))
    }

    /// Offers a handle that works across restarts of the same value: for an [`in_place`](Self::in_place) child.
    pub fn provides_stable(self, wire: &Wire<S::Handle>) -> Self
    where
        S: StableHandle,
    {
        self.offers(wire.id(), Carries::One, Stability::Stable, Offered::one(wire, true))
    }

    /// [`provides`](Self::provides), for replicas: those that use them get a `Vec` of the handles of all.
    pub fn provides_each(self, wires: &Wires<S::Handle>) -> Self
    where
        S: Provide,
    {
        self.offers(wires.id(), Carries::Each, Stability::PerIncarnation, Offered::each(wires, false))
    }

    /// [`provides_stable`](Self::provides_stable), for replicas.
    pub fn provides_each_stable(self, wires: &Wires<S::Handle>) -> Self
    where
        S: StableHandle,
    {
        self.offers(wires.id(), Carries::Each, Stability::Stable, Offered::each(wires, true))
    }

    fn uses(mut self, List(wires): List) -> Self {
        let user = told(self.spec.name.as_str()).to_string();
        let uses = wires.into_iter().map(|wire| Use { wire, user: user.clone(), keeps: self.spec.in_place });
        self.spec.uses = uses.collect();
        self
    }

    fn offers(mut self, wire: WireId, carries: Carries, stability: Stability, offer: Offered<S::Handle>) -> Self
    where
        S: Provide,
    {
        self.spec.provides.push(Provided { wire, carries, stability });
        self.spec.handles = Some(offer.handles());
        self.offers.push(Arc::new(offer));
        self
    }

    /// An open group: members of the type `S` are added while the tree runs, no more than `bound` at a time, those that are
    /// still stopping among them; it begins with none. OTP calls this `simple_one_for_one`.
    ///
    /// [`Children::add`](crate::Children::add) adds one. Its index is its own for life, and not given again before 2³² others
    /// were. Members are [`Restart::Temporary`] unless said, and leave when they have ended.
    ///
    /// ```
    /// use supervisor_runtime::{Child, Context, Service, ServiceResult, Supervisor};
    ///
    /// struct Conn { peer: String }
    ///
    /// impl Service for Conn {
    ///     async fn run(&mut self, cx: &Context) -> ServiceResult {
    ///         println!("{} is {}", self.peer, cx.path());
    ///         cx.stopping().await;
    ///         Ok(())
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let running = Supervisor::one_for_one("server")
    ///     .child(Child::<Conn>::open("conn", ..=1000))
    ///     .start()
    ///     .await?;
    /// let conns = running.children::<Conn>("conn")?;
    /// let first = conns.add(Conn { peer: "alice".to_owned() }).await?;
    /// assert_eq!((first.index(), first.path()), (0, "server/conn[0]".to_owned()));
    /// conns.discard(first.index()).await?;
    /// running.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn open(name: impl Into<Name>, bound: impl Bound) -> Self
    where
        S: Service,
    {
        Self::from_added(name, bound.limit(), false)
    }

    /// [`open`](Self::open), each member the same value for as long as it is one, as [`in_place`](Self::in_place).
    ///
    /// Only what is restarted can be started again as it is: it takes [`restart`](Self::restart), `transient` or
    /// `permanent`.
    pub fn open_in_place(name: impl Into<Name>, bound: impl Bound) -> Self
    where
        S: Service,
    {
        Self::from_added(name, bound.limit(), true)
    }

    /// Makes the next incarnation from the stopped one, so that it can keep what must not be lost, its
    /// inbox for instance; `mode` calls this a `replacement`.
    ///
    /// `replace(old, index)` returns what a factory may return. If it fails, or the old incarnation is
    /// gone (it panicked in its factory, say), the next attempt calls the factory. It is also called for a
    /// child that is swept by the restart of another.
    ///
    /// ```
    /// use supervisor_runtime::{Child, Context, Service, ServiceResult, Supervisor};
    ///
    /// struct Counter { index: usize, seen: u64, buffer: Vec<u8> }
    ///
    /// impl Counter {
    ///     fn new(index: usize) -> Self {
    ///         Self { index, seen: 0, buffer: Vec::new() }
    ///     }
    ///
    ///     /// Keeps the count; the buffer may be what it stumbled over.
    ///     fn reborn(old: Self, index: usize) -> Self {
    ///         Self { seen: old.seen, ..Self::new(index) }
    ///     }
    /// }
    /// # impl Service for Counter { async fn run(&mut self, cx: &Context) -> ServiceResult { cx.stopping().await; Ok(()) } }
    ///
    /// let tree = Supervisor::one_for_one("stats")
    ///     .child(Child::replicated("counter", 4, Counter::new).replace(Counter::reborn));
    /// ```
    pub fn replace<F, R, M>(mut self, replace: F) -> Self
    where
        F: Fn(S, usize) -> R,
        F: Makes<S, (S, usize), M>,
        M: 'static,
        S: Service,
    {
        if self.spec.in_place || self.spec.size == Size::Open {
            self.spec.keeps_and_replaces = true;
        } else {
            self.spec.uses.iter_mut().for_each(|used| used.keeps = true);
            self.factory = Arc::new(Replaced::new(Arc::clone(&self.factory), replace));
        }
        self
    }

    /// When it is started again; [`Restart::Permanent`] unless said.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.spec.options.restart = restart;
        self
    }

    /// How long it may take to stop before it is dropped; 5 seconds, [`Shutdown::DEFAULT`], unless said.
    pub fn shutdown(mut self, shutdown: impl Into<Shutdown>) -> Self {
        self.spec.options.shutdown = Some(shutdown.into());
        self
    }

    /// How long its factory and `start` may take together; no limit unless said. More is a failed start; one that blocks its
    /// thread meanwhile, and cannot even be dropped, is given up a second later as stuck, which ends its group.
    pub fn start_timeout(mut self, limit: Duration) -> Self {
        self.spec.options.start_timeout = Some(limit);
        self
    }

    /// How long its restarts are delayed; as its supervisor's `backoff` unless said.
    pub fn backoff(mut self, backoff: impl Into<Backoff>) -> Self {
        self.spec.options.backoff = Some(backoff.into());
        self
    }

    /// The longest silence between two calls of [`Context::heartbeat`](crate::Context::heartbeat) while it
    /// runs; no limit unless said. A child silent for longer is dropped and has failed; one that blocks its thread
    /// meanwhile cannot be dropped, and a second later its supervisor gives it up as stuck. What waits for long by
    /// design has to beat while it waits.
    ///
    /// ```
    /// use std::time::Duration;
    /// use supervisor_runtime::{Child, Context, Service, ServiceResult};
    ///
    /// struct Importer { files: Vec<String> }
    ///
    /// impl Service for Importer {
    ///     async fn run(&mut self, cx: &Context) -> ServiceResult {
    ///         for file in &self.files {
    ///             tokio::fs::read(file).await?;
    ///             cx.heartbeat();
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let child = Child::new("importer", || Importer { files: Vec::new() }).heartbeat(Duration::from_secs(30));
    /// ```
    pub fn heartbeat(mut self, limit: Duration) -> Self {
        self.spec.options.heartbeat = Some(limit);
        self
    }

    /// The earlier siblings that it depends on; only under [`Supervisor::dependents_for_one`].
    pub fn requires<N: Into<Name>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.spec.options.requires.extend(names.into_iter().map(Into::into));
        self
    }

    /// Makes its end count for its supervisor's [`auto_shutdown`](Supervisor::auto_shutdown).
    pub fn significant(mut self) -> Self {
        self.spec.options.significant = true;
        self
    }

    fn from_added(name: impl Into<Name>, bound: Option<usize>, in_place: bool) -> Self
    where
        S: Service,
    {
        let added = Arc::new(Added::new(in_place));
        let mut child = Self::from_factory(name, Size::Open, in_place, Arc::clone(&added) as _);
        child.spec.options.restart = Restart::Temporary;
        child.spec.bound = bound;
        child.spec.added = Some(added);
        child
    }

    fn from_factory(name: impl Into<Name>, size: Size, in_place: bool, factory: Arc<dyn Factory<S>>) -> Self
    where
        S: Service,
    {
        let inserted = Arc::new(Inserted::default());
        let spec = ChildSpec {
            size,
            in_place,
            service: type_name::<S>(),
            inserted: Arc::clone(&inserted) as _,
            ..ChildSpec::new(
                name.into(),
                Kind::of::<S>(),
                Arc::clone(&factory).into_launch(Arc::clone(&inserted), Vec::new()),
            )
        };
        Self { spec, factory, inserted, offers: Vec::new() }
    }
}

fn connect<U: Connect>(uses: U) -> (U::Uses, List) {
    let (uses, mut wires) = (uses.connect(), List::default());
    uses.list(&mut wires);
    (uses, wires)
}
