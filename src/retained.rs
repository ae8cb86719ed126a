//! Records that deliveries show again, in C's form.

use super::record::{ottla_header, ottla_record};
use ottla_engine::{Report, SentRecord};

/// The retained record of each delivery of a report; `None` where there is none.
pub(super) fn retained(report: &Report) -> impl Iterator<Item = Option<SentRecord<'_>>> {
    report.records().map(Some).chain(std::iter::repeat(None))
}

/// An array of records for C. It points to bytes that their report holds.
#[derive(Default)]
pub(super) struct RetainedRecords {
    records: Vec<ottla_record>,
    /// The headers of all records, one after the other.
    headers: Vec<ottla_header>,
}

impl RetainedRecords {
    pub(super) fn clear(&mut self) {
        self.records.clear();
        self.headers.clear();
    }

    /// Adds a record, unless there is no memory for it.
    pub(super) fn push(&mut self, record: &SentRecord<'_>) {
        let header_count = record.headers.clone().count();
        if self.records.try_reserve(1).is_ok() && self.headers.try_reserve(header_count).is_ok() {
            self.records.push(ottla_record::of_sent(record, header_count));
            self.headers.extend(record.headers.clone().map(|header| ottla_header::of(&header)));
        }
    }

    /// The array, if it has a record for each of `count` deliveries; otherwise NULL. It is valid until the next change.
    pub(super) fn array(&mut self, count: usize) -> *const ottla_record {
        if count == 0 || self.records.len() != count {
            return std::ptr::null();
        }
        let mut rest = &self.headers[..];
        for record in self.records.iter_mut().filter(|record| record.header_count > 0) {
            record.headers = rest.as_ptr();
            rest = &rest[record.header_count..];
        }
        self.records.as_ptr()
    }

    /// Replaces what it has by one record.
    pub(super) fn only(&mut self, record: &SentRecord<'_>) -> *const ottla_record {
        self.clear();
        self.push(record);
        self.array(1)
    }
}
