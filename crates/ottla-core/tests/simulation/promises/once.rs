//! An idempotent producer writes no record twice.

use std::collections::BTreeSet;

use super::Records;

pub fn check(records: &Records) {
    for log in records.logs.iter().filter(|log| log.once) {
        let ids = log.ids();
        let distinct: BTreeSet<u64> = ids.iter().copied().collect();
        assert!(distinct.len() == ids.len(), "a record twice in {}-{}: {ids:?}", log.topic, log.partition);
    }
}
