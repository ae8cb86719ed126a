//! A value that is read all the time and rarely replaced.
#![expect(unsafe_code, reason = "readers borrow the newest value without a lock or a reference count")]

use super::{Arc, AtomicPtr, Mutex, Ordering};

/// A read is one acquire load. Every value lives as long as this object, because readers may still borrow it. A value
/// that comes back is not stored again. So it suits data with few different values, like the partitions of a topic.
pub struct Latest<T> {
    newest: AtomicPtr<T>,
    /// Every value that was ever the newest.
    all: Mutex<Vec<Arc<T>>>,
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Latest<T> {
    pub fn new() -> Self {
        Latest { newest: AtomicPtr::default(), all: Mutex::default() }
    }

    /// The newest value, or `None` before the first.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        // SAFETY: `set` stores only addresses of values in `all`, which is never emptied. So they live as long as
        // `self`, which the reference borrows.
        unsafe { self.newest.load(Ordering::Acquire).as_ref() }
    }

    /// Replaces the value. If `is_same` finds an earlier one equal, that becomes the newest again.
    pub fn set(&self, value: T, is_same: impl Fn(&T, &T) -> bool) {
        let mut all = self.all.lock();
        let known = all.iter().position(|earlier| is_same(earlier, &value));
        let at = known.unwrap_or_else(|| {
            all.push(Arc::new(value));
            all.len() - 1
        });
        self.newest.store(Arc::as_ptr(&all[at]).cast_mut(), Ordering::Release);
    }
}

#[cfg(all(test, not(ottla_loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_newest_value_is_read() {
        let latest = Latest::new();
        assert_eq!(latest.get(), None);
        for value in [1, 2, 3] {
            latest.set(value, i32::eq);
            assert_eq!(latest.get(), Some(&value));
        }
    }

    #[test]
    fn a_value_outlives_its_replacement() {
        let latest = Latest::new();
        latest.set("old".to_string(), String::eq);
        let old = latest.get().expect("set above");
        latest.set("new".to_string(), String::eq);
        assert_eq!(old, "old");
    }

    #[test]
    fn values_that_come_back_are_kept_once() {
        let latest = Latest::new();
        for _ in 0..100 {
            latest.set("one".to_string(), String::eq);
            latest.set("other".to_string(), String::eq);
        }
        assert_eq!((latest.get().map(String::as_str), latest.all.lock().len()), (Some("other"), 2));
    }
}
