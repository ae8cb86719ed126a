//! Sending values without copying them.

use std::ffi::c_void;
use std::mem::MaybeUninit;

use super::delivery::tag_of;
use super::error::{ottla_code, ottla_error};
use super::handle::ottla_producer;
use super::record::ottla_record;
use super::send::at;
use super::topic::ottla_topic;
use super::{boundary, required};
use crate::batch::Completion;
use crate::error::Result;
use crate::loan::{Lent, Offer};
use crate::producer::Wait;
use crate::record::Record;

/// Gives a value back that ottla_producer_send_lent() took without copying it: from here on the library does not look at
/// it. What was handed over is freed here; what was only borrowed may be used again, or changed. `value` and `value_len`
/// are those of the record, `release_userdata` what was given with them.
///
/// Called exactly once for each record that was accepted, before or after the record's completion. Runs on the producer's
/// sender thread with no lock held, and counts as a callback: see ottla_delivery_fn for what it may call, and that it must
/// not throw, longjmp or block. (Should the library itself fail on the way, the last ones may run in ottla_producer_free().)
/// Never in a child after fork().
pub type ottla_release_fn =
    Option<unsafe extern "C" fn(value: *const c_void, value_len: usize, release_userdata: *mut c_void)>;

/// ottla_producer_send() without a copy of the value: the library reads it where it is, until it calls on_release. Key
/// and headers are copied. Worth it for large values; one of less than a kilobyte is copied all the same, and given back
/// when the sender comes by.
///
/// When this returns OTTLA_ERR_OK, the value must neither change nor move until on_release is called, which happens once
/// its bytes are not needed any more: when the record's batch was compressed, else when its fate is decided.
/// ottla_producer_flush() returns after that, but for a record that expired while a socket was busy with its bytes: they
/// are kept until the socket is done. ottla_producer_close() and ottla_producer_free() return after that in any case. On
/// any other code the record was not accepted: the value is the caller's as before, and on_release is not called for it.
/// The value counts into buffer.memory until it is given back.
///
/// The completion has the value's address and length in ottla_delivery, and its address in ottla_delivery_entry.
///
/// @param record            borrowed for the call, but for its value
/// @param on_release        not NULL; called for a null value too
/// @param release_userdata  given to on_release
/// @param userdata          comes back in the completion; may be NULL; not looked at
/// @param error_out         optional; set only on failure, release with ottla_error_free()
/// @return as ottla_producer_send()
///
/// Any thread, concurrently with any other call, callbacks too.
///
/// # Safety
/// What `record` points to is as `ottla_record` says, and its value stays so until `on_release` is called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_send_lent(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    on_release: ottla_release_fn,
    release_userdata: *mut c_void,
    userdata: *mut c_void,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        // SAFETY: by this function's contract.
        unsafe { send_lent(producer, topic, record, on_release, release_userdata, userdata, Wait::Configured) }
    })
}

/// ottla_producer_send_lent() that never waits: OTTLA_ERR_BUFFER_FULL at once when there is no room.
///
/// # Safety
/// As for `ottla_producer_send_lent`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_try_send_lent(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    on_release: ottla_release_fn,
    release_userdata: *mut c_void,
    userdata: *mut c_void,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        // SAFETY: by this function's contract.
        unsafe { send_lent(producer, topic, record, on_release, release_userdata, userdata, Wait::Never) }
    })
}

/// # Safety
/// As for `ottla_producer_send_lent`.
unsafe fn send_lent(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    on_release: ottla_release_fn,
    release_userdata: *mut c_void,
    userdata: *mut c_void,
    wait: Wait,
) -> Result<()> {
    let (engine, topic) = at(producer, topic)?;
    let record = required(record, "record")?;
    let release = required(on_release, "on_release")?;
    let completion = Completion::Tag(tag_of(userdata));
    let lend = |record: &Record<'_>| {
        // SAFETY: by this function's contract.
        let lent = Lent::Offered(unsafe { Offer::new(record.value, release, release_userdata) });
        let record = Record { lent: Some(&lent), ..*record };
        engine.producer.send(topic, &record, completion, wait)
    };
    // SAFETY: by this function's contract.
    unsafe { record.with(lend) }
}
