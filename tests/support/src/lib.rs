//! What the tests of Ottla share.
pub mod kafka;

pub mod model;
pub mod proxy;
pub mod sink;
