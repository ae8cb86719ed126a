//! The engine (front and core) against the modelled cluster, on one thread and by hand.

mod asking;
mod canonical;
mod causes;
mod clock;
mod coverage;
mod deadlines;
mod debug;
mod delivery;
mod dice;
mod error_tables;
mod faults;
mod held_up;
mod idempotence;
mod inquiry;
mod lent;
mod metadata;
mod news;
mod pace;
#[cfg(feature = "planted")]
mod planted;
mod purge;
mod random;
mod random_transactions;
mod record_errors;
mod recreated;
mod requests;
mod seeds;
mod statistics;
mod storms;
mod suspects;
mod topics;
mod transaction_life;
mod transactions;
mod untouched;
mod waiting;
mod world;
