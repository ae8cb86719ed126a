//! A record that its topic refuses is not written, and no other record fails because of it.

use super::Records;

pub fn check(records: &Records) {
    for (id, outcome) in &records.outcomes {
        let poisoned = records.poisoned.contains(id);
        assert!(!poisoned || records.places(*id).is_empty(), "record {id} is poisoned, and written: {outcome:?}");
        assert!(poisoned || !outcome.message.contains("to blame"), "record {id} was not to blame: {outcome:?}");
    }
}
