//! Partitioners: pure functions. Topics, loads and randomness are arguments. Only a custom partitioner (`own`) may do
//! more.
#![forbid(unsafe_code)]

pub mod custom;
pub mod hash;
pub mod murmur2;
pub mod rng;
pub mod round_robin;
pub mod sticky;
