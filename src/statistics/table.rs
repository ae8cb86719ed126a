//! The one table of what is measured: where each figure is kept, its unit, what others call it, and what it means. From
//! it come the structures that are kept and that are read, JSON, the Prometheus text, METRICS.md, and the check that
//! the C structures have the same members with the same words.

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
            "Records whose completion said: written (acks=0: handed to the socket).";
        records_failed: Counter, "records", ["record-error-total"], [],
            "Records whose completion carried an error.";
        records_unknown: Counter, "records", [], [],
            "Of the failed, those whose fate is unknown.";
        records_expired: Counter, "records", [], [],
            "Of the failed, those whose time was up: delivery.timeout.ms, or that of their topic's metadata.";
        records_purged: Counter, "records", [], [],
            "Of the failed, those that a purge removed.";
        records_retried: Counter, "records", ["record-retry-total"], [],
            "Records of batches that were sent again, counted each time.";
        records_held: LookedUp, "records", [], ["msg_cnt"],
            "Records that were accepted and are not decided yet.";
        record_bytes: Counter, "bytes", [], ["txmsg_bytes"],
            "Encoded bytes of the records that the sender took up, before compression.";
        payload_bytes: Counter, "bytes", [], [],
            "The same after compression.";
        compression_ratio: Ratio, "ratio", ["compression-rate-avg"], [],
            "payload_bytes for each of record_bytes; 1 while there are none.";
        batches_sent: Counter, "batches", [], [],
            "Batches that were sealed and sent at least once.";
        batches_retried: Counter, "batches", [], ["txretries"],
            "Times that a batch was sent again.";
        batches_split: Counter, "batches", ["batch-split-total"], [],
            "Batches that were split after MESSAGE_TOO_LARGE.";
        batches_expired: Counter, "batches", [], [],
            "Batches that failed because delivery.timeout.ms passed.";
        batch_bytes: Histogram, "bytes", ["batch-size-avg", "batch-size-max"], ["batchsize"],
            "Size of each batch that was sent, with its header, as it is on the wire.";
        batch_records: Histogram, "records", [], ["batchcnt"],
            "Records in each batch that was sent.";
        records_per_request: Histogram, "records", ["records-per-request-avg"], [],
            "Records in each Produce request.";
        request_bytes: Histogram, "bytes", ["request-size-avg", "request-size-max"], [],
            "Size of each request.";
        queue_time_us: Histogram, "microseconds", ["record-queue-time-avg", "record-queue-time-max"], ["int_latency"],
            "From the first append to a batch until it was handed to a connection, for each record.";
        request_latency_us: Histogram, "microseconds", ["request-latency-avg", "request-latency-max"], ["rtt"],
            "From handing a request to its connection until its answer was read; acks=0 has none.";
        delivery_time_us: Histogram, "microseconds", [], [],
            "From the first append to a batch until it was decided, for each record, failed ones too.";
        throttle_time_us: Histogram, "microseconds", ["produce-throttle-time-avg", "produce-throttle-time-max"], ["throttle"],
            "For how long a broker asked to hold requests back, each time that it did.";
        throttle_ms: Counter, "milliseconds", [], [],
            "Milliseconds for which brokers asked to hold requests back.";
        epochs_bumped: Counter, "times", [], [],
            "Times that a partition's sequence was started again with a higher epoch.";
        producer_id: Gauge, "id", [], ["eos.producer_id"],
            "The idempotent producer's id; -1 while it has none.";
        produce_requests: Counter, "requests", [], [],
            "Produce requests handed to a connection.";
        requests: Counter, "requests", ["request-total"], ["tx"],
            "All requests handed to a connection.";
        responses: Counter, "responses", ["response-total"], ["rx"],
            "Responses received.";
        requests_timed_out: Counter, "requests", [], ["req_timeouts"],
            "Requests that got no answer within request.timeout.ms.";
        requests_in_flight: Gauge, "requests", ["requests-in-flight"], [],
            "Requests that wait for their answer, or (acks=0) to be written.";
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
            "Connections that are established now.";
        metadata_updates: Counter, "times", [], [],
            "Metadata responses that were taken in.";
        metadata_age_us: Age, "microseconds", ["metadata-age"], ["metadata_age"],
            "How old the metadata is; -1 before the first.";
        topics: LookedUp, "topics", [], ["metadata_cache_cnt"],
            "Topics that records were sent to.";
        partitions: LookedUp, "partitions", [], [],
            "Partitions of these topics, as far as they are known.";
        buffer_total_bytes: LookedUp, "bytes", ["buffer-total-bytes"], ["msg_size_max"],
            "buffer.memory.";
        buffer_used_bytes: LookedUp, "bytes", ["buffer-available-bytes"], ["msg_size"],
            "How much of it is in use.";
        buffer_report_bytes: LookedUp, "bytes", [], [],
            "How much of buffer.memory reports hold: those that were not polled or not freed, or whose callbacks have not returned.";
        buffer_waiting: LookedUp, "threads", ["waiting-threads"], [],
            "Calls that wait for room.";
        buffer_waits: Tally, "times", [], [],
            "Times that a call waited for room.";
        buffer_wait_us: Tally, "microseconds", ["bufferpool-wait-time-ns-total"], [],
            "How long calls waited for room, in all.";
        buffer_exhausted: Tally, "times", ["buffer-exhausted-total"], [],
            "Sends that were refused because there was no room, in time or at once.";
        flushes: Tally, "times", [], [],
            "Flushes that have ended.";
        flush_us: Tally, "microseconds", ["flush-time-ns-total"], [],
            "How long they took, in all.";
        callback_time_us: Histogram, "microseconds", [], [],
            "How long the callbacks of a batch kept the sender thread; queueing a report to be polled counts too.";
        callback_running_us: Age, "microseconds", [], [],
            "For how long the callbacks of one batch have been running; -1 if none run now.";
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
            "How long its connection has been up; -1 if it is not.";
        requests: Counter, "requests", ["request-total"], ["tx"],
            "Requests handed to its connection.";
        responses: Counter, "responses", ["response-total"], ["rx"],
            "Responses received.";
        requests_timed_out: Counter, "requests", [], ["req_timeouts"],
            "Requests that got no answer within request.timeout.ms.";
        requests_in_flight: Gauge, "requests", [], ["waitresp_cnt"],
            "Requests that wait for their answer, or (acks=0) to be written.";
        bytes_sent: Counter, "bytes", ["outgoing-byte-total"], ["txbytes"],
            "Bytes handed to its connection.";
        bytes_received: Counter, "bytes", ["incoming-byte-total"], ["rxbytes"],
            "Bytes received.";
        request_bytes: Histogram, "bytes", ["request-size-avg", "request-size-max"], [],
            "Size of each request.";
        request_latency_us: Histogram, "microseconds", ["request-latency-avg", "request-latency-max"], ["rtt"],
            "From handing a request to its connection until its answer was read; acks=0 has none.";
        batches_sent: Counter, "batches", [], [],
            "Batches that were sent to it for the first time.";
        batches_retried: Counter, "batches", [], ["txretries"],
            "Batches that were sent to it again, or to it after another.";
        batches_refused: Counter, "batches", [], ["txerrs"],
            "Batches that it answered with an error, whether or not they were tried again.";
        connections_opened: Counter, "connections", [], ["connects"],
            "Connections that were established.";
        connections_failed: Counter, "connections", [], [],
            "Connections that failed to be established.";
        connections_closed: Counter, "connections", [], ["disconnects"],
            "Established connections that ended.";
        throttle_ms: Counter, "milliseconds", [], ["throttle"],
            "Milliseconds for which it asked to hold requests back.";
        partitions: LookedUp, "partitions", [], ["toppars"],
            "Partitions that it leads, of topics that records were sent to.";
        records_waiting: LookedUp, "records", [], ["outbuf_msg_cnt"],
            "Records in open and full batches of these partitions, which the sender has not taken up.";
        bytes_waiting: LookedUp, "bytes", [], [],
            "Their encoded bytes.";
    }
}

figures! {
    /// One topic that records were sent to.
    TopicCells => TopicFigures {
        records_sent: Counter, "records", ["record-send-total"], ["txmsgs"],
            "Records that were handed to a connection; each is counted once.";
        records_delivered: Counter, "records", [], [],
            "Records whose completion said: written (acks=0: handed to the socket).";
        records_failed: Counter, "records", ["record-error-total"], [],
            "Records whose completion carried an error.";
        records_unknown: Counter, "records", [], [],
            "Of the failed, those whose fate is unknown.";
        records_expired: Counter, "records", [], [],
            "Of the failed, those whose time was up: delivery.timeout.ms, or that of their topic's metadata.";
        records_purged: Counter, "records", [], [],
            "Of the failed, those that a purge removed.";
        records_retried: Counter, "records", ["record-retry-total"], [],
            "Records of batches that were sent again, counted each time.";
        record_bytes: Counter, "bytes", [], [],
            "Encoded bytes of the records that the sender took up, before compression.";
        payload_bytes: Counter, "bytes", ["byte-total"], ["txbytes"],
            "The same after compression.";
        compression_ratio: Ratio, "ratio", ["compression-rate"], [],
            "payload_bytes for each of record_bytes; 1 while there are none.";
        batches_sent: Counter, "batches", [], [],
            "Batches that were sealed and sent at least once.";
        batches_retried: Counter, "batches", [], [],
            "Times that a batch was sent again.";
        batches_split: Counter, "batches", [], [],
            "Batches that were split after MESSAGE_TOO_LARGE.";
        batch_bytes: Histogram, "bytes", [], ["batchsize"],
            "Size of each batch that was sent, with its header, as it is on the wire.";
        delivery_time_us: Histogram, "microseconds", [], [],
            "From the first append to a batch until it was decided, for each record, failed ones too.";
        partitions: LookedUp, "partitions", [], ["partitions"],
            "How many partitions it has; 0 while that is not known.";
        partitions_without_leader: LookedUp, "partitions", [], [],
            "Of these, those that no broker leads now.";
        records_waiting: LookedUp, "records", [], ["msgq_cnt"],
            "Records in open and full batches, which the sender has not taken up.";
        bytes_waiting: LookedUp, "bytes", [], ["msgq_bytes"],
            "Their encoded bytes.";
        records_taken: Gauge, "records", [], ["xmit_msgq_cnt"],
            "Records that the sender took up and that are not decided: in flight, or to be sent again.";
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
