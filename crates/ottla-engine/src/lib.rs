//! Ottla for Rust programs: a producer for Apache Kafka.
//!
//! A [`Producer`] is created from a [`Config`] and a [`Sink`], which gets the delivery reports on the sender's thread.
//! The C library (`include/ottla.h`) is a layer over this crate.

pub mod event_loop;
pub mod producer;
mod tls;

pub use event_loop::{LogSink, Sink};
pub use ottla_core::accumulator::{GroupMetadata, Offset, OffsetCommit, TransactionState};
pub use ottla_core::batch::PlainRecord;
pub use ottla_core::config::Dialect;
pub use ottla_core::loan::{Lent, Loan, Offer};
pub use ottla_core::sender::{Event, EventKind};
pub use ottla_core::{
    Completion, Config, CounterSnapshot, Delivery, DeliveryResult, Error, ErrorCode, ErrorKind, Fate, Header, Level,
    Outcome, PartitionInfo, Record, Report, Result, SentRecord, Snapshot,
};
pub use producer::{Producer, SendHandle, TopicHandle, Wait};

/// The table of properties, as documents and C libraries show it.
pub mod property {
    pub use ottla_core::config::{Importance, Property, Scope, State};
}

/// What a [`Snapshot`] consists of.
pub mod statistics {
    pub use ottla_core::statistics::{BrokerFigures, Distribution, ErrorFigures, ProducerFigures, TopicFigures};
}

/// What layers over this crate, such as C libraries, share with it: locks and clocks, allocations that may fail, and how
/// messages are written. Applications do not need it, and it may change in any release.
pub mod support {
    pub use ottla_core::{allocate, sync, text};
}

/// What the application plugs into a producer: a partitioner, serializers, interceptors.
pub mod plugin {
    pub use ottla_core::config::{Plugin, PluginSettings};
    pub use ottla_core::partition::custom::{Choice, CustomPartitioner, Partitions};
    pub use ottla_core::serialize::{Bytes, Object, Objects, Serialized, Serializer};

    pub use crate::producer::{Interceptor, Plugins, Sending};
}
