//! The engine against Apache Kafka, read back by other clients.
//!
//! `OTTLA_SOAK=1` runs the long forms. `scripts/soak` has their names.

mod acks;
mod closing;
mod feature;
mod fencing;
mod first;
mod golden;
mod harness;
mod inquiry;
mod keys;
mod limits;
mod reaching;
mod readback;
mod record_errors;
mod requests;
mod statistics;
mod threads;
mod topics;
mod transaction_offsets;
mod transactions;
