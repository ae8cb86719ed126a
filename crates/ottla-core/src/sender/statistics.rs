//! Counts where several figures change together: once per batch, request or connection.

use std::time::Duration;

use super::broker::Link;
use super::index::{BrokerIndex, PartitionIndex, TopicIndex};
use super::request::{InFlight, Produced};
use super::{Frame, Sender};
use crate::batch::{Batch, Outcome};
use crate::error::ErrorKind;
use crate::protocol::record_batch;
use crate::record::Fate;

impl Sender {
    /// Counts a batch that was taken from its slot.
    pub(super) fn count_taken(&mut self, index: PartitionIndex, batch: &Batch) {
        let topic = self.partitions[index].topic;
        self.topics[topic].statistics.cells.records_taken.add(i64::from(batch.count()));
    }

    /// Counts a batch that is put into a request, for the first time or again.
    pub(super) fn count_carried(&mut self, topic: TopicIndex, broker: BrokerIndex, batch: &Batch) {
        let producer = &self.statistics.producer;
        let topic = &self.topics[topic].statistics.cells;
        let broker = &self.brokers[broker].statistics.cells;
        let records = u64::from(batch.count());
        if batch.sealed.attempts > 0 {
            producer.batches_retried.add(1);
            producer.records_retried.add(records);
            topic.batches_retried.add(1);
            topic.records_retried.add(records);
            return broker.batches_retried.add(1);
        }
        if batch.sealed.counted {
            return;
        }
        let bytes = (record_batch::HEADER_LEN + batch.payload().len()) as u64;
        producer.batches_sent.add(1);
        producer.records_sent.add(records);
        producer.batch_bytes.add(bytes, 1);
        producer.batch_records.add(records, 1);
        producer.queue_time_us.add_time(batch.age(self.now), records);
        topic.batches_sent.add(1);
        topic.records_sent.add(records);
        topic.batch_bytes.add(bytes, 1);
        for (record_bytes, payload_bytes) in
            [(&producer.record_bytes, &producer.payload_bytes), (&topic.record_bytes, &topic.payload_bytes)]
        {
            record_bytes.add(batch.bytes() as u64);
            payload_bytes.add(batch.payload().len() as u64);
        }
        broker.batches_sent.add(1);
    }

    pub(super) fn count_produce_request(&mut self, produced: &Produced) {
        let records = produced.iter().filter_map(|carried| Some(carried.batch.as_ref()?.count())).sum::<u32>();
        self.statistics.producer.produce_requests.add(1);
        self.statistics.producer.records_per_request.add(u64::from(records), 1);
    }

    /// Counts a frame that is handed to a connection.
    pub(super) fn count_request(&mut self, index: BrokerIndex, frame: &Frame) {
        let bytes = frame.len() as u64;
        let (producer, broker) = (&self.statistics.producer, &self.brokers[index].statistics.cells);
        producer.requests.add(1);
        producer.bytes_sent.add(bytes);
        producer.request_bytes.add(bytes, 1);
        producer.requests_in_flight.add(1);
        broker.requests.add(1);
        broker.bytes_sent.add(bytes);
        broker.request_bytes.add(bytes, 1);
        broker.requests_in_flight.add(1);
    }

    /// Counts requests that are no longer in flight: answered, written without a response, or given up.
    pub(super) fn count_ended(&self, index: BrokerIndex, requests: usize) {
        let ended = -(requests as i64);
        self.statistics.producer.requests_in_flight.add(ended);
        self.brokers[index].statistics.cells.requests_in_flight.add(ended);
    }

    pub(super) fn count_response(&self, index: BrokerIndex, frame: &[u8]) {
        let (producer, broker) = (&self.statistics.producer, &self.brokers[index].statistics.cells);
        let bytes = frame.len() as u64 + 4;
        producer.responses.add(1);
        producer.bytes_received.add(bytes);
        broker.responses.add(1);
        broker.bytes_received.add(bytes);
    }

    /// Measures the response time of a request.
    pub(super) fn count_latency(&self, index: BrokerIndex, request: &InFlight) {
        let latency = self.now.since(request.sent);
        self.statistics.producer.request_latency_us.add_time(latency, 1);
        self.brokers[index].statistics.cells.request_latency_us.add_time(latency, 1);
    }

    pub(super) fn count_timed_out(&self, index: BrokerIndex) {
        self.statistics.producer.requests_timed_out.add(1);
        self.brokers[index].statistics.cells.requests_timed_out.add(1);
    }

    pub(super) fn count_throttled(&self, index: BrokerIndex, ms: u64) {
        let producer = &self.statistics.producer;
        producer.throttle_ms.add(ms);
        producer.throttle_time_us.add_time(Duration::from_millis(ms), 1);
        self.brokers[index].statistics.cells.throttle_ms.add(ms);
    }

    /// Changes the state of a broker's connection. Every change goes through here.
    pub(super) fn set_link(&mut self, index: BrokerIndex, link: Link) {
        let now = self.now;
        let broker = &mut self.brokers[index];
        let was_up = std::mem::replace(&mut broker.link, link) == Link::Up;
        broker.link_since = now;
        let (producer, cells) = (&self.statistics.producer, &broker.statistics.cells);
        cells.state.set(match link {
            Link::Down => 0,
            Link::Resolving => 1,
            Link::Connecting | Link::Securing => 2,
            Link::Greeting => 3,
            Link::Up => 4,
        });
        match (was_up, link) {
            (false, Link::Up) => {
                producer.connections_opened.add(1);
                producer.connections_open.add(1);
                cells.connections_opened.add(1);
                cells.connected_us.begin(now);
            }
            (true, Link::Down) => {
                producer.connections_closed.add(1);
                producer.connections_open.add(-1);
                cells.connections_closed.add(1);
                cells.connected_us.end();
            }
            _ => {}
        }
    }

    pub(super) fn count_connect_failed(&self, index: BrokerIndex) {
        self.statistics.producer.connections_failed.add(1);
        self.brokers[index].statistics.cells.connections_failed.add(1);
    }

    /// Counts a batch that a broker refused, or whose response will not come.
    pub(super) fn count_refused(&self, broker: BrokerIndex, kind: ErrorKind) {
        self.brokers[broker].statistics.cells.batches_refused.add(1);
        self.statistics.count_refused(kind);
    }

    /// Counts a batch that was decided. `taken`: the sender had taken it before.
    pub(super) fn count_decided(&mut self, batch: &Batch, outcome: &Outcome, taken: bool) {
        let records = u64::from(batch.count());
        let producer = &self.statistics.producer;
        let topic = self.topic_by_name.get(&batch.topic).map(|&topic| &self.topics[topic].statistics.cells);
        producer.delivery_time_us.add_time(outcome.latency, records);
        if let Some(topic) = topic {
            topic.delivery_time_us.add_time(outcome.latency, records);
            if taken {
                topic.records_taken.add(-i64::from(batch.count()));
            }
        }
        let Some(error) = &outcome.error else {
            producer.records_delivered.add(records);
            return topic.into_iter().for_each(|topic| topic.records_delivered.add(records));
        };
        self.statistics.count_failed(error.kind(), records);
        let unknown = if outcome.fate == Fate::Unknown { records } else { 0 };
        let late = matches!(error.kind(), ErrorKind::DeliveryTimedOut | ErrorKind::MetadataTimedOut);
        let expired = if late { records } else { 0 };
        let purged = if error.kind() == ErrorKind::Purged { records } else { 0 };
        producer.records_failed.add(records);
        producer.records_unknown.add(unknown);
        producer.records_expired.add(expired);
        producer.records_purged.add(purged);
        if let Some(topic) = topic {
            topic.records_failed.add(records);
            topic.records_unknown.add(unknown);
            topic.records_expired.add(expired);
            topic.records_purged.add(purged);
        }
    }
}
