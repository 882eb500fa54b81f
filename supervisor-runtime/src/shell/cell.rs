//! What a child is told, in one word of memory that it looks at without a lock.

// Not modelled: it depends on where a waker lies in memory.
use std::sync::atomic::AtomicUsize;
use std::task::Waker;

use crate::Phase;
use crate::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

/// Whether an incarnation is this one or a later one. After 2^32 they are counted from 0 again.
pub(super) fn is_from(incarnation: u32, first: u32) -> bool {
    incarnation.wrapping_sub(first) <= u32::MAX / 2
}

/// The command cell of one child.
///
/// Written under the group's lock only, and level-triggered: a late look is harmless, and a wake after a write
/// is never lost. Carries whom it speaks to, so that what is left of an earlier incarnation (a context that was given
/// away) reads "stopping".
#[derive(Default)]
pub(crate) struct Cell {
    word: AtomicU64,
    /// The index of the member that it speaks to: in an open group, the next one takes the place of one that has left.
    member: AtomicU32,
    /// What the child's own task notes, which alone writes it.
    notes: AtomicU8,
    /// What the group remembers of it, which alone reads and writes it, under the lock: here is room.
    memory: AtomicU8,
    /// How often something has left the slot for good.
    stay: AtomicU16,
    /// Tells the waker of the child's own task from others, so that `stopping()` polled by it need not register.
    own_waker: AtomicUsize,
}

/// One reading of a [`Cell`].
#[derive(Clone, Copy)]
pub(crate) struct Command(u64);

const STOP: u64 = 1;
const KILL: u64 = 2;
const TASKS: u64 = 4;
/// Somebody listens, or has tasks: the record has more to tell.
const EXTRAS: u64 = 32;
/// Nothing of the incarnation is left.
const ENDED: u64 = 16;
/// No further incarnation comes to the task that waits for one.
const RELEASED: u64 = 64;
/// The record has given the task's waker away.
const TAKEN: u64 = 128;
const BITS: u32 = 8;

/// The record has the waker of the task.
const REGISTERED: u8 = 1;
/// This incarnation has waited for something.
const WAITED: u8 = 2;
/// And since its `run` has ended.
const WAITED_SINCE: u8 = 4;
/// Its `run` has ended, or what came instead.
const RUN_OVER: u8 = 8;
/// Others are to be started after it, once it waits.
const HANDS_ON: u8 = 16;

/// It has a task.
const TASK: u8 = 1;
/// The `start` of this incarnation has succeeded.
const STARTED: u8 = 2;
/// From here on: in which phase the last incarnation stopped, by its place in `PHASES` and one more, if that is all that is
/// to be told of its end.
const STOPPED: u8 = 4;
const PHASES: [Phase; 4] = [Phase::Create, Phase::Start, Phase::Run, Phase::Stop];

impl Command {
    /// Whether this incarnation has been asked to stop, or told to be dropped.
    #[inline]
    pub(crate) fn is_asked(self) -> bool {
        self.0 & (STOP | KILL) != 0
    }

    /// Whether its future is to be dropped.
    #[inline]
    pub(crate) fn is_kill(self) -> bool {
        self.0 & KILL != 0
    }

    /// Whether it has spawned tasks.
    #[inline]
    pub(crate) fn has_tasks(self) -> bool {
        self.0 & TASKS != 0
    }

    /// Whether anybody else waits for its end, or belongs to it.
    #[inline]
    pub(super) fn has_extras(self) -> bool {
        self.0 & EXTRAS != 0
    }

    /// Whether nothing has been said since `before`.
    #[inline]
    pub(super) fn is_as(self, before: Self) -> bool {
        (self.0 ^ before.0) & !TAKEN == 0
    }

    fn is_over(self, incarnation: u32) -> bool {
        self.0 & (STOP | KILL | ENDED) != 0 || self.0 >> BITS != u64::from(incarnation)
    }
}

impl Cell {
    #[inline]
    pub(crate) fn read(&self) -> Command {
        Command(self.word.load(Ordering::Acquire))
    }

    /// Whether the incarnation of this member is to stop, or has ended.
    #[inline]
    pub(crate) fn is_over(&self, member: u32, incarnation: u32) -> bool {
        // In this order, so that what is over stays over: who reads the notes of the next incarnation reads its word, too, and who
        // reads the word of the next member its index.
        self.is_run_over() || self.read().is_over(incarnation) || self.member.load(Ordering::Relaxed) != member
    }

    /// To which incarnation of its slot, or of the member that is there, it has spoken last.
    #[inline]
    pub(super) fn incarnation(&self) -> u32 {
        (self.read().0 >> BITS) as u32
    }

    /// Whether the cell speaks to this incarnation of this member, and something of it is left.
    pub(crate) fn is_of(&self, member: u32, incarnation: u32) -> bool {
        let word = self.read().0;
        word & ENDED == 0 && word >> BITS == u64::from(incarnation) && self.member.load(Ordering::Relaxed) == member
    }

    /// Which incarnation its task has been told to begin, if it waits for one after `ended`; `None` inside if nothing has been
    /// said since.
    pub(super) fn after(&self, ended: u32) -> Option<Option<u32>> {
        let word = self.read().0;
        let incarnation = (word >> BITS) as u32;
        // Whoever drops the whole group says so by a kill, and nobody is left to release anything.
        match word & (ENDED | RELEASED | KILL) {
            ENDED if incarnation == ended => Some(None),
            0 if incarnation != ended => Some(Some(incarnation)),
            _ => None,
        }
    }

    pub(super) fn begin(&self, member: u32, incarnation: u32) {
        self.member.store(member, Ordering::Relaxed);
        self.word.store(u64::from(incarnation) << BITS, Ordering::Release);
        self.remember(STARTED, 0);
    }

    /// What was in its slot has left for good: it has no last exit any more, and its stay is over.
    pub(super) fn forget(&self) {
        self.memory.store(0, Ordering::Relaxed);
        self.stay.store(self.stay().wrapping_add(1), Ordering::Relaxed);
    }

    /// Which of those it is that have been in its slot one after the other, as a replica that was scaled away and back has. After
    /// 2^16 they are counted from 0 again; only who has been tidying up for all that time would mistake another for itself.
    pub(crate) fn stay(&self) -> u16 {
        self.stay.load(Ordering::Relaxed)
    }

    /// And what comes into the slot is another, whose incarnations are counted anew.
    pub(super) fn count_anew(&self) {
        self.word.store(ENDED, Ordering::Release);
    }

    pub(super) fn ask(&self) {
        self.set(STOP);
    }

    pub(super) fn kill(&self) {
        self.set(STOP | KILL);
    }

    pub(super) fn note_tasks(&self) {
        self.set(TASKS | EXTRAS);
    }

    pub(super) fn note_listener(&self) {
        self.set(EXTRAS);
    }

    pub(super) fn note_end(&self) {
        self.set(ENDED);
    }

    pub(super) fn note_taken(&self) {
        self.set(TAKEN);
    }

    pub(super) fn note_release(&self) {
        self.set(RELEASED);
    }

    /// Under the lock, so that a load and a store do.
    fn set(&self, bits: u64) {
        self.word.store(self.word.load(Ordering::Relaxed) | bits, Ordering::Release);
    }

    #[inline]
    fn remember(&self, what: u8, bits: u8) {
        self.memory.store(self.memory.load(Ordering::Relaxed) & !what | bits, Ordering::Relaxed);
    }

    /// A task begins, of which nothing is known yet.
    pub(super) fn begin_task(&self) {
        self.notes.store(0, Ordering::Release);
        self.remember(TASK, TASK);
    }

    pub(super) fn end_task(&self) {
        self.remember(TASK, 0);
    }

    pub(super) fn has_task(&self) -> bool {
        self.memory.load(Ordering::Relaxed) & TASK != 0
    }

    pub(super) fn note_started(&self) {
        self.remember(STARTED, STARTED);
    }

    pub(super) fn has_started(&self) -> bool {
        self.memory.load(Ordering::Relaxed) & STARTED != 0
    }

    /// The incarnation has stopped because it was asked to, unless there is more to tell of its end.
    #[inline]
    pub(super) fn note_stopped(&self, phase: Option<Phase>) {
        self.remember(!(TASK | STARTED), phase.map_or(0, |phase| (phase as u8 + 1) * STOPPED));
    }

    /// In which phase the last incarnation stopped, if that is all that is to be told of it.
    pub(super) fn stopped_in(&self) -> Option<Phase> {
        let place = (self.memory.load(Ordering::Relaxed) / STOPPED).checked_sub(1)?;
        Some(PHASES[usize::from(place)])
    }

    #[inline]
    pub(super) fn note_own_waker(&self, waker: &Waker) {
        let print = fingerprint(waker);
        if self.own_waker.load(Ordering::Relaxed) != print {
            self.own_waker.store(print, Ordering::Relaxed);
            self.notes.store(self.notes.load(Ordering::Relaxed) & !REGISTERED, Ordering::Relaxed);
        }
    }

    /// Under the lock.
    pub(super) fn note_registered(&self) {
        self.word.store(self.word.load(Ordering::Relaxed) & !TAKEN, Ordering::Release);
        self.notes.store(self.notes.load(Ordering::Relaxed) | REGISTERED, Ordering::Relaxed);
    }

    /// Whether the record has the waker that was noted last.
    #[inline]
    pub(super) fn is_registered(&self) -> bool {
        self.notes.load(Ordering::Relaxed) & REGISTERED != 0 && self.read().0 & TAKEN == 0
    }

    #[inline]
    fn note_waiting(&self) {
        let (notes, waits) = (self.notes.load(Ordering::Relaxed), WAITED | WAITED_SINCE);
        // At every poll: where others stand in the same line of memory, their threads would have to fetch it again.
        if notes & waits != waits {
            self.notes.store(notes | waits, Ordering::Relaxed);
        }
    }

    /// Its future is pending since it was polled after `command`: whether the task may wait now. Its waker is there then, and
    /// nothing has been said that it has not heard.
    #[inline]
    pub(super) fn may_wait(&self, command: Command, register: impl FnOnce()) -> bool {
        self.note_waiting();
        if self.is_registered() {
            return true;
        }
        register();
        // What was said before the waker was there would otherwise go unheard.
        self.read().is_as(command)
    }

    /// Whether the task may wait without more ado: it has before, and its waker was there before its future was polled. (Who has
    /// taken that since wakes it.)
    #[inline]
    pub(super) fn waits_again(&self, command: Command) -> bool {
        const BEFORE: u8 = REGISTERED | WAITED | WAITED_SINCE;
        self.notes.load(Ordering::Relaxed) & (BEFORE | HANDS_ON) == BEFORE && command.0 & TAKEN == 0
    }

    pub(super) fn note_hands_on(&self) {
        self.notes.store(self.notes.load(Ordering::Relaxed) | HANDS_ON, Ordering::Relaxed);
    }

    /// Whether others are to be started now that it waits, which is said once.
    #[inline]
    pub(super) fn hands_on(&self) -> bool {
        let notes = self.notes.load(Ordering::Relaxed);
        let hands_on = notes & HANDS_ON != 0;
        if hands_on {
            self.notes.store(notes & !HANDS_ON, Ordering::Relaxed);
        }
        hands_on
    }

    /// `run` has ended.
    pub(super) fn note_run_over(&self) {
        self.notes.store(self.notes.load(Ordering::Relaxed) & !WAITED_SINCE | RUN_OVER, Ordering::Relaxed);
    }

    /// Whether the `run` of this incarnation has ended.
    #[inline]
    pub(super) fn is_run_over(&self) -> bool {
        self.notes.load(Ordering::Acquire) & RUN_OVER != 0
    }

    /// Whether this incarnation has waited for anything since its `run` ended.
    pub(super) fn has_waited_since(&self) -> bool {
        self.notes.load(Ordering::Relaxed) & WAITED_SINCE != 0
    }

    /// Whether this incarnation has ever waited for anything.
    pub(super) fn has_waited(&self) -> bool {
        self.notes.load(Ordering::Relaxed) & WAITED != 0
    }

    /// The next incarnation has not waited for anything yet.
    pub(super) fn forget_waiting(&self) {
        self.notes.store(self.notes.load(Ordering::Relaxed) & REGISTERED, Ordering::Release);
    }

    #[inline]
    pub(crate) fn is_own_waker(&self, waker: &Waker) -> bool {
        self.own_waker.load(Ordering::Relaxed) == fingerprint(waker)
    }
}

/// Equal for two wakers of the same task, different for two of different ones.
#[inline]
pub(super) fn fingerprint(waker: &Waker) -> usize {
    let table: *const _ = waker.vtable();
    waker.data() as usize ^ (table as usize).rotate_left(usize::BITS / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incarnations_are_counted_on_after_the_last_number() {
        assert_eq!([(7, 7), (8, 7), (0, u32::MAX)].map(|(it, first)| is_from(it, first)), [true; 3]);
        assert_eq!([(6, 7), (u32::MAX, 0)].map(|(it, first)| is_from(it, first)), [false; 2]);
    }

    #[test]
    fn who_waits_once_more_after_its_run_has_waited_at_all_and_since() {
        let cell = Cell::default();
        let waited = || (cell.has_waited(), cell.has_waited_since());
        assert_eq!(waited(), (false, false));
        cell.note_waiting();
        assert_eq!(waited(), (true, true));
        cell.note_run_over();
        assert_eq!(waited(), (true, false));
        cell.note_waiting();
        assert_eq!(waited(), (true, true));
        assert!(cell.is_run_over());
    }

    #[test]
    fn who_waits_again_has_nothing_to_note_and_nothing_to_do() {
        let mut again = 0;
        for (notes, word) in (0..2 * HANDS_ON).flat_map(|notes| [0, TAKEN, STOP].map(|word| (notes, word))) {
            let cell = Cell { word: AtomicU64::new(word), notes: AtomicU8::new(notes), ..Cell::default() };
            let (command, mut registers) = (cell.read(), false);
            let waits_again = cell.waits_again(command);
            let hands_on = cell.hands_on();
            let may_wait = cell.may_wait(command, || registers = true);
            let is_as_before = cell.notes.load(Ordering::Relaxed) == notes;
            assert_eq!(waits_again, may_wait && !registers && !hands_on && is_as_before, "{notes} {word}");
            again += usize::from(waits_again);
        }
        assert_eq!(again, 4, "whether its `run` is over, and whether it was asked");
    }

    #[test]
    fn what_a_group_remembers_of_a_child_does_not_disturb_what_else_it_does() {
        let cell = Cell::default();
        cell.begin_task();
        for phase in PHASES {
            cell.note_stopped(Some(phase));
            assert_eq!((cell.has_task(), cell.has_started(), cell.stopped_in()), (true, false, Some(phase)));
            cell.note_started();
            assert_eq!((cell.has_task(), cell.has_started(), cell.stopped_in()), (true, true, Some(phase)));
            cell.begin(0, 2);
            assert_eq!((cell.has_task(), cell.has_started(), cell.stopped_in()), (true, false, Some(phase)));
        }
        cell.end_task();
        assert_eq!((cell.has_task(), cell.stopped_in()), (false, Some(Phase::Stop)));
        cell.note_stopped(None);
        assert_eq!(cell.stopped_in(), None);
    }
}
