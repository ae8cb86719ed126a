//! The fate of a record is unknown only if a byte of it reached a connection.

use ottla_core::Fate;

use super::Records;

pub fn check(records: &Records) {
    for (id, outcome) in records.outcomes.iter().filter(|(_, outcome)| outcome.fate == Fate::Unknown) {
        assert!(outcome.attempts > 0, "record {id} was never sent: {outcome:?}");
        // Compressed records cannot be recognized in requests.
        let touched = records.accepted[id].compressed || records.touched.contains(id);
        assert!(touched, "no byte of record {id} reached a connection: {outcome:?}");
    }
}
