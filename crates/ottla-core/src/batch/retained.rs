//! The records of a batch, read again: to move them to other batches, and to show them in a report.

use std::iter::Peekable;
use std::slice::Iter;

use super::chunk::ChunkIter;
use super::splice::Splice;
use super::{Batch, Payload, Report};
use crate::error::Result;
use crate::loan::Loan;
use crate::protocol::record_batch::{HeaderIter, RecordIter, RecordView};
use crate::sync::Arc;

/// A record as the application sent it, read from a report.
#[derive(Clone, Debug)]
pub struct SentRecord<'a> {
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: HeaderIter<'a>,
    /// The record's own, also if the topic says LogAppendTime.
    pub timestamp: i64,
}

/// The encoded records of a batch, in order, each with the loan of its value if that is lent.
pub(super) struct EncodedRecords<'a> {
    chunks: std::iter::Chain<ChunkIter<'a>, ChunkIter<'a>>,
    splices: Peekable<std::iter::Chain<Iter<'a, Splice>, Iter<'a, Splice>>>,
    records: RecordIter<'a>,
    index: u32,
}

impl Batch {
    /// The records, as far as the batch has their plain bytes.
    pub(super) fn encoded_records(&self) -> EncodedRecords<'_> {
        // An open batch has its own chunks, a sealed one those of its payload.
        let payload = self.plain_payload();
        EncodedRecords {
            chunks: self.chunks.iter().chain(payload.chunks.iter()),
            splices: self.splices.iter().chain(&payload.splices).peekable(),
            records: RecordIter::new(&[]),
            index: 0,
        }
    }

    /// The payload before compression, as far as the batch has it.
    fn plain_payload(&self) -> &Payload {
        self.plain.as_deref().unwrap_or(&self.payload)
    }

    /// Releases what only requests need of a decided batch. Its records can still be read.
    pub(super) fn retain_records(&mut self) {
        if self.plain.is_some() {
            self.release_payload();
        }
    }

    /// Charged bytes of the records that a decided batch retains; their lent values are charged to loans.
    pub(super) fn retained_bytes(&self) -> usize {
        let payload = self.plain_payload();
        self.chunks.iter().chain(payload.chunks.iter()).map(|chunk| chunk.capacity()).sum()
    }

    pub(super) fn holds_loans(&self) -> bool {
        let payload = self.plain_payload();
        !self.splices.is_empty() || !payload.splices.is_empty()
    }
}

impl<'a> Iterator for EncodedRecords<'a> {
    type Item = Result<(RecordView<'a>, Option<&'a Arc<Loan>>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.index;
        let loan = self.splices.next_if(|splice| splice.record == index).map(|splice| &splice.loan);
        self.index += 1;
        loop {
            if let Some(record) = self.records.next_around(loan.map(|loan| loan.value())) {
                return Some(record.map(|record| (record, loan)));
            }
            self.records = RecordIter::new(self.chunks.next()?.filled());
        }
    }
}

impl Report {
    /// Whether the producer retains records, so that `records` has them.
    pub fn retains_records(&self) -> bool {
        self.batch().memory.retains()
    }

    /// The records in the order of their deliveries, if the producer retains them; otherwise none.
    pub fn records(&self) -> impl Iterator<Item = SentRecord<'_>> + '_ {
        let batch = self.batch();
        let records = batch.encoded_records().map_while(Result::ok).skip(batch.moved as usize);
        records.map(|(record, _)| SentRecord {
            key: record.key,
            value: record.value,
            headers: record.headers,
            timestamp: batch.base_timestamp.wrapping_add(record.timestamp_delta),
        })
    }
}
