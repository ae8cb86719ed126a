//! Sending.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::boundary::{SizedOut, failed, invalid, null, panicked};
use super::delivery::{call, ottla_delivery, ottla_delivery_fn, tag_of};
use super::error::{ottla_code, ottla_error};
use super::flat::Flat;
use super::handle::{Engine, ottla_producer};
use super::record::ottla_record;
use super::topic::ottla_topic;
use super::{boundary, required, wait};
use crate::batch::Completion;
use crate::error::{ErrorKind, Result};
use crate::producer::{OneCall, TopicHandle, Wait};
use crate::record::{Fate, Record};
use crate::sync::SystemClock;

/// Do not wait for room in the buffer: OTTLA_ERR_BUFFER_FULL at once. A flag of ottla_producer_send_many() and
/// ottla_producer_send_flat().
pub const OTTLA_SEND_NO_WAIT: u32 = 1;

/// The record has a key, of key_len bytes, which may be 0. A flag of the flat form.
pub const OTTLA_FLAT_KEY: u32 = 4;

/// The record, or the header, has a value, of value_len bytes, which may be 0. A flag of the flat form.
pub const OTTLA_FLAT_VALUE: u32 = 8;

/// Hands a record over to be sent. When this returns OTTLA_ERR_OK the record was copied and is accepted: it gets
/// exactly one completion, which is told as ottla_config_set_delivery(), ottla_config_set_batch_delivery() or
/// ottla_config_set_poll() said. On any other code it was not accepted, and no completion follows. Waits for room in
/// buffer.memory only, at most max.block.ms, and never in a callback.
///
/// @param topic      of this producer
/// @param record     borrowed for the call
/// @param userdata   comes back in the completion; may be NULL; not looked at
/// @param error_out  optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK; OTTLA_ERR_BUFFER_FULL; OTTLA_ERR_OUT_OF_MEMORY, at once, when the system has no memory for the
///         record; OTTLA_ERR_RECORD_TOO_LARGE; OTTLA_ERR_UNKNOWN_PARTITION, if the partitions of the topic are known already
///         (else the completion tells it); OTTLA_ERR_CLOSED; OTTLA_ERR_FORKED; OTTLA_ERR_INTERNAL;
///         OTTLA_ERR_INVALID_ARGUMENT; with transactional.id also
///         OTTLA_ERR_INVALID_STATE (no transaction is open), or why the transaction failed
///         (ottla_error_requires_abort(), ottla_error_is_fatal())
///
/// Any thread, concurrently with any other call, callbacks too. Records that one thread sends to a partition keep their
/// order.
///
/// # Safety
/// What `record` points to is as `ottla_record` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_send(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    userdata: *mut c_void,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    // SAFETY: by this function's contract.
    unsafe { send_one(producer, topic, record, userdata, Wait::Configured, error_out) }
}

/// The same with a function of this record's own, called instead of whatever serves by default.
///
/// @param on_delivery  not NULL
/// @param userdata     given to on_delivery, as its argument and in the delivery
///
/// # Safety
/// As for `ottla_producer_send`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_send_with(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    on_delivery: ottla_delivery_fn,
    userdata: *mut c_void,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let completion = own(on_delivery, userdata)?;
        // SAFETY: by this function's contract.
        unsafe { send(producer, topic, record, completion, Wait::Configured) }
    })
}

/// ottla_producer_send() that never waits: OTTLA_ERR_BUFFER_FULL at once when there is no room.
///
/// # Safety
/// As for `ottla_producer_send`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_try_send(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    userdata: *mut c_void,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    // SAFETY: by this function's contract.
    unsafe { send_one(producer, topic, record, userdata, Wait::Never, error_out) }
}

/// ottla_producer_send_with() that never waits: OTTLA_ERR_BUFFER_FULL at once when there is no room.
///
/// # Safety
/// As for `ottla_producer_send`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_try_send_with(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    on_delivery: ottla_delivery_fn,
    userdata: *mut c_void,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let completion = own(on_delivery, userdata)?;
        // SAFETY: by this function's contract.
        unsafe { send(producer, topic, record, completion, Wait::Never) }
    })
}

/// Hands over records in turn, as ottla_producer_send() does each, until one is refused. Records without a timestamp
/// get that of the call.
///
/// @param records       count records, borrowed for the call; NULL is allowed if count is 0
/// @param userdatas     count pointers, one for each record's completion; NULL: NULL for all
/// @param flags         0 or OTTLA_SEND_NO_WAIT
/// @param accepted_out  receives how many were accepted, on failure too: the first ones
/// @param error_out     optional; set only on failure: why records[*accepted_out] was refused; release with
///                      ottla_error_free()
/// @return OTTLA_ERR_OK if all were accepted, else as ottla_producer_send()
///
/// # Safety
/// `records` and `userdatas` are as said above, and each record as `ottla_record` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_send_many(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    records: *const ottla_record,
    count: usize,
    userdatas: *const *mut c_void,
    flags: u32,
    accepted_out: Option<&mut MaybeUninit<usize>>,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let accepted_out = required(accepted_out, "accepted_out")?.write(0);
        let (engine, topic) = at(producer, topic)?;
        let wait = wait_of(flags)?;
        // SAFETY: by this function's contract.
        let records = unsafe { array(records, count, "records")? };
        // SAFETY: by this function's contract; `array` refuses lengths that no array has.
        let userdatas = unsafe { array(userdatas, if userdatas.is_null() { 0 } else { count }, "userdatas")? };
        // SAFETY: by this function's contract.
        unsafe { send_array(engine, topic, records, userdatas, wait, accepted_out) }
    })
}

/// The same for records in flat form: one buffer without pointers, for languages that have none. Numbers are in the
/// machine's byte order; nothing is aligned or padded. `count` times:
///
///     offset  size
///          0     8  tag, unsigned: the completion's tag (its userdata, as a number)
///          8     8  timestamp, signed: milliseconds since 1970-01-01 UTC, with OTTLA_RECORD_TIMESTAMP
///         16     4  partition, signed, with OTTLA_RECORD_PARTITION
///         20     4  flags, unsigned: the sum of these two, of OTTLA_FLAT_KEY and of OTTLA_FLAT_VALUE
///         24     4  key_len, signed, with OTTLA_FLAT_KEY; else the key is null
///         28     4  value_len, signed, with OTTLA_FLAT_VALUE; else the value is null
///         32     4  header_count, unsigned
///         36        the key's bytes, the value's bytes, and header_count times:
///                   4  name_len, signed
///                   4  flags, unsigned: OTTLA_FLAT_VALUE or 0
///                   4  value_len, signed, with OTTLA_FLAT_VALUE; else the value is null
///                      the name's bytes, the value's bytes
///
/// A member is 0 without its flag, as in ottla_record. 36 zeros are a record with a null key and a null value.
///
/// @param buffer      buffer_len bytes, borrowed for the call; not changed
/// @param count       how many records it holds. A buffer that is not made of exactly so many is refused as a whole
/// @param flags       0 or OTTLA_SEND_NO_WAIT
/// @param accepted_out, error_out  as for ottla_producer_send_many()
///
/// # Safety
/// `buffer` is NULL or has `buffer_len` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_send_flat(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    buffer: *const u8,
    buffer_len: usize,
    count: usize,
    flags: u32,
    accepted_out: Option<&mut MaybeUninit<usize>>,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let accepted_out = required(accepted_out, "accepted_out")?.write(0);
        let (engine, topic) = at(producer, topic)?;
        let wait = wait_of(flags)?;
        // SAFETY: by this function's contract.
        let buffer = unsafe { array(buffer, buffer_len, "buffer")? };
        let sent = send_flat(engine, topic, buffer, count, wait)?;
        *accepted_out = sent.0;
        sent.1
    })
}

/// Sends one record and waits for its fate; its batch does not linger. Whatever serves by default is not told of it.
///
/// @param timeout_ms    longest wait, for room and for the fate; -1 waits without limit (but see delivery.timeout.ms)
/// @param delivery_out  its struct_size has to be set to sizeof(ottla_delivery). Filled on failure too: the fate then
///                      is OTTLA_FATE_NOT_WRITTEN if the record was not accepted, and OTTLA_FATE_UNKNOWN after
///                      OTTLA_ERR_TIMED_OUT: the record goes on, and what becomes of it is told to nobody. Its topic is
///                      valid as long as the topic's handle; its error is NULL: error_out has it
/// @param error_out     optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK if it was written (acks=0: handed to the socket); OTTLA_ERR_TIMED_OUT; OTTLA_ERR_IN_CALLBACK;
///         why the record failed; or as
///         ottla_producer_send()
///
/// Any thread, concurrently with any other call. Not from a callback.
///
/// # Safety
/// What `record` points to is as `ottla_record` says; `delivery_out` has as many writable bytes as its struct_size
/// says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_send_and_wait(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    timeout_ms: i64,
    delivery_out: *mut ottla_delivery,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let producer = required(producer, "producer")?;
        let topic = required(topic, "topic")?;
        let record = required(record, "record")?;
        // SAFETY: by this function's contract.
        let out = unsafe { SizedOut::new(delivery_out, "delivery_out")? };
        let wait = wait(timeout_ms)?;
        let sent = producer.enter().and_then(|entered| {
            producer.is_of(&topic.engine)?;
            // SAFETY: by this function's contract.
            unsafe { record.with(|record| entered.producer.send_and_wait(&topic.topic, record, wait)) }
        });
        let unknown = sent.as_ref().is_err_and(|error| error.kind() == ErrorKind::TimedOut);
        let otherwise = if unknown { Fate::Unknown } else { Fate::NotWritten };
        out.write(ottla_delivery::of_wait(topic.name.as_ptr(), record.asked(), &sent, otherwise));
        sent.and_then(|told| told.error.map_or(Ok(()), Err))
    })
}

/// The engine and the topic, if they belong together. No count is kept of those inside: the topic's handle, which the
/// caller keeps until the call returns, keeps the engine.
#[inline]
pub(super) fn at<'a>(
    producer: Option<&'a ottla_producer>,
    topic: Option<&'a ottla_topic>,
) -> Result<(&'a Engine, &'a TopicHandle)> {
    let producer = required(producer, "producer")?;
    let topic = required(topic, "topic")?;
    producer.is_of(&topic.engine)?;
    Ok((&topic.engine, &topic.topic))
}

/// # Safety
/// What `record` points to is as `ottla_record` says.
#[inline(always)]
unsafe fn send_one(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    userdata: *mut c_void,
    wait: Wait,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    // SAFETY: by this function's contract.
    match catch_unwind(AssertUnwindSafe(|| unsafe { send_usual(producer, topic, record, userdata) })) {
        Ok(Some(())) => 0,
        // SAFETY: as above.
        Ok(None) => unsafe { send_any(producer, topic, record, userdata, wait, error_out) },
        Err(_) => failed(panicked(), error_out),
    }
}

/// Most records end here. Nothing on their way fails or changes errno, and a panic is caught without a cost for the others:
/// `boundary` is not needed. `None`: nothing has happened.
///
/// # Safety
/// What `record` points to is as `ottla_record` says.
#[inline(always)]
unsafe fn send_usual(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    userdata: *mut c_void,
) -> Option<()> {
    #[cfg(test)]
    tests::panic_if_planted();
    let (producer, topic) = (producer?, topic?);
    if !producer.leads_to(&topic.engine) {
        return None;
    }
    // SAFETY: by this function's contract.
    let record = unsafe { record?.usual(tag_of(userdata), &SystemClock)? };
    topic.engine.producer.send_usual(&topic.topic, &record)
}

/// The rest of `ottla_producer_send`.
///
/// # Safety
/// What `record` points to is as `ottla_record` says.
#[inline(never)]
unsafe fn send_any(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    userdata: *mut c_void,
    wait: Wait,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let completion = Completion::Tag(tag_of(userdata));
        // SAFETY: by this function's contract.
        unsafe { send(producer, topic, record, completion, wait) }
    })
}

/// # Safety
/// What `record` points to is as `ottla_record` says.
#[inline]
unsafe fn send(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    completion: Completion,
    wait: Wait,
) -> Result<()> {
    let (engine, topic) = at(producer, topic)?;
    let record = required(record, "record")?;
    // SAFETY: by this function's contract.
    unsafe { record.with(|record| engine.producer.send(topic, record, completion, wait)) }
}

pub(super) fn own(on_delivery: ottla_delivery_fn, userdata: *mut c_void) -> Result<Completion> {
    let function = required(on_delivery, "on_delivery")?;
    Ok(Completion::Call { call: call::number_of(function), tag: tag_of(userdata) })
}

fn wait_of(flags: u32) -> Result<Wait> {
    match flags {
        0 => Ok(Wait::Configured),
        OTTLA_SEND_NO_WAIT => Ok(Wait::Never),
        _ => Err(invalid(format!("flags is {flags:#x}: it is 0 or OTTLA_SEND_NO_WAIT (1)"))),
    }
}

/// # Safety
/// `pointer` is NULL or leads to `count` readable values that do not change for `'a`.
pub(super) unsafe fn array<'a, T>(pointer: *const T, count: usize, name: &str) -> Result<&'a [T]> {
    if count == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(null(name));
    }
    if count > isize::MAX as usize / size_of::<T>() {
        return Err(invalid(format!("{name} has {count} members: no array is as long")));
    }
    // SAFETY: not NULL, not longer than an array can be, and by this function's contract readable for 'a.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// No run is longer.
const LONGEST_RUN: usize = 256;

/// The userdata of records that have none.
const NULLS: [*mut c_void; LONGEST_RUN] = [std::ptr::null_mut(); LONGEST_RUN];

/// Sends the records up to the first that is not well-formed, or is refused. `userdatas` are as many, or none.
///
/// # Safety
/// Each record is as `ottla_record` says.
unsafe fn send_array(
    engine: &Engine,
    topic: &TopicHandle,
    records: &[ottla_record],
    userdatas: &[*mut c_void],
    wait: Wait,
    accepted_out: &mut usize,
) -> Result<()> {
    let clock = OneCall::begin();
    let mut accepted = 0;
    while let [record, ..] = &records[accepted..] {
        let turn = accepted..records.len().min(accepted + LONGEST_RUN);
        let userdatas = if userdatas.is_empty() { &NULLS[..turn.len()] } else { &userdatas[turn.clone()] };
        let run = records[turn].iter().zip(userdatas).map_while(|(record, &userdata)| {
            // SAFETY: by this function's contract.
            unsafe { record.usual(tag_of(userdata), &clock) }
        });
        let run = engine.producer.send_usual_run(topic, run);
        if run == 0 {
            let completion = Completion::Tag(tag_of(userdatas[0]));
            // SAFETY: as above.
            unsafe { record.with(|record| engine.producer.send_in(&clock, topic, record, completion, wait)) }
                .map_err(|error| error.context(format_args!("records[{accepted}]")))?;
        }
        accepted += run.max(1);
        *accepted_out = accepted;
    }
    Ok(())
}

fn send_flat(
    engine: &Engine,
    topic: &TopicHandle,
    buffer: &[u8],
    count: usize,
    wait: Wait,
) -> Result<(usize, Result<()>)> {
    let mut headers = Vec::new();
    let mut flat = Flat::new(buffer);
    for _ in 0..count {
        flat.next(&mut headers)?;
    }
    flat.end()?;
    let mut headers = &headers[..];
    let mut again = Flat::new(buffer);
    let mut unused = Vec::new();
    let each = (0..count).map_while(|_| {
        unused.clear();
        let one = again.next(&mut unused).ok()?;
        let (own, rest) = headers.split_at(one.header_count);
        headers = rest;
        Some((Record { headers: own, ..one.record }, Completion::Tag(one.tag)))
    });
    Ok(engine.producer.send_many(topic, each, wait))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::ptr::null_mut;

    use super::super::error::{ottla_error_code, ottla_error_free};
    use super::*;

    thread_local! {
        static PLANTED: Cell<bool> = const { Cell::new(false) };
    }

    pub fn panic_if_planted() {
        assert!(!PLANTED.get(), "on purpose");
    }

    type Send = unsafe extern "C" fn(
        Option<&ottla_producer>,
        Option<&ottla_topic>,
        Option<&ottla_record>,
        *mut c_void,
        Option<&mut MaybeUninit<*mut ottla_error>>,
    ) -> ottla_code;

    #[test]
    fn a_panic_on_the_fast_path_becomes_an_internal_error() {
        let calls: [Send; 2] = [ottla_producer_send, ottla_producer_try_send];
        for call in calls {
            PLANTED.set(true);
            let mut error = MaybeUninit::new(null_mut());
            // SAFETY: there is no record.
            let code = unsafe { call(None, None, None, null_mut(), Some(&mut error)) };
            assert_eq!(code, ErrorKind::Internal.code());
            // SAFETY: written, since the call failed.
            let error = unsafe { Box::from_raw(error.assume_init()) };
            assert_eq!(ottla_error_code(Some(&error)), code);
            ottla_error_free(Some(error));
            PLANTED.set(false);
            // SAFETY: as above.
            assert_eq!(unsafe { call(None, None, None, null_mut(), None) }, ErrorKind::InvalidArgument.code());
        }
    }
}
