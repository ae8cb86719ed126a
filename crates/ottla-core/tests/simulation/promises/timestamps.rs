//! A record that is reported as written has the reported timestamp.

use ottla_core::Fate;

use super::Records;
use crate::world::id_of;

pub fn check(records: &Records) {
    for record in records.logs.iter().flat_map(|log| &log.records) {
        let Some(outcome) = records.outcomes.get(&id_of(record.value.as_deref())) else { continue };
        assert!(outcome.fate != Fate::Written || outcome.timestamp == record.timestamp, "{record:?}: {outcome:?}");
    }
}
