//! A record that is reported as not written is in no log.

use ottla_core::Fate;

use super::Records;

pub fn check(records: &Records) {
    for (&id, outcome) in records.outcomes.iter().filter(|(_, outcome)| outcome.fate == Fate::NotWritten) {
        let places = records.places(id);
        assert!(places.is_empty(), "record {id} is at {places:?}: {outcome:?}");
    }
}
