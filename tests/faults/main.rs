//! Faults with real parts: sockets, brokers, the machine. Each test checks the error that a user reads (its code, and a
//! message that says what was tried, with which broker, and what to do), that bounds are kept, that every accepted
//! record is reported exactly once, and that the same producer works again once the cause is gone. README.md has the
//! table.

mod broker;
mod causes;
mod flow;
#[path = "../real_kafka/harness.rs"]
mod harness;
mod host;
mod hostile;
mod reaching;
mod refused;
