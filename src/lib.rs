//! Ottla: a producer for Apache Kafka.
//!
//! The C library's manual is `include/ottla.h`; the architecture is told in `DESIGN.md`.

pub mod config;
pub mod error;
pub mod record;

mod batch;
#[cfg(not(feature = "internals"))]
mod compress;
#[cfg(feature = "internals")]
pub mod compress;
mod core;
mod driver;
#[cfg(feature = "ffi")]
mod ffi;
mod front;
#[cfg(not(feature = "internals"))]
mod partition;
#[cfg(feature = "internals")]
pub mod partition;
mod producer;
mod protocol;
mod sync;

pub use error::{Error, ErrorKind, Result};
