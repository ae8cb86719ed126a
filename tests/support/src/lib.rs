//! What the tests of Ottla share.

pub mod sink;
