//! The figures while the producer lives. The sender's thread writes them, and a snapshot reads them on any thread.

use std::collections::BTreeMap;

use super::snapshot::{ErrorFigures, Measured, Snapshot};
use super::table::{BrokerCells, ProducerCells, TopicCells};
use crate::error::ErrorKind;
use crate::sync::{Arc, Mutex, Time};

/// The figures of one producer. Each is a number with one writer and without a lock, so a snapshot can be taken in a
/// callback, while another callback is stuck, and after the sender has ended. The locks are for the lists, which grow
/// when the sender meets a new broker, topic or error.
#[derive(Default)]
pub struct Statistics {
    pub producer: ProducerCells,
    client_id: Box<str>,
    begun: Time,
    brokers: Mutex<Vec<Arc<BrokerStatistics>>>,
    topics: Mutex<Vec<Arc<TopicStatistics>>>,
    errors: Mutex<BTreeMap<i32, ErrorFigures>>,
}

pub struct BrokerStatistics {
    pub id: i32,
    address: Mutex<String>,
    pub cells: BrokerCells,
}

pub struct TopicStatistics {
    pub name: Arc<str>,
    pub cells: TopicCells,
}

impl Statistics {
    pub fn new(client_id: &str, now: Time) -> Self {
        let statistics = Statistics { client_id: client_id.into(), begun: now, ..Statistics::default() };
        statistics.producer.producer_id.set(-1);
        statistics
    }

    /// Adds figures for a new broker. Thread: sender, as for the methods below unless they say otherwise.
    pub fn add_broker(&self, id: i32, address: String) -> Arc<BrokerStatistics> {
        let broker = Arc::new(BrokerStatistics { id, address: Mutex::new(address), cells: BrokerCells::default() });
        self.brokers.lock().push(broker.clone());
        broker
    }

    pub fn add_topic(&self, name: &Arc<str>) -> Arc<TopicStatistics> {
        let topic = Arc::new(TopicStatistics { name: name.clone(), cells: TopicCells::default() });
        self.topics.lock().push(topic.clone());
        topic
    }

    /// Counts an attempt to send a batch that ended with an error.
    pub fn count_refused(&self, kind: ErrorKind) {
        self.with_error(kind, |error| error.batches_refused += 1);
    }

    /// Counts records that completed with an error.
    pub fn count_failed(&self, kind: ErrorKind, records: u64) {
        self.with_error(kind, |error| error.records_failed += records);
    }

    /// Counts records that completed with an error outside the sender, which counts its own.
    pub fn count_failed_outside(&self, topic: &str, kind: ErrorKind, records: u64, unknown: bool) {
        let unknown = if unknown { records } else { 0 };
        self.count_failed(kind, records);
        self.producer.records_failed.add(records);
        self.producer.records_unknown.add(unknown);
        if let Some(topic) = self.topics.lock().iter().find(|known| *known.name == *topic) {
            topic.cells.records_failed.add(records);
            topic.cells.records_unknown.add(unknown);
        }
    }

    /// Records that the sender has taken and not decided. Any thread.
    pub fn records_taken(&self) -> usize {
        let taken: i64 = self.topics.lock().iter().map(|topic| topic.cells.records_taken.get()).sum();
        usize::try_from(taken).unwrap_or(0)
    }

    fn with_error(&self, kind: ErrorKind, change: impl FnOnce(&mut ErrorFigures)) {
        let none = ErrorFigures { kind, batches_refused: 0, records_failed: 0 };
        change(self.errors.lock().entry(kind.code()).or_insert(none));
    }

    /// A snapshot, except for the figures that the caller looks up. Any thread.
    pub fn read(&self, now: Time, wall_ms: i64) -> Snapshot {
        let brokers = self.brokers.lock().clone();
        let topics = self.topics.lock().clone();
        Snapshot {
            client_id: self.client_id.clone(),
            taken_ms: wall_ms,
            span: now.since(self.begun),
            producer: self.producer.read(now),
            brokers: brokers.iter().map(|broker| broker.read(now)).collect(),
            topics: topics
                .iter()
                .map(|topic| Measured { what: topic.name.clone(), figures: topic.cells.read(now) })
                .collect(),
            errors: self.errors.lock().values().copied().collect(),
        }
    }
}

impl BrokerStatistics {
    /// Notes that the broker has moved.
    pub fn set_address(&self, address: String) {
        *self.address.lock() = address;
    }

    fn read(&self, now: Time) -> Measured<super::BrokerName, super::BrokerFigures> {
        let what = super::BrokerName { id: self.id, address: self.address.lock().as_str().into() };
        Measured { what, figures: self.cells.read(now) }
    }
}
