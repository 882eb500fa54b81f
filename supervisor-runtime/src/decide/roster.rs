//! The slots of one child, by index.

use std::collections::HashMap;

use super::SlotId;

/// The slots of one child, in the order of their index.
///
/// Invariant: `list` is sorted by index; indices are given in rising order, and a slot that has left leaves a hole until
/// there are more holes than slots.
#[cfg_attr(test, derive(Clone))]
#[derive(Debug, Default)]
pub(crate) struct Roster {
    list: Vec<(u32, Option<SlotId>)>,
    holes: usize,
    /// Places of members that have left, with nothing of them left: the next ones take them.
    vacant: Vec<SlotId>,
    /// Places of replicas that were scaled away: each belongs to its index for life.
    former: HashMap<u32, Vec<SlotId>>,
}

impl Roster {
    pub(super) fn with_capacity(count: usize) -> Self {
        Self { list: Vec::with_capacity(count), ..Self::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len() - self.holes
    }

    pub(crate) fn get(&self, index: u32) -> Option<SlotId> {
        self.list[self.position(index).ok()?].1
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = SlotId> + '_ {
        self.list.iter().filter_map(|&(_, slot)| slot)
    }

    pub(super) fn insert(&mut self, index: u32, slot: SlotId) {
        match self.position(index) {
            Ok(hole) => {
                self.holes -= usize::from(self.list[hole].1.is_none());
                self.list[hole].1 = Some(slot);
            }
            Err(place) => self.list.insert(place, (index, Some(slot))),
        }
    }

    pub(super) fn remove(&mut self, index: u32) {
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
        // Replicas that were never scaled stand where their index says.
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
        assert_eq!((roster.get(20), roster.get(21), roster.get(100)), (Some(1020), None, None));
        roster.insert(15, 7);
        roster.insert(100, 8);
        assert_eq!((roster.get(15), roster.get(100), roster.len()), (Some(7), Some(8), 12));
    }
}
