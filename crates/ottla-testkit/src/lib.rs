//! What the tests of Ottla share: real brokers, proxies in front of them, a sink broker, and an allocator that
//! counts.

pub mod allocator;
pub mod client;
pub mod copy_plan;
pub mod kafka;
pub mod program;
pub mod proxy;
pub mod sink;
