//! The primitives of a loom model, with the faces of `native`. Deadlines never pass in a model.

pub use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize};
pub use loom::sync::{Arc, MutexGuard};

/// A cell that is set once, on loom's mutex: readers get a pointer that lives as long as the cell.
pub struct OnceLock<T>(std::sync::OnceLock<T>, loom::sync::Mutex<()>);

impl<T> OnceLock<T> {
    pub fn new() -> Self {
        OnceLock(std::sync::OnceLock::new(), loom::sync::Mutex::new(()))
    }

    pub fn get(&self) -> Option<&T> {
        let _turn = self.1.lock().expect("a modelled lock is never poisoned");
        self.0.get()
    }

    pub fn take(&mut self) -> Option<T> {
        self.0.take()
    }

    pub fn set(&self, value: T) -> Result<(), T> {
        let _turn = self.1.lock().expect("a modelled lock is never poisoned");
        self.0.set(value)
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Default)]
pub struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub fn new(value: T) -> Self {
        Mutex(loom::sync::Mutex::new(value))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect("a modelled lock is never poisoned")
    }

    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }
}

#[derive(Default)]
pub struct Condvar(loom::sync::Condvar);

impl Condvar {
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>, _deadline: Option<std::time::Instant>) -> MutexGuard<'a, T> {
        self.0.wait(guard).expect("a modelled lock is never poisoned")
    }

    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}
