//! The Kafka protocol as bytes: no sockets, no threads, no clock.
//!
//! The path of a record (`record_batch`, `produce`) is written by hand. The messages of the control plane (`messages`)
//! are generated from Kafka's schemas (`scripts/messages`). All received bytes are read through [`wire::Reader`], which
//! compares every length with the bytes that are there.

#![forbid(unsafe_code)]
pub mod api;
pub mod fuzzing;
pub mod header;
pub mod leader;
pub mod messages;
pub mod produce;
pub mod record_batch;
pub mod topic_id;
pub mod wire;

pub use api::{ApiKey, ApiVersions};
pub use leader::LeaderEpoch;
pub use topic_id::TopicId;
pub use wire::Reader;
