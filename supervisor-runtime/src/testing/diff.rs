//! The difference of two traces, for a person.

use super::notation::Item;

/// An item of what has happened.
pub(super) struct Line {
    pub(super) item: Item,
    /// What is known of it besides.
    pub(super) note: String,
}

/// One item to a line: `-` where it was expected and has not happened, `+` where it has happened and was not expected.
pub(super) fn diff(expected: &[Item], happened: &[Line]) -> String {
    let items = expected.iter().chain(happened.iter().map(|line| &line.item));
    let width = items.map(|item| item.to_string().len()).max().unwrap_or(0);
    let common = common(expected, happened);
    let (mut wanted, mut got) = (0, 0);
    let mut text = String::new();
    loop {
        let line = match (expected.get(wanted), happened.get(got)) {
            (Some(item), Some(line)) if *item == line.item => {
                (wanted, got) = (wanted + 1, got + 1);
                format!("    {:width$}   {}", line.item.to_string(), line.note)
            }
            // Whichever way leaves more in common; what is missing is told first.
            (Some(item), other) if other.is_none() || common[wanted + 1][got] >= common[wanted][got + 1] => {
                wanted += 1;
                format!("  - {item}")
            }
            (_, Some(line)) => {
                got += 1;
                format!("  + {:width$}   {}", line.item.to_string(), line.note)
            }
            _ => return text,
        };
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

/// The length of the longest common part of what follows from each place in both.
fn common(expected: &[Item], happened: &[Line]) -> Vec<Vec<usize>> {
    let mut common = vec![vec![0; happened.len() + 1]; expected.len() + 1];
    for (wanted, item) in expected.iter().enumerate().rev() {
        for (got, line) in happened.iter().enumerate().rev() {
            common[wanted][got] = if *item == line.item {
                common[wanted + 1][got + 1] + 1
            } else {
                common[wanted + 1][got].max(common[wanted][got + 1])
            };
        }
    }
    common
}
