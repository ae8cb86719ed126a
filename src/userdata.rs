//! Pointers of the application that are passed back to its functions.

use std::ffi::c_void;

use ottla_core::sync::Arc;

/// Releases a `userdata` of the application. Called exactly once, on any thread, after the last call that gets the
/// `userdata` has returned. It must not call functions of this library with the same handle.
pub type ottla_free_fn = Option<unsafe extern "C" fn(userdata: *mut c_void)>;

/// The pointer and how it is released, shared by a configuration, its copies and the producers made from them.
#[derive(Clone)]
pub(super) struct Userdata(Arc<Owned>);

struct Owned {
    pointer: *mut c_void,
    free: ottla_free_fn,
}

// SAFETY: the library never looks behind the pointer. That the functions which get it may run on other threads than
// the one that gave it is said in the contract of each that takes it.
unsafe impl Send for Owned {}
// SAFETY: as above; the pointer is only copied.
unsafe impl Sync for Owned {}

impl Userdata {
    pub(super) fn new(pointer: *mut c_void, free: ottla_free_fn) -> Self {
        Userdata(Arc::new(Owned { pointer, free }))
    }

    #[inline]
    pub(super) fn pointer(&self) -> *mut c_void {
        self.0.pointer
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: the function is the one given with this pointer, and this is its only call.
            unsafe { free(self.pointer) };
        }
    }
}
