//! Exponential backoff with jitter (KIP-580): doubled at every failure up to a maximum, within 20 % either way.

use std::time::Duration;

use crate::partition::rng::SplitMix64;

/// `<prefix>.ms` and `<prefix>.max.ms`.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    pub initial: Duration,
    pub max: Duration,
}

impl Backoff {
    /// How long to wait after the `failures`-th failure in a row (the first is 1). Rolled once a failure, so that
    /// looking at it again does not bias it low.
    pub fn after(&self, failures: u32, random: &mut SplitMix64) -> Duration {
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
}
