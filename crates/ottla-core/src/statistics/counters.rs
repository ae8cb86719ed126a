//! The figures of ottla_producer_counters: a copy that costs nothing.

use super::table::ProducerCells;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// Counts since the producer was created. Each is exact, but they are not read at the same instant.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct CounterSnapshot {
            $($(#[$doc])* pub $name: u64,)+
        }

        impl ProducerCells {
            pub fn counters(&self) -> CounterSnapshot {
                CounterSnapshot { $($name: self.$name.get(),)+ }
            }
        }
    };
}

counters! {
    /// Records that completed as written (acks=0: handed to the socket).
    records_delivered,
    /// Records that completed with an error.
    records_failed,
    /// Of the failed records, those with an unknown fate.
    records_unknown,
    /// Batches that were sealed and sent at least once.
    batches_sent,
    /// Times that a batch was sent again.
    batches_retried,
    /// Batches that were split after MESSAGE_TOO_LARGE.
    batches_split,
    /// Batches that failed because delivery.timeout.ms passed.
    batches_expired,
    /// Times that the sequence of a partition began again in a higher epoch.
    epochs_bumped,
    /// Produce requests handed to a connection.
    produce_requests,
    /// All requests handed to a connection.
    requests,
    /// Responses received.
    responses,
    /// Requests without a response within request.timeout.ms.
    requests_timed_out,
    /// Bytes handed to connections.
    bytes_sent,
    /// Encoded bytes of the records sent, before compression.
    record_bytes,
    /// Bytes of the same records after compression.
    payload_bytes,
    /// Bytes received.
    bytes_received,
    /// Connections that were established.
    connections_opened,
    /// Connections that failed to be established.
    connections_failed,
    /// Established connections that ended.
    connections_closed,
    /// Metadata responses that were processed.
    metadata_updates,
    /// Milliseconds for which brokers asked the producer to hold back requests.
    throttle_ms,
}
