//! Kafka's wire format: bytes only. The hot path (record batches, Produce) is written by hand; the control-plane
//! messages are bounded readers and writers, one file each.

mod api;
pub mod header;
pub mod messages;
pub mod produce;
pub mod record_batch;
mod wire;

pub use api::{ApiKey, ApiVersions};
pub use wire::{Reader, Writer};
