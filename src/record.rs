//! Records in C's form.

use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::time::Duration;

use super::delivery::Asked;
use super::flagged::{Flagged, check_flags};
use ottla_engine::support::allocate;
use ottla_engine::support::sync::Clock;
use ottla_engine::{Error, Header, PlainRecord, Record, Result, SentRecord};
use ottla_host::arguments::{bytes, invalid, null, short_bytes};
use ottla_host::text::bytes_out;

/// A header of a record. Its size never changes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_header {
    /// name_len bytes without a NUL; Kafka expects UTF-8, which is not checked. Not NULL, but name_len may be 0.
    /// Several headers may have the same name.
    pub name: *const c_char,
    pub name_len: usize,
    /// NULL with value_len 0 is a null value; a pointer with value_len 0 is an empty one.
    pub value: *const c_void,
    pub value_len: usize,
    /// NULL.
    pub reserved: *mut c_void,
}

/// The record goes to its `partition`. A flag of ottla_record and of the flat form.
pub const OTTLA_RECORD_PARTITION: u32 = 1;

/// The record has its `timestamp` instead of the time of the call. A flag of ottla_record and of the flat form.
pub const OTTLA_RECORD_TIMESTAMP: u32 = 2;

/// A record to send. The call that sends it copies everything it points to, except a value that is lent (on_release in
/// ottla_send_options). Its size never changes; reserved members are room for later releases. Begin with
///
///     ottla_record record = {.struct_size = sizeof(ottla_record)};
///
/// or with ottla_record_init(). Members that are zero are not set: the partitioner chooses the partition, and the
/// timestamp is the time of the call. To choose a partition or a timestamp yourself, set the member and its flag:
///
///     record.flags = OTTLA_RECORD_PARTITION;
///     record.partition = 0;
///
/// Without the flag any other value than 0 is an error. So is a flag that this release does not know. Null and empty
/// differ in Kafka: NULL with length 0 is null, any other pointer with length 0 is empty, NULL with another length is
/// an error.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_record {
    /// sizeof(ottla_record).
    pub struct_size: usize,
    /// The sum of OTTLA_RECORD_PARTITION and OTTLA_RECORD_TIMESTAMP, one of them, or 0.
    pub flags: u32,
    /// With OTTLA_RECORD_PARTITION the partition, at least 0. Otherwise 0, and the partitioner chooses.
    pub partition: i32,
    /// With OTTLA_RECORD_TIMESTAMP milliseconds since 1970-01-01 UTC, at least 0. Otherwise 0, which means the time of
    /// the call.
    pub timestamp: i64,
    /// The key. Records with equal keys go to the same partition.
    pub key: *const c_void,
    pub key_len: usize,
    /// The value. Null is a tombstone in a compacted topic.
    pub value: *const c_void,
    pub value_len: usize,
    /// header_count headers, sent in this order; NULL if there are none.
    pub headers: *const ottla_header,
    pub header_count: usize,
    /// The record's own limit instead of delivery.timeout.ms: its fate is decided at the latest this many milliseconds
    /// after the send. 0: delivery.timeout.ms; a negative number is an error. A record that is not delivered in time
    /// fails with OTTLA_ERR_DELIVERY_TIMED_OUT, and the message names the timeout; while the topic's partitions are not
    /// known, it fails with the reason for that. It shares batches only with records of about the same deadline, so
    /// send those together: a batch may take an eighth off a record's time. A record with less than twice linger.ms
    /// does not linger.
    pub timeout_ms: i32,
    /// 0.
    pub reserved: u32,
    /// NULL.
    pub reserved_pointer: *mut c_void,
}

/// Sets all members of a record to zero and struct_size to its size, like the initializer of ottla_record. NULL is
/// ignored.
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
    // SAFETY: not NULL, and of the size that it has here.
    unsafe { record.write(ottla_record::EMPTY) };
}

pub(super) const PARTITION: Flagged =
    Flagged { flag: OTTLA_RECORD_PARTITION, name: "OTTLA_RECORD_PARTITION", otherwise: "the partitioner chooses" };
pub(super) const TIMESTAMP: Flagged =
    Flagged { flag: OTTLA_RECORD_TIMESTAMP, name: "OTTLA_RECORD_TIMESTAMP", otherwise: "it is the time of the call" };

impl ottla_header {
    pub(super) fn of(header: &Header<'_>) -> Self {
        let (name, name_len) = bytes_out(Some(header.name));
        let (value, value_len) = bytes_out(header.value);
        ottla_header { name: name.cast(), name_len, value, value_len, reserved: std::ptr::null_mut() }
    }
}

impl ottla_record {
    /// A record as it was sent. Where its headers are is set later.
    pub(super) fn of_sent(record: &SentRecord<'_>, header_count: usize) -> Self {
        let (key, key_len) = bytes_out(record.key);
        let (value, value_len) = bytes_out(record.value);
        ottla_record {
            flags: OTTLA_RECORD_TIMESTAMP,
            timestamp: record.timestamp,
            key,
            key_len,
            value,
            value_len,
            header_count,
            ..ottla_record::EMPTY
        }
    }

    const EMPTY: Self = ottla_record {
        struct_size: size_of::<ottla_record>(),
        flags: 0,
        partition: 0,
        timestamp: 0,
        key: std::ptr::null(),
        key_len: 0,
        value: std::ptr::null(),
        value_len: 0,
        headers: std::ptr::null(),
        header_count: 0,
        timeout_ms: 0,
        reserved: 0,
        reserved_pointer: std::ptr::null_mut(),
    };

    /// A record in C's form; `headers` are the record's.
    pub(super) fn of(record: &Record<'_>, headers: &[ottla_header]) -> Self {
        let (key, key_len) = bytes_out(record.key);
        let (value, value_len) = bytes_out(record.value);
        let flag = |flag, is_set| if is_set { flag } else { 0 };
        ottla_record {
            flags: flag(OTTLA_RECORD_PARTITION, record.partition.is_some())
                | flag(OTTLA_RECORD_TIMESTAMP, record.timestamp.is_some()),
            partition: record.partition.unwrap_or(0),
            timestamp: record.timestamp.unwrap_or(0),
            key,
            key_len,
            value,
            value_len,
            headers: headers.as_ptr(),
            header_count: headers.len(),
            timeout_ms: record.timeout.map_or(0, |timeout| i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX)),
            ..Self::EMPTY
        }
    }

    /// What the record asked for.
    pub(super) fn asked(&self) -> Asked {
        Asked {
            partition: if self.has(OTTLA_RECORD_PARTITION) { self.partition } else { -1 },
            timestamp: if self.has(OTTLA_RECORD_TIMESTAMP) { self.timestamp } else { -1 },
        }
    }
}

/// Where two neighbours of four bytes each begin.
struct Pair(usize);

const FLAGS_AND_PARTITION: Pair = Pair(offset_of!(ottla_record, flags));
const TIMEOUT_AND_RESERVED: Pair = Pair(offset_of!(ottla_record, timeout_ms));
const _: () = assert!(offset_of!(ottla_record, partition) == FLAGS_AND_PARTITION.0 + 4);
const _: () = assert!(offset_of!(ottla_record, reserved) == TIMEOUT_AND_RESERVED.0 + 4);

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
            allocate::reserve(&mut many, given.len())?;
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
        check_flags(self.flags, &[&PARTITION, &TIMESTAMP], "record.flags")?;
        Ok(Record {
            partition: PARTITION.read(self.flags, self.partition, "record.partition")?,
            timestamp: TIMESTAMP.read(self.flags, self.timestamp, "record.timestamp")?,
            // SAFETY: by this function's contract.
            key: unsafe { bytes(self.key.cast(), self.key_len, "record.key")? },
            // SAFETY: as above.
            value: unsafe { bytes(self.value.cast(), self.value_len, "record.value")? },
            headers: &[],
            timeout: if self.timeout_ms == 0 { None } else { Some(timeout(self.timeout_ms)?) },
            lent: None,
        })
    }

    /// The record, if it is usual and valid.
    ///
    /// # Safety
    /// As for `with`, for as long as the result is used.
    #[inline(always)]
    pub(super) unsafe fn usual<'a>(&self, tag: u64, clock: &impl Clock) -> Option<PlainRecord<'a>> {
        if self.struct_size != size_of::<ottla_record>() {
            return None;
        }
        let (partition, timestamp) = if self.asks_for_nothing() {
            (-1, clock.wall_ms())
        } else {
            let timestamp = self.plain_timestamp(clock)?;
            (if self.has(OTTLA_RECORD_PARTITION) { self.partition } else { -1 }, timestamp)
        };
        // SAFETY: by this function's contract.
        let (key, value) = unsafe { (plain_bytes(self.key, self.key_len)?, plain_bytes(self.value, self.value_len)?) };
        PlainRecord::new(partition, timestamp, key, value, tag)
    }

    /// All members are zero but the key and the value. Neighbours of four bytes are read at once: most records end
    /// here, and each look is an instruction of theirs.
    #[inline(always)]
    fn asks_for_nothing(&self) -> bool {
        let numbers = self.pair(FLAGS_AND_PARTITION) | self.pair(TIMEOUT_AND_RESERVED);
        numbers | self.timestamp.cast_unsigned() | self.header_count as u64 == 0
    }

    /// Two members of four bytes, read at once.
    #[inline(always)]
    fn pair(&self, offset: Pair) -> u64 {
        // SAFETY: both members are within the structure, and any bytes are a number.
        unsafe { std::ptr::from_ref(self).byte_add(offset.0).cast::<u64>().read_unaligned() }
    }

    /// The timestamp of a plain record that asks for something. `None`: it is not usual, or something is wrong. Not
    /// inlined: that would cost most records, which ask for nothing, six instructions.
    #[inline(never)]
    fn plain_timestamp(&self, clock: &impl Clock) -> Option<i64> {
        const BOTH: u32 = OTTLA_RECORD_PARTITION | OTTLA_RECORD_TIMESTAMP;
        if self.header_count != 0 || self.timeout_ms != 0 {
            return None;
        }
        match self.flags {
            OTTLA_RECORD_PARTITION if self.partition >= 0 && self.timestamp == 0 => Some(clock.wall_ms()),
            OTTLA_RECORD_TIMESTAMP if self.partition == 0 && self.timestamp >= 0 => Some(self.timestamp),
            BOTH if self.partition >= 0 && self.timestamp >= 0 => Some(self.timestamp),
            _ => None,
        }
    }

    #[inline(always)]
    fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
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

/// A key or value that may be in a plain record.
///
/// # Safety
/// `pointer` is NULL or leads to `len` readable bytes that live, unchanged, for `'a`.
#[inline(always)]
unsafe fn plain_bytes<'a>(pointer: *const c_void, len: usize) -> Option<Option<&'a [u8]>> {
    // SAFETY: by this function's contract; an object can be as long.
    unsafe { short_bytes(pointer.cast(), len, PlainRecord::LONGEST) }
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
