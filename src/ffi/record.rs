//! Records as C hands them in.

use std::ffi::{c_char, c_void};
use std::time::Duration;

use super::boundary::{bytes, invalid, null, some_bytes};
use super::plugin::bytes_out;
use crate::batch::Usual;
use crate::error::{Error, Result};
use crate::record::{Header, Record};
use crate::sync::Clock;

/// A header of a record. Its size never changes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_header {
    /// UTF-8 by Kafka's rules (this is not checked), without a NUL at its end; not NULL, but name_len may be 0. Names
    /// may repeat.
    pub name: *const c_char,
    pub name_len: usize,
    /// NULL with value_len 0 is a null value; a pointer with value_len 0 is an empty one.
    pub value: *const c_void,
    pub value_len: usize,
    /// NULL.
    pub reserved: *mut c_void,
}

/// A record to send. All it points to is copied by the call that sends it and stays the caller's, but for a value that
/// ottla_producer_send_lent() takes. Its size never changes; the reserved members are room for what comes. Begin with
///
///     ottla_record record = {.struct_size = sizeof(ottla_record), .timestamp = -1, .partition = -1};
///
/// or with ottla_record_init(). Null and empty differ in Kafka: NULL with length 0 is null, any other pointer with
/// length 0 is empty, NULL with another length is an error.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_record {
    /// sizeof(ottla_record).
    pub struct_size: usize,
    /// The key: records of equal keys go to one partition.
    pub key: *const c_void,
    pub key_len: usize,
    /// The value; null is a tombstone in a compacted topic.
    pub value: *const c_void,
    pub value_len: usize,
    /// header_count headers, in the order in which they are sent; NULL if there are none.
    pub headers: *const ottla_header,
    pub header_count: usize,
    /// Milliseconds since 1970-01-01 UTC; -1: now.
    pub timestamp: i64,
    /// The partition; -1: the partitioner chooses.
    pub partition: i32,
    /// How many milliseconds after the send the record's fate is told at the latest, instead of delivery.timeout.ms; 0:
    /// as delivery.timeout.ms says; a negative number is an error. A record that is not delivered in time fails with
    /// OTTLA_ERR_DELIVERY_TIMED_OUT (while its topic's partitions are not known, with the reason for that), and the
    /// message names the timeout. It shares a batch with records of about the same deadline only, so send those
    /// together; at most an eighth of its time is taken off for that. With less than twice linger.ms it does not
    /// linger.
    pub timeout_ms: i32,
    /// NULL.
    pub reserved_pointers: [*mut c_void; 2],
}

/// Fills `record` as the initialiser of ottla_record does: null key and value, no headers, timestamp -1, partition -1.
/// Ignores NULL.
///
/// @param struct_size  sizeof(ottla_record)
///
/// # Safety
/// `record` is NULL or has `struct_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_record_init(record: *mut ottla_record, struct_size: usize) {
    if record.is_null() || struct_size != size_of::<ottla_record>() {
        return;
    }
    let empty = ottla_record {
        struct_size,
        key: std::ptr::null(),
        key_len: 0,
        value: std::ptr::null(),
        value_len: 0,
        headers: std::ptr::null(),
        header_count: 0,
        timestamp: -1,
        partition: -1,
        timeout_ms: 0,
        reserved_pointers: [std::ptr::null_mut(); 2],
    };
    // SAFETY: not NULL, and of the size that it has here.
    unsafe { record.write(empty) };
}

impl ottla_header {
    pub(super) fn of(header: &Header<'_>) -> Self {
        let (name, name_len) = bytes_out(Some(header.name));
        let (value, value_len) = bytes_out(header.value);
        ottla_header { name: name.cast(), name_len, value, value_len, reserved: std::ptr::null_mut() }
    }
}

impl ottla_record {
    /// A record as C sees it; `headers` are its own, and live as long.
    pub(super) fn of(record: &Record<'_>, headers: &[ottla_header]) -> Self {
        let (key, key_len) = bytes_out(record.key);
        let (value, value_len) = bytes_out(record.value);
        let timeout = record.timeout.map_or(0, |timeout| i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX));
        ottla_record {
            struct_size: size_of::<ottla_record>(),
            key,
            key_len,
            value,
            value_len,
            headers: headers.as_ptr(),
            header_count: headers.len(),
            timestamp: record.timestamp.unwrap_or(-1),
            partition: record.partition.unwrap_or(-1),
            timeout_ms: timeout,
            reserved_pointers: [std::ptr::null_mut(); 2],
        }
    }
}

/// Headers of one record that need no allocation.
const FEW: usize = 16;

impl ottla_record {
    /// Gives `body` the record in the engine's form.
    ///
    /// # Safety
    /// The pointers are as `ottla_record` and `ottla_header` say, until this returns.
    #[inline]
    pub(super) unsafe fn with<T>(&self, body: impl FnOnce(&Record<'_>) -> Result<T>) -> Result<T> {
        // SAFETY: by this function's contract.
        let plain = unsafe { self.without_headers()? };
        if self.header_count == 0 {
            return body(&plain);
        }
        // SAFETY: by this function's contract.
        unsafe { self.with_headers(plain, body) }
    }

    #[cold]
    unsafe fn with_headers<T>(&self, plain: Record<'_>, body: impl FnOnce(&Record<'_>) -> Result<T>) -> Result<T> {
        let mut few = [Header { name: b"", value: None }; FEW];
        let mut many = Vec::new();
        // SAFETY: by the contract of `with`.
        let given = unsafe { self.given_headers()? };
        let headers = if given.len() <= FEW {
            &mut few[..given.len()]
        } else {
            many.resize(given.len(), few[0]);
            &mut many[..]
        };
        for (header, given) in headers.iter_mut().zip(given) {
            // SAFETY: by the contract of `with`.
            *header = unsafe { given.convert()? };
        }
        body(&Record { headers, ..plain })
    }

    /// # Safety
    /// As for `with`, for as long as the result is used.
    #[inline(always)]
    unsafe fn without_headers<'a>(&self) -> Result<Record<'a>> {
        if self.struct_size != size_of::<ottla_record>() {
            return Err(wrong_size(self.struct_size));
        }
        Ok(Record {
            partition: if self.partition == -1 { None } else { Some(self.partition) },
            timestamp: if self.timestamp == -1 { None } else { Some(self.timestamp) },
            // SAFETY: by this function's contract.
            key: unsafe { bytes(self.key.cast(), self.key_len, "record.key")? },
            // SAFETY: as above.
            value: unsafe { bytes(self.value.cast(), self.value_len, "record.value")? },
            headers: &[],
            timeout: if self.timeout_ms == 0 { None } else { Some(timeout(self.timeout_ms)?) },
            lent: None,
        })
    }

    /// The record, if it is of the usual kind and nothing is wrong with it.
    ///
    /// # Safety
    /// As for `with`, for as long as the result is used.
    #[inline(always)]
    pub(super) unsafe fn usual<'a>(&self, tag: u64, clock: &impl Clock) -> Option<Usual<'a>> {
        if self.struct_size != size_of::<ottla_record>() || self.header_count != 0 || self.timeout_ms != 0 {
            return None;
        }
        let timestamp = match self.timestamp {
            -1 => clock.wall_ms(),
            0.. => self.timestamp,
            _ => return None,
        };
        // SAFETY: by this function's contract.
        let (key, value) =
            unsafe { (some_bytes(self.key.cast(), self.key_len)?, some_bytes(self.value.cast(), self.value_len)?) };
        Usual::new(self.partition, timestamp, key, value, tag)
    }

    /// # Safety
    /// As for `with`, for as long as the result is used.
    unsafe fn given_headers<'a>(&self) -> Result<&'a [ottla_header]> {
        if self.headers.is_null() {
            return Err(invalid(format!("record.headers is NULL, but record.header_count is {}", self.header_count)));
        }
        if self.header_count > isize::MAX as usize / size_of::<ottla_header>() {
            return Err(invalid(format!("record.header_count is {}: no array is as long", self.header_count)));
        }
        // SAFETY: not NULL, not longer than an array can be, and by this function's contract readable.
        Ok(unsafe { std::slice::from_raw_parts(self.headers, self.header_count) })
    }
}

impl ottla_header {
    /// # Safety
    /// The pointers are as `ottla_header` says, for as long as the result is used.
    unsafe fn convert<'a>(&self) -> Result<Header<'a>> {
        // SAFETY: by this function's contract.
        let name = unsafe { bytes(self.name.cast(), self.name_len, "header.name")? };
        Ok(Header {
            name: name.ok_or_else(|| null("header.name"))?,
            // SAFETY: as above.
            value: unsafe { bytes(self.value.cast(), self.value_len, "header.value")? },
        })
    }
}

#[cold]
fn timeout(timeout_ms: i32) -> Result<Duration> {
    let millis = u64::try_from(timeout_ms).map_err(|_| {
        invalid(format!("record.timeout_ms is {timeout_ms}: it is 0 (delivery.timeout.ms counts) or more"))
    })?;
    Ok(Duration::from_millis(millis))
}

#[cold]
fn wrong_size(size: usize) -> Error {
    let right = size_of::<ottla_record>();
    invalid(format!("record.struct_size is {size}, and it has to be sizeof(ottla_record), {right}"))
}
