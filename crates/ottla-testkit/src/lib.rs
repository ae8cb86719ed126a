//! What the tests of Ottla share: real brokers, proxies in front of them, and a sink broker.

pub mod client;
pub mod copy_plan;
pub mod kafka;
pub mod program;
pub mod proxy;
pub mod sink;
