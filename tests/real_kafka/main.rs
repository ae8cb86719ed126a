//! The engine against Apache Kafka itself, read back by clients that are not ours.
//!
//! `OTTLA_SOAK=1` runs the long forms; `scripts/soak` knows their names.

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
