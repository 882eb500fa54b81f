//! The tokio shell: carries out what the deciding core says.
//!
//! Each child has one task for as long as its place in the group lasts ([`task`]); it evaluates the factory,
//! polls the service under a [`guard`], and asks the core what the end of an incarnation means. A restart that
//! concerns only that child happens right there. What concerns several children is begun by the supervisor's own
//! task ([`supervisor`]), which is woken only then, and gone on with by each as its turn comes. All meet in the
//! [`group`].

mod cell;
mod cells;
mod drive;
mod factory;
mod group;
mod guard;
#[cfg(all(test, interleavings))]
mod interleavings;
mod life;
mod listen;
mod look;
mod panic;
mod promise;
mod record;
mod records;
mod spawned;
mod steer;
mod supervisor;
mod task;
mod tell;
mod watch;

pub(crate) use cell::Cell;
pub(crate) use factory::{Added, Evaluated, Factory, InPlace, Inserted, Launch, Offers, Owner, Replaced, Seat, Using};
#[cfg(feature = "test-util")]
pub(crate) use factory::{Erased, Source};
pub(crate) use group::{Group, now};
pub(crate) use guard::{Guarded, Limit, guard};
pub(crate) use panic::{catch, install_hook};
pub(crate) use promise::{Done, Ticket};
pub(crate) use spawned::{Spawned, SpawnedTaskFailed};
pub(crate) use steer::NotDone;
pub(crate) use supervisor::Owned;
