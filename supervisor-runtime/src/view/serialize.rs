//! Snapshots as nested data, for a dashboard: the feature `serde`.
//!
//! Every field is there in every row, so that a table can be made of them without looking. Times are seconds from the
//! instant of the snapshot, because an [`Instant`](std::time::Instant) means nothing outside of the process.

use std::fmt;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::note::sources;
use super::snapshot::{Row, Snapshot};
use super::status::{State, Status};
use crate::{Cause, Exit, RestartLimit};

/// `number`, and the outermost supervisor as `tree`.
///
/// ```
/// # use supervisor_runtime::{Child, Supervisor, service_fn};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), supervisor_runtime::TreeError> {
/// # let db = Child::new("db", || service_fn(|cx| async move { Ok(cx.stopping().await) }));
/// let running = Supervisor::one_for_one("orders").child(db).start().await?;
/// let data = serde_json::to_value(running.snapshot()?).expect("it is data");
/// assert_eq!(data["tree"]["children"][0]["path"], "orders/db");
/// assert_eq!(data["tree"]["children"][0]["state"], "running");
/// # running.shutdown().await
/// # }
/// ```
impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Snapshot", 2)?;
        fields.serialize_field("number", &self.number())?;
        fields.serialize_field("tree", &self.root())?;
        fields.end()
    }
}

/// `path`, `name` (with the index of a replica or member), the fields of its [`Status`], `requires` (the names of what it
/// depends on) and `waits_for` (the paths of what has to come first, while it waits), for a supervisor `strategy`,
/// `limit` with `max_restarts` and `over`, and `restarts_left`, and its `children`.
impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Row", 8 + STATUS_FIELDS)?;
        fields.serialize_field("path", self.path().as_str())?;
        fields.serialize_field("name", self.label().as_str())?;
        serialize_status(&self.status(), &mut fields)?;
        fields.serialize_field("requires", &self.requires().collect::<Vec<_>>())?;
        fields.serialize_field("waits_for", &self.waits_for())?;
        fields.serialize_field("strategy", &self.strategy())?;
        fields.serialize_field("limit", &self.limit().map(Limit))?;
        fields.serialize_field("restarts_left", &self.restarts_left())?;
        fields.serialize_field("children", &Children(*self))?;
        fields.end()
    }
}

/// `state`, `ready`, `not_ready` (why), `incarnation`, `restarts`, `in_state`, `uptime` and `delay` in seconds, and
/// `last_exit` with `cause`, `phase`, `asked`, `message` and the `chain` of what is behind its error.
impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Status", STATUS_FIELDS)?;
        serialize_status(self, &mut fields)?;
        fields.end()
    }
}

/// Its word: `"running"`.
impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

const STATUS_FIELDS: usize = 9;

/// A row has them beside its own.
fn serialize_status<S: SerializeStruct>(status: &Status, fields: &mut S) -> Result<(), S::Error> {
    fields.serialize_field("state", &status.state())?;
    fields.serialize_field("ready", &status.is_ready())?;
    fields.serialize_field("not_ready", &status.not_ready().as_deref())?;
    fields.serialize_field("incarnation", &status.incarnation())?;
    fields.serialize_field("restarts", &status.restarts())?;
    fields.serialize_field("in_state", &status.in_state().as_secs_f64())?;
    fields.serialize_field("uptime", &status.uptime().map(|uptime| uptime.as_secs_f64()))?;
    fields.serialize_field("delay", &status.delay().map(|delay| delay.as_secs_f64()))?;
    fields.serialize_field("last_exit", &status.last_exit().map(|exit| LastExit(exit)))
}

struct Children<'a>(Row<'a>);

impl Serialize for Children<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.children())
    }
}

struct Limit(RestartLimit);

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("RestartLimit", 2)?;
        fields.serialize_field("max_restarts", &self.0.max_restarts)?;
        fields.serialize_field("over", &self.0.over.as_secs_f64())?;
        fields.end()
    }
}

struct LastExit<'a>(&'a Exit);

impl Serialize for LastExit<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Exit", 5)?;
        fields.serialize_field("cause", cause(self.0.cause()))?;
        fields.serialize_field("phase", &Text(self.0.phase()))?;
        fields.serialize_field("asked", &self.0.was_asked())?;
        fields.serialize_field("message", &Text(self.0))?;
        fields.serialize_field("chain", &Chain(self.0))?;
        fields.end()
    }
}

fn cause(cause: &Cause) -> &'static str {
    match cause {
        Cause::Done => "done",
        Cause::Error(_) => "error",
        Cause::Panic(_) => "panic",
        Cause::StartTimedOut(_) => "start_timed_out",
        Cause::Unresponsive(_) => "unresponsive",
        Cause::Dropped => "dropped",
    }
}

/// What stands behind the error, the nearest first.
struct Chain<'a>(&'a Exit);

impl Serialize for Chain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(sources(self.0).map(Text))
    }
}

/// As it is displayed.
struct Text<T>(T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
