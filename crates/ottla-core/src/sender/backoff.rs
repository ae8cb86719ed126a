//! Exponential backoff with jitter (KIP-580): doubles with every failure up to a maximum, with 20 % jitter either way.

use std::time::Duration;

use crate::partition::rng::SplitMix64;
use crate::planted::{Fault, planted};

/// Shorter pauses and intervals count as this one. With 0, which Java accepts for these properties, a failure that
/// comes at once would be repeated as fast as the processor can.
pub const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// `<prefix>.ms` and `<prefix>.max.ms`.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    pub initial: Duration,
    pub max: Duration,
}

impl Backoff {
    /// The pause after the `failures`-th failure in a row (the first is 1). Drawn once per failure, because the
    /// shortest of several draws would be too short.
    pub fn after(&self, failures: u32, random: &mut SplitMix64) -> Duration {
        let shortest = if planted(Fault::NoShortestPause) { Duration::ZERO } else { SHORTEST_PAUSE };
        let (initial, max) = (self.initial.max(shortest), self.max.max(shortest));
        Backoff { initial, max }.grown(failures, random)
    }

    /// The pause before the first retry, without jitter.
    pub fn first(&self) -> Duration {
        self.initial.max(SHORTEST_PAUSE)
    }

    /// Like [`Backoff::after`], for times that are not pauses and may be as short as configured.
    pub fn grown(&self, failures: u32, random: &mut SplitMix64) -> Duration {
        let doubled = self.initial.saturating_mul(1u32 << failures.saturating_sub(1).min(20));
        let base = doubled.min(self.max.max(self.initial));
        let jitter = 0.8 + 0.4 * (random.draw() >> 11) as f64 / (1u64 << 53) as f64;
        base.mul_f64(jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_its_maximum_within_jitter() {
        let backoff = Backoff { initial: Duration::from_millis(100), max: Duration::from_millis(1000) };
        let mut random = SplitMix64::new(7);
        for (failures, base) in [(1, 100.0), (2, 200.0), (3, 400.0), (4, 800.0), (5, 1000.0), (60, 1000.0)] {
            for _ in 0..100 {
                let waited = backoff.after(failures, &mut random).as_secs_f64() * 1e3;
                assert!((0.8 * base..=1.2 * base).contains(&waited), "{failures}: {waited}");
            }
        }
    }

    #[test]
    fn a_pause_of_0_or_1_ms_is_10() {
        let mut random = SplitMix64::new(7);
        for ms in [0, 1] {
            let flat = Backoff { initial: Duration::from_millis(ms), max: Duration::from_millis(ms) };
            assert_eq!(flat.first(), SHORTEST_PAUSE);
            for failures in [1, 2, 30] {
                assert!(flat.after(failures, &mut random) >= SHORTEST_PAUSE.mul_f64(0.8), "{ms}: {failures}");
            }
            let growing = Backoff { max: Duration::from_secs(1), ..flat };
            assert!(growing.after(30, &mut random) >= Duration::from_millis(800), "{ms}");
        }
    }
}
