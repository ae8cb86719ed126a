//! The engine against Apache Kafka itself, read back by clients that are not ours.
//!
//! `OTTLA_SOAK=1` runs the long forms; `tests/soak` knows their names.

mod first;
mod harness;
mod readback;
