//! How long the next restart of a child waits.

use std::time::Duration;

use crate::Backoff;

impl Backoff {
    /// The delay before restart number `attempt`, counted from 1: none, then half to all of `initial`,
    /// 2 × `initial`, 4 × `initial`, .. up to `max`.
    pub(crate) fn delay(&self, attempt: u32, rng: &mut fastrand::Rng) -> Duration {
        let Some(doublings) = attempt.checked_sub(2) else { return Duration::ZERO };
        let full = self.ceiling(doublings);
        let half = full / 2;
        half + (full - half).mul_f64(rng.f64())
    }

    fn ceiling(&self, doublings: u32) -> Duration {
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.initial.saturating_mul(factor).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_delay_is_half_to_all_of_a_doubling_ceiling() {
        let ms = Duration::from_millis;
        let backoff = Backoff::from(ms(100)..ms(1000));
        // (attempt, ceiling)
        let table =
            [(1, 0), (2, 100), (3, 200), (4, 400), (5, 800), (6, 1000), (7, 1000), (40, 1000), (u32::MAX, 1000)];
        for (attempt, ceiling) in table {
            let mut seen = Vec::new();
            for seed in 0..100 {
                let delay = backoff.delay(attempt, &mut fastrand::Rng::with_seed(seed));
                assert!(delay >= ms(ceiling) / 2 && delay <= ms(ceiling), "attempt {attempt}: {delay:?}");
                seen.push(delay);
            }
            seen.dedup();
            assert!(ceiling == 0 || seen.len() > 50, "attempt {attempt} has jitter");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_delays() {
        let backoff = Backoff::from(Duration::from_millis(100)..Duration::from_secs(30));
        let delays = |seed| {
            let mut rng = fastrand::Rng::with_seed(seed);
            (1..9).map(|attempt| backoff.delay(attempt, &mut rng)).collect::<Vec<_>>()
        };
        assert_eq!(delays(7), delays(7));
        assert_ne!(delays(7), delays(8));
    }
}
