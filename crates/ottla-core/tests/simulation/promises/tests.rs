//! Each checker of a promise about records notices when the promise is broken.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ottla_core::sender::Acks;
use ottla_core::sync::Time;
use ottla_core::{ErrorKind, Fate};
use ottla_mock::StoredRecord;

use super::{End, PartitionLog, Records, Transaction, Transactions};
use super::{blame, not_written, once, order, place, timestamps, unknown, written};
use crate::world::Outcome;
use crate::world::application::Accepted;
use crate::world::values::value_of;

fn stored((offset, &id): (i64, &u64)) -> StoredRecord {
    StoredRecord {
        offset,
        timestamp: 7,
        key: None,
        value: Some(value_of(id, 0, b'.').into()),
        headers: Vec::new(),
        producer_id: 1,
        epoch: 0,
        sequence: offset as i32,
    }
}

/// Records 1 and 2, reported as written at offsets 0 and 1 of a partition whose log has these ids.
fn with_log(ids: &[u64]) -> Records {
    let mut records = Records::default();
    for id in [1, 2] {
        let accepted =
            Accepted { topic: "t".into(), partition: Some(0), padding: 0, acks: Acks::All, compressed: false };
        let outcome = Outcome {
            fate: Fate::Written,
            offset: id as i64 - 1,
            timestamp: 7,
            error: None,
            fatal: false,
            message: String::new(),
            attempts: 1,
            partition: 0,
            lent: None,
            at: Time(1),
        };
        records.accepted.insert(id, accepted);
        records.outcomes.insert(id, outcome);
        records.touched.insert(id);
    }
    let stored: Vec<StoredRecord> = (0..).zip(ids).map(stored).collect();
    records.add_log(PartitionLog {
        topic: "t".into(),
        partition: 0,
        records: stored.clone(),
        committed: stored,
        once: true,
        ordered: true,
    });
    records
}

/// The same, with another outcome of record 2.
fn with_outcome(ids: &[u64], change: impl FnOnce(&mut Outcome)) -> Records {
    let mut records = with_log(ids);
    change(records.outcomes.get_mut(&2).expect("it has one"));
    records
}

fn failed(outcome: &mut Outcome, fate: Fate) {
    (outcome.fate, outcome.offset, outcome.error) = (fate, -1, Some(ErrorKind::DeliveryTimedOut));
}

fn holds(check: fn(&Records), records: &Records) -> bool {
    catch_unwind(AssertUnwindSafe(|| check(records))).is_ok()
}

#[test]
fn kept_promises_about_records_hold() {
    super::check_records(&with_log(&[1, 2]));
    super::check_records(&with_outcome(&[1], |outcome| failed(outcome, Fate::NotWritten)));
    for ids in [&[1, 2][..], &[1]] {
        super::check_records(&with_outcome(ids, |outcome| failed(outcome, Fate::Unknown)));
    }
}

#[test]
fn a_broken_promise_about_records_is_noticed() {
    let kept = || with_log(&[1, 2]);
    let mut elsewhere = kept();
    elsewhere.accepted.get_mut(&2).expect("accepted").partition = Some(1);
    assert!(!holds(place::check, &elsewhere));
    assert!(!holds(once::check, &with_log(&[1, 2, 1])));
    assert!(!holds(order::check, &with_log(&[2, 1])));
    assert!(!holds(timestamps::check, &with_outcome(&[1, 2], |outcome| outcome.timestamp = 8)));
    assert!(!holds(written::check, &with_log(&[1])));
    assert!(!holds(written::check, &with_outcome(&[1, 2], |outcome| outcome.offset = 0)));
    assert!(!holds(written::check, &with_outcome(&[1, 2], |outcome| outcome.error = Some(ErrorKind::Purged))));
    assert!(!holds(not_written::check, &with_outcome(&[1, 2], |outcome| failed(outcome, Fate::NotWritten))));
    let mut untouched = with_outcome(&[1], |outcome| failed(outcome, Fate::Unknown));
    untouched.touched.remove(&2);
    assert!(!holds(unknown::check, &untouched));
    let mut poisoned = kept();
    poisoned.poisoned.insert(2);
    assert!(!holds(blame::check, &poisoned));
    assert!(!holds(blame::check, &with_outcome(&[1], |outcome| outcome.message = "the one to blame".into())));
}

#[test]
fn half_a_transaction_and_a_wrong_offset_are_noticed() {
    let keeps = |end, ids: &[u64], offset| {
        let mut transactions = Transactions::default();
        transactions.add(end, Transaction { records: vec![1, 2], offset: Some(5), ..Transaction::default() }, 1);
        catch_unwind(AssertUnwindSafe(|| transactions.check(&with_log(ids), offset))).is_ok()
    };
    assert!(keeps(End::Committed, &[1, 2], Some(5)) && keeps(End::Unknown, &[1, 2], Some(5)));
    assert!(!keeps(End::Committed, &[1], Some(5)) && !keeps(End::Unknown, &[1], Some(5)));
    assert!(!keeps(End::NotCommitted, &[1], None));
    assert!(!keeps(End::Committed, &[1, 2], None));
}
