//! A record is written to the topic and the partition for which it was accepted.

use super::Records;

pub fn check(records: &Records) {
    for log in &records.logs {
        for id in log.ids() {
            let accepted = &records.accepted[&id];
            let meant = accepted.topic == log.topic && accepted.partition.is_none_or(|own| own == log.partition);
            assert!(meant, "record {id} is in {}-{}: {accepted:?}", log.topic, log.partition);
        }
    }
}
