//! The primitives outside loom models: parking_lot's locks (one byte, 20 ns uncontended) and the standard atomics.

pub use parking_lot::{Mutex, MutexGuard};
pub use std::sync::Arc;
pub use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize};

/// A condition variable with one way to wait.
#[derive(Default)]
pub struct Condvar(parking_lot::Condvar);

impl Condvar {
    /// Waits until it is notified or the `deadline` passes, with spurious wake-ups. Returns the guard that it was
    /// given.
    pub fn wait<'a, T>(&self, mut guard: MutexGuard<'a, T>, deadline: Option<std::time::Instant>) -> MutexGuard<'a, T> {
        match deadline {
            None => self.0.wait(&mut guard),
            Some(deadline) => {
                self.0.wait_until(&mut guard, deadline);
            }
        }
        guard
    }

    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}
