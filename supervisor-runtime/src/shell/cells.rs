//! Cells of a group, which grows: one for each slot, with commands or heartbeats.

use std::sync::OnceLock;

use super::cell::Cell;
use crate::decide::SlotId;

/// Cells that stay where they are, so that they can be read without a lock while more are added.
///
/// Those of a group as it begins stand in one block; what is added stands in further blocks, each twice as large as the one
/// before.
pub(super) struct Cells<T = Cell> {
    first: Box<[T]>,
    more: OnceLock<Box<[Block<T>; BLOCKS]>>,
}

/// Made when the first of its cells is asked for.
type Block<T> = OnceLock<Box<[T]>>;

/// The length of the first further block, as a power of two.
const SMALLEST: u32 = 6;
/// Enough for every slot number.
const BLOCKS: usize = 33 - SMALLEST as usize;

impl<T: Default> Cells<T> {
    pub(super) fn new(count: usize) -> Self {
        Self { first: block(count), more: OnceLock::new() }
    }

    /// How many there were when the group began.
    pub(super) fn first_len(&self) -> usize {
        self.first.len()
    }

    #[inline]
    pub(super) fn get(&self, slot: SlotId) -> &T {
        match self.first.get(slot as usize) {
            Some(cell) => cell,
            None => self.get_more(slot),
        }
    }

    #[inline]
    fn get_more(&self, slot: SlotId) -> &T {
        let (number, place) = self.place(slot);
        match self.more.get().and_then(|more| more[number].get()) {
            Some(block) => &block[place],
            None => &self.make_block(number)[place],
        }
    }

    #[cold]
    fn make_block(&self, number: usize) -> &[T] {
        let more = self.more.get_or_init(|| Box::new(std::array::from_fn(|_| OnceLock::new())));
        more[number].get_or_init(|| block(1 << (SMALLEST as usize + number)))
    }

    /// Of those that were ever asked for.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        let more = self.more.get().into_iter().flat_map(|more| more.iter());
        self.first.iter().chain(more.filter_map(OnceLock::get).flat_map(|block| block.iter()))
    }

    /// In which further block the cell of `slot` stands, and where there.
    #[inline]
    fn place(&self, slot: SlotId) -> (usize, usize) {
        // The blocks begin at 2^6, 2^7, .. after 2^6 that are left out.
        let beyond = slot as usize - self.first.len() + (1 << SMALLEST);
        let number = (usize::BITS - 1 - beyond.leading_zeros() - SMALLEST) as usize;
        (number, beyond - (1 << (SMALLEST as usize + number)))
    }
}

fn block<T: Default>(count: usize) -> Box<[T]> {
    std::iter::repeat_with(T::default).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slot_has_a_cell_of_its_own() {
        for first in [0, 1, 5, 64, 100] {
            let cells: Cells = Cells::new(first);
            let places: Vec<*const Cell> = (0..1000).map(|slot| cells.get(slot) as *const Cell).collect();
            assert_eq!(places, (0..1000).map(|slot| cells.get(slot) as *const Cell).collect::<Vec<_>>());
            let mut distinct = places;
            distinct.sort();
            distinct.dedup();
            assert_eq!(distinct.len(), 1000, "after {first}");
        }
        let (number, place) = Cells::<Cell>::new(0).place(SlotId::MAX);
        assert!(number < BLOCKS && place < 1 << (SMALLEST as usize + number), "{number} {place}");
    }
}
