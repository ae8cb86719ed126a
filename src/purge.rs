//! Purge.

use std::mem::MaybeUninit;

use super::error::{ottla_code, ottla_error};
use super::handle::ottla_producer;
use super::topic::ottla_topic;
use super::{boundary, required, wait};
use ottla_engine::Result;
use ottla_host::arguments::invalid;

/// The records that ottla_producer_purge() removes: one of these, or the sum of both.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum ottla_purge {
    /// Records that wait: for their batch to fill, for a broker, for their topic's metadata, or for a retry.
    OTTLA_PURGE_QUEUED = 1,
    /// Records in requests that have no response yet.
    OTTLA_PURGE_IN_FLIGHT = 2,
}

const QUEUED: u32 = ottla_purge::OTTLA_PURGE_QUEUED as u32;
const IN_FLIGHT: u32 = ottla_purge::OTTLA_PURGE_IN_FLIGHT as u32;

/// Gives up accepted records: they complete with OTTLA_ERR_PURGED. The producer goes on. Records that are accepted
/// while this call runs may be purged too; later ones are not. (librdkafka: rd_kafka_purge.)
///
/// A queued record has the fate OTTLA_FATE_NOT_WRITTEN, unless an earlier attempt left it unknown. A record in flight
/// has the fate OTTLA_FATE_UNKNOWN, since its broker may write it; but OTTLA_FATE_NOT_WRITTEN if no byte of its request
/// was written yet, and then the request is not sent. The memory of a record in flight is held until its request is
/// done.
///
/// @param topic       only records of this topic; NULL: of all topics
/// @param flags       OTTLA_PURGE_QUEUED, OTTLA_PURGE_IN_FLIGHT, or the sum of both
/// @param timeout_ms  longest wait in milliseconds, until the callbacks of the purged records have returned or their
///                    reports are queued; -1: no limit, 0: does not wait, and the purge happens soon
/// @param error_out   optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK;
///         OTTLA_ERR_TIMED_OUT: the purge happens all the same;
///         OTTLA_ERR_IN_CALLBACK: the call would wait in a callback;
///         OTTLA_ERR_CLOSED (freed); OTTLA_ERR_FORKED; OTTLA_ERR_INVALID_ARGUMENT
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
        let (queued, in_flight) = queued_and_in_flight(flags)?;
        let entered = producer.enter()?;
        let topic = topic.map(|topic| topic.handle_of(producer)).transpose()?;
        entered.producer.purge(queued, in_flight, topic, wait)
    })
}

fn queued_and_in_flight(flags: u32) -> Result<(bool, bool)> {
    match flags & !(QUEUED | IN_FLIGHT) {
        0 => Ok((flags & QUEUED != 0, flags & IN_FLIGHT != 0)),
        _ => Err(invalid(format!("flags is {flags}: it is OTTLA_PURGE_QUEUED, OTTLA_PURGE_IN_FLIGHT or both"))),
    }
}
