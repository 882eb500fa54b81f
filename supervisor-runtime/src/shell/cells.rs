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
    /// How many places each of those has, as a power of two. It uses one.
    spread: u32,
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
/// Up to how many cells of a group as it begins stand apart, which takes 12 KiB.
///
/// A task looks at its cell whenever it is polled. Where others stand in the same line of memory, it has to fetch that again when
/// they have been written by another thread: beside one that crashes in a loop a poll took 1.4 times as long, and each of its
/// restarts 1.7 times. The larger a group is, the less do two of it meet.
const FEW: usize = 64;
/// A line of memory, twice: some processors fetch two at once.
const LINES: usize = 128;

impl<T: Default> Cells<T> {
    pub(super) fn new(count: usize) -> Self {
        // Not where each of them is modelled.
        let is_few = (2..=FEW).contains(&count) && !cfg!(interleavings);
        let places = if is_few { LINES.div_ceil(size_of::<T>()) + 1 } else { 1 };
        let spread = places.next_power_of_two().ilog2();
        Self { first: row(count << spread, T::default), spread, more: OnceLock::new() }
    }

    /// How many there were when the group began.
    pub(super) fn first_len(&self) -> usize {
        self.first.len() >> self.spread
    }

    #[inline]
    pub(super) fn get(&self, slot: SlotId) -> &T {
        match self.first.get((slot as usize) << self.spread) {
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
        self.first.iter().step_by(1 << self.spread).chain(pages.flat_map(|page| page.iter()))
    }

    /// In which further block the cell of `slot` stands, and where there.
    #[inline]
    fn place(&self, slot: SlotId) -> (usize, usize) {
        // The blocks begin at 2^6, 2^7, .. after 2^6 that are left out.
        let beyond = slot as usize - self.first_len() + (1 << SMALLEST);
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
    use crate::sync::atomic::AtomicU64;

    const COUNT: u32 = 5 * PAGE as u32;

    #[test]
    fn each_slot_has_a_cell_of_its_own() {
        for first in [0, 1, 5, FEW, FEW + 1, 100] {
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

    #[test]
    fn a_few_cells_stand_in_lines_of_their_own_and_many_stand_close() {
        fn distance<T: Default>(count: usize) -> usize {
            let cells: Cells<T> = Cells::new(count);
            let places: Vec<usize> = (0..count as SlotId).map(|slot| cells.get(slot) as *const T as usize).collect();
            assert_eq!((cells.first_len(), cells.iter().count()), (count, count));
            places.windows(2).map(|two| two[1] - two[0] - size_of::<T>()).min().unwrap_or(LINES)
        }
        for few in [2, FEW] {
            assert!(distance::<Cell>(few) >= LINES - 1 && distance::<AtomicU64>(few) >= LINES - 1, "{few}");
        }
        assert_eq!([distance::<Cell>(FEW + 1), distance::<AtomicU64>(FEW + 1)], [0; 2]);
        assert_eq!([0, 1].map(distance::<Cell>), [LINES; 2]);
    }
}
