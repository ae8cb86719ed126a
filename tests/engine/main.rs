//! The engine (front and core) against the modelled cluster, on one thread and by hand.

mod delivery;
mod random;
mod world;
