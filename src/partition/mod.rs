//! Which partition a record goes to. Pure functions: topics, loads and randomness are the caller's.
#![cfg_attr(not(feature = "internals"), allow(dead_code, reason = "the front does not choose partitions yet"))]

pub mod murmur2;
pub mod rng;
pub mod round_robin;
pub mod sticky;
