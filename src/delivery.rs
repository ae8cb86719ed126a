//! Deliveries: what became of records.

use std::ffi::{c_char, c_void};

use super::config::{ottla_config, set_route};
use super::error::{ottla_code, ottla_error};
use super::record::ottla_record;
use super::sink::Route;
use super::userdata::{ottla_free_fn, take_over};
use ottla_engine::{Delivery, DeliveryResult, Fate, Outcome, Report, Result};
use ottla_host::userdata::userdata_of;

/// Whether a record is in the log, over all attempts to write it.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum ottla_fate {
    /// Perhaps in the log: an attempt reached a socket, and its outcome was never learned. With acks=0 every record
    /// that was handed to its socket has this fate, without an error. A broker that refuses such a record (its topic
    /// was deleted, or the partition has another leader) closes the connection without a response, and all records
    /// written to the connection are lost. The log has a warning for each such connection.
    OTTLA_FATE_UNKNOWN = 0,
    /// In the log.
    OTTLA_FATE_WRITTEN = 1,
    /// Certainly not in the log.
    OTTLA_FATE_NOT_WRITTEN = 2,
}

/// What became of one record. Grows at its end only: check `struct_size` before you read a member that a later release
/// added.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_delivery {
    /// In a callback: the size of this structure in the library. For a call that fills it: set it to
    /// sizeof(ottla_delivery) before; afterwards it says how much was filled.
    pub struct_size: usize,
    /// OTTLA_ERR_OK, or why the record failed:
    /// OTTLA_ERR_DELIVERY_TIMED_OUT: delivery.timeout.ms or its own timeout_ms passed, after any number of attempts;
    /// OTTLA_ERR_METADATA_TIMED_OUT: no broker answered, so the topic's partitions did not become known;
    /// OTTLA_ERR_UNKNOWN_PARTITION, OTTLA_ERR_PARTITIONER_FAILED, OTTLA_ERR_PURGED, OTTLA_ERR_CLOSED,
    /// OTTLA_ERR_INTERNAL;
    /// OTTLA_ERR_OUT_OF_MEMORY: there was no memory to move it out of its topic's queue or out of a refused batch;
    /// or the broker's code, for example OTTLA_ERR_UNKNOWN_TOPIC_OR_PARTITION (the topic was missing as long as the
    /// record could wait; with acks=0 also a topic that was deleted) or OTTLA_ERR_UNKNOWN_TOPIC_ID (the topic was
    /// deleted and created again, and the record was meant for the old one).
    pub code: ottla_code,
    /// One of ottla_fate. With acks=0 OTTLA_FATE_UNKNOWN, without an error.
    pub fate: i32,
    /// The topic's name.
    pub topic: *const c_char,
    /// The partition; -1 if the record failed before one was chosen.
    pub partition: i32,
    /// The number of requests that carried the record.
    pub attempts: u32,
    /// The record's offset in its partition; -1 if unknown.
    pub offset: i64,
    /// Milliseconds since 1970-01-01 UTC: the record's time, or the broker's if the topic has LogAppendTime.
    pub timestamp: i64,
    /// The userdata that the record was sent with.
    pub userdata: *mut c_void,
    /// The same as a number: the `tag` of a record in flat form.
    pub tag: u64,
    /// NULL on success; otherwise details of the failure. Valid as long as this structure.
    pub error: *const ottla_error,
    /// Microseconds from the append of the batch's first record until the batch was decided.
    pub latency_us: i64,
    /// 0.
    pub reserved: [u64; 2],
    /// The address of the record's value if it was lent (on_release in ottla_send_options), to identify it. The value
    /// may have been returned before. NULL for a value that was copied.
    pub value: *const c_void,
    /// Its length.
    pub value_len: usize,
    /// With retain.records, in an ottla_delivery_fn: the record as it was sent, with key, value, headers and timestamp. It
    /// can be sent again as it is; its partition is not set. NULL otherwise, and if the system has no memory to show it.
    pub record: *const ottla_record,
}

/// One record of an ottla_batch. Its size never changes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_delivery_entry {
    /// The userdata that the record was sent with.
    pub userdata: *mut c_void,
    /// The same as a number: the `tag` of a record in flat form.
    pub tag: u64,
    /// The record's offset; -1 if unknown.
    pub offset: i64,
    /// Milliseconds since 1970-01-01 UTC: the record's time, or the broker's if the topic has LogAppendTime.
    pub timestamp: i64,
    /// The record's value if it was lent, as in ottla_delivery; else NULL.
    pub value: *const c_void,
    /// Its length.
    pub value_len: usize,
}

/// What became of the records of one batch: all have the same partition, fate and code. Grows at its end only.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_batch {
    /// The size of this structure in the library that filled it.
    pub struct_size: usize,
    /// OTTLA_ERR_OK, or why the records failed.
    pub code: ottla_code,
    /// One of ottla_fate.
    pub fate: i32,
    /// The topic's name.
    pub topic: *const c_char,
    /// The partition; -1 if the records failed before one was chosen.
    pub partition: i32,
    /// The number of requests that carried the batch.
    pub attempts: u32,
    /// The offset of the batch's first record; -1 if unknown.
    pub base_offset: i64,
    /// NULL on success; otherwise details of the failure. Valid as long as this structure.
    pub error: *const ottla_error,
    /// Microseconds from the first append to the batch until it was decided.
    pub latency_us: i64,
    /// The records, in the order in which they were accepted.
    pub entries: *const ottla_delivery_entry,
    /// The number of entries.
    pub count: usize,
    /// 0.
    pub reserved: [u64; 2],
    /// With retain.records, `count` records as they were sent, in the order of the entries: key, value, headers and
    /// timestamp. Each can be sent again as it is; its partition is not set. NULL otherwise, and if the system has no
    /// memory to show them.
    pub records: *const ottla_record,
}

/// Receives the delivery of one record. It is called once for each accepted record, in order within a partition; but a
/// record that failed may come before earlier ones that are being retried.
///
/// @param delivery  it and what it points to, the record too, are valid until the function returns
/// @param userdata  on_delivery in ottla_send_options gets the userdata of the record; the function of
///                  ottla_config_set_delivery() gets the userdata that was passed there. The record's own is always in
///                  delivery->userdata
///
/// Runs on the producer's sender thread without a lock. It may call the functions that send; with a full buffer they
/// return OTTLA_ERR_BUFFER_FULL here instead of waiting. Flush, close, free, polls that wait and
/// ottla_producer_send_and_wait() return OTTLA_ERR_IN_CALLBACK. It must not throw, longjmp or block: all records of the
/// producer wait for it. ottla_producer_free() completes the remaining records with OTTLA_ERR_CLOSED before it returns.
pub type ottla_delivery_fn = Option<unsafe extern "C" fn(delivery: *const ottla_delivery, userdata: *mut c_void)>;

/// Receives the deliveries of one batch, in order within a partition. Records with a function of their own, or that a
/// call waits for, are not in the array; their deliveries come before, in their order. If there is no memory for the
/// entries of a whole batch, its records come in several calls, with those others in between. `userdata` is the one of
/// ottla_config_set_batch_delivery(). The rules of ottla_delivery_fn apply.
pub type ottla_batch_fn = Option<unsafe extern "C" fn(batch: *const ottla_batch, userdata: *mut c_void)>;

/// Sends the deliveries of records without a function of their own to `on_delivery`, one by one. It replaces an earlier
/// call of this, of ottla_config_set_batch_delivery() or of ottla_config_set_poll(). Without any of them failures are
/// counted and logged.
///
/// @param on_delivery    NULL: failures are counted and logged
/// @param userdata       the second argument of each call; the record's own userdata is in the delivery
/// @param free_userdata  optional; see ottla_free_fn. On failure it is not called
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn ottla_config_set_delivery(
    config: Option<&mut ottla_config>,
    on_delivery: ottla_delivery_fn,
    userdata: *mut c_void,
    free_userdata: ottla_free_fn,
) -> ottla_code {
    set_route(config, || {
        let userdata = take_over(userdata, free_userdata);
        if on_delivery.is_some() { Route::Delivery(on_delivery, userdata) } else { Route::Log }
    })
}

/// Sends the deliveries of records without a function of their own to `on_batch`: one call with an array for all
/// records of a partition that were decided together. Otherwise like ottla_config_set_delivery().
///
/// @param on_batch       NULL: failures are counted and logged
/// @param userdata       the second argument of each call
/// @param free_userdata  optional; see ottla_free_fn. On failure it is not called
/// @return OTTLA_ERR_OK or OTTLA_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn ottla_config_set_batch_delivery(
    config: Option<&mut ottla_config>,
    on_batch: ottla_batch_fn,
    userdata: *mut c_void,
    free_userdata: ottla_free_fn,
) -> ottla_code {
    set_route(config, || {
        let userdata = take_over(userdata, free_userdata);
        if on_batch.is_some() { Route::Batch(on_batch, userdata) } else { Route::Log }
    })
}

pub(super) fn fate_number(fate: Fate) -> i32 {
    match fate {
        Fate::Unknown => ottla_fate::OTTLA_FATE_UNKNOWN as i32,
        Fate::Written => ottla_fate::OTTLA_FATE_WRITTEN as i32,
        Fate::NotWritten => ottla_fate::OTTLA_FATE_NOT_WRITTEN as i32,
    }
}

pub(super) fn code_number(outcome: &Outcome) -> ottla_code {
    outcome.error.as_ref().map_or(0, |error| error.kind().code())
}

pub(super) fn micros(latency: std::time::Duration) -> i64 {
    i64::try_from(latency.as_micros()).unwrap_or(i64::MAX)
}

impl ottla_delivery {
    /// The members that all deliveries of one report have in common.
    pub(super) fn of_report(report: &Report, topic: *const c_char, error: *const ottla_error) -> Self {
        let outcome = report.outcome();
        ottla_delivery {
            struct_size: size_of::<ottla_delivery>(),
            code: code_number(outcome),
            fate: fate_number(outcome.fate),
            topic,
            partition: report.partition(),
            attempts: report.attempts(),
            offset: -1,
            timestamp: -1,
            userdata: std::ptr::null_mut(),
            tag: 0,
            error,
            latency_us: micros(outcome.latency),
            reserved: [0; 2],
            value: std::ptr::null(),
            value_len: 0,
            record: std::ptr::null(),
        }
    }

    /// The delivery of one record.
    pub(super) fn of(delivery: &Delivery<'_>, topic: *const c_char, error: *const ottla_error) -> Self {
        let lent = delivery.lent.unwrap_or_default();
        ottla_delivery {
            struct_size: size_of::<ottla_delivery>(),
            code: delivery.error.map_or(0, |error| error.kind().code()),
            fate: fate_number(delivery.fate),
            topic,
            partition: delivery.partition,
            attempts: delivery.attempts,
            offset: delivery.offset,
            timestamp: delivery.timestamp,
            userdata: userdata_of(delivery.tag),
            tag: delivery.tag,
            error,
            latency_us: micros(delivery.latency),
            reserved: [0; 2],
            value: std::ptr::with_exposed_provenance(lent.address),
            value_len: lent.len,
            record: std::ptr::null(),
        }
    }

    /// The delivery at the end of a wait for one record; `otherwise` is its fate if that is not decided.
    pub(super) fn of_wait(
        topic: *const c_char,
        asked: Asked,
        waited: &Result<DeliveryResult>,
        otherwise: Fate,
    ) -> Self {
        let error = waited.as_ref().map_or_else(Some, |reported| reported.error.as_ref());
        let reported = waited.as_ref().ok();
        ottla_delivery {
            struct_size: size_of::<ottla_delivery>(),
            code: error.map_or(0, |error| error.kind().code()),
            fate: fate_number(reported.map_or(otherwise, |reported| reported.fate)),
            topic,
            partition: reported.map_or(asked.partition, |reported| reported.partition),
            attempts: reported.map_or(0, |reported| reported.attempts),
            offset: reported.map_or(-1, |reported| reported.offset),
            timestamp: reported.map_or(asked.timestamp, |reported| reported.timestamp),
            userdata: std::ptr::null_mut(),
            tag: 0,
            error: std::ptr::null(),
            latency_us: reported.map_or(0, |reported| micros(reported.latency)),
            reserved: [0; 2],
            value: std::ptr::null(),
            value_len: 0,
            record: std::ptr::null(),
        }
    }

    /// Makes it the delivery of a plain record.
    #[inline(always)]
    pub(super) fn set(&mut self, tag: u64, offset: i64, timestamp: i64) {
        self.userdata = userdata_of(tag);
        self.tag = tag;
        self.offset = offset;
        self.timestamp = timestamp;
    }

    /// Makes it the delivery of one record of the report.
    #[inline]
    pub(super) fn with(&mut self, entry: &ottla_delivery_entry) -> &Self {
        self.userdata = entry.userdata;
        self.tag = entry.tag;
        self.offset = entry.offset;
        self.timestamp = entry.timestamp;
        self.value = entry.value;
        self.value_len = entry.value_len;
        self
    }
}

impl ottla_batch {
    /// Without entries.
    pub(super) fn of_report(report: &Report, topic: *const c_char, error: *const ottla_error) -> Self {
        let outcome = report.outcome();
        ottla_batch {
            struct_size: size_of::<ottla_batch>(),
            code: code_number(outcome),
            fate: fate_number(outcome.fate),
            topic,
            partition: report.partition(),
            attempts: report.attempts(),
            base_offset: outcome.base_offset,
            error,
            latency_us: micros(outcome.latency),
            entries: std::ptr::null(),
            count: 0,
            reserved: [0; 2],
            records: std::ptr::null(),
        }
    }
}

/// The partition and timestamp that a record asked for; -1 where it left the choice.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub(super) partition: i32,
    pub(super) timestamp: i64,
}

impl ottla_delivery_entry {
    #[inline(always)]
    pub(super) fn of(tag: u64, offset: i64, timestamp: i64) -> Self {
        ottla_delivery_entry {
            userdata: userdata_of(tag),
            tag,
            offset,
            timestamp,
            value: std::ptr::null(),
            value_len: 0,
        }
    }
}

/// Each record of a report that no call waits for: the number of its function (0: the default), its entry, and what
/// `records` has for it.
pub(super) fn deliveries_to_report<R>(
    report: &Report,
    records: impl Iterator<Item = R>,
) -> impl Iterator<Item = (u64, ottla_delivery_entry, R)> {
    let mut waiters = report.waiters().iter().map(|(index, _)| *index).peekable();
    report.deliveries().zip(records).zip(0u32..).filter_map(move |((delivery, record), index)| {
        if waiters.next_if_eq(&index).is_some() {
            return None;
        }
        let lent = delivery.lent.unwrap_or_default();
        let entry = ottla_delivery_entry {
            userdata: userdata_of(delivery.tag),
            tag: delivery.tag,
            offset: delivery.offset,
            timestamp: delivery.timestamp,
            value: std::ptr::with_exposed_provenance(lent.address),
            value_len: lent.len,
        };
        Some((delivery.call, entry, record))
    })
}

/// A function as the number that a completion carries, and back.
pub(super) mod call {
    use super::*;

    type Function = unsafe extern "C" fn(*const ottla_delivery, *mut c_void);

    pub(in super::super) fn number_of(function: Function) -> u64 {
        (function as *const ()).expose_provenance() as u64
    }

    /// `number` is not 0.
    pub(in super::super) fn function_of(number: u64) -> Function {
        let pointer = std::ptr::with_exposed_provenance::<()>(number as usize);
        // SAFETY: the only numbers other than 0 in completions come from `number_of`, which was given a function of
        // this type; function and data pointers have one size on the platforms that are supported.
        unsafe { std::mem::transmute::<*const (), Function>(pointer) }
    }
}
