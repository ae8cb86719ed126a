//! A transaction is seen whole or not at all, with the offsets that were sent with it.

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
    /// When it began, in steps.
    pub begun: u64,
    /// It has to be aborted.
    pub failed: bool,
}

struct Ended {
    end: End,
    transaction: Transaction,
    /// The step by which it took effect, if it did; none if that is not known yet.
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

    /// The end of the last one.
    pub fn last(&self) -> Option<End> {
        self.0.last().map(|ended| ended.end)
    }

    /// A newer producer was initialized: what earlier ones left open was aborted or committed by this step.
    pub fn settle(&mut self, step: u64) {
        self.0.iter_mut().for_each(|ended| ended.by = ended.by.or(Some(step)));
    }

    /// `offset` is what the group has at the end.
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

    /// The group has the offset of the last transaction that was committed, or of one that may have been.
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
    /// How many of its records are seen.
    fn count(&self, seen: &BTreeSet<u64>) -> usize {
        self.transaction.records.iter().filter(|id| seen.contains(id)).count()
    }
}
