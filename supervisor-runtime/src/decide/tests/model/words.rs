//! What both sides say of a group, so that it can be compared.

/// Where a place stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Is {
    /// Nothing is there, and something will be started: at once, in its turn, or after a delay.
    Waits,
    Starting,
    Running,
    /// Asked to stop.
    Asked,
    /// Told to be dropped.
    Told,
    Stuck,
    Done,
    Forfeited,
    Stopped,
    /// It was temporary.
    Gone,
    /// It was scaled away, discarded, or a member that is not to come up again.
    Left,
}

/// How far the group has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    Starting,
    Running,
    Ending(Why),
    Ended(Why),
}

/// Why it ends; for which place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Done,
    Stopped,
    StartFailed(usize),
    GaveUp(usize),
    Escalated(usize),
    Crashed(usize),
    Forfeited,
    Stuck,
}

/// What an incarnation says as it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Ok,
    Failed,
    Forfeit,
    Escalate,
    /// It was a group, and something in it could not be dropped.
    Stuck,
}

/// What is done to a place that is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ending {
    Asked(usize),
    Told(usize),
}

impl Is {
    pub(super) fn is_alive(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Asked | Self::Told)
    }

    /// Whether nothing will run there for as long as this incarnation of the group lasts, unless others are restarted.
    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Forfeited | Self::Gone | Self::Left)
    }
}
