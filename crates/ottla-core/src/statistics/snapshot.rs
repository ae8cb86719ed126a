//! Snapshots: the figures at one moment, or the difference between two.

use std::time::Duration;

use super::table::{BrokerFigures, ProducerFigures, TopicFigures};
use crate::error::ErrorKind;
use crate::sync::Arc;

/// A copy of all figures. Each is exact, but they are not read at the same instant.
#[derive(Clone)]
pub struct Snapshot {
    pub client_id: Box<str>,
    /// When it was taken, in milliseconds since 1970 UTC.
    pub taken_ms: i64,
    /// The time that the counts cover: since the producer was created, or since the earlier snapshot.
    pub span: Duration,
    pub producer: ProducerFigures,
    pub brokers: Vec<Measured<BrokerName, BrokerFigures>>,
    pub topics: Vec<Measured<Arc<str>, TopicFigures>>,
    /// By code, ascending.
    pub errors: Vec<ErrorFigures>,
}

/// Figures, and the object to which they belong.
#[derive(Clone)]
pub struct Measured<W, F> {
    pub what: W,
    pub figures: F,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrokerName {
    /// Negative for an address of `bootstrap.servers`.
    pub id: i32,
    /// Host and port.
    pub address: Box<str>,
}

/// How often one error occurred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorFigures {
    pub kind: ErrorKind,
    /// Attempts to send a batch that ended with the error, whether or not the batch was sent again.
    pub batches_refused: u64,
    /// Records that completed with the error.
    pub records_failed: u64,
}

impl Snapshot {
    /// The difference to an `earlier` snapshot of the same producer. Counts and histograms are subtracted, levels are
    /// those of `self`.
    pub fn since(&self, earlier: &Snapshot) -> Snapshot {
        // Brokers and topics are only added, at the end of the lists.
        let brokers = self.brokers.iter().enumerate().map(|(at, broker)| match earlier.brokers.get(at) {
            Some(before) => Measured { what: broker.what.clone(), figures: broker.figures.since(&before.figures) },
            None => broker.clone(),
        });
        let topics = self.topics.iter().enumerate().map(|(at, topic)| match earlier.topics.get(at) {
            Some(before) => Measured { what: topic.what.clone(), figures: topic.figures.since(&before.figures) },
            None => topic.clone(),
        });
        let errors = self.errors.iter().map(|error| match earlier.errors.iter().find(|e| e.kind == error.kind) {
            Some(before) => ErrorFigures {
                kind: error.kind,
                batches_refused: error.batches_refused.saturating_sub(before.batches_refused),
                records_failed: error.records_failed.saturating_sub(before.records_failed),
            },
            None => *error,
        });
        Snapshot {
            client_id: self.client_id.clone(),
            taken_ms: self.taken_ms,
            span: self.span.saturating_sub(earlier.span),
            producer: self.producer.since(&earlier.producer),
            brokers: brokers.collect(),
            topics: topics.collect(),
            errors: errors.collect(),
        }
    }
}
