//! The work: how many bytes, lines and words a text has, as `wc` counts them.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::AddAssign;
use std::path::Path;

/// The size of one text, or of many together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) bytes: u64,
    pub(crate) lines: u64,
    pub(crate) words: u64,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.lines += other.lines;
        self.words += other.words;
    }
}

/// As the database keeps it: bytes, lines, words.
impl From<(u64, u64, u64)> for Count {
    fn from((bytes, lines, words): (u64, u64, u64)) -> Self {
        Self { bytes, lines, words }
    }
}

impl From<Count> for (u64, u64, u64) {
    fn from(Count { bytes, lines, words }: Count) -> Self {
        (bytes, lines, words)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} words, {} lines, {} bytes", self.words, self.lines, self.bytes)
    }
}

/// Counts a file, part by part; `None` if `go_on`, which is asked before each part, says no.
///
/// It blocks: call it where a thread may wait.
pub(crate) fn count_file(path: &Path, mut go_on: impl FnMut() -> bool) -> io::Result<Option<Count>> {
    let mut file = File::open(path)?;
    let mut part = vec![0; 64 * 1024];
    let mut count = Count::default();
    let mut in_word = false;
    while go_on() {
        let length = match file.read(&mut part) {
            Ok(0) => {
                // The last word may end with the file.
                count.words += u64::from(in_word);
                return Ok(Some(count));
            }
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        count.bytes += length as u64;
        for byte in &part[..length] {
            count.lines += u64::from(*byte == b'\n');
            let space = byte.is_ascii_whitespace();
            count.words += u64::from(in_word && space);
            in_word = !space;
        }
    }
    Ok(None)
}
