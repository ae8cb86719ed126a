//! Ottla: a producer for Apache Kafka.
//!
//! `include/ottla.h` is the manual of the C library. `DESIGN.md` describes the architecture.

mod allocate;
pub mod config;
pub mod error;
pub mod loan;
pub mod record;
mod text;

#[cfg(not(feature = "internals"))]
mod batch;
#[cfg(feature = "internals")]
pub mod batch;
#[cfg(not(feature = "internals"))]
mod compress;
#[cfg(feature = "internals")]
pub mod compress;
#[cfg(not(feature = "internals"))]
mod core;
#[cfg(feature = "internals")]
pub mod core;
#[cfg(not(feature = "internals"))]
mod driver;
#[cfg(feature = "internals")]
pub mod driver;
#[cfg(feature = "ffi")]
mod ffi;
#[cfg(not(feature = "internals"))]
mod front;
#[cfg(feature = "internals")]
pub mod front;
#[cfg(not(feature = "internals"))]
mod partition;
#[cfg(feature = "internals")]
pub mod partition;
#[cfg(not(feature = "planted"))]
mod planted;
#[cfg(feature = "planted")]
pub mod planted;
#[cfg(not(feature = "internals"))]
mod producer;
#[cfg(feature = "internals")]
pub mod producer;
#[cfg(not(feature = "internals"))]
mod protocol;
#[cfg(feature = "internals")]
pub mod protocol;
#[cfg(not(feature = "internals"))]
mod serialize;
#[cfg(feature = "internals")]
pub mod serialize;
#[cfg(not(feature = "internals"))]
mod statistics;
#[cfg(feature = "internals")]
pub mod statistics;
#[cfg(not(feature = "internals"))]
mod sync;
#[cfg(feature = "internals")]
pub mod sync;

pub use batch::{Completion, Delivery, Outcome, Report, Told};
pub use config::Config;
pub use core::{Level, PartitionInfo};
pub use driver::{LogSink, Sink};
pub use error::{Error, ErrorCode, ErrorKind, Result};
pub use producer::{Producer, SendHandle, TopicHandle, Wait};
pub use record::{Fate, Header, Record};
pub use statistics::{CounterSnapshot, Snapshot, metrics_markdown};
