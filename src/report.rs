//! Reports that were polled.

use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::delivery::{deliveries_to_report, ottla_batch, ottla_delivery_entry};
use super::error::ottla_error;
use super::guarded;
use super::record::ottla_record;
use super::retained::{RetainedRecords, retained};
use super::sink::QueuedReport;
use ottla_engine::{Report, SentRecord};
use ottla_host::pending::Pending;
use ottla_host::text::c_string;

/// The deliveries of one batch, taken by ottla_producer_poll(): records of one partition that were decided together.
///
/// Life: ottla_producer_poll(); ottla_report_batch(); ottla_report_free(), which may come after ottla_producer_free().
/// Until then the report holds some of buffer.memory, at least 16 bytes a record. It does not change: any thread, any
/// number at once.
pub struct ottla_report {
    /// Points to the members below, which stay where they are.
    batch: ottla_batch,
    topic: CString,
    error: Option<Box<ottla_error>>,
    entries: Vec<ottla_delivery_entry>,
    /// Empty unless records are retained.
    records: RetainedRecords,
    held: Arc<AtomicU64>,
    /// Dropped before `_pending`, so that a flush that waits for this report finds its memory released.
    _report: Report,
    _pending: Pending,
}

impl ottla_report {
    pub(super) fn new(queued: QueuedReport, held: Arc<AtomicU64>) -> Box<Self> {
        held.fetch_add(1, Ordering::Relaxed);
        let QueuedReport { report, pending } = queued;
        let topic = c_string(report.topic());
        let error = report.outcome().error.clone().map(|error| Box::new(ottla_error::new(error)));
        let (entries, records) = if report.retains_records() {
            polled_deliveries(&report, retained(&report))
        } else {
            polled_deliveries(&report, std::iter::repeat(None))
        };
        let batch = ottla_batch::of_report(&report, std::ptr::null(), std::ptr::null());
        let mut made =
            Box::new(ottla_report { batch, topic, error, entries, records, held, _report: report, _pending: pending });
        made.batch.topic = made.topic.as_ptr();
        made.batch.error = made.error.as_deref().map_or(std::ptr::null(), std::ptr::from_ref);
        made.batch.entries = made.entries.as_ptr();
        made.batch.count = made.entries.len();
        made.batch.records = made.records.array(made.entries.len());
        made
    }
}

/// The entries of the deliveries that are polled, and their records as far as they are retained.
fn polled_deliveries<'r>(
    report: &'r Report,
    retained: impl Iterator<Item = Option<SentRecord<'r>>>,
) -> (Vec<ottla_delivery_entry>, RetainedRecords) {
    let (mut entries, mut records) = (Vec::new(), RetainedRecords::default());
    for (_, entry, record) in deliveries_to_report(report, retained).filter(|(call, ..)| *call == 0) {
        entries.push(entry);
        record.iter().for_each(|record| records.push(record));
    }
    (entries, records)
}

impl Drop for ottla_report {
    fn drop(&mut self) {
        self.held.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The outcomes of a report, as an ottla_batch_fn gets them: an array with one entry for each record, without those
/// that have a function of their own or that a call waits for. It is valid as long as the report. NULL for NULL. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_report_batch(report: Option<&ottla_report>) -> *const ottla_batch {
    report.map_or(std::ptr::null(), |report| &raw const report.batch)
}

/// The member `records` of the report's ottla_batch: with retain.records an array of the records as they were sent, in
/// the order of the entries. It and all that it points to are valid as long as the report, and hold memory of
/// buffer.memory until then. NULL for NULL, and without retain.records. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_report_records(report: Option<&ottla_report>) -> *const ottla_record {
    report.map_or(std::ptr::null(), |report| report.batch.records)
}

/// Releases a report. NULL is ignored. Any thread, callbacks too, also after ottla_producer_free().
#[unsafe(no_mangle)]
pub extern "C" fn ottla_report_free(report: Option<Box<ottla_report>>) {
    guarded((), || drop(report));
}
