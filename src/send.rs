//! Sending.

use std::ffi::c_void;
use std::mem::MaybeUninit;

use super::boundary::failed;
use super::delivery::ottla_delivery;
use super::error::{ottla_code, ottla_error};
use super::handle::{Engine, ottla_producer};
use super::record::ottla_record;
use super::send_handle::ottla_send;
use super::send_options::ottla_send_options;
use super::sized::SizedOut;
use super::topic::ottla_topic;
use super::{boundary, required, wait};
use ottla_engine::producer::{OneCall, TopicHandle};
use ottla_engine::support::sync::SystemClock;
use ottla_engine::{Completion, ErrorKind, Fate, Record, Result};
use ottla_host::arguments::array;
use ottla_host::boundary::caught;
use ottla_host::userdata::tag_of;

/// Sends a record. When this returns OTTLA_ERR_OK, the record was copied and accepted: it gets exactly one delivery,
/// which goes where ottla_config_set_delivery(), ottla_config_set_batch_delivery(), ottla_config_set_poll() or the
/// options say. Any other code: the record was not accepted, and no delivery follows. The call waits for nothing but
/// room in buffer.memory, at most max.block.ms, and never in a callback. (Java: KafkaProducer.send.)
///
/// @param topic      of this producer
/// @param record     borrowed for the call
/// @param userdata   comes back in the delivery; may be NULL; not read
/// @param options    optional: not waiting, a delivery function for this record, a value that is not copied, a handle
///                   to wait for
/// @param error_out  optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK;
///         OTTLA_ERR_BUFFER_FULL: there was no room in time;
///         OTTLA_ERR_OUT_OF_MEMORY: the system has no memory for the record (returned at once);
///         OTTLA_ERR_RECORD_TOO_LARGE;
///         OTTLA_ERR_UNKNOWN_PARTITION: the topic has no such partition (if its partitions are not known yet, the
///         delivery says so instead);
///         OTTLA_ERR_CLOSED; OTTLA_ERR_FORKED; OTTLA_ERR_INTERNAL; OTTLA_ERR_INVALID_ARGUMENT;
///         with transactional.id also OTTLA_ERR_INVALID_STATE (no transaction is open), or the code with which the
///         transaction failed (ottla_error_requires_abort(), ottla_error_is_fatal())
///
/// Any thread, concurrently with any other call, callbacks too. Records that one thread sends to a partition keep their
/// order.
///
/// # Safety
/// What `record` points to is as `ottla_record` says, and `options` as `ottla_send_options`; a value that is lent stays
/// as it is until `on_release` is called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_send(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    userdata: *mut c_void,
    options: *const ottla_send_options,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    if !options.is_null() {
        // SAFETY: by this function's contract.
        return unsafe { send_with_options(producer, topic, record, userdata, options, error_out) };
    }
    // SAFETY: as above.
    match caught(move || unsafe { send_fast(producer, topic, record, userdata) }) {
        Ok(Some(())) => 0,
        // SAFETY: as above.
        Ok(None) => unsafe { send_any(producer, topic, record, userdata, options, error_out) },
        Err(error) => failed(error, error_out),
    }
}

/// A function of its own, so that the registers of the call without options are free for the record.
///
/// # Safety
/// As for `ottla_producer_send`.
#[inline(never)]
unsafe fn send_with_options(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    userdata: *mut c_void,
    options: *const ottla_send_options,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    // SAFETY: by this function's contract.
    if unsafe { ottla_send_options::are_plain(options) } {
        // SAFETY: as above.
        match caught(move || unsafe { send_fast(producer, topic, record, userdata) }) {
            Ok(Some(())) => return 0,
            Ok(None) => {}
            Err(error) => return failed(error, error_out),
        }
    }
    // SAFETY: as above.
    unsafe { send_any(producer, topic, record, userdata, options, error_out) }
}

/// Sends an array of records in turn, each as ottla_producer_send() does, until one is refused. Records without a
/// timestamp get the time of the call.
///
/// @param topic         of this producer
/// @param records       count records, borrowed for the call; NULL is allowed if count is 0
/// @param userdatas     count pointers, one for each record's delivery; NULL: NULL for each
/// @param options       optional; without handle_out
/// @param accepted_out  receives how many records were accepted, also on failure: the first ones
/// @param error_out     optional; set only on failure, to the reason why records[*accepted_out] was refused; release
///                      with ottla_error_free()
/// @return OTTLA_ERR_OK if all were accepted, else as ottla_producer_send()
///
/// Any thread, concurrently with any other call, callbacks too.
///
/// # Safety
/// As for `ottla_producer_send`; `records` and `userdatas` have as many members as said above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_send_many(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    records: *const ottla_record,
    count: usize,
    userdatas: *const *mut c_void,
    options: *const ottla_send_options,
    accepted_out: Option<&mut MaybeUninit<usize>>,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let accepted_out = required(accepted_out, "accepted_out")?.write(0);
        let (engine, topic) = together(producer, topic)?;
        // SAFETY: by this function's contract.
        let options = unsafe { ottla_send_options::read_for_many(options)? };
        // SAFETY: by this function's contract.
        let records = unsafe { array(records, count, "records")? };
        // SAFETY: by this function's contract; `array` refuses lengths that no array has.
        let userdatas = unsafe { array(userdatas, if userdatas.is_null() { 0 } else { count }, "userdatas")? };
        // SAFETY: by this function's contract.
        unsafe { send_array(engine, &topic.topic, records, userdatas, &options, accepted_out) }
    })
}

/// Sends one record and waits for its delivery. The record's batch does not linger. The delivery comes back here alone,
/// not to the function or queue that the configuration names.
///
/// @param topic         of this producer
/// @param record        borrowed for the call
/// @param timeout_ms    longest wait in milliseconds, for room and for the delivery; -1: no limit (but see
///                      delivery.timeout.ms)
/// @param delivery_out  set its struct_size to sizeof(ottla_delivery) before. Filled on failure too: the fate is then
///                      OTTLA_FATE_NOT_WRITTEN if the record was not accepted, and OTTLA_FATE_UNKNOWN after
///                      OTTLA_ERR_TIMED_OUT: the record is still sent, but nobody receives its delivery. Its topic is
///                      valid as long as the topic's handle; its error is NULL, since error_out has it
/// @param error_out     optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK if the record was written (acks=0: handed to the socket); OTTLA_ERR_TIMED_OUT;
///         OTTLA_ERR_IN_CALLBACK;
///         the code with which the record failed; or as ottla_producer_send()
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
            producer.check_owns(&topic.engine)?;
            // SAFETY: by this function's contract.
            unsafe { record.with(|record| entered.producer.send_and_wait(&topic.topic, record, wait)) }
        });
        let unknown = sent.as_ref().is_err_and(|error| error.kind() == ErrorKind::TimedOut);
        let otherwise = if unknown { Fate::Unknown } else { Fate::NotWritten };
        out.write(ottla_delivery::of_wait(topic.name.as_ptr(), record.asked(), &sent, otherwise));
        sent.and_then(|reported| reported.error.map_or(Ok(()), Err))
    })
}

/// The engine and the topic, if they belong together. Nothing counts the call: the topic's handle, which the caller
/// keeps until the call returns, keeps the engine.
#[inline]
pub(super) fn together<'a>(
    producer: Option<&'a ottla_producer>,
    topic: Option<&'a ottla_topic>,
) -> Result<(&'a Engine, &'a ottla_topic)> {
    let producer = required(producer, "producer")?;
    let topic = required(topic, "topic")?;
    producer.check_owns(&topic.engine)?;
    Ok((&topic.engine, topic))
}

/// Most records end here. Nothing on their way fails or changes errno, and a panic is caught without a cost for the others:
/// `boundary` is not needed. `None`: nothing has happened.
///
/// # Safety
/// What `record` points to is as `ottla_record` says.
#[inline(always)]
unsafe fn send_fast(
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
    topic.engine.producer.send_fast(&topic.topic, &record)
}

/// The rest of `ottla_producer_send`.
///
/// # Safety
/// As for `ottla_producer_send`.
#[inline(never)]
unsafe fn send_any(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    userdata: *mut c_void,
    options: *const ottla_send_options,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let (engine, topic) = together(producer, topic)?;
        let record = required(record, "record")?;
        // SAFETY: by this function's contract.
        let options = unsafe { ottla_send_options::read(options)? };
        let send =
            |record: &Record<'_>, completion| engine.producer.send(&topic.topic, record, completion, options.wait());
        // SAFETY: as above.
        unsafe { send_one(engine, topic, record, userdata, &options, send) }
    })
}

/// Sends one record by `send`, with the completion and the loan that the options ask for, and makes the handle.
///
/// # Safety
/// What `record` points to is as `ottla_record` says, its value as `ottla_release_fn` says if it is lent, and
/// `options.handle_out` is NULL or can be written.
#[inline]
pub(super) unsafe fn send_one(
    engine: &Engine,
    topic: &ottla_topic,
    record: &ottla_record,
    userdata: *mut c_void,
    options: &ottla_send_options,
    send: impl FnOnce(&Record<'_>, Completion) -> Result<()>,
) -> Result<()> {
    let send = |completion| {
        let lend = |record: &Record<'_>| {
            // SAFETY: by this function's contract.
            let lent = unsafe { options.offer(record.value) };
            send(&Record { lent: lent.as_ref(), ..*record }, completion)
        };
        // SAFETY: by this function's contract.
        unsafe { record.with(lend) }
    };
    if options.handle_out.is_null() {
        return send(options.completion(tag_of(userdata)));
    }
    let handle = engine.producer.with_handle(&topic.topic, send)?;
    // SAFETY: not NULL, and by this function's contract it can be written.
    unsafe { options.handle_out.write(Box::into_raw(ottla_send::new(handle, topic, record.asked()))) };
    Ok(())
}

/// No run is longer.
const LONGEST_RUN: usize = 256;

/// The userdata of records that have none.
const NULLS: [*mut c_void; LONGEST_RUN] = [std::ptr::null_mut(); LONGEST_RUN];

/// Sends the records up to the first that is not well-formed, or is refused. `userdatas` are as many, or none.
///
/// # Safety
/// Each record is as `ottla_record` says, and its value as `ottla_release_fn` says if it is lent.
unsafe fn send_array(
    engine: &Engine,
    topic: &TopicHandle,
    records: &[ottla_record],
    userdatas: &[*mut c_void],
    options: &ottla_send_options,
    accepted_out: &mut usize,
) -> Result<()> {
    let clock = OneCall::begin();
    let has_fast_path = options.has_plain_members();
    let mut accepted = 0;
    while let [record, ..] = &records[accepted..] {
        let turn = accepted..records.len().min(accepted + LONGEST_RUN);
        let userdatas = if userdatas.is_empty() { &NULLS[..turn.len()] } else { &userdatas[turn.clone()] };
        let run = records[turn].iter().zip(userdatas).map_while(|(record, &userdata)| {
            // SAFETY: by this function's contract.
            unsafe { record.usual(tag_of(userdata), &clock) }
        });
        let run = if has_fast_path { engine.producer.send_fast_run(topic, run) } else { 0 };
        if run == 0 {
            let send = |record: &Record<'_>| {
                // SAFETY: by this function's contract.
                let lent = unsafe { options.offer(record.value) };
                let record = Record { lent: lent.as_ref(), ..*record };
                let completion = options.completion(tag_of(userdatas[0]));
                engine.producer.send_in(&clock, topic, &record, completion, options.wait())
            };
            // SAFETY: as above.
            unsafe { record.with(send) }.map_err(|error| error.context(format_args!("records[{accepted}]")))?;
        }
        accepted += run.max(1);
        *accepted_out = accepted;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::ptr::{null, null_mut};

    use super::super::error::{ottla_error_code, ottla_error_free};
    use super::super::send_options::OTTLA_SEND_NO_WAIT;
    use super::*;

    thread_local! {
        static PLANTED: Cell<bool> = const { Cell::new(false) };
    }

    pub fn panic_if_planted() {
        assert!(!PLANTED.get(), "on purpose");
    }

    #[test]
    fn a_panic_on_the_fast_path_becomes_an_internal_error() {
        let no_wait = ottla_send_options { flags: OTTLA_SEND_NO_WAIT, ..ottla_send_options::NONE };
        for options in [null(), &raw const no_wait] {
            PLANTED.set(true);
            let mut error = MaybeUninit::new(null_mut());
            // SAFETY: there is no record.
            let code = unsafe { ottla_producer_send(None, None, None, null_mut(), options, Some(&mut error)) };
            assert_eq!(code, ErrorKind::Internal.code());
            // SAFETY: written, since the call failed.
            let error = unsafe { Box::from_raw(error.assume_init()) };
            assert_eq!(ottla_error_code(Some(&error)), code);
            ottla_error_free(Some(error));
            PLANTED.set(false);
            // SAFETY: as above.
            assert_eq!(
                unsafe { ottla_producer_send(None, None, None, null_mut(), options, None) },
                ErrorKind::InvalidArgument.code()
            );
        }
    }
}
