//! The records of a group.

use std::ops::{Index, IndexMut};

use super::record::Record;
use crate::decide::SlotId;

/// What the shell knows of each slot.
#[derive(Default)]
pub(super) struct Records(Vec<Record>);

impl Records {
    /// Makes room for `count` slots.
    pub(super) fn grow(&mut self, count: usize) {
        self.0.resize_with(count, Record::default);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (SlotId, &Record)> {
        (0..).zip(&self.0)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Record> {
        self.0.iter_mut()
    }
}

impl Index<SlotId> for Records {
    type Output = Record;

    #[inline]
    fn index(&self, slot: SlotId) -> &Record {
        &self.0[slot as usize]
    }
}

impl IndexMut<SlotId> for Records {
    #[inline]
    fn index_mut(&mut self, slot: SlotId) -> &mut Record {
        &mut self.0[slot as usize]
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
        // Every child of every tree has one of each: what makes them larger needs a reason.
        assert!(slot <= 44 && record <= 16 && cell <= 24, "{slot}, {record} and {cell} bytes");
    }
}
