//! The records of a partition are written in the order in which they were accepted. If there are copies, the first
//! counts.

use std::collections::BTreeSet;

use super::Records;

pub fn check(records: &Records) {
    for log in records.logs.iter().filter(|log| log.ordered) {
        let mut seen = BTreeSet::new();
        let first: Vec<u64> = log.committed_ids().into_iter().filter(|id| seen.insert(*id)).collect();
        assert!(first.is_sorted(), "order was lost in {}-{}: {first:?}", log.topic, log.partition);
    }
}
