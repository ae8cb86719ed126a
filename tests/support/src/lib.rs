//! What the tests of Ottla share.

pub mod model;
pub mod sink;
