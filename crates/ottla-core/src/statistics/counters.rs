//! The figures of ottla_producer_counters: a copy that costs nothing.

use super::table::ProducerCells;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// Counts since the producer was created. Each is exact; together they are not of one instant.
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
    /// Records whose completion said: written (acks=0: handed to the socket).
    records_delivered,
    /// Records whose completion carried an error.
    records_failed,
    /// Of the failed, those whose fate is unknown.
    records_unknown,
    /// Batches that were sealed and sent at least once.
    batches_sent,
    /// Times that a batch was sent again.
    batches_retried,
    /// Batches that were split after MESSAGE_TOO_LARGE.
    batches_split,
    /// Batches that failed because delivery.timeout.ms passed.
    batches_expired,
    /// Times that a partition's sequence was started again with a higher epoch.
    epochs_bumped,
    /// Produce requests handed to a connection.
    produce_requests,
    /// All requests handed to a connection.
    requests,
    /// Responses received.
    responses,
    /// Requests that got no answer within request.timeout.ms.
    requests_timed_out,
    /// Bytes handed to connections.
    bytes_sent,
    /// Encoded bytes of the records sent, before compression.
    record_bytes,
    /// The same after compression.
    payload_bytes,
    /// Bytes received.
    bytes_received,
    /// Connections that were established.
    connections_opened,
    /// Connections that failed to be established.
    connections_failed,
    /// Established connections that ended.
    connections_closed,
    /// Metadata responses that were taken in.
    metadata_updates,
    /// Milliseconds for which brokers asked to hold requests back.
    throttle_ms,
}
