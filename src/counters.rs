//! Counters.

use std::mem::MaybeUninit;
use std::sync::atomic::Ordering;

use super::error::{ottla_code, ottla_error};
use super::handle::ottla_producer;
use super::sized::SizedOut;
use super::{boundary, required};

/// Counts since the producer was created. Each is exact; together they are not of one instant. Grows at its end only.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ottla_counters {
    /// Set it to sizeof(ottla_counters) before the call. Afterwards it says how much was filled: less if the library is
    /// older. Members beyond that are left alone.
    pub struct_size: usize,
    /// Records that were reported as written (acks=0: as handed to the socket).
    pub records_delivered: u64,
    /// Records that were reported with an error.
    pub records_failed: u64,
    /// Failed records whose fate is unknown.
    pub records_unknown: u64,
    /// Batches that were sent at least once.
    pub batches_sent: u64,
    /// How often a batch was sent again.
    pub batches_retried: u64,
    /// Batches that were split after MESSAGE_TOO_LARGE.
    pub batches_split: u64,
    /// Batches that failed because delivery.timeout.ms passed.
    pub batches_expired: u64,
    /// How often a partition's sequence began again with a higher epoch.
    pub epochs_bumped: u64,
    /// Produce requests handed to a connection.
    pub produce_requests: u64,
    /// All requests handed to a connection.
    pub requests: u64,
    /// Responses received.
    pub responses: u64,
    /// Requests without a response within request.timeout.ms.
    pub requests_timed_out: u64,
    /// Bytes handed to connections.
    pub bytes_sent: u64,
    /// Encoded bytes of the records sent, before compression.
    pub record_bytes: u64,
    /// Bytes of the same records after compression.
    pub payload_bytes: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Connections that were established.
    pub connections_opened: u64,
    /// Connections that failed to be established.
    pub connections_failed: u64,
    /// Established connections that ended.
    pub connections_closed: u64,
    /// Metadata responses that were applied.
    pub metadata_updates: u64,
    /// Milliseconds of pauses that brokers asked for (throttling).
    pub throttle_ms: u64,
    /// Reports that were polled and not yet freed.
    pub reports_held: u64,
}

/// Reads the counters, which count since the producer was created.
///
/// @param counters_out  set its struct_size to sizeof(ottla_counters) before
/// @param error_out     optional; set only on failure, release with ottla_error_free()
/// @return OTTLA_ERR_OK, OTTLA_ERR_CLOSED (freed) or OTTLA_ERR_INVALID_ARGUMENT
///
/// Any thread, callbacks too, also after ottla_producer_close() and in a child after fork().
///
/// # Safety
/// `counters_out` is NULL or has as many writable bytes as its struct_size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ottla_producer_counters(
    producer: Option<&ottla_producer>,
    counters_out: *mut ottla_counters,
    error_out: Option<&mut MaybeUninit<*mut ottla_error>>,
) -> ottla_code {
    boundary(error_out, || {
        let producer = required(producer, "producer")?;
        // SAFETY: by this function's contract.
        let out = unsafe { SizedOut::new(counters_out, "counters_out")? };
        let entered = producer.enter()?;
        let counted = entered.producer.counters();
        out.write(ottla_counters {
            struct_size: size_of::<ottla_counters>(),
            records_delivered: counted.records_delivered,
            records_failed: counted.records_failed,
            records_unknown: counted.records_unknown,
            batches_sent: counted.batches_sent,
            batches_retried: counted.batches_retried,
            batches_split: counted.batches_split,
            batches_expired: counted.batches_expired,
            epochs_bumped: counted.epochs_bumped,
            produce_requests: counted.produce_requests,
            requests: counted.requests,
            responses: counted.responses,
            requests_timed_out: counted.requests_timed_out,
            bytes_sent: counted.bytes_sent,
            record_bytes: counted.record_bytes,
            payload_bytes: counted.payload_bytes,
            bytes_received: counted.bytes_received,
            connections_opened: counted.connections_opened,
            connections_failed: counted.connections_failed,
            connections_closed: counted.connections_closed,
            metadata_updates: counted.metadata_updates,
            throttle_ms: counted.throttle_ms,
            reports_held: entered.reports_held.load(Ordering::Relaxed),
        });
        Ok(())
    })
}
