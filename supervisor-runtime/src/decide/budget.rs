//! What is left of a restart limit: an exact sliding window.

use std::collections::VecDeque;

use crate::RestartLimit;

/// The restarts made in the last window, and so what is left of the limit. Times are in nanoseconds since the group began.
///
/// Invariant: `spent` is in order of time and holds no more than `max_restarts` times.
#[cfg_attr(test, derive(Clone))]
pub(crate) struct RestartBudget {
    limit: RestartLimit,
    /// The length of the window; one that nobody lives to see is as good as any longer.
    over: u64,
    spent: VecDeque<u64>,
    /// Until when the first of them counts.
    first_counts: u64,
}

/// The limit is reached: one more restart would be too many.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exhausted;

impl RestartBudget {
    pub(crate) fn new(limit: RestartLimit) -> Self {
        let over = limit.over.as_nanos().try_into().unwrap_or(u64::MAX);
        Self { limit, over, spent: VecDeque::new(), first_counts: u64::MAX }
    }

    /// Counts a restart decided at `now` and says how many more are allowed in this window.
    pub(crate) fn spend(&mut self, now: u64) -> Result<u32, Exhausted> {
        if !self.limit.counts() {
            return Ok(u32::MAX);
        }
        // Children read the clock before they take the lock, so a later call can carry an earlier `now`.
        let now = self.spent.back().map_or(now, |&last| last.max(now));
        if now > self.first_counts {
            self.expire(now);
        }
        let spent = self.spent.len() as u64;
        if spent >= u64::from(self.limit.max_restarts) {
            return Err(Exhausted);
        }
        self.spent.push_back(now);
        if spent == 0 {
            self.first_counts = now.saturating_add(self.over);
        }
        Ok((u64::from(self.limit.max_restarts) - spent - 1) as u32)
    }

    /// The restarts that counted when the last one was made.
    pub(crate) fn spent(&self) -> impl Iterator<Item = u64> {
        self.spent.iter().copied()
    }

    /// Forgets what is longer ago than the window; a restart exactly `over` ago still counts.
    #[inline(never)]
    fn expire(&mut self, now: u64) {
        let counts_until = |then: u64| then.saturating_add(self.over);
        // Mostly it is one or two; after a quiet time it may be very many.
        for _ in 0..4 {
            if self.spent.front().is_some_and(|&first| now > counts_until(first)) {
                self.spent.pop_front();
            }
        }
        if self.spent.front().is_some_and(|&first| now > counts_until(first)) {
            let expired = self.spent.partition_point(|&then| now > counts_until(then));
            self.spent.drain(..expired);
        }
        self.first_counts = self.spent.front().map_or(u64::MAX, |&first| counts_until(first));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const MS: u64 = 1_000_000;

    fn budget(max_restarts: u32, over: u64) -> RestartBudget {
        RestartBudget::new(RestartLimit { max_restarts, over: Duration::from_millis(over) })
    }

    #[test]
    fn the_limit_means_what_it_says() {
        /// `max_restarts`, `over`, and when what is left.
        type Row = (u32, u64, &'static [(u64, Option<u32>)]);
        let table: &[Row] = &[
            (0, 1000, &[(0, None)]),
            (1, 1000, &[(0, Some(0)), (1, None)]),
            (2, 1000, &[(0, Some(1)), (0, Some(0)), (0, None)]),
            // Exactly `over` ago still counts; one more millisecond, and it does not.
            (1, 1000, &[(0, Some(0)), (1000, None)]),
            (1, 1000, &[(0, Some(0)), (1001, Some(0)), (2001, None)]),
            // A refused restart is not counted: it was not made.
            (1, 1000, &[(0, Some(0)), (500, None), (1001, Some(0))]),
            // The window slides; it does not start over.
            (2, 1000, &[(0, Some(1)), (900, Some(0)), (1100, Some(0)), (1500, None), (1901, Some(0))]),
            // A clock read earlier, counted later.
            (2, 1000, &[(10, Some(1)), (5, Some(0)), (1010, None), (1011, Some(1))]),
        ];
        for (max, over, row) in table {
            let mut budget = budget(*max, *over);
            for (when, left) in *row {
                assert_eq!(budget.spend(*when * MS).ok(), *left, "max {max}, over {over}, at {when}, of {row:?}");
            }
        }
    }

    #[test]
    fn where_there_is_no_limit_nothing_is_kept() {
        for (max_restarts, kept) in [(u32::MAX - 1, 1000), (u32::MAX, 0)] {
            let mut budget = RestartBudget::new(RestartLimit { max_restarts, over: Duration::MAX });
            assert!((0..1000).all(|_| budget.spend(7).is_ok()));
            assert_eq!(budget.spent().count(), kept, "{max_restarts}");
        }
    }

    #[test]
    fn what_is_forgotten_all_at_once_is_exactly_what_is_over() {
        let mut budget = budget(10, 100);
        for ms in 0..10 {
            assert!(budget.spend(ms * MS).is_ok());
        }
        // Six are over, and that of 6 ms is exactly as long ago as still counts.
        assert_eq!(budget.spend(106 * MS), Ok(5));
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_the_limit(
            max in 0_u32..6,
            over in 1_u64..50,
            steps in proptest::collection::vec(0_u64..20, 0..200),
        ) {
            let mut budget = budget(max, over);
            let (mut now, mut made) = (0, Vec::new());
            for step in steps {
                now += step;
                let in_window = made.iter().filter(|&&then| now - then <= over).count();
                let spent = budget.spend(now * MS);
                // Exact: refused if and only if the window is full.
                prop_assert_eq!(spent.is_ok(), in_window < max as usize);
                if spent.is_ok() {
                    made.push(now);
                }
            }
        }
    }
}
