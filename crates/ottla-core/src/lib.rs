//! The core of Ottla, a producer for Apache Kafka. It has no sockets, no threads and no clock.
//!
//! [`accumulator`] is the part that application threads touch: records are encoded into batches there. [`sender`] decides
//! what is sent when, and what a response means. Time is an argument, and bytes go in and out, so tests run the core in a
//! simulated world. `ottla-engine` puts sockets, timers and a thread around it; programs use that crate. This one has no
//! stable API.

pub mod accumulator;
pub mod allocate;
pub mod batch;
pub mod compress;
pub mod config;
pub mod error;
pub mod loan;
pub mod partition;
#[cfg(not(feature = "planted"))]
mod planted;
#[cfg(feature = "planted")]
pub mod planted;
pub mod protocol;
pub mod record;
pub mod secret;
pub mod sender;
pub mod serialize;
pub mod statistics;
pub mod sync;
pub mod text;

pub use batch::{Completion, Delivery, DeliveryResult, Outcome, Report, SentRecord};
pub use config::Config;
pub use error::{Error, ErrorCode, ErrorKind, Result};
pub use record::{Fate, Header, Record};
pub use sender::{Level, PartitionInfo};
pub use statistics::{CounterSnapshot, Snapshot, metrics_markdown};
