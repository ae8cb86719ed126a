//! What goes wrong, on real parts: sockets, brokers, the machine. Each test shows the error that a user reads (its code, and
//! words of its message: what was tried, on what, what to do), that the bound is kept, that every accepted record is told
//! of exactly once, and that the same producer works again once the cause is gone. README.md has the table.

mod broker;
mod causes;
mod flow;
#[path = "../real_kafka/harness.rs"]
mod harness;
mod host;
mod hostile;
mod reaching;
mod refused;
