//! Partitioners: pure functions. Topics, backlogs and randomness are arguments. Only a custom partitioner may have
//! state.
#![forbid(unsafe_code)]

pub mod custom;
pub mod hash;
pub mod murmur2;
pub mod rng;
pub mod round_robin;
pub mod sticky;
