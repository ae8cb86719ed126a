//! Statistics: counts, levels and histograms of the producer, each broker and each topic.
//!
//! Nothing is counted per record. The sender's thread adds a few numbers per batch and per request. Readers pay for
//! reading.
#![forbid(unsafe_code)]

mod cell;
mod counters;
mod document;
mod histogram;
mod java;
mod json;
mod live;
mod prometheus;
mod snapshot;
mod table;
#[cfg(test)]
mod tests;

pub use cell::Kind;
pub use counters::CounterSnapshot;
pub use document::metrics_markdown;
pub use histogram::Distribution;
pub use live::{BrokerStatistics, Statistics, TopicStatistics};
pub use snapshot::Measured;
pub use snapshot::{BrokerName, ErrorFigures, Snapshot};
pub use table::{BrokerFigures, ProducerFigures, TopicFigures};
pub use table::{Figures, Row};
