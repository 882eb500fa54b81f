//! The slots of one child, by index.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::SlotId;

/// The slots of one child, in the order of their index.
///
/// Replicas as they are declared have slots in a row, of which only the first is noted. From the first that leaves, or that
/// is elsewhere, they stand in a list.
///
/// Invariant: they stand in `row` or in `list`, never in both; `list` is sorted by index; indices are given in rising
/// order, and a slot that has left leaves a hole until there are more holes than slots.
#[cfg_attr(test, derive(Clone))]
#[derive(Debug, Default)]
pub(crate) struct Roster {
    /// Those of index 0 and on, where they are in a row.
    row: Range<SlotId>,
    list: Vec<(u32, Option<SlotId>)>,
    holes: usize,
    /// Places of members that have left, with nothing of them left: the next ones take them.
    vacant: Vec<SlotId>,
    /// Places of replicas that were scaled away: each belongs to its index for life.
    former: FxHashMap<u32, Vec<SlotId>>,
}

impl Roster {
    /// Of slots in a row.
    pub(super) fn of(row: Range<SlotId>) -> Self {
        Self { row, ..Self::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.row.len() + self.list.len() - self.holes
    }

    pub(crate) fn get(&self, index: u32) -> Option<SlotId> {
        match self.row.clone().nth(index as usize) {
            Some(slot) => Some(slot),
            None => self.list[self.position(index).ok()?].1,
        }
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = SlotId> + '_ {
        self.row.clone().chain(self.list.iter().filter_map(|&(_, slot)| slot))
    }

    pub(super) fn insert(&mut self, index: u32, slot: SlotId) {
        if self.list.is_empty() && self.row.len() == index as usize && (index == 0 || self.row.end == slot) {
            self.row = slot - index..slot + 1;
            return;
        }
        self.list_all();
        match self.position(index) {
            Ok(hole) => {
                self.holes -= usize::from(self.list[hole].1.is_none());
                self.list[hole].1 = Some(slot);
            }
            Err(place) => self.list.insert(place, (index, Some(slot))),
        }
    }

    pub(super) fn remove(&mut self, index: u32) {
        self.list_all();
        if let Ok(place) = self.position(index)
            && self.list[place].1.take().is_some()
        {
            self.holes += 1;
            if self.holes > self.list.len() / 2 {
                self.list.retain(|(_, slot)| slot.is_some());
                self.holes = 0;
            }
        }
    }

    /// They are in a row no more.
    fn list_all(&mut self) {
        if !self.row.is_empty() {
            let row = std::mem::take(&mut self.row);
            self.list.splice(..0, (0..).zip(row.map(Some)));
        }
    }

    pub(super) fn take_vacant(&mut self) -> Option<SlotId> {
        self.vacant.pop()
    }

    pub(super) fn note_vacant(&mut self, slot: SlotId) {
        self.vacant.push(slot);
    }

    pub(super) fn take_former(&mut self, index: u32) -> Option<SlotId> {
        if self.former.is_empty() { None } else { self.former.get_mut(&index)?.pop() }
    }

    pub(super) fn note_former(&mut self, index: u32, slot: SlotId) {
        self.former.entry(index).or_default().push(slot);
    }

    fn position(&self, index: u32) -> Result<usize, usize> {
        // What was never removed stands where its index says.
        match self.list.get(index as usize) {
            Some(&(at, _)) if at == index => Ok(index as usize),
            // The next one.
            None if self.list.last().is_none_or(|&(last, _)| last < index) => Err(self.list.len()),
            _ => self.list.binary_search_by_key(&index, |&(at, _)| at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_and_go_and_keep_their_index() {
        let mut roster = Roster::default();
        for index in 0..100 {
            roster.insert(index, index + 1000);
        }
        for index in (0..100).filter(|index| index % 10 != 0) {
            roster.remove(index);
            roster.remove(index);
        }
        assert_eq!(roster.len(), 10);
        assert_eq!(roster.iter().collect::<Vec<_>>(), (0..10).map(|n| n * 10 + 1000).collect::<Vec<_>>());
        assert_eq!([1, 20, 21, 100].map(|index| roster.get(index)), [None, Some(1020), None, None]);
        roster.insert(15, 7);
        roster.insert(100, 8);
        assert_eq!((roster.get(15), roster.get(100), roster.len()), (Some(7), Some(8), 12));
    }

    #[test]
    fn a_row_goes_on_with_the_next_slot_and_becomes_a_list_with_another() {
        for elsewhere in [false, true] {
            let mut roster = Roster::default();
            let slots = [5, 6, 7, if elsewhere { 9 } else { 8 }];
            for (index, slot) in (0..).zip(slots) {
                roster.insert(index, slot);
            }
            assert_eq!(roster.row.is_empty(), elsewhere);
            assert_eq!(roster.iter().collect::<Vec<_>>(), slots);
            assert_eq!(roster.iter().rev().collect::<Vec<_>>(), [slots[3], 7, 6, 5]);
            assert_eq!([0, 3, 4].map(|index| roster.get(index)), [Some(5), Some(slots[3]), None]);
            roster.remove(1);
            assert_eq!((roster.get(0), roster.get(1), roster.get(2), roster.len()), (Some(5), None, Some(7), 3));
        }
    }

    #[test]
    fn a_hole_is_left_until_there_are_more_holes_than_slots() {
        let mut roster = Roster::default();
        for index in 0..4 {
            roster.insert(index, index + 5);
        }
        roster.remove(1);
        roster.remove(2);
        assert_eq!((roster.list.len(), roster.len()), (4, 2));
        roster.remove(3);
        assert_eq!((roster.list.len(), roster.len()), (1, 1));
        roster.remove(0);
        assert!(roster.list.is_empty());
    }

    #[test]
    fn who_comes_back_fills_the_hole_that_it_left() {
        let mut roster = Roster::default();
        for index in 0..4 {
            roster.insert(index, index + 5);
        }
        roster.remove(1);
        assert_eq!(roster.len(), 3);
        roster.insert(1, 6);
        assert_eq!(roster.len(), 4);
        assert_eq!(roster.iter().collect::<Vec<_>>(), [5, 6, 7, 8]);
    }
}
