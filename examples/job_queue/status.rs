//! How far the queue is: what the intake answers to `GET /status`, and what the client reads there.

use std::fmt;
use std::str::FromStr;

/// How many jobs are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) waiting: u64,
    pub(crate) leased: u64,
    pub(crate) done: u64,
    pub(crate) failed: u64,
}

impl Status {
    /// How many have neither a result nor failed.
    pub(crate) fn open(self) -> u64 {
        self.waiting + self.leased
    }

    /// One line for people.
    pub(crate) fn in_words(self) -> String {
        let Self { waiting, leased, done, failed } = self;
        let failed = if failed == 0 { String::new() } else { format!(", {failed} failed") };
        format!("{done} of {} done, {leased} in work, {waiting} waiting{failed}", self.open() + done + self.failed)
    }
}

/// One number a line.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { waiting, leased, done, failed } = self;
        write!(f, "waiting {waiting}\nleased {leased}\ndone {done}\nfailed {failed}\n")
    }
}

impl FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|number| number.parse().ok())
                .ok_or_else(|| format!("the status does not say how many are {name}"))
        };
        Ok(Self {
            waiting: number("waiting")?,
            leased: number("leased")?,
            done: number("done")?,
            failed: number("failed")?,
        })
    }
}
