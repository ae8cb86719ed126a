//! Histograms: buckets whose width grows with the value. In a few hundred bytes, percentiles are within two per cent of
//! the exact ones, whatever their size.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets between one power of two and the next.
const STEPS: usize = 32;
const STEP_BITS: u32 = STEPS.trailing_zeros();

/// Larger values (nineteen hours, in microseconds) count as this one. One less than a power of two, so that the last
/// bucket is whole.
const LARGEST: u64 = (1 << 36) - 1;

/// Values below `STEPS` have a bucket each. Above them, there are `STEPS` buckets for each power of two.
const OCTAVES: usize = 36 - STEP_BITS as usize + 1;

type Octave = [AtomicU64; STEPS];

/// Counts values: whole microseconds, bytes or pieces. Only the sender's thread writes, and any thread may read. The
/// buckets of an octave are allocated with the first value in it, because most figures spread over only a few octaves.
#[derive(Default)]
pub struct Histogram {
    octaves: [OnceLock<Box<Octave>>; OCTAVES],
    sum: AtomicU64,
    max: AtomicU64,
    /// The smallest value plus one; 0 without a value.
    min_and_one: AtomicU64,
}

impl Histogram {
    /// Counts `value` `weight` times, for example once for each record of a batch.
    pub fn add(&self, value: u64, weight: u64) {
        let value = value.min(LARGEST);
        let (octave, step) = place(value);
        let buckets = self.octaves[octave].get_or_init(Box::default);
        bump(&buckets[step], weight);
        bump(&self.sum, value.saturating_mul(weight));
        if value > self.max.load(Ordering::Relaxed) {
            self.max.store(value, Ordering::Relaxed);
        }
        let smallest = self.min_and_one.load(Ordering::Relaxed);
        if smallest == 0 || value + 1 < smallest {
            self.min_and_one.store(value + 1, Ordering::Relaxed);
        }
    }

    pub fn add_time(&self, time: Duration, weight: u64) {
        self.add(u64::try_from(time.as_micros()).unwrap_or(LARGEST), weight);
    }

    /// A copy. Its count is the sum of its buckets, also if values are added meanwhile.
    pub fn distribution(&self) -> Distribution {
        let mut buckets = Vec::new();
        for (octave, steps) in self.octaves.iter().enumerate() {
            for (step, bucket) in steps.get().into_iter().flat_map(|steps| steps.iter()).enumerate() {
                let count = bucket.load(Ordering::Relaxed);
                if count > 0 {
                    buckets.push(Bucket { index: (octave * STEPS + step) as u16, count });
                }
            }
        }
        Distribution {
            count: buckets.iter().map(|bucket| bucket.count).sum(),
            sum: self.sum.load(Ordering::Relaxed),
            min: self.min_and_one.load(Ordering::Relaxed).saturating_sub(1),
            max: self.max.load(Ordering::Relaxed),
            buckets,
        }
    }
}

fn bump(number: &AtomicU64, by: u64) {
    number.store(number.load(Ordering::Relaxed).saturating_add(by), Ordering::Relaxed);
}

/// The octave of a value, and the step in that octave.
fn place(value: u64) -> (usize, usize) {
    let exponent = value.max(1).ilog2();
    match exponent.checked_sub(STEP_BITS) {
        None => (0, value as usize),
        Some(shift) => (shift as usize + 1, (value >> shift) as usize - STEPS),
    }
}

/// The content of a histogram when it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// The number of values.
    pub count: u64,
    pub sum: u64,
    /// 0 if there is no value.
    pub min: u64,
    pub max: u64,
    /// The buckets that are not empty, ascending.
    buckets: Vec<Bucket>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bucket {
    index: u16,
    count: u64,
}

impl Bucket {
    /// The smallest value of this bucket, and how many values it spans.
    fn range(self) -> (u64, u64) {
        let (octave, step) = (usize::from(self.index) / STEPS, usize::from(self.index) % STEPS);
        match octave.checked_sub(1) {
            None => (step as u64, 1),
            Some(shift) => (((STEPS + step) as u64) << shift, 1 << shift),
        }
    }
}

/// The percentiles that are reported, by name.
pub const PERCENTILES: [(&str, f64); 6] =
    [("p50", 0.5), ("p75", 0.75), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999)];

impl Distribution {
    /// The percentile of `part`, from 0 to 1; 0 if there is no value.
    pub fn percentile(&self, part: f64) -> u64 {
        let rank = ((self.count as f64 * part).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        for bucket in &self.buckets {
            seen += bucket.count;
            if seen >= rank {
                let (lowest, width) = bucket.range();
                return (lowest + width / 2).clamp(self.min, self.max);
            }
        }
        0
    }

    /// How many values are below `2^power`.
    pub fn count_below_power(&self, power: u32) -> u64 {
        let bound = 1u64 << power;
        self.buckets.iter().take_while(|bucket| bucket.range().0 < bound).map(|bucket| bucket.count).sum()
    }

    /// The values that were added after `earlier` was read. Their minimum and maximum are known only to a bucket's
    /// width.
    pub fn since(&self, earlier: &Distribution) -> Distribution {
        let before = |index| {
            let at = earlier.buckets.binary_search_by_key(&index, |bucket| bucket.index);
            at.map_or(0, |at| earlier.buckets[at].count)
        };
        let fresh = |bucket: &Bucket| Bucket { count: bucket.count.saturating_sub(before(bucket.index)), ..*bucket };
        let buckets: Vec<Bucket> = self.buckets.iter().map(fresh).filter(|bucket| bucket.count > 0).collect();
        let min = buckets.first().map_or(0, |first| first.range().0.max(self.min));
        let max = buckets.last().map_or(0, |last| (last.range().0 + last.range().1 - 1).min(self.max));
        let count = buckets.iter().map(|bucket| bucket.count).sum();
        Distribution { count, sum: self.sum.saturating_sub(earlier.sum), min, max, buckets }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(sorted: &[u64], part: f64) -> u64 {
        sorted[((sorted.len() as f64 * part).ceil() as usize).max(1) - 1]
    }

    #[test]
    fn percentiles_are_within_two_per_cent_of_the_exact_ones() {
        // From microseconds to minutes, spread evenly over the powers of two.
        let mut state = 7u64;
        let mut values: Vec<u64> = (0..20_000)
            .map(|_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let power = (state >> 59) % 28;
                (1 << power) + (state >> 20) % (1 << power)
            })
            .collect();
        let histogram = Histogram::default();
        values.iter().for_each(|&value| histogram.add(value, 1));
        values.sort_unstable();
        let reported = histogram.distribution();
        for (name, part) in PERCENTILES {
            let (reported, exact) = (reported.percentile(part) as f64, exact(&values, part) as f64);
            assert!((reported - exact).abs() <= exact * 0.02 + 0.5, "{name}: {reported} for {exact}");
        }
        assert_eq!(reported.count, 20_000);
        assert_eq!(reported.sum, values.iter().sum::<u64>());
        assert_eq!((reported.min, reported.max), (values[0], values[19_999]));
    }

    #[test]
    fn small_values_are_exact_and_large_ones_are_one() {
        let histogram = Histogram::default();
        for value in 0..32 {
            histogram.add(value, 1);
        }
        assert_eq!(histogram.distribution().percentile(0.5), 15);
        histogram.add(u64::MAX, 1);
        let reported = histogram.distribution();
        assert_eq!((reported.count, reported.min, reported.max), (33, 0, LARGEST));
        assert_eq!(reported.percentile(1.0), LARGEST - (1 << 29) + 1);
    }

    #[test]
    fn a_weight_counts_a_value_as_often() {
        let histogram = Histogram::default();
        histogram.add(10, 99);
        histogram.add(1_000_000, 1);
        let reported = histogram.distribution();
        assert_eq!((reported.count, reported.sum), (100, 1_000_990));
        assert_eq!((reported.percentile(0.99), reported.min), (10, 10));
        assert!(reported.percentile(0.999) > 980_000);
    }

    #[test]
    fn an_empty_one_is_all_zero() {
        let reported = Histogram::default().distribution();
        assert_eq!(reported, Distribution::default());
        assert_eq!(reported.percentile(0.5), 0);
    }

    #[test]
    fn a_difference_holds_what_came_between() {
        let histogram = Histogram::default();
        (0..100).for_each(|_| histogram.add(5_000_000, 1));
        let earlier = histogram.distribution();
        assert_eq!(earlier.since(&earlier).count, 0);
        (0..10).for_each(|_| histogram.add(100, 1));
        let between = histogram.distribution().since(&earlier);
        assert_eq!((between.count, between.sum), (10, 1000));
        assert!((100..=103).contains(&between.max), "{}", between.max);
        assert!((100..=103).contains(&between.percentile(0.999)));
    }

    #[test]
    fn counts_below_powers_of_two_are_exact() {
        let histogram = Histogram::default();
        [0, 1, 127, 128, 129, 1 << 20].into_iter().for_each(|value| histogram.add(value, 1));
        let reported = histogram.distribution();
        let below = |power| reported.count_below_power(power);
        assert_eq!([below(0), below(1), below(7), below(8), below(20), below(21)], [1, 2, 3, 5, 5, 6]);
    }

    #[test]
    fn every_value_lies_in_the_range_of_its_bucket() {
        for value in (0..40).flat_map(|power| [(1u64 << power) - 1, 1 << power, (1 << power) + 1]) {
            let value = value.min(LARGEST);
            let (octave, step) = place(value);
            let (lowest, width) = Bucket { index: (octave * STEPS + step) as u16, count: 1 }.range();
            assert!((lowest..lowest + width).contains(&value), "{value}: {lowest} and {width} more");
        }
    }
}
