//! A transaction is visible as a whole or not at all, and so are the offsets sent with it.

use std::collections::BTreeSet;

use super::Records;

/// How a transaction ended, as its application knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Committed,
    NotCommitted,
    Unknown,
}

/// A transaction, as its application knows it.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    pub records: Vec<u64>,
    /// The last offset that was accepted.
    pub offset: Option<i64>,
    /// The step at which it began.
    pub begun: u64,
    /// It must be aborted.
    pub failed: bool,
}

struct Ended {
    end: End,
    transaction: Transaction,
    /// The step by which it took effect, if it did. `None` while that is unknown.
    by: Option<u64>,
}

/// All transactions that ended.
#[derive(Default)]
pub struct Transactions(Vec<Ended>);

impl Transactions {
    pub fn add(&mut self, end: End, transaction: Transaction, step: u64) {
        self.0.push(Ended { end, transaction, by: (end != End::Unknown).then_some(step) });
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// How the last one ended.
    pub fn last(&self) -> Option<End> {
        self.0.last().map(|ended| ended.end)
    }

    /// A newer producer was initialized. Transactions that earlier producers left open were aborted or committed by
    /// this step.
    pub fn settle(&mut self, step: u64) {
        self.0.iter_mut().for_each(|ended| ended.by = ended.by.or(Some(step)));
    }

    /// `offset` is the group's offset at the end.
    pub fn check(&self, records: &Records, offset: Option<i64>) {
        let seen: BTreeSet<u64> = records.logs.iter().flat_map(|log| log.committed_ids()).collect();
        for ended in &self.0 {
            let (count, ids) = (ended.count(&seen), &ended.transaction.records);
            match ended.end {
                End::Committed => assert_eq!(count, ids.len(), "committed, and not all is seen: {ids:?}"),
                End::NotCommitted => assert_eq!(count, 0, "not committed, and seen: {ids:?}"),
                End::Unknown => assert!(count == 0 || count == ids.len(), "half of a transaction is seen: {ids:?}"),
            }
        }
        let of_some: BTreeSet<u64> = self.0.iter().flat_map(|ended| ended.transaction.records.clone()).collect();
        assert!(seen.is_subset(&of_some), "records of no transaction are seen");
        self.check_offset(&seen, offset);
    }

    /// The group has the offset of the last committed transaction, or of a later one that may have been committed.
    fn check_offset(&self, seen: &BTreeSet<u64>, offset: Option<i64>) {
        let certain = |ended: &Ended| ended.end == End::Committed || ended.count(seen) > 0;
        let uncertain = |ended: &Ended| ended.end == End::Unknown && ended.transaction.records.is_empty();
        let with_offset = || self.0.iter().filter(|ended| ended.transaction.offset.is_some());
        let replaced = |ended: &Ended| {
            let by = ended.by.unwrap_or(u64::MAX);
            with_offset().any(|other| certain(other) && other.transaction.begun > by)
        };
        let possible: Vec<Option<i64>> = with_offset()
            .filter(|ended| (certain(ended) || uncertain(ended)) && !replaced(ended))
            .map(|ended| ended.transaction.offset)
            .collect();
        assert!(possible.contains(&offset), "the group's offset is {offset:?}, and should be of {possible:?}");
    }
}

impl Ended {
    /// How many of its records are visible.
    fn count(&self, seen: &BTreeSet<u64>) -> usize {
        self.transaction.records.iter().filter(|id| seen.contains(id)).count()
    }
}
