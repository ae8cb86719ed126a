//! The uniform sticky partitioner (KIP-794). Records without a key stay on one partition for about a batch, then move
//! to another one, which is chosen here.
//!
//! The adaptive choice differs from Kafka's, which weighs all partitions by their queued batches and needs a table of
//! all of them. Here two candidates are drawn, and the one with fewer queued bytes wins. That is as good as uniform
//! while backlogs are equal, keeps the longest queue short (the power of two choices), and costs the same with ten
//! thousand partitions as with two.

use super::rng::SplitMix64;

/// Draws before the available partitions are counted. If half of the partitions are available, only one choice in
/// 65,536 needs the count.
const PROBES: u32 = 16;

/// Chooses the next of `count` partitions. `count` is not 0.
///
/// Not adaptive: uniform over the available partitions. Adaptive: draws two different available partitions and takes
/// the one with the smaller load. If their loads are equal, it takes the one that is not `previous`, or either. Without
/// an available partition: uniform over all.
pub fn next<L: Ord>(
    random: u64,
    count: u32,
    available: impl Fn(u32) -> bool,
    load: impl Fn(u32) -> L,
    previous: Option<u32>,
    adaptive: bool,
) -> u32 {
    let mut rng = SplitMix64::new(random);
    let Some(one) = draw(&mut rng, count, &available) else {
        return rng.below(count);
    };
    if !adaptive || count == 1 {
        return one;
    }
    // Drawn as if `one` did not exist, so the two always differ.
    let without_one = |index: u32| index + u32::from(index >= one);
    let Some(other) = draw(&mut rng, count - 1, |index| available(without_one(index))) else {
        return one;
    };
    lighter(one, without_one(other), load, previous)
}

/// `one` and `other` are in random order, so either may win a tie. A batch has just been filled for the previous
/// partition. If its load is no larger than the other's, the only reason is that this batch was taken already.
fn lighter<L: Ord>(one: u32, other: u32, load: impl Fn(u32) -> L, previous: Option<u32>) -> u32 {
    let by_load = load(one).cmp(&load(other));
    let by_turn = (previous == Some(one)).cmp(&(previous == Some(other)));
    if by_load.then(by_turn).is_le() { one } else { other }
}

/// An available number below `count`, all equally likely; `None` if there is none.
fn draw(rng: &mut SplitMix64, count: u32, available: impl Fn(u32) -> bool) -> Option<u32> {
    let probe = (0..PROBES).map(|_| rng.below(count)).find(|&index| available(index));
    probe.or_else(|| draw_by_counting(rng, count, available))
}

/// One pass: the nth available number replaces the present choice with probability 1/n.
fn draw_by_counting(rng: &mut SplitMix64, count: u32, available: impl Fn(u32) -> bool) -> Option<u32> {
    let mut chosen = None;
    for (before, index) in (0u32..).zip((0..count).filter(|&index| available(index))) {
        if rng.below(before + 1) == 0 {
            chosen = Some(index);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const ROUNDS: u32 = 60_000;

    /// How often each partition is chosen.
    fn tally(count: u32, available: impl Fn(u32) -> bool, load: impl Fn(u32) -> u64, adaptive: bool) -> Vec<u32> {
        let mut random = SplitMix64::new(42);
        let mut previous = None;
        let mut chosen = vec![0; count as usize];
        for _ in 0..ROUNDS {
            let partition = next(random.draw(), count, &available, &load, previous, adaptive);
            chosen[partition as usize] += 1;
            previous = Some(partition);
        }
        chosen
    }

    /// Five standard deviations around an even share. One seed in a million fails a correct choice.
    fn assert_even(chosen: &[u32], among: &[u32]) {
        let share = f64::from(ROUNDS) / among.len() as f64;
        let slack = 5.0 * share.sqrt();
        for (partition, &count) in (0u32..).zip(chosen) {
            let expected = if among.contains(&partition) { share } else { 0.0 };
            let off = (f64::from(count) - expected).abs();
            assert!(off <= if expected == 0.0 { 0.0 } else { slack }, "{partition}: {count}, expected {expected}");
        }
    }

    #[test]
    fn equal_loads_are_chosen_evenly() {
        for adaptive in [false, true] {
            for count in [1, 2, 3, 12, 50] {
                let all: Vec<u32> = (0..count).collect();
                assert_even(&tally(count, |_| true, |_| 0, adaptive), &all);
            }
        }
    }

    #[test]
    fn not_adaptive_ignores_loads() {
        assert_even(&tally(4, |_| true, |partition| u64::from(partition) * 1000, false), &[0, 1, 2, 3]);
    }

    #[test]
    fn unavailable_partitions_are_skipped() {
        for adaptive in [false, true] {
            assert_even(&tally(5, |partition| partition % 2 == 0, |_| 0, adaptive), &[0, 2, 4]);
            assert_even(&tally(5, |partition| partition == 3, |_| 0, adaptive), &[3]);
        }
    }

    #[test]
    fn a_few_available_among_many_are_found_and_chosen_evenly() {
        // Nearly every choice ends with the count.
        for adaptive in [false, true] {
            assert_even(&tally(200, |partition| [0, 7, 199].contains(&partition), |_| 0, adaptive), &[0, 7, 199]);
        }
    }

    #[test]
    fn without_any_available_all_are_chosen_evenly() {
        for adaptive in [false, true] {
            assert_even(&tally(6, |_| false, u64::from, adaptive), &[0, 1, 2, 3, 4, 5]);
        }
    }

    #[test]
    fn the_lighter_of_two_always_wins() {
        let chosen = tally(2, |_| true, |partition| if partition == 0 { 1 } else { 0 }, true);
        assert_eq!(chosen, [0, ROUNDS]);
        // The partition with the largest load is never the lighter of two.
        assert_eq!(tally(4, |_| true, u64::from, true)[3], 0);
    }

    #[test]
    fn equally_loaded_partitions_alternate() {
        for random in 0..100 {
            assert_eq!(next(random, 2, |_| true, |_| 5, Some(0), true), 1);
            assert_eq!(next(random, 2, |_| true, |_| 5, Some(1), true), 0);
        }
    }

    #[test]
    fn a_slow_partition_gets_what_it_can_carry() {
        // Each round adds one batch. Nine partitions send a batch every 8 rounds, and the last one every 80.
        let mut random = SplitMix64::new(3);
        let mut queued = [0u64; 10];
        let mut chosen = [0u32; 10];
        for round in 0..ROUNDS {
            let partition = next(random.draw(), 10, |_| true, |p| queued[p as usize], None, true) as usize;
            queued[partition] += 1;
            chosen[partition] += 1;
            for (p, queue) in queued.iter_mut().enumerate() {
                if round % if p == 9 { 80 } else { 8 } == 0 {
                    *queue = queue.saturating_sub(1);
                }
            }
        }
        let fast = (ROUNDS - chosen[9]) / 9;
        assert!(chosen[9] * 4 < fast, "{chosen:?}");
        assert!(queued[9] < 20, "{queued:?}");
    }

    #[test]
    fn a_choice_among_many_looks_at_few() {
        let looks = Cell::new(0);
        let mut random = SplitMix64::new(11);
        for _ in 0..1000 {
            let half = |partition: u32| {
                looks.set(looks.get() + 1);
                partition.is_multiple_of(2)
            };
            next(random.draw(), 10_000, half, |_| 0, None, true);
        }
        assert!(looks.get() < 6_000, "{}", looks.get());
    }
}
