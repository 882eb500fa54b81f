//! The texts that are counted: those of a folder, or some that the example writes itself.

use std::path::Path;
use std::{fs, io};

/// What counts as a text in a folder.
const EXTENSIONS: [&str; 2] = ["txt", "md"];

/// The paths of the texts in a folder, in order.
pub(crate) fn in_folder(folder: &Path) -> Result<Vec<String>, String> {
    let unreadable = |error: io::Error| format!("the folder `{}` cannot be read: {error}", folder.display());
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_text = path.extension().is_some_and(|extension| EXTENSIONS.iter().any(|text| extension == *text));
        if is_text && path.is_file() {
            // The one name that a file has wherever the next run is started.
            let path = fs::canonicalize(path).map_err(unreadable)?;
            let path = path.into_os_string().into_string();
            texts.push(path.map_err(|path| format!("the name of {path:?} is not UTF-8"))?);
        }
    }
    if texts.is_empty() {
        return Err(format!("the folder `{}` has no texts: no file of it ends in .txt or .md", folder.display()));
    }
    texts.sort();
    texts.dedup();
    Ok(texts)
}

/// A few dozen chapters, written to `folder` unless they are there already, the same each time.
pub(crate) fn of_our_own(folder: &Path) -> Result<Vec<String>, String> {
    match in_folder(folder) {
        Ok(texts) if texts.len() == CHAPTERS => Ok(texts),
        _ => {
            write_chapters(folder)
                .map_err(|error| format!("the texts cannot be written to `{}`: {error}", folder.display()))?;
            in_folder(folder)
        }
    }
}

const CHAPTERS: usize = 60;

fn write_chapters(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for number in 1..=CHAPTERS {
        // Under another name until it is complete: a kill in between leaves no half of a chapter.
        let unfinished = folder.join("unfinished");
        fs::write(&unfinished, chapter(number))?;
        fs::rename(unfinished, folder.join(format!("chapter-{number:02}.txt")))?;
    }
    Ok(())
}

/// A chapter of 4000 to 7000 words that say nothing.
fn chapter(number: usize) -> String {
    const WORDS: [&str; 32] = [
        "the", "and", "of", "to", "a", "in", "that", "he", "was", "it", "his", "with", "as", "had", "for", "she",
        "harbour", "lantern", "evening", "letter", "captain", "silence", "window", "journey", "winter", "garden",
        "stranger", "morning", "river", "promise", "shadow", "kitchen",
    ];
    const WIDTH: usize = 72;
    let mut random = Random(number as u64);
    let mut text = format!("CHAPTER {number}\n\n");
    let mut column = 0;
    for _ in 0..4000 + random.below(3000) {
        let word = WORDS[random.below(WORDS.len())];
        if column + word.len() > WIDTH {
            text.push('\n');
            column = 0;
        }
        text.push_str(word);
        text.push(' ');
        column += word.len() + 1;
    }
    text.push('\n');
    text
}

/// Numbers that look random and are the same in every run (Knuth's MMIX generator).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}
