//! What came out of it, checked against a plain count of the same texts, one after another on one thread.

use std::path::Path;

use crate::count::{Count, count_file};
use crate::queue::Queue;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every job was done, and counted once.
    Finished,
    /// So many jobs have no result and get none; the others were counted once.
    FinishedWithout(usize),
    /// Jobs are open.
    Unfinished,
}

/// Reads what the tree has left in the database, prints it, and checks it.
pub(crate) fn report(database: &Path, texts: &[String]) -> Result<Outcome, String> {
    let unreadable = |error: redb::Error| format!("the database `{}` cannot be read: {error}", database.display());
    let (queue, _) = Queue::open(database).map_err(unreadable)?;
    let status = queue.status().map_err(unreadable)?;
    let mut not_submitted = 0;
    for text in texts {
        not_submitted += usize::from(!queue.knows(text).map_err(unreadable)?);
    }
    if status.open() > 0 || not_submitted > 0 {
        let to_submit = if not_submitted == 0 { String::new() } else { format!(", {not_submitted} to be submitted") };
        println!("stopped: {}{to_submit}; nothing is lost, the next run goes on from here", status.in_words());
        return Ok(Outcome::Unfinished);
    }

    let done = queue.done().map_err(unreadable)?;
    let at_once = done.iter().filter(|(_, attempts)| *attempts == 1).count();
    println!("{} jobs done: {at_once} at the first attempt, {} after a mishap", done.len(), done.len() - at_once);

    let totals = queue.totals().map_err(unreadable)?;
    println!("  counted by the workers  {totals}");
    let mut plain = Count::default();
    for (path, _) in &done {
        plain += plain_count(path)?;
    }
    println!("  counted one by one      {plain}");
    if totals != plain {
        return Err("the counts differ: a text was changed meanwhile, or a job was lost or done twice".to_owned());
    }

    let failed = queue.failed().map_err(unreadable)?;
    for (path, reason) in &failed {
        println!("  not counted: `{path}`: {reason}");
    }
    Ok(if failed.is_empty() { Outcome::Finished } else { Outcome::FinishedWithout(failed.len()) })
}

fn plain_count(path: &str) -> Result<Count, String> {
    let counted = count_file(Path::new(path), || true);
    let counted = counted.map_err(|error| format!("the text `{path}` cannot be read again for the check: {error}"))?;
    Ok(counted.unwrap_or_default())
}
