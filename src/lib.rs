//! Ottla: a producer for Apache Kafka.
//!
//! The C library's manual is `include/ottla.h`; the architecture is told in `DESIGN.md`.

pub mod config;
pub mod error;
pub mod record;

mod batch;
mod compress;
mod core;
mod driver;
#[cfg(feature = "ffi")]
mod ffi;
mod front;
mod partition;
mod producer;
#[cfg(not(feature = "internals"))]
mod protocol;
#[cfg(feature = "internals")]
pub mod protocol;
mod sync;

pub use error::{Error, ErrorKind, Result};
