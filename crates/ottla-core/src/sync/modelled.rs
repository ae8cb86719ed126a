//! The primitives in loom models, with the interface of `native`. Deadlines never pass in a model.
//!
//! Reference counts are the standard ones: loom's `Arc` cannot hold a `str`, and no result depends on their order.

use std::sync::atomic::Ordering;

pub use loom::sync::MutexGuard;
pub use std::sync::Arc;

/// Loom treats `SeqCst` accesses as `AcqRel`. So it would find that two threads which each store, and then load what
/// the other stored, can both miss the other. Its fences are sequentially consistent, so each `SeqCst` access is put
/// between two. (That is slightly stronger than the language guarantees. Code that needs less than `SeqCst` asks for
/// less.)
fn ordered<T>(order: Ordering, access: impl FnOnce() -> T) -> T {
    if order != Ordering::SeqCst {
        return access();
    }
    loom::sync::atomic::fence(Ordering::SeqCst);
    let result = access();
    loom::sync::atomic::fence(Ordering::SeqCst);
    result
}

macro_rules! atomic {
    ($name:ident, $value:ty) => {
        #[derive(Debug)]
        pub struct $name(loom::sync::atomic::$name);

        impl $name {
            pub fn new(value: $value) -> Self {
                $name(loom::sync::atomic::$name::new(value))
            }

            pub fn load(&self, order: Ordering) -> $value {
                ordered(order, || self.0.load(order))
            }

            pub fn store(&self, value: $value, order: Ordering) {
                ordered(order, || self.0.store(value, order));
            }

            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                ordered(order, || self.0.swap(value, order))
            }

            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                ordered(success, || self.0.compare_exchange(current, new, success, failure))
            }

            pub fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.compare_exchange(current, new, success, failure)
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new(<$value>::default())
            }
        }
    };
}

macro_rules! arithmetic {
    ($name:ident, $value:ty) => {
        impl $name {
            pub fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                ordered(order, || self.0.fetch_add(value, order))
            }

            pub fn fetch_sub(&self, value: $value, order: Ordering) -> $value {
                ordered(order, || self.0.fetch_sub(value, order))
            }

            pub fn fetch_min(&self, value: $value, order: Ordering) -> $value {
                ordered(order, || self.0.fetch_min(value, order))
            }

            pub fn fetch_max(&self, value: $value, order: Ordering) -> $value {
                ordered(order, || self.0.fetch_max(value, order))
            }
        }
    };
}

atomic!(AtomicBool, bool);
atomic!(AtomicI32, i32);
atomic!(AtomicU32, u32);
atomic!(AtomicU64, u64);
atomic!(AtomicUsize, usize);
arithmetic!(AtomicU32, u32);
arithmetic!(AtomicU64, u64);
arithmetic!(AtomicUsize, usize);

#[derive(Debug)]
pub struct AtomicPtr<T>(loom::sync::atomic::AtomicPtr<T>);

impl<T> AtomicPtr<T> {
    pub fn load(&self, order: Ordering) -> *mut T {
        ordered(order, || self.0.load(order))
    }

    pub fn store(&self, value: *mut T, order: Ordering) {
        ordered(order, || self.0.store(value, order));
    }
}

impl<T> Default for AtomicPtr<T> {
    fn default() -> Self {
        AtomicPtr(loom::sync::atomic::AtomicPtr::new(std::ptr::null_mut()))
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
