//! What the tests of Ottla share: real brokers, proxies between them and a producer, and a broker that throws away.

pub mod client;
pub mod copy_plan;
pub mod kafka;
pub mod program;
pub mod proxy;
pub mod sink;
