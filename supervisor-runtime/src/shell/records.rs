//! The records of a group.

use std::ops::{Index, IndexMut};

use super::record::Record;
use crate::decide::SlotId;

/// What the shell knows of each slot: nothing, until there is something to note.
///
/// Each in a box of its own, mostly made with the first task of its slot. That is smaller than to have them in a row: tokio's tasks
/// are aligned to 128 bytes, so that glibc leaves a hole before each, in which a record has room.
#[derive(Default)]
pub(super) struct Records(Vec<Option<Box<Record>>>);

static NOTHING: Record = Record::new();

impl Records {
    /// Makes room for `count` slots.
    pub(super) fn grow(&mut self, count: usize) {
        self.0.resize_with(count, || None);
    }

    /// Of which anything is known.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SlotId, &Record)> {
        (0..).zip(&self.0).filter_map(|(slot, record)| Some((slot, &**record.as_ref()?)))
    }

    /// What is known of a slot, if anything is.
    pub(super) fn get_mut(&mut self, slot: SlotId) -> Option<&mut Record> {
        self.0[slot as usize].as_deref_mut()
    }
}

impl Index<SlotId> for Records {
    type Output = Record;

    #[inline]
    fn index(&self, slot: SlotId) -> &Record {
        self.0[slot as usize].as_deref().unwrap_or(&NOTHING)
    }
}

impl IndexMut<SlotId> for Records {
    #[inline]
    fn index_mut(&mut self, slot: SlotId) -> &mut Record {
        self.0[slot as usize].get_or_insert_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::Slot;
    use crate::shell::cell::Cell;

    #[test]
    fn what_is_kept_of_a_child_is_small() {
        let [slot, record, cell] = [size_of::<Slot>(), size_of::<Record>(), size_of::<Cell>()];
        // Every child of every tree has one of each: what makes them larger needs a reason. A larger record would not
        // fit into the hole before a task.
        assert!(slot <= 48 && record <= 104 && cell <= 24, "{slot}, {record} and {cell} bytes");
    }
}
