//! Three brokers with faults. `OTTLA_SOAK=1` runs the long forms.

#[path = "../real_kafka/harness.rs"]
mod harness;

mod flow;
mod group_log;
mod idempotent;
mod producers;
mod too_few;
mod transactional;
mod troubled;
