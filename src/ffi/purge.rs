//! Purge.

use std::mem::MaybeUninit;

use super::boundary::invalid;
use super::error::{ottla_code, ottla_error};
use super::handle::ottla_producer;
use super::topic::ottla_topic;
use super::{boundary, required, wait};

/// What ottla_producer_purge() removes: one of these, or both added.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum ottla_purge {
    /// Records that wait: for company, for a broker, for their topic to become known, or for another attempt.
    OTTLA_PURGE_QUEUED = 1,
    /// Records in requests that have no answer yet.
    OTTLA_PURGE_IN_FLIGHT = 2,
}

const QUEUED: u32 = ottla_purge::OTTLA_PURGE_QUEUED as u32;
const IN_FLIGHT: u32 = ottla_purge::OTTLA_PURGE_IN_FLIGHT as u32;

/// Gives up records that were accepted: they are completed with OTTLA_ERR_PURGED. The producer goes on; records that are
/// accepted while this call runs may be among those that it removes, later ones are not.
///
/// A queued record has the fate OTTLA_FATE_NOT_WRITTEN, unless an earlier attempt left that open. A record in flight is
/// written or not, as its broker decides: OTTLA_FATE_UNKNOWN (but OTTLA_FATE_NOT_WRITTEN if no byte of its request was
/// written yet, which is then not sent). Its memory is held until its request is done.
///
/// @param topic       its records alone; NULL for those of every topic
/// @param flags       OTTLA_PURGE_QUEUED, OTTLA_PURGE_IN_FLIGHT, or the sum of both
/// @param timeout_ms  longest wait until the completions were told or queued to be polled; -1 waits without limit, 0
///                    does not wait: the purge then happens soon
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK; OTTLA_ERR_TIMED_OUT (it happens all the same); OTTLA_ERR_IN_CALLBACK, if it would wait in a
///         callback; OTTLA_ERR_CLOSED (freed), OTTLA_ERR_FORKED or OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, concurrently with any other call; with timeout_ms 0 from callbacks too.
#[unsafe(no_mangle)]
pub extern "C" fn ottla_producer_purge(
    producer: Option<&ottla_producer>,
    topic: Option<&ottla_topic>,
    flags: u32,
    timeout_ms: i64,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let wait = wait(timeout_ms)?;
        let producer = required(producer, "producer")?;
        if flags & !(QUEUED | IN_FLIGHT) != 0 {
            return Err(invalid(format!("flags is {flags}: it is OTTLA_PURGE_QUEUED, OTTLA_PURGE_IN_FLIGHT or both")));
        }
        let entered = producer.enter()?;
        if let Some(topic) = topic {
            producer.is_of(&topic.engine)?;
        }
        let (queued, in_flight) = (flags & QUEUED != 0, flags & IN_FLIGHT != 0);
        entered.producer.purge(queued, in_flight, topic.map(|topic| &topic.topic), wait)
    })
}
