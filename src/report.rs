//! Reports that were polled.

use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::delivery::{deliveries_to_report, ottla_batch, ottla_delivery_entry};
use super::error::ottla_error;
use super::guarded;
use super::record::{ottla_header, ottla_record};
use super::sink::QueuedReport;
use ottla_engine::Report;
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
    records: Vec<ottla_record>,
    _headers: Vec<ottla_header>,
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
        let entries = deliveries_to_report(&report).filter(|(call, _)| *call == 0).map(|(_, entry)| entry).collect();
        let (records, headers) = records_to_show(&report);
        let batch = ottla_batch::of_report(&report, std::ptr::null(), std::ptr::null());
        let mut made = Box::new(ottla_report {
            batch,
            topic,
            error,
            entries,
            records,
            _headers: headers,
            held,
            _report: report,
            _pending: pending,
        });
        made.batch.topic = made.topic.as_ptr();
        made.batch.error = made.error.as_deref().map_or(std::ptr::null(), std::ptr::from_ref);
        made.batch.entries = made.entries.as_ptr();
        made.batch.count = made.entries.len();
        made
    }
}

/// The records of the deliveries that are polled, and their headers, which the records point to.
fn records_to_show(report: &Report) -> (Vec<ottla_record>, Vec<ottla_header>) {
    let mut waiters = report.waiters().iter().map(|(index, _)| *index).peekable();
    let with_deliveries = report.records().zip(report.deliveries()).zip(0u32..);
    let records: Vec<_> = with_deliveries
        .filter(|((_, delivery), index)| waiters.next_if_eq(index).is_none() && delivery.call == 0)
        .map(|((record, _), _)| record)
        .collect();
    let all_headers: Vec<_> =
        records.iter().flat_map(|record| record.headers.clone()).map(|header| ottla_header::of(&header)).collect();
    let mut rest = &all_headers[..];
    let shown = records.iter().map(|record| {
        let (headers, others) = rest.split_at(record.headers.clone().count());
        rest = others;
        ottla_record::of_sent(record, headers)
    });
    (shown.collect(), all_headers)
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

/// The records of a report, in the order of the entries of its ottla_batch, if retain.records is set: key, value, headers
/// and timestamp as they were sent. A record can be sent again as it is; its partition is not set. The array and all that
/// it points to are valid as long as the report, and hold memory of buffer.memory until then. NULL for NULL, or without
/// retain.records. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_report_records(report: Option<&ottla_report>) -> *const ottla_record {
    match report {
        Some(report) if !report.records.is_empty() => report.records.as_ptr(),
        _ => std::ptr::null(),
    }
}

/// Releases a report. NULL is ignored. Any thread, callbacks too, also after ottla_producer_free().
#[unsafe(no_mangle)]
pub extern "C" fn ottla_report_free(report: Option<Box<ottla_report>>) {
    guarded((), || drop(report));
}
