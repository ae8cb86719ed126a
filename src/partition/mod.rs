//! Which partition a record goes to. Pure functions: topics, loads and randomness are the caller's. Only what the
//! application brings in `own` may do as it likes.
#![forbid(unsafe_code)]

pub mod hash;
pub mod murmur2;
pub mod own;
pub mod rng;
pub mod round_robin;
pub mod sticky;
