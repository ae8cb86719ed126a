//! Records that the application waits for later.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::sync::Arc;

use super::delivery::{Asked, ottla_delivery};
use super::error::{ottla_code, ottla_error};
use super::sized::SizedOut;
use super::topic::ottla_topic;
use super::{boundary, guarded, required, wait};
use ottla_engine::{Fate, SendHandle};

/// An accepted record whose delivery can be waited for.
///
/// Life: `handle_out` in ottla_send_options; ottla_send_wait(), any number of times and on any number of threads at
/// once, or never; ottla_send_free(), once, when no call uses it. It may outlive the producer and the topic's handle.
/// Each handle costs about 200 bytes besides the record: if you need every record's fate, a callback or polling is
/// cheaper.
pub struct ottla_send {
    send: SendHandle,
    topic: Arc<CStr>,
    asked: Asked,
}

impl ottla_send {
    pub(super) fn new(send: SendHandle, topic: &ottla_topic, asked: Asked) -> Box<Self> {
        Box::new(ottla_send { send, topic: topic.name.clone(), asked })
    }
}

/// Waits for the delivery of a record. The record lingers like others (unlike one sent with
/// ottla_producer_send_and_wait()), so an application can send many and then wait for them.
///
/// @param handle        borrowed for the call
/// @param timeout_ms    longest wait in milliseconds; -1: no limit (but see delivery.timeout.ms), 0: does not wait
/// @param delivery_out  set its struct_size to sizeof(ottla_delivery) before. Filled as by
///                      ottla_producer_send_and_wait(); the fate is OTTLA_FATE_UNKNOWN until it is decided. Its topic
///                      is valid as long as the handle; its error is NULL, since error_out has it
/// @param error_out     optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK: the record was written (acks=0: handed to the socket);
///         OTTLA_ERR_TIMED_OUT: its fate is not decided yet (a record that reached its own time limit has
///         OTTLA_ERR_DELIVERY_TIMED_OUT);
///         OTTLA_ERR_IN_CALLBACK: the call would wait in a callback of the producer;
///         OTTLA_ERR_FORKED; OTTLA_ERR_INVALID_ARGUMENT; or the code with which the record failed
///
/// Any thread, any number at once, also after ottla_producer_close() and ottla_producer_free(): these decide every
/// record and so end each wait.
///
/// # Safety
/// `delivery_out` is NULL or has as many writable bytes as its struct_size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_send_wait(
    handle: Option<&ottla_send>,
    timeout_ms: i64,
    delivery_out: *mut ottla_delivery,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let handle = required(handle, "handle")?;
        // SAFETY: by this function's contract.
        let out = unsafe { SizedOut::new(delivery_out, "delivery_out")? };
        let waited = handle.send.wait(wait(timeout_ms)?);
        out.write(ottla_delivery::of_wait(handle.topic.as_ptr(), handle.asked, &waited, Fate::Unknown));
        waited.and_then(|reported| reported.error.map_or(Ok(()), Err))
    })
}

/// Releases a handle. The record is still sent; if its delivery was not waited for yet, nobody receives it. NULL is
/// ignored. Any thread, callbacks too, also after ottla_producer_free().
#[unsafe(no_mangle)]
pub extern "C" fn ottla_send_free(handle: Option<Box<ottla_send>>) {
    guarded((), || drop(handle));
}
