//! A record that is reported as written is in the log at the reported offset, and no error is reported with it.

use ottla_core::Fate;
use ottla_core::sender::Acks;

use super::Records;

pub fn check(records: &Records) {
    for (&id, outcome) in &records.outcomes {
        let places = records.places(id);
        if outcome.fate == Fate::Written {
            let place = (outcome.partition, outcome.offset);
            assert!(!places.is_empty(), "record {id} was reported written and is not: {outcome:?}");
            assert!(outcome.offset < 0 || places.contains(&place), "record {id} is at {places:?}: {outcome:?}");
            assert!(outcome.error.is_none(), "record {id} is written and has an error: {outcome:?}");
        } else {
            // Without acks, no broker confirms that a record was written.
            let acks = records.accepted[&id].acks;
            assert!(outcome.error.is_some() || acks == Acks::None, "record {id} has no error: {outcome:?}");
        }
    }
}
