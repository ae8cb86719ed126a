//! Locks, atomics, time, and differences between platforms. Nothing here is specific to Kafka.
//!
//! The accumulator uses only these types for synchronisation. So loom (`--cfg ottla_loom`) can replace them with its own
//! and try every interleaving.

mod cache;
mod clock;
mod fork;
mod hand_over;
mod latest;
#[cfg(ottla_loom)]
mod modelled;
#[cfg(not(ottla_loom))]
mod native;
mod signals;

pub use cache::{CACHE_LINE, fetch_to_write};
pub use clock::{Clock, SystemClock, Time};
pub use fork::{Generation, notice_forks};
pub use hand_over::{HandOver, is_checked_for_races};
pub use latest::Latest;
pub use signals::with_signals_blocked;

#[cfg(ottla_loom)]
pub use modelled::{
    Arc, AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Condvar, Mutex, MutexGuard,
};
#[cfg(not(ottla_loom))]
pub use native::{
    Arc, AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Condvar, Mutex, MutexGuard,
};
pub use std::sync::atomic::Ordering;
