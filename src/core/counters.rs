//! What happened so far, in numbers. Written by the sender thread alone, read by any.

use crate::sync::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// Counts since the producer was created. Each is exact; together they are not of one instant.
        #[derive(Default)]
        pub struct Counters {
            $(pub(crate) $name: Counter,)+
        }

        /// A copy of the [`Counters`].
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct CounterSnapshot {
            $($(#[$doc])* pub $name: u64,)+
        }

        impl Counters {
            /// Records that were completed with an error outside the core.
            pub(crate) fn count_failed(&self, records: u64) {
                self.records_failed.add(records);
            }

            pub fn snapshot(&self) -> CounterSnapshot {
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

/// A number with one writer.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, by: u64) {
        self.0.store(self.get() + by, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
