//! The notation of a trace: `start db, start worker[0..4], +2s, fail worker[2]`.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

/// What happened to a child, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Start,
    Fail,
    Stop,
    Drop,
    Done,
    Forfeit,
    Stuck,
    Ready,
    NotReady,
    GiveUp,
    Escalate,
    Crash,
    End,
}

impl Word {
    const ALL: [(Self, &'static str); 13] = [
        (Self::Start, "start"),
        (Self::Fail, "fail"),
        (Self::Stop, "stop"),
        (Self::Drop, "drop"),
        (Self::Done, "done"),
        (Self::Forfeit, "forfeit"),
        (Self::Stuck, "stuck"),
        (Self::Ready, "ready"),
        (Self::NotReady, "not ready"),
        (Self::GiveUp, "give up"),
        (Self::Escalate, "escalate"),
        (Self::Crash, "crash"),
        (Self::End, "end"),
    ];

    fn text(self) -> &'static str {
        Self::ALL.into_iter().find(|(word, _)| *word == self).map(|(_, text)| text).expect("all are listed")
    }
}

/// A child, or several replicas or members of one: `db`, `pool/worker[0..4]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The path without an index.
    pub(super) name: String,
    /// None where there is only one.
    pub(super) indices: Option<BTreeSet<u32>>,
}

impl Target {
    /// Of one path, as an event has it.
    pub(super) fn of(path: &str) -> Self {
        Self::parse(path).unwrap_or_else(|_| Self { name: path.to_owned(), indices: None })
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("there is no name".to_owned());
        }
        if text.contains(char::is_whitespace) {
            return Err("there is a blank in it".to_owned());
        }
        let label = text.rfind('/').map_or(0, |slash| slash + 1);
        let Some(bracket) = text[label..].find('[') else {
            return Ok(Self { name: text.to_owned(), indices: None });
        };
        let (name, ranges) = text.split_at(label + bracket);
        let ranges = ranges.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let ranges = ranges.ok_or("there is no `]` at its end")?;
        let mut indices = BTreeSet::new();
        for range in ranges.split("][") {
            indices.extend(parse_range(range)?);
        }
        Ok(Self { name: name.to_owned(), indices: Some(indices) })
    }

    /// Whether the child at this path is meant.
    pub(super) fn is(&self, path: &str) -> bool {
        let other = Self::of(path);
        self.name == other.name
            && match (&self.indices, &other.indices) {
                (Some(mine), Some(other)) => other.is_subset(mine),
                (None, None) => true,
                _ => false,
            }
    }

    fn count(&self) -> usize {
        self.indices.as_ref().map_or(1, BTreeSet::len)
    }

    /// The indices as ranges, each from the first to the one after the last.
    fn ranges(&self) -> Vec<(u32, u32)> {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for &index in self.indices.iter().flatten() {
            match ranges.last_mut().filter(|(_, end)| *end == index) {
                Some((_, end)) => *end += 1,
                None => ranges.push((index, index + 1)),
            }
        }
        ranges
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (first, end) in self.ranges() {
            if end == first + 1 { write!(f, "[{first}]") } else { write!(f, "[{first}..{end}]") }?;
        }
        Ok(())
    }
}

/// `2`, or `0..4`.
fn parse_range(text: &str) -> Result<Range<u32>, String> {
    let number = |text: &str| text.trim().parse::<u32>().map_err(|_| format!("`{text}` is no index"));
    let range = match text.split_once("..") {
        Some((first, end)) => number(first)?..number(end)?,
        None => number(text)?..number(text)?.saturating_add(1),
    };
    if range.is_empty() { Err(format!("`{text}` is empty: its end is not part of a range")) } else { Ok(range) }
}

/// One step of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Something happened.
    Happened(Word, Target),
    /// The clock moved.
    Passed(Duration),
}

impl Item {
    /// How many events it stands for.
    pub(super) fn events(&self) -> usize {
        match self {
            Self::Happened(_, target) => target.count(),
            Self::Passed(_) => 0,
        }
    }

    /// Takes in what happened to another replica of the same child, whose order says nothing: they start together and stop
    /// together.
    pub(super) fn merge(&mut self, other: &Self) -> bool {
        let (Self::Happened(word, target), Self::Happened(other_word, other)) = (self, other) else { return false };
        let (Some(mine), Some(others)) = (&mut target.indices, &other.indices) else { return false };
        if word != other_word || target.name != other.name || !mine.is_disjoint(others) {
            return false;
        }
        mine.extend(others);
        true
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Happened(Word::End, _) => f.write_str(Word::End.text()),
            Self::Happened(word, target) => write!(f, "{} {target}", word.text()),
            Self::Passed(time) => write!(f, "+{time:?}"),
        }
    }
}

/// Adds an item to others, in the form in which traces are compared.
fn add(items: &mut Vec<Item>, item: Item) {
    if !items.last_mut().is_some_and(|last| last.merge(&item)) {
        items.push(item);
    }
}

/// Reads a trace; the items are separated by commas or line ends.
pub(super) fn parse(text: &str) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    for written in text.split([',', '\n']).map(str::trim).filter(|written| !written.is_empty()) {
        let item = parse_item(written).map_err(|why| format!("`{written}`: {why}"))?;
        add(&mut items, item);
    }
    Ok(items)
}

pub(super) fn parse_item(written: &str) -> Result<Item, String> {
    if let Some(time) = written.strip_prefix('+') {
        return parse_duration(time.trim()).map(Item::Passed);
    }
    if written == Word::End.text() {
        return Ok(Item::Happened(Word::End, Target { name: String::new(), indices: None }));
    }
    let found = Word::ALL.into_iter().find_map(|(word, text)| {
        let rest = written.strip_prefix(text)?.strip_prefix(char::is_whitespace)?;
        Some((word, rest))
    });
    let Some((word, child)) = found else {
        let words: Vec<_> = Word::ALL.into_iter().map(|(_, text)| text).collect();
        return Err(format!("an item is one of `{}` and a child, or a time, `+2s`", words.join("`, `")));
    };
    Ok(Item::Happened(word, Target::parse(child)?))
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, f64); 4] = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let number = text.trim_end_matches(char::is_alphabetic);
    let unit = UNITS.iter().find(|(unit, _)| *unit == &text[number.len()..]);
    let parsed = unit.and_then(|(_, unit)| Some(number.trim().parse::<f64>().ok()? * unit));
    let time = parsed.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.ok_or_else(|| "a time is a number and one of `ms`, `s`, `m`, `h`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read, as it is written again.
    fn read(text: &str) -> String {
        match parse(text) {
            Ok(items) => items.iter().map(Item::to_string).collect::<Vec<_>>().join(", "),
            Err(why) => why,
        }
    }

    #[test]
    fn what_is_written_is_what_was_read() {
        let same = [
            "start db",
            "start worker[0..4]",
            "fail pool/worker[2]",
            "stop w[0..2][3]",
            "not ready cache, +2s, ready cache",
            "end",
            "",
        ];
        for text in same {
            assert_eq!(read(text), text);
        }
    }

    #[test]
    fn neighbours_are_written_as_ranges_in_whatever_order_they_came() {
        for (text, written) in [
            ("stop w[1], stop w[0]", "stop w[0..2]"),
            ("stop w[3]\n  stop w[0..2]\n", "stop w[0..2][3]"),
            ("stop w[0], start w[0], stop w[1]", "stop w[0], start w[0], stop w[1]"),
            ("fail w[0], fail w[0]", "fail w[0], fail w[0]"),
            ("stop a, stop b", "stop a, stop b"),
            ("+1500ms", "+1.5s"),
        ] {
            assert_eq!(read(text), written, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, why) in [
            ("start", "`start`: an item is one of `start`, "),
            ("launch db", "`launch db`: an item is one of `start`, "),
            ("start db stop db", "`start db stop db`: there is a blank in it"),
            ("start w[0..4", "`start w[0..4`: there is no `]` at its end"),
            ("start w[4..4]", "`start w[4..4]`: `4..4` is empty"),
            ("start w[a]", "`start w[a]`: `a` is no index"),
            ("+2", "`+2`: a time is a number and one of"),
            ("+2 days", "`+2 days`: a time is a number and one of"),
        ] {
            assert!(read(text).starts_with(why), "{text}: {}", read(text));
        }
    }
}
