//! Reports that were polled.

use std::ffi::{CString, c_char};
use std::sync::atomic::{AtomicU64, Ordering};

use super::delivery::{Told, code_number, fate_number, ottla_delivery, told};
use super::error::{ottla_code, ottla_error};
use super::log::c_string;
use super::{boundary, guarded, required};
use crate::batch::Report;
use crate::error::ErrorKind;
use crate::sync::Arc;

use super::boundary::invalid;
use crate::text::counted;

/// What became of the records of one batch: all of one partition, decided together, in the order in which they were
/// accepted. Records that were sent with a function of their own, or that a call waits for, are not among them.
///
/// Life: ottla_producer_poll(); readers; ottla_report_free(), which may come after ottla_producer_free(). What it was
/// made of is charged to buffer.memory until then. It does not change: any thread, any number at once.
pub struct ottla_report {
    report: Report,
    topic: CString,
    error: Option<Box<ottla_error>>,
    records: Vec<Told>,
    held: Arc<AtomicU64>,
}

impl ottla_report {
    pub(super) fn new(report: Report, held: Arc<AtomicU64>) -> Self {
        held.fetch_add(1, Ordering::Relaxed);
        let records = told(&report).filter(|(number, _)| *number == 0).map(|(_, record)| record).collect();
        let error = report.outcome().error.clone().map(|error| Box::new(ottla_error::new(error)));
        ottla_report { topic: c_string(report.topic()), error, records, report, held }
    }

    fn error(&self) -> *const ottla_error {
        self.error.as_deref().map_or(std::ptr::null(), std::ptr::from_ref)
    }
}

impl Drop for ottla_report {
    fn drop(&mut self) {
        self.held.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The topic's name, valid as long as the report. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_report_topic(report: Option<&ottla_report>) -> *const c_char {
    report.map_or(std::ptr::null(), |report| report.topic.as_ptr())
}

/// The partition; -1 if the records failed before one was chosen, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_report_partition(report: Option<&ottla_report>) -> i32 {
    report.map_or(-1, |report| report.report.partition())
}

/// How many records. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_report_count(report: Option<&ottla_report>) -> usize {
    report.map_or(0, |report| report.records.len())
}

/// OTTLA_ERR_OK, or why the records failed. OTTLA_ERR_INVALID_ARGUMENT for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_report_code(report: Option<&ottla_report>) -> ottla_code {
    report.map_or(ErrorKind::InvalidArgument.code(), |report| code_number(report.report.outcome()))
}

/// Details of the failure, valid as long as the report; not to be freed. NULL on success and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_report_error(report: Option<&ottla_report>) -> *const ottla_error {
    report.map_or(std::ptr::null(), ottla_report::error)
}

/// The offset of the batch's first record; -1 if unknown, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_report_base_offset(report: Option<&ottla_report>) -> i64 {
    report.map_or(-1, |report| report.report.outcome().base_offset)
}

/// One of ottla_fate. OTTLA_FATE_UNKNOWN for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_report_fate(report: Option<&ottla_report>) -> i32 {
    report.map_or(0, |report| fate_number(report.report.outcome().fate))
}

/// The fate of one record.
///
/// @param index         below ottla_report_count()
/// @param delivery_out  its struct_size has to be set to sizeof(ottla_delivery); filled, and valid as long as the
///                      report
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
///
/// # Safety
/// `delivery_out` is NULL or has as many writable bytes as its struct_size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_report_delivery_at(
    report: Option<&ottla_report>,
    index: usize,
    delivery_out: *mut ottla_delivery,
) -> ottla_code {
    boundary(None, || {
        let report = required(report, "report")?;
        // SAFETY: by this function's contract.
        let out = unsafe { super::boundary::SizedOut::new(delivery_out, "delivery_out")? };
        let record = report.records.get(index).ok_or_else(|| {
            invalid(format!("index is {index}, and the report has {}", counted(report.records.len(), "record")))
        })?;
        let mut delivery = ottla_delivery::of_report(&report.report, report.topic.as_ptr(), report.error());
        out.write(*delivery.with(record));
        Ok(())
    })
}

/// Releases a report. NULL is ignored. Any thread, also after ottla_producer_free().
#[unsafe(no_mangle)]
pub extern "C" fn ottla_report_free(report: Option<Box<ottla_report>>) {
    guarded((), || drop(report));
}
