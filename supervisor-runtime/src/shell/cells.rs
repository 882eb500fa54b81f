//! Cells of a group, which grows: one for each slot, with commands or heartbeats.

use std::sync::OnceLock;

use super::cell::Cell;
use crate::decide::SlotId;

/// Cells that stay where they are, so that they can be read without a lock while more are added.
///
/// Those of a group as it begins stand in one row; what is added stands in further blocks, each twice as large as the one
/// before, of which only those pages are made that are needed.
pub(super) struct Cells<T = Cell> {
    first: Box<[T]>,
    more: OnceLock<Box<[Block<T>; BLOCKS]>>,
}

/// Made when the first of its cells is asked for, as each page of it is.
type Block<T> = OnceLock<Box<[OnceLock<Box<[T]>>]>>;

/// The length of the first further block, as a power of two.
const SMALLEST: u32 = 6;
/// Enough for every slot number.
const BLOCKS: usize = 33 - SMALLEST as usize;
/// How many cells a page has at most.
const PAGE: usize = 4096;

impl<T: Default> Cells<T> {
    pub(super) fn new(count: usize) -> Self {
        Self { first: row(count, T::default), more: OnceLock::new() }
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
        let block = self.more.get().and_then(|more| more[number].get());
        match block.and_then(|pages| pages[place / PAGE].get()) {
            Some(page) => &page[place % PAGE],
            None => &self.make_page(number, place / PAGE)[place % PAGE],
        }
    }

    #[cold]
    fn make_page(&self, number: usize, page: usize) -> &[T] {
        let length = 1 << (SMALLEST as usize + number);
        let more = self.more.get_or_init(|| Box::new(std::array::from_fn(|_| OnceLock::new())));
        let pages = more[number].get_or_init(|| row(usize::div_ceil(length, PAGE), OnceLock::new));
        pages[page].get_or_init(|| row(length.min(PAGE), T::default))
    }

    /// Of those that were ever asked for.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        let blocks = self.more.get().into_iter().flat_map(|more| more.iter()).filter_map(OnceLock::get);
        let pages = blocks.flat_map(|pages| pages.iter()).filter_map(OnceLock::get);
        self.first.iter().chain(pages.flat_map(|page| page.iter()))
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

fn row<T>(count: usize, make: fn() -> T) -> Box<[T]> {
    std::iter::repeat_with(make).take(count).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const COUNT: u32 = 5 * PAGE as u32;

    #[test]
    fn each_slot_has_a_cell_of_its_own() {
        for first in [0, 1, 5, 64, 100] {
            let cells: Cells = Cells::new(first);
            let places: Vec<*const Cell> = (0..COUNT).map(|slot| cells.get(slot) as *const Cell).collect();
            assert_eq!(places, (0..COUNT).map(|slot| cells.get(slot) as *const Cell).collect::<Vec<_>>());
            let made: HashSet<*const Cell> = cells.iter().map(|cell| cell as *const Cell).collect();
            let mut distinct = places;
            distinct.sort();
            distinct.dedup();
            assert_eq!(distinct.len(), COUNT as usize, "after {first}");
            assert!(distinct.iter().all(|place| made.contains(place)), "after {first}");
            assert!(made.len() < COUNT as usize + PAGE, "after {first}: {}", made.len());
        }
        let (number, place) = Cells::<Cell>::new(0).place(SlotId::MAX);
        assert!(number < BLOCKS && place < 1 << (SMALLEST as usize + number), "{number} {place}");
    }
}
