//! Which partition a record goes to. Pure functions: topics, loads and randomness are the caller's.

pub mod hash;
pub mod murmur2;
pub mod rng;
pub mod round_robin;
pub mod sticky;
