//! One partition after the other, with or without a key.

/// The first available partition at or after `cursor`. If none is available, the partition of `cursor` itself. `count`
/// is not 0.
///
/// The caller's next cursor is the result plus one. A plain counter instead would give the partition after an
/// unavailable one that one's share too.
pub fn next(cursor: u32, count: u32, available: impl Fn(u32) -> bool) -> u32 {
    let first = cursor % count;
    (first..count).chain(0..first).find(|&partition| available(partition)).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(mut cursor: u32, count: u32, available: impl Fn(u32) -> bool) -> Vec<u32> {
        let turn = |_| {
            let partition = next(cursor, count, &available);
            cursor = partition.wrapping_add(1);
            partition
        };
        (0..6).map(turn).collect()
    }

    #[test]
    fn partitions_take_turns() {
        assert_eq!(turns(0, 3, |_| true), [0, 1, 2, 0, 1, 2]);
        assert_eq!(turns(7, 4, |_| true), [3, 0, 1, 2, 3, 0]);
        assert_eq!(turns(u32::MAX, 1, |_| true), [0; 6]);
    }

    #[test]
    fn the_turns_of_an_unavailable_partition_are_shared() {
        assert_eq!(turns(0, 4, |partition| partition != 1), [0, 2, 3, 0, 2, 3]);
        assert_eq!(turns(1, 3, |partition| partition == 0), [0; 6]);
    }

    #[test]
    fn without_any_available_all_take_turns() {
        assert_eq!(turns(1, 3, |_| false), [1, 2, 0, 1, 2, 0]);
    }
}
