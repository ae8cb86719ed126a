//! The table of figures: for each, its storage, its unit, its names in other clients, and its meaning. A new figure
//! begins here.
//!
//! The stored cells, the snapshot, JSON, the Prometheus text and METRICS.md are made from it. A test compares the C
//! structures with it, members and words.

use super::cell::{Age, Cell, Counter, Gauge, Kind, LookedUp, Ratio, Shown, Tally};
use super::histogram::Histogram;
use crate::sync::Time;

/// A figure's line in the table.
pub struct Row<F> {
    pub name: &'static str,
    pub kind: Kind,
    pub unit: &'static str,
    /// Metrics of the Java producer that this answers, without group.
    pub java: &'static [&'static str],
    /// Fields of librdkafka's statistics.
    pub librdkafka: &'static [&'static str],
    pub doc: &'static str,
    pub show: fn(&F) -> Shown<'_>,
}

/// What one thing (the producer, a broker, a topic) is measured by.
pub trait Figures: Sized + 'static {
    const ROWS: &'static [Row<Self>];
}

macro_rules! figures {
    ($(#[$about:meta])* $cells:ident => $figures:ident {
        $($name:ident: $cell:ident, $unit:literal, [$($java:literal),*], [$($librdkafka:literal),*], $doc:literal;)+
    }) => {
        $(#[$about])*
        #[derive(Default)]
        pub struct $cells {
            $(#[doc = $doc] pub $name: $cell,)+
        }

        $(#[$about])*
        #[derive(Clone)]
        pub struct $figures {
            $(#[doc = $doc] pub $name: <$cell as Cell>::Value,)+
        }

        impl $cells {
            /// What is kept, now. Levels that are looked up elsewhere are still to be filled in.
            pub fn read(&self, now: Time) -> $figures {
                let mut figures = $figures { $($name: self.$name.read(now),)+ };
                figures.derive();
                figures
            }
        }

        impl $figures {
            /// What came after `earlier`; levels as they are now.
            pub fn since(&self, earlier: &Self) -> Self {
                let mut figures = $figures { $($name: <$cell as Cell>::since(&self.$name, &earlier.$name),)+ };
                figures.derive();
                figures
            }
        }

        impl Figures for $figures {
            const ROWS: &'static [Row<Self>] = &[$(Row {
                name: stringify!($name),
                kind: <$cell as Cell>::KIND,
                unit: $unit,
                java: &[$($java),*],
                librdkafka: &[$($librdkafka),*],
                doc: $doc,
                show: |figures| <$cell as Cell>::show(&figures.$name),
            },)+];
        }
    };
}

figures! {
    /// The producer as a whole.
    ProducerCells => ProducerFigures {
        records_sent: Counter, "records", ["record-send-total"], ["txmsgs"],
            "Records that were handed to a connection; each is counted once.";
        records_delivered: Counter, "records", [], [],
            "Records that were reported as written (acks=0: as handed to the socket).";
        records_failed: Counter, "records", ["record-error-total"], [],
            "Records that were reported with an error.";
        records_unknown: Counter, "records", [], [],
            "Failed records whose fate is unknown.";
        records_expired: Counter, "records", [], [],
            "Failed records that expired: by delivery.timeout.ms, or while they waited for their topic's metadata.";
        records_purged: Counter, "records", [], [],
            "Failed records that a purge removed.";
        records_retried: Counter, "records", ["record-retry-total"], [],
            "Records of batches that were sent again, counted each time.";
        records_held: LookedUp, "records", [], ["msg_cnt"],
            "Accepted records without a result yet.";
        record_bytes: Counter, "bytes", [], ["txmsg_bytes"],
            "Encoded bytes of the records sent, before compression; each record is counted once.";
        payload_bytes: Counter, "bytes", [], [],
            "Bytes of the same records after compression.";
        compression_ratio: Ratio, "ratio", ["compression-rate-avg"], [],
            "payload_bytes divided by record_bytes; 1 while there are none.";
        batches_sent: Counter, "batches", [], [],
            "Batches that were sent at least once.";
        batches_retried: Counter, "batches", [], ["txretries"],
            "How often a batch was sent again.";
        batches_split: Counter, "batches", ["batch-split-total"], [],
            "Batches that were split after MESSAGE_TOO_LARGE.";
        batches_expired: Counter, "batches", [], [],
            "Batches that failed because delivery.timeout.ms passed.";
        batch_bytes: Histogram, "bytes", ["batch-size-avg", "batch-size-max"], ["batchsize"],
            "Size of each batch that was sent, as on the wire, with its header.";
        batch_records: Histogram, "records", [], ["batchcnt"],
            "Records in each batch that was sent.";
        records_per_request: Histogram, "records", ["records-per-request-avg"], [],
            "Records in each Produce request.";
        request_bytes: Histogram, "bytes", ["request-size-avg", "request-size-max"], [],
            "Size of each request.";
        queue_time_us: Histogram, "microseconds", ["record-queue-time-avg", "record-queue-time-max"], ["int_latency"],
            "Time from the first append to a batch until it was handed to a connection, counted for each record.";
        request_latency_us: Histogram, "microseconds", ["request-latency-avg", "request-latency-max"], ["rtt"],
            "Time from handing a request to its connection until its response was read; acks=0 has none.";
        delivery_time_us: Histogram, "microseconds", [], [],
            "Time from the first append to a batch until its result was known, counted for each record, also for failed ones.";
        throttle_time_us: Histogram, "microseconds", ["produce-throttle-time-avg", "produce-throttle-time-max"], ["throttle"],
            "Length of each pause that a broker asked for (throttling).";
        throttle_ms: Counter, "milliseconds", [], [],
            "Milliseconds of pauses that brokers asked for (throttling).";
        epochs_bumped: Counter, "times", [], [],
            "How often a partition's sequence began again with a higher epoch.";
        producer_id: Gauge, "id", [], ["eos.producer_id"],
            "The idempotent producer's id; -1 while it has none.";
        produce_requests: Counter, "requests", [], [],
            "Produce requests handed to a connection.";
        requests: Counter, "requests", ["request-total"], ["tx"],
            "All requests handed to a connection.";
        responses: Counter, "responses", ["response-total"], ["rx"],
            "Responses received.";
        requests_timed_out: Counter, "requests", [], ["req_timeouts"],
            "Requests without a response within request.timeout.ms.";
        requests_in_flight: Gauge, "requests", ["requests-in-flight"], [],
            "Requests that wait for their response, or with acks=0 to be written.";
        bytes_sent: Counter, "bytes", ["outgoing-byte-total"], ["tx_bytes"],
            "Bytes handed to connections.";
        bytes_received: Counter, "bytes", ["incoming-byte-total"], ["rx_bytes"],
            "Bytes received.";
        connections_opened: Counter, "connections", ["connection-creation-total"], ["connects"],
            "Connections that were established.";
        connections_failed: Counter, "connections", [], [],
            "Connections that failed to be established.";
        connections_closed: Counter, "connections", ["connection-close-total"], ["disconnects"],
            "Established connections that ended.";
        connections_open: Gauge, "connections", ["connection-count"], [],
            "Connections that are open now.";
        metadata_updates: Counter, "times", [], [],
            "Metadata responses that were applied.";
        metadata_age_us: Age, "microseconds", ["metadata-age"], ["metadata_age"],
            "Age of the metadata; -1 before the first response.";
        topics: LookedUp, "topics", [], ["metadata_cache_cnt"],
            "Topics that records were sent to.";
        partitions: LookedUp, "partitions", [], [],
            "Known partitions of these topics.";
        buffer_total_bytes: LookedUp, "bytes", ["buffer-total-bytes"], ["msg_size_max"],
            "The limit, buffer.memory.";
        buffer_used_bytes: LookedUp, "bytes", ["buffer-available-bytes"], ["msg_size"],
            "Bytes of buffer.memory in use.";
        buffer_report_bytes: LookedUp, "bytes", [], [],
            "Bytes of buffer.memory held by reports that were not polled, not freed, or whose callbacks have not returned.";
        buffer_waiting: LookedUp, "threads", ["waiting-threads"], [],
            "Calls that wait for room now.";
        buffer_waits: Tally, "times", [], [],
            "How often a call waited for room.";
        buffer_wait_us: Tally, "microseconds", ["bufferpool-wait-time-ns-total"], [],
            "How long calls waited for room, in total.";
        buffer_exhausted: Tally, "times", ["buffer-exhausted-total"], [],
            "Sends that were refused for lack of room, at once or after waiting.";
        flushes: Tally, "times", [], [],
            "Flushes that have ended.";
        flush_us: Tally, "microseconds", ["flush-time-ns-total"], [],
            "How long flushes took, in total.";
        callback_time_us: Histogram, "microseconds", [], [],
            "How long the callbacks of a batch held the sender thread; queueing a report for polling counts too.";
        callback_running_us: Age, "microseconds", [], [],
            "How long the callbacks of the present batch have been running; -1 if none run now.";
        turns: Counter, "times", ["select-total"], [],
            "Turns of the sender's event loop.";
    }
}

figures! {
    /// One broker, or one address of bootstrap.servers.
    BrokerCells => BrokerFigures {
        state: Gauge, "state", [], ["state"],
            "0 not connected, 1 its name is being resolved, 2 connecting, 3 asking for its versions, 4 up.";
        connected_us: Age, "microseconds", [], ["stateage"],
            "How long its connection has been up; -1 if it is down.";
        requests: Counter, "requests", ["request-total"], ["tx"],
            "Requests handed to its connection.";
        responses: Counter, "responses", ["response-total"], ["rx"],
            "Responses received.";
        requests_timed_out: Counter, "requests", [], ["req_timeouts"],
            "Requests without a response within request.timeout.ms.";
        requests_in_flight: Gauge, "requests", [], ["waitresp_cnt"],
            "Requests that wait for their response, or with acks=0 to be written.";
        bytes_sent: Counter, "bytes", ["outgoing-byte-total"], ["txbytes"],
            "Bytes handed to its connection.";
        bytes_received: Counter, "bytes", ["incoming-byte-total"], ["rxbytes"],
            "Bytes received.";
        request_bytes: Histogram, "bytes", ["request-size-avg", "request-size-max"], [],
            "Size of each request.";
        request_latency_us: Histogram, "microseconds", ["request-latency-avg", "request-latency-max"], ["rtt"],
            "Time from handing a request to its connection until its response was read; acks=0 has none.";
        batches_sent: Counter, "batches", [], [],
            "Batches that were sent to it for the first time.";
        batches_retried: Counter, "batches", [], ["txretries"],
            "Batches that were sent to it again, or to it after another.";
        batches_refused: Counter, "batches", [], ["txerrs"],
            "Batches that it answered with an error, also if they were sent again.";
        connections_opened: Counter, "connections", [], ["connects"],
            "Connections that were established.";
        connections_failed: Counter, "connections", [], [],
            "Connections that failed to be established.";
        connections_closed: Counter, "connections", [], ["disconnects"],
            "Established connections that ended.";
        throttle_ms: Counter, "milliseconds", [], ["throttle"],
            "Milliseconds of pauses that it asked for (throttling).";
        partitions: LookedUp, "partitions", [], ["toppars"],
            "Partitions that it leads, of topics that records were sent to.";
        records_waiting: LookedUp, "records", [], ["outbuf_msg_cnt"],
            "Records of these partitions that the sender has not taken from the accumulator.";
        bytes_waiting: LookedUp, "bytes", [], [],
            "Encoded bytes of records_waiting.";
    }
}

figures! {
    /// One topic that records were sent to.
    TopicCells => TopicFigures {
        records_sent: Counter, "records", ["record-send-total"], ["txmsgs"],
            "Records that were handed to a connection; each is counted once.";
        records_delivered: Counter, "records", [], [],
            "Records that were reported as written (acks=0: as handed to the socket).";
        records_failed: Counter, "records", ["record-error-total"], [],
            "Records that were reported with an error.";
        records_unknown: Counter, "records", [], [],
            "Failed records whose fate is unknown.";
        records_expired: Counter, "records", [], [],
            "Failed records that expired: by delivery.timeout.ms, or while they waited for their topic's metadata.";
        records_purged: Counter, "records", [], [],
            "Failed records that a purge removed.";
        records_retried: Counter, "records", ["record-retry-total"], [],
            "Records of batches that were sent again, counted each time.";
        record_bytes: Counter, "bytes", [], [],
            "Encoded bytes of the records sent, before compression; each record is counted once.";
        payload_bytes: Counter, "bytes", ["byte-total"], ["txbytes"],
            "Bytes of the same records after compression.";
        compression_ratio: Ratio, "ratio", ["compression-rate"], [],
            "payload_bytes divided by record_bytes; 1 while there are none.";
        batches_sent: Counter, "batches", [], [],
            "Batches that were sent at least once.";
        batches_retried: Counter, "batches", [], [],
            "How often a batch was sent again.";
        batches_split: Counter, "batches", [], [],
            "Batches that were split after MESSAGE_TOO_LARGE.";
        batch_bytes: Histogram, "bytes", [], ["batchsize"],
            "Size of each batch that was sent, as on the wire, with its header.";
        delivery_time_us: Histogram, "microseconds", [], [],
            "Time from the first append to a batch until its result was known, counted for each record, also for failed ones.";
        partitions: LookedUp, "partitions", [], ["partitions"],
            "How many partitions it has; 0 while that is not known.";
        partitions_without_leader: LookedUp, "partitions", [], [],
            "Partitions without a leader now.";
        records_waiting: LookedUp, "records", [], ["msgq_cnt"],
            "Records that the sender has not taken from the accumulator.";
        bytes_waiting: LookedUp, "bytes", [], ["msgq_bytes"],
            "Encoded bytes of records_waiting.";
        records_taken: Gauge, "records", [], ["xmit_msgq_cnt"],
            "Records that the sender took and that have no result yet: queued, in flight, or to be sent again.";
    }
}

impl ProducerFigures {
    fn derive(&mut self) {
        self.compression_ratio = ratio(self.payload_bytes, self.record_bytes);
    }
}

impl BrokerFigures {
    fn derive(&mut self) {}
}

impl TopicFigures {
    fn derive(&mut self) {
        self.compression_ratio = ratio(self.payload_bytes, self.record_bytes);
    }
}

fn ratio(of: u64, to: u64) -> f64 {
    if to == 0 { 1.0 } else { of as f64 / to as f64 }
}
