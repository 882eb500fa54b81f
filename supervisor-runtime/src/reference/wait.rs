//! Waiting for something in a running tree, from outside or from inside of it.

use std::sync::Arc;
use std::task::Poll;

use super::SteerError;
use super::route::{Route, Stop};
use crate::decide::{Order, Refused};
use crate::handle::TreeHandle;
use crate::shell::{Done, Group, NotDone, Ticket};
use crate::view::{State, Status};

impl Stop {
    /// What an order came to.
    pub(super) fn not_done(&self, error: NotDone, index: u32) -> SteerError {
        let path = || self.path(index);
        match error {
            NotDone::NotThere => SteerError::NotThere { path: path() },
            NotDone::Refused(Refused::Ending) if self.group.tree().has_ended() => SteerError::Ended,
            NotDone::Refused(Refused::Ending) => SteerError::NotRunning { supervisor: self.group.path().to_owned() },
            NotDone::Refused(Refused::Stuck) => SteerError::Stuck { path: path() },
            NotDone::Refused(Refused::Missing(slot)) => {
                SteerError::Requires { path: path(), missing: self.group.path_of(slot) }
            }
            NotDone::NeedsFactory => SteerError::NeedsFactory { path: path() },
            NotDone::Full(bound) => SteerError::Full { path: self.path_of_all(), bound },
            NotDone::Outermost => SteerError::Outermost { path: path() },
            NotDone::TooMany(limit) => SteerError::TooMany { path: self.path_of_all(), limit },
        }
    }

    /// The path of all replicas or members together.
    pub(super) fn path_of_all(&self) -> String {
        let path = self.path(0);
        path.strip_suffix("[0]").map(str::to_owned).unwrap_or(path)
    }
}

/// Gives an order, and waits until it is carried out.
pub(super) async fn order(route: &Route, index: Option<u32>, order: Order) -> Result<(), SteerError> {
    let stop = route.walk()?;
    if order == Order::Restart {
        may_restart(&route.tree, &stop, index)?;
    }
    let tickets =
        stop.group.order(stop.child, index, order).map_err(|error| stop.not_done(error, index.unwrap_or(0)))?;
    all_done(&route.tree, tickets).await
}

/// A service that in its `start` restarts itself, or what takes it along, would do nothing else, and no limit counts it.
pub(super) fn may_restart(tree: &TreeHandle, stop: &Stop, index: Option<u32>) -> Result<(), SteerError> {
    match tree.taken_along(&stop.group, stop.child, index) {
        Some(slot) => Err(SteerError::InItsStart { path: stop.group.path_of(slot) }),
        None => Ok(()),
    }
}

/// Does something in a group, when that is running: a restart of it that is under way is waited for.
pub(super) async fn when_running<T>(
    route: &Route,
    mut act: impl FnMut(&Stop) -> Result<T, SteerError>,
) -> Result<T, SteerError> {
    let tree = &route.tree;
    tree.watch(|| match route.walk().and_then(|stop| act(&stop)) {
        Err(SteerError::NotRunning { .. }) if route.comes_up() => {
            let waits = route.as_far_as_there().is_some_and(|(group, slot)| tree.waits_for_itself(&group, slot));
            let path = route.path().to_owned();
            if waits { Poll::Ready(Err(SteerError::WaitsForItself { path })) } else { Poll::Pending }
        }
        done => Poll::Ready(done),
    })
    .await
}

/// Waits for what was ordered; the first that went wrong is told.
pub(super) async fn all_done(tree: &TreeHandle, tickets: Vec<Ticket>) -> Result<(), SteerError> {
    let mut result = Ok(());
    for ticket in tickets {
        match done(tree, ticket).await {
            Err(SteerError::Stopping) => return Err(SteerError::Stopping),
            Err(error) if result.is_ok() => result = Err(error),
            _ => {}
        }
    }
    result
}

/// Waits for what was ordered of one child.
pub(super) async fn done(tree: &TreeHandle, mut ticket: Ticket) -> Result<(), SteerError> {
    if tree.waits_for_itself(&ticket.group, ticket.slot()) {
        return Err(SteerError::WaitsForItself { path: ticket.path() });
    }
    match tree.unless_stopped(&mut ticket).await? {
        Done::AsAsked => Ok(()),
        Done::NotStarted(Some(exit)) => Err(SteerError::StartFailed { path: ticket.path(), exit }),
        Done::NotStarted(None) | Done::Overtaken => Err(SteerError::Overtaken { path: ticket.path() }),
        Done::Stuck => Err(SteerError::Stuck { path: ticket.path() }),
    }
}

/// Where a child stands, with what is below it.
pub(super) fn status(route: &Route, index: u32) -> Result<Status, SteerError> {
    let stop = route.walk()?;
    stop.group.status_of(stop.child, index).ok_or_else(|| stop.not_there(index))
}

/// Waits until a child is in a state, or ready if none is said.
pub(super) async fn until(route: &Route, index: u32, wants: Option<State>) -> Result<(), SteerError> {
    let tree = &route.tree;
    tree.watch(|| {
        let stop = match route.walk() {
            Ok(stop) => stop,
            // It may come up; but not after the end.
            Err(SteerError::NotRunning { .. }) if !tree.has_ended() => {
                return not_yet(route, route.path_of(index), wants);
            }
            Err(error) => return Poll::Ready(Err(error)),
        };
        let slot = match stop.slot(index) {
            Ok(slot) => slot,
            Err(_) if wants == Some(State::Gone) => return Poll::Ready(Ok(())),
            Err(error) => return Poll::Ready(Err(error)),
        };
        let is_there = match wants {
            Some(state) => stop.group.status(slot).state() == state,
            None => stop.group.is_ready(slot),
        };
        if is_there {
            return Poll::Ready(Ok(()));
        }
        let path = || stop.path(index);
        if tree.waits_for_itself(&stop.group, slot) {
            return Poll::Ready(Err(SteerError::WaitsForItself { path: path() }));
        }
        if tree.has_ended() {
            return Poll::Ready(Err(SteerError::Ended));
        }
        match never(route, wants).or_else(|| never_itself(&stop.group, slot, wants)) {
            Some((of, state)) => Poll::Ready(Err(SteerError::never(path(), &of, state))),
            None => Poll::Pending,
        }
    })
    .await
}

/// Waits until the group in which a child stands is there.
pub(super) async fn until_there(route: &Route) -> Result<Stop, SteerError> {
    let tree = &route.tree;
    tree.watch(|| match route.walk() {
        Err(SteerError::NotRunning { .. }) if !tree.has_ended() => not_yet(route, route.path().to_owned(), None),
        there => Poll::Ready(there),
    })
    .await
}

/// The group in which a child stands is not there: whether it is worth waiting for.
fn not_yet<T>(route: &Route, path: String, wants: Option<State>) -> Poll<Result<T, SteerError>> {
    let last = route.as_far_as_there();
    if last.is_some_and(|(group, slot)| route.tree.waits_for_itself(&group, slot)) {
        return Poll::Ready(Err(SteerError::WaitsForItself { path }));
    }
    match never(route, wants) {
        Some((of, state)) => Poll::Ready(Err(SteerError::never(path, &of, state))),
        None => Poll::Pending,
    }
}

/// The supervisor that keeps what is below it from ever coming up by itself: its path, and its state.
fn never(route: &Route, wants: Option<State>) -> Option<(String, State)> {
    route.lost().filter(|(_, state)| is_final(*state, wants))
}

/// What keeps a child from ever coming into a state by itself, though its group is there: its path, and its state.
fn never_itself(group: &Arc<Group>, slot: u32, wants: Option<State>) -> Option<(String, State)> {
    let (path, state) = match wants {
        // Ready: whatever below it is not, and will not be.
        None => group.lost(slot)?,
        Some(_) => group.lost_in(slot, group.status(slot).state())?,
    };
    (is_final(state, wants) && wants != Some(state)).then_some((path, state))
}

/// Whether nothing comes out of this state by itself. What was stopped by hand stays stopped; who waits for a state may know of
/// somebody who starts it.
fn is_final(state: State, wants: Option<State>) -> bool {
    match state {
        State::Forfeited | State::Gone | State::Stuck => true,
        State::Stopped | State::Done => wants.is_none(),
        _ => false,
    }
}
