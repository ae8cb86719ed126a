//! Ottla for Rust programs: a producer for Apache Kafka.
//!
//! A [`Producer`] is created from a [`Config`] and a [`Sink`], which gets the delivery reports on the sender's thread.
//! The C library (`include/ottla.h`) is a layer over this crate.

pub mod event_loop;
pub mod producer;

pub use event_loop::{LogSink, Sink};
pub use ottla_core::accumulator::{GroupMetadata, Offset, OffsetCommit, TransactionState};
pub use ottla_core::loan::Loan;
pub use ottla_core::{
    Completion, Config, CounterSnapshot, Delivery, DeliveryResult, Error, ErrorCode, ErrorKind, Fate, Header, Level,
    Outcome, PartitionInfo, Record, Report, Result, Snapshot,
};
pub use producer::{Producer, SendHandle, TopicHandle, Wait};

/// What an application can plug into a producer: a partitioner, serializers and interceptors.
pub mod plugin {
    pub use ottla_core::config::{Plugin, PluginSettings};
    pub use ottla_core::partition::custom::{Choice, CustomPartitioner, Partitions};
    pub use ottla_core::serialize::{Object, Objects, Serialized, Serializer};

    pub use crate::producer::{Interceptor, Plugins, Sending};
}
