//! Wires: how a child comes by the handles of those that it uses.
//!
//! A wire is declared beside the children; one child [`provides`](super::Child::provides) its handle through it, others take
//! it when they are made. To take it is to depend on the provider: the edge is the argument, so it cannot be forgotten.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex};

use crate::shell::Owner;
use crate::sync::MutexExt;
use crate::{BoxError, Provide};

/// Carries the handle of one child to those that use it; `supervision_tree!` declares one for each child whose name is used.
///
/// A wire is one child's. Where a factory makes a supervisor, of which there may be several, it makes their wires, too: one
/// that it captured would be provided by all of them at once, and who uses it would get the handle of whichever started last.
///
/// ```
/// use supervisor_runtime::{Child, Context, Provide, Service, ServiceResult, Supervisor, Wire};
/// use tokio::sync::mpsc;
///
/// struct Printer { inbox: mpsc::Receiver<String>, outbox: mpsc::Sender<String> }
/// struct Greeter { printer: mpsc::Sender<String> }
///
/// impl Printer {
///     fn new() -> Self {
///         let (outbox, inbox) = mpsc::channel(16);
///         Self { inbox, outbox }
///     }
/// }
///
/// impl Provide for Printer {
///     type Handle = mpsc::Sender<String>;
///
///     fn handle(&self) -> Self::Handle {
///         self.outbox.clone()
///     }
/// }
/// # impl Service for Printer { async fn run(&mut self, cx: &Context) -> ServiceResult {
/// #     while let Some(Some(line)) = cx.until_stopped(self.inbox.recv()).await { println!("{line}"); }
/// #     Ok(())
/// # } }
/// # impl Service for Greeter { async fn run(&mut self, cx: &Context) -> ServiceResult {
/// #     self.printer.send("hello".to_owned()).await?;
/// #     cx.stopping().await;
/// #     Ok(())
/// # } }
///
/// let printer = Wire::new();
/// let tree = Supervisor::rest_for_one("office")
///     .child(Child::new("printer", Printer::new).provides(&printer))
///     .child(Child::using("greeter", &printer, |printer| Greeter { printer }));
/// # drop(tree);
/// ```
pub struct Wire<H>(Arc<Handles<H>>);

/// Carries the handles of all replicas of a child to those that use them, which get a `Vec`, in the order of the index.
pub struct Wires<H>(Arc<Handles<H>>);

/// The handles of the current incarnations of one child, by index.
pub(crate) struct Handles<H> {
    current: Mutex<BTreeMap<usize, (Owner, H)>>,
    id: WireId,
}

/// Tells one wire from another.
#[derive(Clone, Debug, Default)]
pub(crate) struct WireId(Arc<()>);

impl PartialEq for WireId {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for WireId {}

impl Hash for WireId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl<H: Clone> Handles<H> {
    /// The handle of the current incarnation at an index, if it offers one.
    pub(crate) fn get(&self, index: usize) -> Option<H> {
        self.current.hold().get(&index).map(|(_, handle)| handle.clone())
    }
}

impl<H> Handles<H> {
    fn new() -> Arc<Self> {
        Arc::new(Self { current: Mutex::new(BTreeMap::new()), id: WireId::default() })
    }
}

impl<H> Wire<H> {
    /// A wire that nothing is connected to yet.
    #[expect(clippy::new_without_default, reason = "each is another wire, which a default would hide")]
    pub fn new() -> Self {
        Self(Handles::new())
    }

    pub(super) fn id(&self) -> WireId {
        self.0.id.clone()
    }
}

impl<H> Wires<H> {
    /// A wire that nothing is connected to yet.
    #[expect(clippy::new_without_default, reason = "each is another wire, which a default would hide")]
    pub fn new() -> Self {
        Self(Handles::new())
    }

    pub(super) fn id(&self) -> WireId {
        self.0.id.clone()
    }
}

impl<H> Clone for Wire<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<H> Clone for Wires<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<H> fmt::Debug for Wire<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

impl<H> fmt::Debug for Wires<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wires").finish_non_exhaustive()
    }
}

/// What a provider does with its wire.
pub(crate) trait Offer<S>: Send + Sync + 'static {
    /// The incarnation at `index` has started.
    fn offer(&self, index: usize, owner: Owner, service: &S);

    /// It is about to be stopped, perhaps `for_good`: nobody uses its handle any more, and the last copy is not to be ours.
    fn withdraw(&self, index: usize, owner: Owner, for_good: bool);

    /// The tree has ended.
    fn clear(&self);
}

/// A provider's end of its wire.
pub(super) struct Offered<H> {
    handles: Arc<Handles<H>>,
    /// Its handle works across restarts, so it is offered until there is a new one, or it has left.
    stable: bool,
}

impl<H> Offered<H> {
    pub(super) fn one(wire: &Wire<H>, stable: bool) -> Self {
        Self { handles: Arc::clone(&wire.0), stable }
    }

    pub(super) fn each(wires: &Wires<H>, stable: bool) -> Self {
        Self { handles: Arc::clone(&wires.0), stable }
    }

    /// What it offers, for references.
    pub(super) fn handles(&self) -> Arc<Handles<H>> {
        Arc::clone(&self.handles)
    }
}

impl<S: Provide> Offer<S> for Offered<S::Handle> {
    fn offer(&self, index: usize, owner: Owner, service: &S) {
        let handle = service.handle();
        // The old one is the user's: it is dropped outside of the lock.
        let old = self.handles.current.hold().insert(index, (owner, handle));
        drop(old);
    }

    fn withdraw(&self, index: usize, owner: Owner, for_good: bool) {
        if for_good || !self.stable {
            let mut current = self.handles.current.hold();
            let is_own = current.get(&index).is_some_and(|(of, _)| owner.inherits(*of));
            let old = if is_own { current.remove(&index) } else { None };
            drop(current);
            drop(old);
        }
    }

    fn clear(&self) {
        let old = std::mem::take(&mut *self.handles.current.hold());
        drop(old);
    }
}

/// What a child uses: a [`Wire`], [`Wires`], or a tuple of such.
///
/// Not for implementing.
pub trait Uses: sealed::Sealed + Send + Sync + 'static {
    /// The handles that the child is made with.
    type Handles: Send + 'static;

    /// The current handles.
    #[doc(hidden)]
    fn take(&self) -> Result<Self::Handles, BoxError>;

    /// Adds the wires.
    #[doc(hidden)]
    fn list(&self, wires: &mut List);
}

mod sealed {
    pub trait Sealed {}
}

/// The wires that a child uses.
#[doc(hidden)]
#[derive(Default)]
pub struct List(pub(super) Vec<WireId>);

/// Wires, taken by reference where a child is declared.
pub trait Connect {
    /// What keeps them.
    type Uses: Uses;

    /// Keeps them.
    #[doc(hidden)]
    fn connect(self) -> Self::Uses;
}

impl<H: Clone + Send + Sync + 'static> sealed::Sealed for Wire<H> {}

impl<H: Clone + Send + Sync + 'static> Uses for Wire<H> {
    type Handles = H;

    fn take(&self) -> Result<H, BoxError> {
        // Who depends on a provider starts after it; only what is wired past the declaration can come too early.
        let handle = self.0.get(0);
        handle.ok_or_else(|| "what it uses offers no handle now".into())
    }

    fn list(&self, wires: &mut List) {
        wires.0.push(self.id());
    }
}

impl<H: Clone + Send + Sync + 'static> sealed::Sealed for Wires<H> {}

impl<H: Clone + Send + Sync + 'static> Uses for Wires<H> {
    type Handles = Vec<H>;

    fn take(&self) -> Result<Vec<H>, BoxError> {
        Ok(self.0.current.hold().values().map(|(_, handle)| handle.clone()).collect())
    }

    fn list(&self, wires: &mut List) {
        wires.0.push(self.id());
    }
}

impl<H: Clone + Send + Sync + 'static> Connect for &Wire<H> {
    type Uses = Wire<H>;

    fn connect(self) -> Wire<H> {
        self.clone()
    }
}

impl<H: Clone + Send + Sync + 'static> Connect for &Wires<H> {
    type Uses = Wires<H>;

    fn connect(self) -> Wires<H> {
        self.clone()
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: Uses),*> sealed::Sealed for ($($name,)*) {}

        impl<$($name: Uses),*> Uses for ($($name,)*) {
            type Handles = ($($name::Handles,)*);

            #[expect(non_snake_case, reason = "one name for the type and the value")]
            fn take(&self) -> Result<Self::Handles, BoxError> {
                let ($($name,)*) = self;
                Ok(($($name.take()?,)*))
            }

            #[expect(non_snake_case, reason = "one name for the type and the value")]
            fn list(&self, wires: &mut List) {
                let ($($name,)*) = self;
                $($name.list(wires);)*
            }
        }

        impl<$($name: Connect),*> Connect for ($($name,)*) {
            type Uses = ($($name::Uses,)*);

            #[expect(non_snake_case, reason = "one name for the type and the value")]
            fn connect(self) -> Self::Uses {
                let ($($name,)*) = self;
                ($($name.connect(),)*)
            }
        }
    };
}
tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G I);
