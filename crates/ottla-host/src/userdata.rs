//! A pointer of the application's that comes back with each call of a function of the application's.
#![expect(unsafe_code, reason = "a function of the application's releases the pointer")]

use std::ffi::c_void;
use std::sync::Arc;

/// Releases a pointer of the application's.
pub type Free = unsafe extern "C" fn(userdata: *mut c_void);

/// The pointer and how it is released, shared by a configuration, its copies and the producers made from them.
#[derive(Clone)]
pub struct Userdata(Arc<Owned>);

struct Owned {
    pointer: *mut c_void,
    free: Option<Free>,
}

// SAFETY: the library never looks behind the pointer. That `free` may run on any thread is in the contract of `new`.
unsafe impl Send for Owned {}
// SAFETY: as above; the pointer is only copied.
unsafe impl Sync for Owned {}

impl Userdata {
    /// # Safety
    /// `free` may be called with `pointer`, once, on any thread.
    pub unsafe fn new(pointer: *mut c_void, free: Option<Free>) -> Self {
        Userdata(Arc::new(Owned { pointer, free }))
    }

    /// Without a pointer.
    pub fn none() -> Self {
        Userdata(Arc::new(Owned { pointer: std::ptr::null_mut(), free: None }))
    }

    #[inline]
    pub fn pointer(&self) -> *mut c_void {
        self.0.pointer
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: by the contract of `Userdata::new`; this is its only call.
            unsafe { free(self.pointer) };
        }
    }
}

/// A record's userdata as the number that the engine keeps with the record.
#[inline]
pub fn tag_of(userdata: *mut c_void) -> u64 {
    userdata.expose_provenance() as u64
}

/// The userdata of a number that [`tag_of`] made.
#[inline]
pub fn userdata_of(tag: u64) -> *mut c_void {
    std::ptr::with_exposed_provenance_mut(tag as usize)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    unsafe extern "C" fn count(userdata: *mut c_void) {
        // SAFETY: the test gives a counter that outlives it.
        unsafe { &*userdata.cast::<AtomicU32>() }.fetch_add(1, Ordering::Relaxed);
    }

    #[test]
    fn the_last_copy_releases_the_pointer_once() {
        let freed = AtomicU32::new(0);
        // SAFETY: the counter outlives each copy, and any thread may count.
        let first = unsafe { Userdata::new((&raw const freed).cast_mut().cast(), Some(count)) };
        let copy = first.clone();
        assert_eq!(copy.pointer().cast_const(), (&raw const freed).cast());
        drop(first);
        assert_eq!(freed.load(Ordering::Relaxed), 0, "a copy is left");
        std::thread::spawn(move || drop(copy)).join().expect("no panic");
        assert_eq!(freed.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_tag_leads_back_to_its_userdata() {
        let mut number = 5;
        let pointer = std::ptr::from_mut(&mut number).cast::<c_void>();
        assert_eq!(userdata_of(tag_of(pointer)), pointer);
    }
}
