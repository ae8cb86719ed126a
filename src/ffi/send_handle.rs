//! Records that are waited for later.

use std::ffi::CStr;
use std::mem::MaybeUninit;

use super::boundary::SizedOut;
use super::delivery::{Asked, ottla_delivery};
use super::error::{ottla_code, ottla_error};
use super::handle::ottla_producer;
use super::record::ottla_record;
use super::topic::ottla_topic;
use super::{boundary, guarded, required, wait};
use crate::producer::{SendHandle, Wait};
use crate::record::Fate;
use crate::sync::Arc;

/// A record that was accepted, to be waited for later, or never.
///
/// Life: ottla_producer_send_handle(); ottla_send_wait(), any number of times, on any number of threads at once;
/// ottla_send_free(), once, when no call uses it. It may outlive the producer and the topic's handle. Each costs some
/// 200 bytes beside the record: where every record's fate is wanted, a callback or polling is cheaper.
pub struct ottla_send {
    send: SendHandle,
    topic: Arc<CStr>,
    asked: Asked,
}

/// ottla_producer_send() with a handle to wait for the record by. It lingers as usual (which
/// ottla_producer_send_and_wait() does not), so that many can be sent and then waited for. Whatever serves by default is
/// not told of the record.
///
/// @param record      borrowed for the call
/// @param handle_out  receives the handle; release with ottla_send_free(), which does not keep the record from being
///                    sent
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return as ottla_producer_send()
///
/// Any thread, concurrently with any other call, callbacks too.
///
/// # Safety
/// What `record` points to is as `ottla_record` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_send_handle(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    record: Option<&ottla_record>,
    handle_out: Option<&mut MaybeUninit<*mut ottla_send>>,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let (engine, of_topic) = super::send::at(producer, topic)?;
        let topic = required(topic, "topic")?;
        let record = required(record, "record")?;
        let handle_out = required(handle_out, "handle_out")?;
        // SAFETY: by this function's contract.
        let send = unsafe { record.with(|record| engine.producer.send_handle(of_topic, record, Wait::Configured))? };
        let asked = record.asked();
        handle_out.write(Box::into_raw(Box::new(ottla_send { send, topic: topic.name.clone(), asked })));
        Ok(())
    })
}

/// Waits for the fate of a record.
///
/// @param handle        borrowed for the call
/// @param timeout_ms    longest wait; -1 waits without limit (but see delivery.timeout.ms), 0 only looks
/// @param delivery_out  its struct_size has to be set to sizeof(ottla_delivery). Filled as by
///                      ottla_producer_send_and_wait(); the fate is OTTLA_FATE_UNKNOWN while it was not told. Its topic
///                      is valid as long as the handle; its error is NULL: error_out has it
/// @param error_out     optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK if the record was written (acks=0: handed to the socket); why it failed; OTTLA_ERR_TIMED_OUT if its
///         fate is not known yet (a record that ran into its own time limit has OTTLA_ERR_DELIVERY_TIMED_OUT);
///         OTTLA_ERR_IN_CALLBACK if this would wait in a callback of the producer; OTTLA_ERR_FORKED or
///         OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, any number at once, also after ottla_producer_close() and ottla_producer_free(), which decide every record
/// and so end each wait.
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
        waited.and_then(|told| told.error.map_or(Ok(()), Err))
    })
}

/// Releases a handle. The record goes on; what becomes of it is told to nobody, if it was not before. NULL is ignored. Any
/// thread, callbacks too, also after ottla_producer_free().
#[unsafe(no_mangle)]
pub extern "C" fn ottla_send_free(handle: Option<Box<ottla_send>>) {
    guarded((), || drop(handle));
}
