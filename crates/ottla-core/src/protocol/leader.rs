//! The leader of a partition in messages, where -1 stands for no leader and for no leader epoch.

use std::fmt;

/// How often the leader of a partition has changed. Whoever names a higher one knows more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeaderEpoch(i32);

impl LeaderEpoch {
    /// `None` if the field holds no epoch.
    pub fn of_field(field: i32) -> Option<Self> {
        (field >= 0).then_some(LeaderEpoch(field))
    }

    pub fn get(self) -> i32 {
        self.0
    }
}

impl fmt::Display for LeaderEpoch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// The id of the leader; `None` if the field says that there is no leader.
pub fn leader_of_field(field: i32) -> Option<i32> {
    (field >= 0).then_some(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minus_1_is_no_epoch_and_no_leader() {
        assert_eq!(
            [-1, 0, 7].map(|field| LeaderEpoch::of_field(field).map(LeaderEpoch::get)),
            [None, Some(0), Some(7)]
        );
        assert_eq!([-1, 0, 7].map(leader_of_field), [None, Some(0), Some(7)]);
    }

    /// A leader hint is followed if its epoch is greater than the known one.
    #[test]
    fn an_unknown_epoch_is_below_every_other() {
        assert!(LeaderEpoch::of_field(-1) < LeaderEpoch::of_field(0));
        assert!(LeaderEpoch::of_field(2) < LeaderEpoch::of_field(10));
    }
}
